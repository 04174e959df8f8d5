"""SynthesizeMe: a judge with a persona and demonstrations, found by search (Ryan et al., 2025, arXiv 2506.05598, 3).

    argmax over demonstration sets D  accuracy on the validation choices of judge(. | persona, D)

(1) Bootstrap: the judge reasons about each training choice, and only reasoning that ends in the right answer is kept;
several random sets of it are tried as demonstrations, and the best on the validation choices is kept. (2) A persona is
written from the kept reasoning. (3) Sets are searched again, with the persona in the prompt, and the best is kept.
The earlier 70 % of the choices are for training, the rest for validation. Shared: the model and the words. Per user:
texts. Cold start: the plain judge.

With few choices the search overfits its validation: the person keeps the plain judge (no profile) unless what was found
is better there by more than a tie. A rebuild costs some 20 calls a choice; an update keeps the choice for the next one.
Dates give the order. Where choices have none, the order in which they are given does: then, other than elsewhere in
this room, another order may give another belief.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from idiolect.models.protocol import Model, Request
from idiolect.reward.judge import SYSTEM, JudgedReward, JudgeSettings, Umpire, pick_in_words, question, verdict
from idiolect.reward.protocol import Belief, Chosen, Evidence, Tied
from idiolect.reward.records import RECORD, Pick, Record, as_bytes, as_text, recorded
from idiolect.schema import Message, Sampling

FOUND = "found"  # among a belief's arrays: persona and demonstrations
REASON = (
    "Which answer does this person prefer? Think it through in a few sentences: what does each answer offer, and what "
    "kind of person would choose it? End with a line that holds the word Verdict, a colon, and 1 or 2."
)
PERSONA = (
    "Below is the reasoning behind several choices of one person. Write a short description of this person: what they "
    "are interested in, and which kind of answer they prefer. Name traits, quote nothing."
)


class SynthesizeMeSettings(BaseModel, frozen=True, extra="forbid"):
    """The released settings."""

    training: float = Field(0.7, gt=0, lt=1, description="Share of the choices, the earliest, that are for training.")
    sets: PositiveInt = Field(10, description="Candidate sets of demonstrations in each search.")
    plain: int = Field(4, ge=0, description="Demonstrations without reasoning in a set, at most.")
    enough: float = Field(0.8, gt=0, le=1, description="Accuracy on the validation choices that ends a search.")
    tokens: PositiveInt = Field(400, description="Of reasoning, and of the persona, at most.")
    seed: int = Field(42, description="Of the sets, and of which answer stands first.")
    judge: JudgeSettings = JudgeSettings()


class Demonstration(BaseModel):
    """One past choice, with the reasoning that found it, if any did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pick: Pick
    reasoning: str = ""


class Found(BaseModel):
    """What the search kept; empty for the plain judge. `accuracy` is on the validation choices, as is `of_plain`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persona: str = ""
    demonstrations: tuple[Demonstration, ...] = ()
    accuracy: float = 0.0
    of_plain: float = 0.0

    def profile(self) -> str:
        """What the judge is told of the person."""
        return told(self.persona, self.demonstrations)


@dataclass(frozen=True)
class SynthesizeMe(JudgedReward):
    """Arrays of a belief: `record`, the person's texts in their order, and `found`, both as bytes."""

    name: ClassVar[str] = "synthesizeme"
    WORDS: ClassVar[tuple[str, ...]] = (SYSTEM, REASON, PERSONA)

    settings: SynthesizeMeSettings = field(default_factory=SynthesizeMeSettings)

    def prior(self) -> Belief:
        """The plain judge."""
        return _belief(Record(), Found(), 0)

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Keep one piece for the next rebuild; persona and demonstrations stay as they are."""
        record = recorded(belief.arrays).plus(Record.of([evidence], self.space))
        return _belief(record, found_in(belief), belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """Search anew. Where any choice has no date, the evidence is taken to be in the order of time."""
        record = Record.of(in_time(evidence), self.space)
        picks = [pick for pick in record.picks if not pick.tied]
        return _belief(record, Search(self.model, self.settings).over(picks), len(evidence))

    def chance(self, belief: Belief, prompt: str, first: str, second: str) -> float:
        """By the persona and the demonstrations."""
        return Umpire(self.model, self.settings.judge).chance(found_in(belief).profile(), prompt, first, second)


@dataclass(frozen=True)
class Search:
    """The three steps, for one person."""

    model: Model
    settings: SynthesizeMeSettings

    def over(self, picks: Sequence[Pick]) -> Found:
        """What is better on the validation choices than the plain judge, or else nothing."""
        known = int(self.settings.training * len(picks))
        training, validation = picks[:known], picks[known:]
        if not training:
            return Found()
        plain = self._accuracy("", (), validation)
        reasoned = [each for number, pick in enumerate(training) if (each := self._reasoned(pick, number))]
        without, _ = self._best("", reasoned, training, validation)
        traces = [each.reasoning for each in without if each.reasoning] or [each.reasoning for each in reasoned]
        persona = self._persona(traces) if traces else ""
        best, accuracy = self._best(persona, reasoned, training, validation)
        if accuracy <= plain:
            return Found(accuracy=accuracy, of_plain=plain)
        return Found(persona=persona, demonstrations=best, accuracy=accuracy, of_plain=plain)

    def _reasoned(self, pick: Pick, number: int) -> Demonstration | None:
        """The demonstration of one choice, if reasoning leads to it."""
        is_first = bool(np.random.default_rng((self.settings.seed, number)).random() < 0.5)
        answers = (pick.chosen, pick.rejected) if is_first else (pick.rejected, pick.chosen)
        text = self._written(f"{question('', pick.prompt, *answers)}\n\n{REASON}")
        reasoning, colon, end = text.rpartition("Verdict:")
        if not colon or verdict(end) != (1 if is_first else 2):
            return None
        return Demonstration(pick=pick, reasoning=reasoning.strip())

    def _best(
        self, persona: str, reasoned: Sequence[Demonstration], training: Sequence[Pick], validation: Sequence[Pick]
    ) -> tuple[tuple[Demonstration, ...], float]:
        """The best of some random sets, the first of equals; the search ends where one is good enough."""
        best, highest = tuple[Demonstration, ...](), -1.0
        for number in range(self.settings.sets):
            tried = self._drawn(number, reasoned, training)
            accuracy = self._accuracy(persona, tried, validation)
            if accuracy > highest:
                best, highest = tried, accuracy
            if highest >= self.settings.enough:
                break
        return best, highest

    def _drawn(
        self, number: int, reasoned: Sequence[Demonstration], training: Sequence[Pick]
    ) -> tuple[Demonstration, ...]:
        """Some choices with their reasoning, and at most `plain` without. The first set has all the reasoning."""
        chance = np.random.default_rng((self.settings.seed, 1, number))
        count = int(chance.integers(1, len(reasoned), endpoint=True)) if number and reasoned else len(reasoned)
        some = [reasoned[at] for at in sorted(chance.permutation(len(reasoned))[:count])]
        others = [pick for pick in training if pick not in [each.pick for each in some]]
        bare = [Demonstration(pick=others[at]) for at in sorted(chance.permutation(len(others))[: self.settings.plain])]
        return (*some, *bare)

    def _accuracy(self, persona: str, tried: Sequence[Demonstration], validation: Sequence[Pick]) -> float:
        umpire, profile = Umpire(self.model, self.settings.judge), told(persona, tried)
        chances = [umpire.chance(profile, pick.prompt, pick.chosen, pick.rejected) for pick in validation]
        return float(np.mean([(np.sign(chance - 0.5) + 1) / 2 for chance in chances]))

    def _persona(self, traces: Sequence[str]) -> str:
        return self._written(PERSONA + "\n\n" + "\n\n".join(f"- {trace}" for trace in traces)).strip()

    def _written(self, asked: str) -> str:
        messages = (Message(role="system", content=SYSTEM), Message(role="user", content=asked))
        sampling = Sampling(temperature=0, max_tokens=self.settings.tokens, seed=self.settings.seed)
        return self.model.complete(Request(messages, sampling))[0].text


def in_time(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """By date, if every choice has one; otherwise as it is. Only the order of the choices matters."""
    choices = [piece for piece in evidence if isinstance(piece, Chosen | Tied)]
    dated = [(piece.at, piece) for piece in choices if piece.at is not None]
    if len(dated) < len(choices):
        return evidence
    others = [piece for piece in evidence if not isinstance(piece, Chosen | Tied)]
    return [*others, *(piece for _, piece in sorted(dated, key=lambda each: each[0]))]


def told(persona: str, demonstrations: Sequence[Demonstration]) -> str:
    """Persona and demonstrations as the judge reads them; nothing of nothing."""
    shown = [
        pick_in_words(each.pick) + (f"\n  Why: {each.reasoning}" if each.reasoning else "") for each in demonstrations
    ]
    return "\n".join([persona, *shown] if persona else shown)


def found_in(belief: Belief) -> Found:
    """What the search kept."""
    return Found.model_validate_json(as_text(belief.arrays[FOUND]))


def _belief(record: Record, found: Found, seen: int) -> Belief:
    return Belief({RECORD: as_bytes(record.model_dump_json()), FOUND: as_bytes(found.model_dump_json())}, seen)
