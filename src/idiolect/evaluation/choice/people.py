"""People with mixed tastes, after PersonalLLM's simulated users (Zollo et al., 2024, arXiv 2409.20296, section 3).

    r*_u(y) = w_u . R(y),   w_u ~ Dirichlet(0.1),   R the reward functions of rewards.py

r*_u has unit standard deviation within prompts, and choices the noise with which people repeat 85 % of theirs. Those
whom no method has met are drawn apart, on the same reward functions; the prompts that nobody chose on are apart too.
What anybody chose on is drawn once, so that all methods see the same choices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from idiolect.evaluation.choice.answers import Material
from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.choice.rewards import NAMES, reward_functions
from idiolect.evaluation.protocol import Run
from idiolect.evaluation.simulated import Person, linear_fit, temperature
from idiolect.schema import Array

KIND = "mixture"
SEEN, UNSEEN = "seen", "unseen"
SCALED_ON = 20  # prompts; a temperature needs no more


@dataclass(frozen=True)
class Mixture:
    """A lens that looks answers up: the columns are the reward functions."""

    rows: Mapping[str, Array] = field(compare=False)  # (k,) by answer
    names: Sequence[str] = NAMES

    def look(self, answers: Sequence[str]) -> Array:
        """(n, k)"""
        return np.stack([self.rows[answer] for answer in answers])


@dataclass(frozen=True)
class Pairs:
    """Pairs of answers: prompts (m,), answers (m, 2) by model, and how likely the first is chosen (m,)."""

    prompt: NDArray[np.intp]
    answers: NDArray[np.intp]
    p: Array

    def last(self, count: int) -> "Pairs":
        """The last ones."""
        at = slice(len(self.prompt) - count, None)
        return Pairs(self.prompt[at], self.answers[at], self.p[at])


@dataclass(frozen=True)
class Participant:
    """A person, their r* of every answer (prompts, models), and the choices that they made, the chosen one first."""

    person: Person
    group: str  # seen or unseen
    truth: Array
    chosen: Pairs

    @property
    def name(self) -> str:
        """Of the person."""
        return self.person.name

    def likely(self, prompt: NDArray[np.intp], answers: NDArray[np.intp]) -> Array:
        """P(the first of each pair is chosen)."""
        gap = self.truth[prompt, answers[:, 0]] - self.truth[prompt, answers[:, 1]]
        return np.asarray(1 / (1 + np.exp(-np.clip(gap / self.person.temperature, -50, 50))))


def participants(crowd: Crowd, material: Material, run: Run) -> list[Participant]:
    """Everybody: first those on whom the methods are fitted, then those whom none has met."""
    functions = reward_functions(material, crowd.seed, run)
    lens = Mixture(
        {
            text: row
            for sheet, rows in zip(material.sheets, functions, strict=True)
            for text, row in zip(sheet.answers, rows, strict=True)
        }
    )
    found = list[Participant]()
    for group, count in ((SEEN, crowd.seen_users), (UNSEEN, crowd.unseen_users)):
        rng = np.random.default_rng((crowd.seed, *group.encode()))
        weights = rng.dirichlet(np.full(functions.shape[-1], crowd.concentration), size=count)
        truth = functions @ weights.T  # (prompts, models, users)
        scale = (truth - truth.mean(axis=1, keepdims=True)).std(axis=(0, 1))
        fits = linear_fit(_flat(truth / scale), list(material.phi))
        for user in range(count):
            own = truth[..., user] / scale[user]
            t = temperature(list(own[:SCALED_ON]), crowd.agreement)
            person = Person(f"{group}-{user}", KIND, lens, weights[user] / scale[user], t, float(fits[user]))
            nothing = Pairs(np.empty(0, np.intp), np.empty((0, 2), np.intp), np.empty(0))
            blank = Participant(person, group, own, nothing)
            asked = pairs_among(range(material.seen), range(len(material.models)), crowd.choices, rng)
            found.append(replace(blank, chosen=chosen(blank, asked, rng)))
    return found


def pairs_among(prompts: Sequence[int], models: Sequence[int], count: int, rng: np.random.Generator) -> Pairs:
    """Pairs of two models' answers: each prompt comes once before any comes again; `p` is left at a half."""
    rounds = -(-count // len(prompts))
    order = np.concatenate([np.empty(0, np.intp), *(rng.permutation(np.asarray(prompts)) for _ in range(rounds))])
    drawn = [rng.choice(np.asarray(models), size=2, replace=False) for _ in range(count)]
    answers = np.array(drawn, np.intp).reshape(count, 2)
    return Pairs(order[:count].astype(np.intp), answers, np.full(count, 0.5))


def chosen(participant: Participant, asked: Pairs, rng: np.random.Generator) -> Pairs:
    """The pairs as the person decides them, the chosen answer first."""
    p = participant.likely(asked.prompt, asked.answers)
    answers = np.where((rng.random(len(p)) < p)[:, None], asked.answers, asked.answers[:, ::-1])
    return Pairs(asked.prompt, answers, participant.likely(asked.prompt, answers))


@dataclass(frozen=True)
class Exam:
    """What is asked about one person, of every method alike: pairs to predict, prompts whose best answer to find."""

    pairs: Pairs
    ranked: tuple[int, ...]


def exam(participant: Participant, material: Material, pairs: int, ranked: int, prompts: Sequence[int]) -> Exam:
    """On these prompts, with no pair that the person has chosen on, and nothing that depends on their taste."""
    rng = np.random.default_rng((prompts[0], *participant.name.encode()))
    drawn = pairs_among(prompts, range(len(material.models)), 2 * pairs, rng)
    known = set(_each(participant.chosen))
    fresh = [at for at, pair in enumerate(_each(drawn)) if pair not in known][:pairs]
    prompt, answers = drawn.prompt[fresh], drawn.answers[fresh]
    order = rng.permutation(np.asarray(prompts))[:ranked]
    return Exam(Pairs(prompt, answers, participant.likely(prompt, answers)), tuple(order.tolist()))


def _each(pairs: Pairs) -> list[tuple[int, ...]]:
    """(prompt, one answer, the other), whichever was chosen."""
    return [(p, *sorted(two)) for p, two in zip(pairs.prompt.tolist(), pairs.answers.tolist(), strict=True)]


def _flat(truth: Array) -> Array:
    centred: Array = truth - truth.mean(axis=1, keepdims=True)
    return centred.reshape(-1, truth.shape[-1])
