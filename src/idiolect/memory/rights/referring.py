"""What a file judges must be known: evidence about an answer of nobody's would spoil every belief of its person."""

from collections.abc import Sequence
from functools import cache

from idiolect.errors import AnswerNotFound, DataError
from idiolect.features.space import PreferenceSpace
from idiolect.memory.forgetting import candidates_of
from idiolect.memory.reading import Reading
from idiolect.schema import AnyEvent, Correction, Hint, Interaction


def demand_known(events: Sequence[AnyEvent], reader: Reading) -> None:
    """Raises DataError for an event that nothing can be learnt from, with its number.

    It names a candidate of no turn before it, in the file or of the person, or an attribute that there is not.
    """
    known = set[str]()
    for number, event in enumerate(events, start=1):
        if isinstance(event, Interaction):
            known.update(candidate.id for candidate in event.answer.candidates)
        for name in candidates_of(event):
            if name not in known and not _is_kept(reader, name):
                raise DataError(
                    f"{_named(event, number)} names the candidate {name[:80]!r}, which no turn before it has, so "
                    "nothing of the file was kept: put the turn before it, or leave the event out"
                )
            known.add(name)
        if isinstance(event, Correction | Hint) and not _is_attribute(event.attribute):
            raise DataError(
                f"{_named(event, number)} names the attribute {event.attribute!r:.80}, which this Idiolect does not "
                "know, so nothing of the file was kept: name another, or leave the event out"
            )


def _named(event: AnyEvent, number: int) -> str:
    return f"event {number} of the file, a {event.kind} with the id {event.id[:80]!r},"


def _is_kept(reader: Reading, candidate: str) -> bool:
    try:
        answer = reader.interaction(candidate).answer
    except AnswerNotFound:
        return False
    return any(each.id == candidate for each in answer.candidates)  # an answer's id leads to its turn too


def _is_attribute(name: str | None) -> bool:
    return name is None or name in _attributes()


@cache
def _attributes() -> frozenset[str]:
    return frozenset(PreferenceSpace.shipped().names)
