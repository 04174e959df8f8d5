"""From what was done with an answer, without a word about it: which of several attempts at one prompt was kept.

The same prompt, asked again within the hour, has several attempts. The conversation that goes on shows which of them
was kept, be it an earlier one: a choice of it over each of the others, of likelihood power .25. Where it goes on from
none, the person stopped asking at the last, of half that power.

What says nothing: that a conversation ended at an answer, as all do, most of them because it was good; an attempt that
was asked for again before it could be read, which is a client's second try; attempts beside which two were shown; and
attempts of which the person said something, which counts by itself. What a client saw (`Signal`) is read as it comes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from idiolect.memory.extraction.documents import is_background
from idiolect.memory.inference.reader import Found, Place, Reader, place
from idiolect.schema import AnyEvent, Choice, Edit, Hint, Inference, Interaction, Rating, Signal, Tie

WENT_ON: Final = 0.25  # likelihood power of a pair: a choice on purpose has 1
STOPPED: Final = 0.12
TOGETHER: Final = timedelta(hours=1)  # attempts further apart are different wishes
READABLE: Final = timedelta(seconds=5)  # an attempt that was asked for again sooner was not read
ONWARD: Final = 16  # hex digits of a conversation's hash that are kept to know it again


def onward(conversation: str) -> str:
    """The beginning of a conversation's hash, by which the turn that goes on from it is known."""
    return conversation[:ONWARD]


@dataclass(frozen=True)
class Attempt:
    """One answer to a prompt that may be asked again."""

    answer: str
    candidate: str
    at: datetime
    onward: str


class Reactions(Reader):
    """Attempts at one prompt, compared."""

    name: ClassVar[Inference] = "reactions"
    means: ClassVar[str] = "which of several answers to one question you kept, and what you copied"

    def __init__(self, consent: str) -> None:
        super().__init__(consent)
        self._open: dict[Place, list[Attempt]] = {}
        self._judged: set[str] = set()

    def take(self, event: AnyEvent) -> Iterator[Found]:
        """Feedback speaks for itself; a turn may go on from an attempt, close older ones, or be one."""
        match event:
            case Choice(chosen=chosen, over=over):
                self._judged.update((chosen, *over))
            case Tie(between=between):
                self._judged.update(between)
            case Rating(candidate=target) | Edit(candidate=target) | Signal(candidate=target):
                self._judged.add(target)
            case Interaction():
                yield from self._gone_on(event)
                yield from self._stopped(event.at)
                self._attempt(event)

    def _gone_on(self, event: Interaction) -> Iterator[Hint]:
        for where, attempts in self._open.items():
            kept = next((each for each in attempts if each.onward and each.onward == onward(event.prefix)), None)
            if kept is not None:
                del self._open[where]
                yield from self._pairs(kept, attempts, WENT_ON, event)
                return

    def _stopped(self, at: datetime) -> Iterator[Hint]:
        for where in [each for each, attempts in self._open.items() if at - attempts[-1].at > TOGETHER]:
            attempts = self._open.pop(where)
            yield from self._pairs(attempts[-1], attempts, STOPPED)

    def _attempt(self, event: Interaction) -> None:
        answer = event.answer
        if answer.chosen is None or answer.ask is not None or is_background(event.prompt):
            return
        attempts = self._open.setdefault(place(event), [])
        if attempts and event.at - attempts[-1].at < READABLE:
            attempts.pop()
        attempts.append(Attempt(answer.id, answer.candidates[answer.chosen].id, event.at, event.onward))

    def _pairs(
        self, kept: Attempt, attempts: list[Attempt], weight: float, after: Interaction | None = None
    ) -> Iterator[Hint]:
        if any(each.candidate in self._judged for each in attempts):
            return
        at = attempts[-1].at if after is None else after.at
        seen = () if after is None else (after.answer.id,)
        for other in attempts:
            if other is not kept:
                yield Hint(
                    id=self.identifier(kept.candidate, other.candidate),
                    at=at,
                    inferred=self.basis((other.answer, kept.answer, *seen)),
                    weight=weight,
                    chosen=kept.candidate,
                    over=other.candidate,
                )
