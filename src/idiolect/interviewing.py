"""A cold start: at most five questions, each about two prepared answers, that anyone may skip.

Asked is what would tell most of the person now (expected information gain, Houlsby et al., 2011, arXiv 1112.5745), so
each question follows from what was said to those before. When no pair would tell enough there is no question.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from pydantic import Field

from idiolect.errors import BadInput
from idiolect.learning import Learner
from idiolect.memory.store import Transaction, UserStore
from idiolect.reward.elicitation import most_telling
from idiolect.schema import Interviewed, Noun

MOST = 5
LEAST_NATS = 0.01  # a question that tells less is not asked

Said: TypeAlias = Literal["first", "second", "neither", "skip"]


class Question(Noun):
    """Two answers to a prompt: which of them would you rather have been given?"""

    name: str
    prompt: str
    first: str
    second: str


class Interview(Noun):
    """Where a person's interview stands."""

    question: Question | None = Field(description="The next one; null when there is none.")
    answered: int = Field(description="How many were answered.")
    most: int = MOST
    skipped: bool = Field(False, description="The person wanted no more questions.")


@dataclass(frozen=True)
class Interviewer:
    """Asks one person. What they say is an event, and the belief that follows from it: both or neither."""

    person: UserStore
    learner: Learner

    def stands(self) -> Interview:
        """The next question, if there is one."""
        return self._stands(self.person)

    def left(self) -> int:
        """How many questions there may still be; nothing is measured for it. 0 where the person skipped the rest."""
        past = Past.of(self.person)
        return 0 if past.skipped else min(MOST - past.answered, len(past.left))

    def again(self) -> Interview:
        """Begin anew: every question may be asked again. What was said to them before still counts."""
        with self.person.transaction() as transaction:
            if _said(transaction):
                begun = Interviewed(question="", prompt="", answers=("", ""), skipped=True, again=True)
                self.learner.learn(transaction, begun)
            return self._stands(transaction)

    def say(self, question: str, said: Said) -> Interview:
        """Answer the question of that name, or skip it and the rest. Raises BadInput for one that is not asked now."""
        with self.person.transaction() as transaction:
            now = self._stands(transaction).question
            if now is None or now.name != question:
                asked = f"the question now is {now.name!r}" if now else "there are no more questions"
                raise BadInput(f"the interview does not ask {question!r} now: {asked}")
            chosen: dict[Said, Literal[0, 1]] = {"first": 0, "second": 1}
            self.learner.learn(
                transaction,
                Interviewed(
                    question=now.name,
                    prompt=now.prompt,
                    answers=(now.first, now.second),
                    chosen=chosen.get(said),
                    skipped=said == "skip",
                ),
            )
            return self._stands(transaction)

    def _stands(self, reader: UserStore | Transaction) -> Interview:
        past = Past.of(reader)
        question = None if past.skipped or past.answered >= MOST or not past.left else self._best(reader, past.left)
        return Interview(question=question, answered=past.answered, skipped=past.skipped)

    def _best(self, reader: UserStore | Transaction, left: Sequence[Question]) -> Question | None:
        pairs = [self.learner.prepared((each.first, each.second)) for each in left]
        found = most_telling(self.learner.reward, self.learner.belief(reader), pairs, LEAST_NATS)
        return None if found is None else left[found]


@dataclass(frozen=True)
class Past:
    """What the person has said to so far."""

    answered: int
    skipped: bool
    left: tuple[Question, ...]  # not asked yet

    @classmethod
    def of(cls, reader: UserStore | Transaction) -> "Past":
        """As the events stand."""
        past = _said(reader)
        done = {each.question for each in past}
        return cls(
            answered=sum(not each.skipped for each in past),
            skipped=any(each.skipped for each in past),
            left=tuple(each for each in questions() if each.name not in done),
        )


def _said(reader: UserStore | Transaction) -> list[Interviewed]:
    """Since the questions began anew, if they did."""
    past = [each.event for each in reader.events("interview") if isinstance(each.event, Interviewed)]
    begun = max((number for number, each in enumerate(past, start=1) if each.again), default=0)
    return past[begun:]


@cache
def questions() -> tuple[Question, ...]:
    """All that are prepared."""
    text = files("idiolect").joinpath("resources", "interview.toml").read_text(encoding="utf-8")
    return tuple(
        Question(name=name, **{key: value.strip() for key, value in said.items()})
        for name, said in tomllib.loads(text).items()
    )
