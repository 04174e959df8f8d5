"""Which of two statements goes before the other, and which of those that stand side by side are in force."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from idiolect.memory.consolidation.entry import Entry, Order
from idiolect.memory.consolidation.sameness import identity

Standing: TypeAlias = Literal["newer", "older", "equal", "apart"]


def is_twin(one: Entry, other: Entry) -> bool:
    """Whether they say the same."""
    same = one.key.thing == other.key.thing and one.key.sign == other.key.sign
    return same and one.slots.temporary == other.slots.temporary


def contradicts(new: Entry, old: Entry) -> bool:
    """Whether both cannot hold: opposites of one thing, or one thing with two quantities."""
    if new.key.thing == old.key.thing:
        return new.key.sign != old.key.sign
    return new.key.frame is not None and new.key.frame == old.key.frame and new.key.sign == old.key.sign


def corrects(new: Entry, old: Entry) -> bool:
    """Whether "actually, no more hotels" is said of quiet hotels too; or "actually, rather tea than coffee", of coffee.

    Beside corrections the general and the specific live side by side.
    """
    (sort, said, other, scope), (old_sort, old_said, old_other, old_scope) = new.key.thing, old.key.thing
    if sort == "attribute" or (sort, scope) != (old_sort, old_scope) or old_other or not said:
        return False
    if other:
        return old.key.sign > 0 and old_said == identity(new.slots.over)
    return new.key.sign != old.key.sign and said < old_said


def standing(new: Entry, old: Entry) -> Standing:
    """Of two that contradict each other, how the one that comes in stands to the one that is there.

    `apart`: both stay, and at any time the stronger one is in force: for now before always, said before picked.
    """
    if not new.is_explicit or (new.slots.temporary and not old.slots.temporary):
        return "apart"
    if not old.is_explicit:
        return "newer" if new.last >= old.last else "apart"
    if _is_foreign(new) and _is_foreign(old):
        return "equal"
    if new.last == old.last:
        return "newer" if new.slots.corrects else "equal"
    return "newer" if new.last > old.last else "older"


def in_force(held: Sequence[Entry], at: datetime) -> list[Entry]:
    """Those of one thing that hold now. Of opposites the stronger ones; of equals none, but constraints are kept to."""
    if len({entry.key.sign for entry in held}) < 2:
        return list(held)
    strongest = max(held, key=lambda entry: _strength(entry, at))
    ids = {entry.id for entry in held}
    return [entry for entry in held if entry.key.sign == strongest.key.sign and _is_kept(entry, ids)] + [
        entry for entry in held if entry.key.sign != strongest.key.sign and _is_kept_anyway(entry, strongest)
    ]


def _is_kept(entry: Entry, held: Iterable[str]) -> bool:
    return entry.rivals.isdisjoint(held) or entry.slots.kind == "constraint"


def _is_kept_anyway(entry: Entry, strongest: Entry) -> bool:
    return entry.slots.kind == "constraint" and entry.id in strongest.rivals


def _strength(entry: Entry, at: datetime) -> tuple[bool, bool, float, Order]:
    """Of two that were picked equally often, the newer one is the stronger."""
    return entry.slots.temporary, entry.is_explicit, 0.0 if entry.is_explicit else entry.confidence(at), entry.order


def _is_foreign(entry: Entry) -> bool:
    return entry.origin not in ("said", "chosen")
