"""A statement or an answer by the beginning of its id, as people type it; and the shortest that tell them apart.

`evt-3f0c2a91....1` is the second thing that one event says: `3f0c2a.1` for short; `chatcmpl-3f0c2a91...-1` is the
second candidate of an answer: `3f0c2a-1`. The part before the dash tells nothing, so it may be left out.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from typing import Final

from idiolect.errors import BadInput, NotFound
from idiolect.memory.reading import Reading
from idiolect.schema import Preference, now

SHORTEST: Final = 6  # characters
NUMBERED: Final = re.compile(r"(?P<event>.+)(?P<number>\.[0-9]+|(?<=[0-9a-f]{6})-[0-9]+)", re.DOTALL)
TOLD: Final = 4  # of the statements that an ambiguous id may mean


def named(reader: Reading, said: str) -> Preference:
    """The statement or proposal that is meant. Raises NotFound, and BadInput for an id that may mean several."""
    if not said.strip():
        raise BadInput(f"the id is empty: `idiolect memory list -u {reader.id}` shows those of this user's statements")
    at = now()
    exact = reader.ask(lambda statements: statements.found(said, at))
    if len(exact) == 1:
        return exact[0]
    known = everything(reader)
    meant = [each for each in known if said in (each.id, _parts(each.id)[0])] or [
        each for each in known if _fits(each.id, said)
    ]
    if not meant:
        raise NotFound(
            f"no statement {said[:80]!r} of this user: `idiolect memory list -u {reader.id} --all` shows their ids"
        )
    if len(meant) > 1:
        raise BadInput(f"{said[:80]!r} may mean {len(meant)} statements, {_told(meant, known)}: give more of its id")
    return meant[0]


def answer_named(reader: Reading, said: str) -> str:
    """The id of an answer or a candidate, by itself or by a beginning of it. Raises BadInput where several begin so.

    What no id begins with is given back as it is, for whoever looks it up to tell.
    """
    meant = [each for each in reader.answers(said) if _fits(each, said)] if said.strip() else []
    if said in meant or not meant:
        return said
    of_answers = [each for each in meant if not _numbered(each)[1]] or meant  # an answer rather than its candidates
    if len(of_answers) > 1:
        told = ", ".join(sorted(short_ids(of_answers).values())[:TOLD])
        raise BadInput(f"{said[:80]!r} may mean {len(of_answers)} answers, {told}: give more of its id")
    return of_answers[0]


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
    """evt-3f0c.1 -> 3f0c, .1; chatcmpl-3f0c-1 -> 3f0c, -1"""
    event, number = _numbered(identifier)
    return event.partition("-")[2] or event, number


def _event(identifier: str) -> str:
    return _numbered(identifier)[0]


def _numbered(identifier: str) -> tuple[str, str]:
    found = NUMBERED.fullmatch(identifier)
    return (found["event"], found["number"]) if found else (identifier, "")


def _told(meant: Sequence[Preference], known: Iterable[Preference]) -> str:
    short = short_ids(each.id for each in known)
    told = ", ".join(f"{short[each.id]} ({' '.join(each.text.split())[:40]})" for each in meant[:TOLD])
    return told if len(meant) <= TOLD else f"{told}, ..."
