"""What is inferred from how a person uses Idiolect: only while they allow it, as numbers that fade and as offers.

A kind of inference reads a person's own events, in order, and finds weak evidence (`Hint`) and proposals. The same
events give the same finds, with the same ids, so that a replay finds what was found live. Special categories are never
inferred: the words that are offered come from a closed list that holds none.
"""

from idiolect.memory.inference.reactions import Reactions
from idiolect.memory.inference.reader import Found, Reader
from idiolect.memory.inference.repeats import Repeats
from idiolect.memory.inference.writing import Writing
from idiolect.schema import Inference

__all__ = ["READERS", "Found", "Reader"]

READERS: dict[Inference, type[Reader]] = {"repeats": Repeats, "reactions": Reactions, "style": Writing}
