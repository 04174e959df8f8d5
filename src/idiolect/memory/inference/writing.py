"""From how a person writes: much shorter, longer, more casual or more formal than most, with emoji or long words.

People lean towards those who speak as they do, if weakly (communication accommodation; Giles, Coupland and Coupland,
1991). Every five messages are read together. What is far from the usual in an attribute moves its weight a little;
three such readings of the last four make an offer in words.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal

from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.reading import Reading
from idiolect.memory.inference.reader import Found, Place, Reader, Told, left_of, told
from idiolect.schema import AnyEvent, Hint, Inference, Proposal, Slots

MESSAGES: Final = 5  # that are read together
READINGS, ALIKE = 4, 3  # of the last readings, how many must agree before it is said in words
TARGET: Final = 0.4  # of the weight, where a statement's is 1
WEIGHT: Final = 0.2  # precision of one reading, where a statement's is 4
TINY: Final = 1e-9
MOST: Final = 2.0  # precision of all readings of an attribute; what comes beyond it is not kept

Sign = Literal[-1, 1]


@dataclass(frozen=True)
class Mirror:
    """An attribute of answers, as the person's own messages show it. None: that side says nothing."""

    of: Callable[[Sequence[str]], float]
    low: float | None
    high: float | None
    writes_low: str
    writes_high: str

    def sign(self, messages: Sequence[str]) -> Sign | None:
        """On which side of the usual these are, if clearly."""
        value = self.of(messages)
        if self.low is not None and value <= self.low:
            return -1
        return 1 if self.high is not None and value >= self.high else None


def _mean_words(messages: Sequence[str]) -> float:
    return sum(Reading(each).n for each in messages) / len(messages)


def _together(attribute: str) -> Callable[[Sequence[str]], float]:
    def of(messages: Sequence[str]) -> float:
        return ATTRIBUTES[attribute].of(Reading("\n".join(messages)))

    return of


def _share_with_emoji(messages: Sequence[str]) -> float:
    return sum(ATTRIBUTES["emoji"].of(Reading(each)) > 0 for each in messages) / len(messages)


MIRRORS: Final[dict[str, Mirror]] = {  # the bounds were set on messages that this project wrote
    "length": Mirror(_mean_words, 6.0, 45.0, "short messages", "long messages"),
    "formality": Mirror(_together("formality"), -2.0, 2.0, "casual messages", "formal messages"),
    "emoji": Mirror(_share_with_emoji, None, 0.6, "", "messages with emoji"),
    "long_words": Mirror(_together("long_words"), None, 0.38, "", "messages with long words"),
}


class Writing(Reader):
    """A person's own messages, measured as answers are."""

    name: ClassVar[Inference] = "style"
    means: ClassVar[str] = "how you write: short or long, casual or formal, with emoji or long words"

    def __init__(self, consent: str) -> None:
        super().__init__(consent)
        self._waiting: list[Told] = []
        self._seen: set[Place] = set()
        self._given: dict[tuple[str, Sign], list[datetime]] = defaultdict(list)  # when hints were
        self._signs: dict[str, deque[tuple[Sign | None, tuple[str, ...]]]] = {
            attribute: deque(maxlen=READINGS) for attribute in MIRRORS
        }

    def take(self, event: AnyEvent) -> Iterator[Found]:
        """A turn with words of the person's own, each turn once however often it is sent."""
        turn = told(event)
        if turn is None or turn.place in self._seen:
            return
        self._seen.add(turn.place)
        self._waiting.append(turn)
        if len(self._waiting) == MESSAGES:
            messages, turns = [each.own for each in self._waiting], tuple(each.answer for each in self._waiting)
            self._waiting = []
            for attribute, mirror in MIRRORS.items():
                yield from self._read(attribute, mirror.sign(messages), turns, event.at)

    def _read(self, attribute: str, sign: Sign | None, turns: tuple[str, ...], at: datetime) -> Iterator[Found]:
        signs = self._signs[attribute]
        signs.append((sign, turns))
        if sign is None:
            return
        given = self._given[attribute, sign]
        if sum(WEIGHT * left_of(each, at) for each in given) <= MOST - WEIGHT + TINY:
            given.append(at)
            yield Hint(
                id=self.identifier(attribute, *turns),
                at=at,
                inferred=self.basis(turns),
                weight=WEIGHT,
                attribute=attribute,
                target=TARGET * sign,
            )
        alike = [of for each, of in signs if each == sign]
        if len(alike) == ALIKE:
            yield self._offer(attribute, sign, tuple(turn for of in alike for turn in of), at)

    def _offer(self, attribute: str, sign: Sign, turns: tuple[str, ...], at: datetime) -> Proposal:
        mirror, known = MIRRORS[attribute], ATTRIBUTES[attribute]
        writes = mirror.writes_high if sign > 0 else mirror.writes_low
        return Proposal(
            id=self.identifier(attribute, str(sign)),
            at=at,
            text=f"I write {writes}, so I may like {known.high if sign > 0 else known.low}",
            slots=Slots(kind="style", object=known.high, attribute=attribute, polarity=sign, strength=0.5),
            origin="inferred",
            source=f"{self.name}, {len(turns)} messages",
            inferred=self.basis(turns),
        )
