"""A statement by the beginning of its id, as people type it; and the shortest beginnings that tell all of them apart.

`evt-3f0c2a91....1` is the second thing that one event says: `3f0c2a.1` for short. The part before the dash tells
nothing, so it may be left out.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from typing import Final

from idiolect.errors import BadInput, NotFound
from idiolect.memory.reading import Reading
from idiolect.schema import Preference, now

SHORTEST: Final = 6  # characters
TOLD: Final = 4  # of the statements that an ambiguous id may mean


def named(reader: Reading, said: str) -> Preference:
    """The statement or proposal that is meant. Raises NotFound, and BadInput for an id that may mean several."""
    if not said.strip():
        raise BadInput("the id is empty: `idiolect memory list` shows those of this user's statements")
    at = now()
    exact = reader.ask(lambda statements: statements.found(said, at))
    if len(exact) == 1:
        return exact[0]
    known = everything(reader)
    meant = [each for each in known if said in (each.id, _parts(each.id)[0])] or [
        each for each in known if _fits(each.id, said)
    ]
    if not meant:
        raise NotFound(f"no statement {said[:80]!r} of this user: `idiolect memory list --all` shows their ids")
    if len(meant) > 1:
        raise BadInput(f"{said[:80]!r} may mean {len(meant)} statements, {_told(meant, known)}: give more of its id")
    return meant[0]


def everything(reader: Reading) -> tuple[Preference, ...]:
    """Every statement there was and every proposal that waits, each once."""
    return tuple({each.id: each for each in (*reader.statements(), *reader.proposals())}.values())


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """For each id the form that is shown: long enough to tell it from all the others."""
    parts = {identifier: _parts(identifier) for identifier in ids}
    bases = sorted({base for base, _ in parts.values()})
    if len({_event(identifier) for identifier in parts}) > len(bases):  # told apart by what stands before the dash
        return {identifier: identifier for identifier in parts}
    lengths = dict.fromkeys(bases, SHORTEST)
    for one, other in pairwise(bases):  # of all bases, the neighbours have most in common
        apart = 1 + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
        lengths[one], lengths[other] = max(lengths[one], apart), max(lengths[other], apart)
    return {identifier: base[: lengths[base]] + number for identifier, (base, number) in parts.items()}


def _fits(identifier: str, said: str) -> bool:
    """Whether `said` is a beginning of the id; a number at its end is that of the statement."""
    begun, wanted = _numbered(said)
    base, number = _parts(identifier)
    return (base.startswith(begun) or _event(identifier).startswith(begun)) and wanted in ("", number)


def _parts(identifier: str) -> tuple[str, str]:
    """evt-3f0c.1 -> 3f0c, .1"""
    event, number = _numbered(identifier)
    return event.partition("-")[2] or event, number


def _event(identifier: str) -> str:
    return _numbered(identifier)[0]


def _numbered(identifier: str) -> tuple[str, str]:
    event, _, number = identifier.rpartition(".")
    return (event, f".{number}") if event and number.isdecimal() else (identifier, "")


def _told(meant: Sequence[Preference], known: Iterable[Preference]) -> str:
    short = short_ids(each.id for each in known)
    told = ", ".join(f"{short[each.id]} ({' '.join(each.text.split())[:40]})" for each in meant[:TOLD])
    return told if len(meant) <= TOLD else f"{told}, ..."
