"""What the page draws: beliefs and explanations as bars, an answer with what can be done to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from statistics import NormalDist

from idiolect.features.attributes import ATTRIBUTES
from idiolect.reward.elicitation import CONFIRM
from idiolect.schema import Answer, Candidate, Profile, Share, Taste

FIRST = 8  # tastes shown before "show all"
SHARES = 6  # shares of an explanation that are drawn
WHISKER = 1.64  # standard deviations to each side: 90 % of the belief
MIDDLE = 50.0
ASIDE = 25.0  # where nothing stands in the picture of a belief, whose words name the side that it points to
LEAST = 0.005  # logits, under which there is nothing to see
STRENGTHS = ((0.8, "strongly prefers"), (0.3, "prefers"), (0.0, "slightly prefers"))  # logits: 69 %, 57 % of choices
LEAST_SCALE = 0.75  # the value at the picture's edge, in logits, while beliefs are smaller than that


@dataclass(frozen=True)
class Bar:
    """A bar from `zero` in a picture 100 wide, with a whisker where the value is not certain."""

    key: str
    words: str
    value: float
    zero: float
    x: float
    width: float
    left: float  # of the whisker
    right: float
    lowest: float  # the values that the whisker spans
    highest: float
    is_sure: bool = True
    definition: str = ""

    @property
    def is_positive(self) -> bool:
        """Whether it points to the right."""
        return self.value >= 0

    @property
    def strength(self) -> str:
        """In words, by how likely the better of two answers a typical step apart is preferred."""
        if self.value < LEAST:
            return "no taste known:"
        return next(words for least, words in STRENGTHS if self.value >= least)

    @property
    def chance(self) -> int:
        """Percent that the taste points this way."""
        sd = (self.highest - self.lowest) / (2 * WHISKER)
        return round(100 * NormalDist().cdf(self.value / sd)) if sd else 100


def bar(key: str, words: str, value: float, sd: float, scale: float, zero: float = MIDDLE) -> Bar:
    """`scale` is the value at the picture's right edge."""
    lowest, highest = value - WHISKER * sd, value + WHISKER * sd
    at, left, right = (_place(each, scale, zero) for each in (value, lowest, highest))
    width = round(abs(at - zero), 2)
    return Bar(key, words, value, zero, min(at, zero), width, left, right, lowest, highest)


def _place(value: float, scale: float, zero: float) -> float:
    return round(min(100.0, max(0.0, zero + (100.0 - zero) * value / scale)), 2)


# --- beliefs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Beliefs:
    """A profile as the panel draws it."""

    profile: Profile
    first: Sequence[Bar]
    rest: Sequence[Bar]
    unnamed: int  # directions of an answer's meaning that no word names


def beliefs(profile: Profile) -> Beliefs:
    """The surest tastes first."""
    named = [taste for taste in profile.tastes if taste.attribute in ATTRIBUTES]
    scale = max([LEAST_SCALE, *(abs(taste.mean) + WHISKER * taste.sd for taste in named)])
    bars = [_belief(taste, scale) for taste in named]
    return Beliefs(profile, bars[:FIRST], bars[FIRST:], len(profile.tastes) - len(named))


def side(attribute: str, sign: float) -> str:
    """What someone likes whose taste in an attribute has this sign."""
    known = ATTRIBUTES.get(attribute)
    if known is None:
        return attribute
    return known.high if sign >= 0 else known.low


def _belief(taste: Taste, scale: float) -> Bar:
    words = side(taste.attribute, taste.mean)
    drawn = bar(taste.attribute, words, abs(taste.mean), taste.sd, scale, ASIDE)
    return replace(drawn, is_sure=taste.confident, definition=taste.description)


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """An answer on the page: one candidate, two side by side, or none of the model's (a refusal)."""

    answer: Answer
    candidates: Sequence[Candidate]
    has_others: bool
    note: str = ""

    @property
    def turn(self) -> str:
        """What stands for this turn when the conversation goes on."""
        return self.candidates[0].id if self.candidates else self.answer.id

    @property
    def is_pair(self) -> bool:
        """Whether the person is asked which of two they prefer."""
        return len(self.candidates) == 2

    @property
    def reason(self) -> str:
        """Why they are asked, where it is not for their taste alone."""
        return CONFIRM if CONFIRM in self.answer.trace.notes else ""


def admitted(answer: Answer) -> list[Candidate]:
    """The candidates that may be shown."""
    return [candidate for candidate in answer.candidates if candidate.verdict.action in ("allow", "care")]


def one(answer: Answer, identifier: str | None = None, note: str = "") -> Shown:
    """The candidate of this id, else the one that was chosen."""
    named = [candidate for candidate in admitted(answer) if candidate.id == identifier]
    chosen = [] if answer.chosen is None else [answer.candidates[answer.chosen]]
    return Shown(answer, (named or chosen)[:1], has_others=len(admitted(answer)) > 1, note=note)


def pair(answer: Answer, first: Candidate, second: Candidate) -> Shown:
    """Two to choose between. Which stands first is left to chance, so that places don't become tastes."""
    by_chance = sorted((first, second), key=lambda candidate: sha256(candidate.id.encode()).digest())
    return Shown(answer, by_chance, has_others=False)


def shown(answer: Answer) -> Shown:
    """As the assistant would have it: side by side where it is worth asking."""
    if answer.ask is None:
        return one(answer)
    return pair(answer, *(answer.candidates[index] for index in answer.ask))


def next_candidate(answer: Answer, identifier: str) -> Candidate | None:
    """The admitted candidate after this one, in turn; None where there is no other."""
    ids = [candidate.id for candidate in admitted(answer)]
    if len(ids) < 2 or identifier not in ids:
        return None
    return admitted(answer)[(ids.index(identifier) + 1) % len(ids)]


# --- explanations --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Explanation:
    """Why an answer was chosen, drawn."""

    answer: Answer
    shares: Sequence[Bar]
    rest: float
    total: float
    is_of_another: bool  # the person sees a candidate that was not the one chosen for them


def explanation(answer: Answer, candidate: str) -> Explanation:
    """The largest shares as bars, the others as one number."""
    shares = answer.trace.shares
    drawn, rest = shares[:SHARES], shares[SHARES:]
    scale = max((abs(share.contribution) for share in drawn), default=1.0) or 1.0
    bars = [_share(share, scale) for share in drawn]
    chosen = None if answer.chosen is None else answer.candidates[answer.chosen].id
    return Explanation(answer, bars, _sum(rest), _sum(shares), is_of_another=candidate not in (answer.id, chosen))


def sentence(message: str) -> str:
    """An error's text as a person reads it; programs get it as it is."""
    whole = message[:1].upper() + message[1:]
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."


def signed(value: float) -> str:
    """With the sign that belongs to numbers."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _share(share: Share, scale: float) -> Bar:
    return bar(share.attribute, share.words, share.contribution, 0.0, scale)


def _sum(shares: Sequence[Share]) -> float:
    return sum(share.contribution for share in shares)
