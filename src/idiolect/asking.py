"""Whether a second answer is shown beside the chosen one, and the person asked which they like better.

A pair must tell enough for the patience that the person has now (reward/elicitation.py), read from their newest turns.
After a change of taste (reward/drift.py) one pair is shown for less, so that they can confirm it, and says why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from idiolect.learning import CHANGE
from idiolect.memory.forgetting import candidates_of
from idiolect.memory.store import UserStore
from idiolect.parts import is_structured
from idiolect.reward.elicitation import AFTER_A_CHANGE, CONFIRM, patience, recent, worth_asking
from idiolect.reward.protocol import PersonalReward
from idiolect.schema import Interaction
from idiolect.turn import Turn

LOOKED_AT = 32  # newest turns, choices and ties; of a pair older than that little is left to forgive


@dataclass(frozen=True)
class Second:
    """The answer to show beside the chosen one, by its place, and what is noted of it."""

    rival: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asking:
    """Asks people by one reward. `least`: the gain in nats that is demanded of a pair while patience is fresh."""

    reward: PersonalReward
    least: float

    def second(self, person: UserStore, turn: Turn, chosen: int, admitted: Sequence[bool]) -> Second:
        """None of a turn that is not kept, so that no choice could follow, is compared, or is read by a program."""
        is_shown_alone = turn.is_temporary or turn.is_compared or is_structured(turn.request.extra)
        if turn.phi is None or sum(admitted) < 2 or is_shown_alone:
            return Second()
        past = Past.of(person)
        demanded = self.least * (AFTER_A_CHANGE if past.has_changed else past.patience)
        rival = worth_asking(self.reward, turn.belief, turn.phi, chosen, admitted, demanded)
        return Second(rival, (CONFIRM,) if past.has_changed and rival is not None else ())


@dataclass(frozen=True)
class Past:
    """What a person's newest turns tell of asking them again."""

    patience: float  # what the least gain is multiplied by
    has_changed: bool  # their taste has, and no pair was shown since to confirm it

    @classmethod
    def of(cls, person: UserStore) -> "Past":
        """As the events stand; as many are read of a long life as of a short one."""
        newest = person.newest("interaction", "choice", "tie", most=LOOKED_AT)
        turns = [(each.seq, each.event) for each in newest if isinstance(each.event, Interaction)]
        judged = {candidate for each in newest for candidate in candidates_of(each.event)}
        shown = {age: turn for age, (_, turn) in enumerate(turns, start=1) if turn.answer.ask is not None}
        ignored = takewhile(lambda age: judged.isdisjoint(_candidates(shown[age])), shown)
        return cls(patience(recent(shown), recent(ignored)), _has_changed(person, turns))


def _has_changed(person: UserStore, turns: Sequence[tuple[int, Interaction]]) -> bool:
    change = person.state(CHANGE)
    if change is None or not turns or change.through < turns[-1][0]:
        return False  # none, or so long ago that the moment has passed
    return not any(CONFIRM in turn.answer.trace.notes for seq, turn in turns if seq > change.through)


def _candidates(turn: Interaction) -> Iterable[str]:
    return (candidate.id for candidate in turn.answer.candidates)
