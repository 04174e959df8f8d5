"""Feedback as a client sends it becomes an event that names candidates."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Protocol, get_args

from idiolect.errors import BadInput, IdempotencyConflict
from idiolect.memory.door import pass_the_door
from idiolect.memory.extraction import told
from idiolect.memory.reading import Reading
from idiolect.schema import (
    AnyEvent,
    Array,
    Choice,
    Correction,
    Edit,
    Feedback,
    Interaction,
    Rating,
    Signal,
    SignalKind,
    Statement,
    Tie,
)

THUMBS = {"up": 5.0, "down": 1.0}
SIGNALS: tuple[SignalKind, ...] = get_args(SignalKind)


class Reader(Protocol):
    """What is needed of a user's store."""

    def interaction(self, identifier: str) -> Interaction:
        """The turn that an answer's or a candidate's id belongs to. Raises AnswerNotFound."""

    def vectors(self, candidate_ids: Iterable[str], version: str) -> dict[str, Array]:
        """Vectors (d,) of those candidates of the person that this version of the space has measured."""


class Turns:
    """The turns that pieces of feedback name, each read once. As long-lived as the transaction that it reads in.

    A candidate's stored vector is the person's, and so is the candidate: its turn is read for its text alone.
    """

    def __init__(self, reader: Reader, version: str = "") -> None:
        """`version` of the space whose vectors are looked up."""
        self._reader, self._version = reader, version
        self._read: dict[str, Interaction] = {}  # by the ids of the answer and of its candidates
        self._vectors: dict[str, Array] = {}

    def vectors(self, candidates: Iterable[str]) -> dict[str, Array]:
        """(d,) of those candidates that were measured, each read once."""
        wanted = dict.fromkeys(candidates)
        missing = [each for each in wanted if each not in self._vectors]
        if missing and self._version:
            self._vectors |= self._reader.vectors(missing, self._version)
        return {each: self._vectors[each] for each in wanted if each in self._vectors}

    def candidate(self, identifier: str | None) -> str:
        """The id of a candidate; an answer's id stands for the candidate that was shown.

        Raises BadInput where none is named, AnswerNotFound for ids of nobody's.
        """
        if not identifier:
            raise BadInput("this kind of feedback needs `answer`: the id of an answer or of one of its candidates")
        if identifier in self._vectors:
            return identifier
        answer = self.interaction(identifier).answer
        if identifier != answer.id:
            return identifier
        if answer.chosen is None:
            raise BadInput(f"{identifier} was a refusal, so there is no answer of the model to judge")
        return answer.candidates[answer.chosen].id

    def interaction(self, identifier: str) -> Interaction:
        """The turn that an answer's or a candidate's id belongs to. Raises AnswerNotFound."""
        if identifier not in self._read:
            found = self._reader.interaction(identifier)
            candidates = (candidate.id for candidate in found.answer.candidates)
            self._read |= dict.fromkeys((found.answer.id, *candidates), found)
        return self._read[identifier]

    def text(self, candidate: str) -> str:
        """What a candidate says. Raises AnswerNotFound."""
        answer = self.interaction(candidate).answer
        return next(each.text for each in answer.candidates if each.id == candidate)


def event_of(reader: Reader | Turns, feedback: Feedback) -> AnyEvent:
    """The event that this feedback is. Raises BadInput for what is missing, AnswerNotFound for ids of nobody's."""
    turns = reader if isinstance(reader, Turns) else Turns(reader)
    turns.vectors(each for each in (feedback.answer, *_over(feedback)) if each)  # all in one query
    return _MAKERS[feedback.kind](turns, feedback)


def once(reader: Reading, event: AnyEvent, key: str) -> tuple[AnyEvent, bool]:
    """The event under the id that a client's key gives it, and whether it is recorded already.

    A request that is sent again, since its answer was lost, so teaches once. Raises IdempotencyConflict.
    """
    named = pass_the_door(event.model_copy(update={"id": f"evt-{sha256(key.encode()).hexdigest()[:32]}"}))
    known = reader.event(named.id)
    if known is not None and named.model_copy(update={"at": known.at}) != known:
        raise IdempotencyConflict("this Idempotency-Key was used for other feedback: give each its own key")
    return named, known is not None


def _over(feedback: Feedback) -> tuple[str, ...]:
    return (feedback.over,) if isinstance(feedback.over, str) else tuple(feedback.over or ())


def _choice(turns: Turns, feedback: Feedback) -> AnyEvent:
    chosen = turns.candidate(feedback.answer)
    over = tuple(map(turns.candidate, _over(feedback)))
    if not over or chosen in over:
        raise BadInput("a choice needs `over`: the ids of the answers that were not preferred, other than `answer`")
    return Choice(chosen=chosen, over=over)


def _tie(turns: Turns, feedback: Feedback) -> AnyEvent:
    one, over = turns.candidate(feedback.answer), tuple(map(turns.candidate, _over(feedback)))
    if len(over) != 1 or one == over[0]:
        raise BadInput("a tie needs `answer` and in `over` the id of one other answer: neither was preferred")
    return Tie(between=(one, over[0]))


def _rating(turns: Turns, feedback: Feedback) -> AnyEvent:
    value = THUMBS.get(str(feedback.value)) or _number(feedback.value)
    if value is None or not 1 <= value <= 5:
        raise BadInput('a rating needs `value`: a number from 1 to 5, or "up" or "down"')
    return Rating(candidate=turns.candidate(feedback.answer), value=value)


def _edit(turns: Turns, feedback: Feedback) -> AnyEvent:
    return Edit(candidate=turns.candidate(feedback.answer), text=_text(feedback, "what you would have written"))


def _statement(_turns: Turns, feedback: Feedback) -> AnyEvent:
    text = _text(feedback, "what you say of yourself or of how you like your answers")
    return Statement(text=text, slots=told(text))


def _correction(_turns: Turns, feedback: Feedback) -> AnyEvent:
    weight = _number(feedback.value)
    if feedback.attribute and weight is not None and abs(weight) <= 10:
        return Correction(attribute=feedback.attribute, weight=weight)
    if feedback.answer and not feedback.attribute:
        return Correction(statement=feedback.answer)
    raise BadInput(
        "a correction needs `attribute` with a weight from -10 to 10 in `value` (0 for no taste), "
        "or in `answer` the id of a statement that no longer holds"
    )


def _signal(turns: Turns, feedback: Feedback) -> AnyEvent:
    seen = next((what for what in SIGNALS if what == feedback.value), None)
    if seen is None:
        raise BadInput(f"a signal needs `value`, what was done with the answer: {', '.join(SIGNALS)}")
    return Signal(what=seen, candidate=turns.candidate(feedback.answer))


def _number(value: str | float | None) -> float | None:
    """A command's arguments are all text."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _text(feedback: Feedback, what: str) -> str:
    if not isinstance(feedback.value, str) or not feedback.value.strip():
        raise BadInput(f"{feedback.kind} feedback needs `value`: {what}, as text")
    return feedback.value


_MAKERS: dict[str, Callable[[Turns, Feedback], AnyEvent]] = {
    "choice": _choice,
    "tie": _tie,
    "rating": _rating,
    "edit": _edit,
    "statement": _statement,
    "correction": _correction,
    "signal": _signal,
}
