"""Recall: which preferences and past turns bear on this prompt. Pure functions over what is held in memory."""

from idiolect.memory.recall.dense import from_int8
from idiolect.memory.recall.episodes import Episodes, recall_episodes, spoken
from idiolect.memory.recall.gate import Gate
from idiolect.memory.recall.memories import Memories
from idiolect.memory.recall.ranking import recall
from idiolect.memory.recall.recalled import Episode, Parts, Recalled, RecalledEpisode, RecalledPreference
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.texts import recall_texts

__all__ = [
    "Episode",
    "Episodes",
    "Gate",
    "Memories",
    "Parts",
    "RecallSettings",
    "Recalled",
    "RecalledEpisode",
    "RecalledPreference",
    "from_int8",
    "recall",
    "recall_episodes",
    "recall_texts",
    "spoken",
]
