"""Recall: which preferences and past turns bear on this prompt. Pure functions over what is held in memory."""

from idiolect.memory.recall.dense import from_int8
from idiolect.memory.recall.gate import Gate
from idiolect.memory.recall.memories import Memories
from idiolect.memory.recall.ranking import recall
from idiolect.memory.recall.recalled import Episode, Parts, Recalled, RecalledEpisode, RecalledPreference
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.texts import recall_texts
from idiolect.memory.recall.turns import PastTurns
from idiolect.memory.recall.utterances import spoken

__all__ = [
    "Episode",
    "Gate",
    "Memories",
    "Parts",
    "PastTurns",
    "RecallSettings",
    "Recalled",
    "RecalledEpisode",
    "RecalledPreference",
    "from_int8",
    "recall",
    "recall_texts",
    "spoken",
]
