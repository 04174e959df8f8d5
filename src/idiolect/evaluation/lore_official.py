"""LoRe as it is fitted here, beside the algorithm of its authors' code, on the same features and choices.

Their experiment on PersonalLLM: people are Dirichlet(0.1) mixtures of ten rewards; of each prompt's answers everybody
sees the best and the worst by their own mixture; few of these pairs are known of a person. Accuracy is on prompts of
which nobody was asked, of people who were fitted on and of new ones.

The other side is the released code's (facebookresearch/LoRe, `utils.py`): V and the logits of w drawn from N(0, 1),
Adam at a rate of .5 for both, then Adam on a new person's logits with V fixed. It is stated anew here, over all people
at once where the code loops over them: the same numbers in a fraction of its time.
"""

import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idiolect.errors import DataError, MissingExtra
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import over_users, paired, ratio
from idiolect.features.embedder import open_embedder
from idiolect.reward.lore import LoRe, LoReSettings
from idiolect.reward.population import Population
from idiolect.reward.protocol import Chosen
from idiolect.schema import Array

ANSWERS = 8  # to a prompt
REWARDS = 10
CONCENTRATION = 0.1  # of the Dirichlet


class LoreOfficial(Bench):
    """LoRe fitted by L-BFGS beside the official 20,000 steps of Adam: accuracy and seconds of both."""

    beside: ClassVar[dict[str, str]] = {
        "seen/": "people who were fitted on, prompts that nobody was asked",
        "unseen/": "new people, from a few choices each",
        "seen_difference": "ours less the official algorithm's, person by person",
        "unseen_difference": "the same of new people",
        "seconds/": "fitting the directions, and then everybody's weights",
        "time_ratio": "ours over the official algorithm's",
    }

    scenes: int = Field(1, ge=1, description="Times that people and rewards are drawn anew, and both are fitted.")
    people: int = Field(100, ge=2, description="Fitted on; the paper has 1,000.")
    new_people: int = Field(60, ge=1, description="Met afterwards; the paper has 500.")
    prompts: int = Field(400, ge=20, description="Of which a half is never asked.")
    choices: int = Field(25, ge=1, description="Known of each person who is fitted on.")
    few: int = Field(10, ge=1, description="Known of each new person.")
    features: int = Field(64, ge=2, description="Drawn, where no data is given; answers' embeddings have 384.")
    rank: int = Field(5, ge=1, description="K.")
    temperature: float = Field(100.0, gt=0, description="By which both divide the logits; the code's.")
    steps: int = Field(20_000, ge=1, description="Of Adam: 20,000 on PRISM, 1,000 on PersonalLLM.")
    few_steps: int = Field(500, ge=1, description="Of Adam for a new person's weights; the code's.")
    few_rate: float = Field(0.1, gt=0, description="Of those; .1 on PersonalLLM, .5 on PRISM.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Draw people, fit both, predict; several times."""
        scenes = range(self.seed, self.seed + self.scenes)
        return [
            case for seed in run.track(scenes, "LoRe, both ways", self.scenes) for case in self._cases(seed, data, run)
        ]

    def _cases(self, seed: int, data: Path | None, run: Run) -> list[Case]:
        scene = self._scene(seed, data, run)
        fits = {"ours": _ours(scene, self, seed), "official": _official(scene, self, seed)}
        seconds = {f"{side}_seconds": fit.seconds for side, fit in fits.items()}
        return [
            Case(
                id=f"{seed}/{group}/{person}",
                group=f"{seed}-{group}-{person}",
                scores=seconds | {side: _right(deltas, fit.weights[group][person]) for side, fit in fits.items()},
                choice=group,
            )
            for group, people in scene.asked.items()
            for person, deltas in enumerate(people)
        ]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Accuracies, their differences, seconds and their ratio."""
        found: dict[str, Figure] = {}
        for group in ("seen", "unseen"):
            these = [case for case in cases if case.choice == group]
            names = [case.group for case in these]
            ours, official = (np.array([case.scores[side] for case in these]) for side in ("ours", "official"))
            for side, values in (("ours", ours), ("official", official)):
                found[f"{group}/{side}"] = over_users(values, names, resamples=self.resamples, seed=self.seed)
            found[f"{group}_difference"] = paired(ours, official, names, resamples=self.resamples, seed=self.seed)
        names = [case.group for case in cases]
        took = {side: np.array([case.scores[f"{side}_seconds"] for case in cases]) for side in ("ours", "official")}
        for side, values in took.items():
            found[f"seconds/{side}"] = over_users(values, names, resamples=self.resamples, seed=self.seed)
        found["time_ratio"] = ratio(took["ours"], took["official"], names, resamples=self.resamples, seed=self.seed)
        return found

    def _scene(self, seed: int, data: Path | None, run: Run) -> "Scene":
        rng = np.random.default_rng(seed)
        if data is None:
            mixing = rng.normal(size=(self.features, self.features)) / np.sqrt(self.features)
            phi = rng.normal(size=(self.prompts, ANSWERS, self.features)) @ mixing
        else:
            phi = _embedded(data, self.prompts, run)
        phi = (phi - phi.mean(axis=(0, 1))) / phi.std(axis=(0, 1)).clip(1e-9)
        hidden = np.tanh(phi @ rng.normal(size=(phi.shape[2], 3 * REWARDS)) / np.sqrt(phi.shape[2]))
        rewards = hidden @ rng.normal(size=(3 * REWARDS, REWARDS))
        rewards = (rewards - rewards.mean(axis=(0, 1))) / rewards.std(axis=(0, 1))
        half = len(phi) // 2
        known, asked = dict[str, list[Array]](), dict[str, list[Array]]()
        for group, count, each in (("seen", self.people, self.choices), ("unseen", self.new_people, self.few)):
            mixtures = rng.dirichlet(np.full(REWARDS, CONCENTRATION), count)
            known[group] = [
                _best_over_worst(phi, rewards @ mixture, rng.choice(half, min(each, half), replace=False))
                for mixture in mixtures
            ]
            asked[group] = [_best_over_worst(phi, rewards @ mixture, np.arange(half, len(phi))) for mixture in mixtures]
        return Scene(known, asked)


@dataclass(frozen=True)
class Scene:
    """Deltas (n, d) of each person, best answer less worst: what is known, and what is asked."""

    known: dict[str, list[Array]]
    asked: dict[str, list[Array]]


@dataclass(frozen=True)
class Fit:
    """Weights (d,) of each person, and the seconds that finding them took."""

    weights: dict[str, list[Array]]
    seconds: float


def _ours(scene: Scene, bench: LoreOfficial, seed: int) -> Fit:
    start = time.perf_counter()
    seen = scene.known["seen"]
    phi = np.stack([np.concatenate(seen), np.zeros_like(np.concatenate(seen))], axis=1).astype(np.float32)
    owner = np.repeat(np.arange(len(seen), dtype=np.int32), [len(deltas) for deltas in seen])
    people = Population(tuple(map(str, range(len(seen)))), phi, owner, np.ones(len(phi), np.float32))
    settings = LoReSettings(rank=bench.rank, temperature=bench.temperature, seed=seed)
    reward = LoRe.fit(people, settings)
    weights = {
        group: [
            reward.weights(reward.rebuild([Chosen(np.stack([delta, np.zeros_like(delta)])) for delta in deltas]))[0]
            for deltas in known
        ]
        for group, known in scene.known.items()
    }
    return Fit(weights, time.perf_counter() - start)


def _official(scene: Scene, bench: LoreOfficial, seed: int) -> Fit:
    try:
        import torch
    except ImportError as missing:
        raise MissingExtra("the official algorithm needs torch: pip install 'idiolect[local]'") from missing
    torch.manual_seed(seed)
    start = time.perf_counter()

    def packed(known: list[Array]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        owner = torch.repeat_interleave(torch.arange(len(known)), torch.tensor([len(deltas) for deltas in known]))
        share = 1 / torch.tensor([len(deltas) for deltas in known], dtype=torch.float32)
        return torch.tensor(np.concatenate(known), dtype=torch.float32), owner, share[owner]

    def loss(x: torch.Tensor, owner: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        margin = ((x @ directions) * torch.softmax(logits, dim=1)[owner]).sum(dim=1) / bench.temperature
        return -(torch.nn.functional.logsigmoid(margin) * share).sum()

    found: dict[str, list[Array]] = {}
    directions = torch.randn(scene.known["seen"][0].shape[1], bench.rank, requires_grad=True)
    for group, rate, steps in (("seen", 0.5, bench.steps), ("unseen", bench.few_rate, bench.few_steps)):
        batch = packed(scene.known[group])
        logits = torch.randn(len(scene.known[group]), bench.rank, requires_grad=True)
        adam = torch.optim.Adam([logits, directions] if group == "seen" else [logits], lr=rate)
        for _ in range(steps):
            adam.zero_grad()
            loss(*batch).backward()  # type: ignore[no-untyped-call] # torch's own
            adam.step()
        directions = directions.detach()
        together = directions @ torch.softmax(logits.detach(), dim=1).T
        found[group] = list(together.T.numpy().astype(np.float64))
    return Fit(found, time.perf_counter() - start)


def _right(deltas: Array, weights: Array) -> float:
    """The share of the deltas (n, d) along the weights; indifference is half right."""
    margins = deltas @ weights
    return float(np.mean((margins > 0) + 0.5 * (margins == 0)))


def _best_over_worst(phi: Array, rewards: Array, prompts: NDArray[np.intp]) -> Array:
    """(n, d): the best answer's features less the worst's, of these prompts."""
    best, worst = rewards[prompts].argmax(axis=1), rewards[prompts].argmin(axis=1)
    return np.asarray(phi[prompts, best] - phi[prompts, worst])


def _embedded(data: Path, count: int, run: Run) -> Array:
    """(prompts, ANSWERS, 384): embeddings of answers to the same prompt, from JSON lines with `responses` by model."""
    texts = list[str]()
    with gzip.open(data, "rt", encoding="utf-8") if data.suffix == ".gz" else data.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                answers = [str(answer) for answer in json.loads(line)["responses"].values()]
            except (ValueError, KeyError, TypeError, AttributeError) as bad:
                raise DataError(f"{data}, line {number}: no answers by model in `responses`: {bad}") from bad
            texts += answers[:ANSWERS] if len(answers) >= ANSWERS else []
            if len(texts) == count * ANSWERS:
                break
    embedder = open_embedder("minilm")
    assert embedder is not None
    key = {"texts": sha256("\x1e".join(texts).encode()).hexdigest(), "embedder": embedder.name}
    return run.array("lore-embeddings", key, lambda: embedder.embed(texts)).reshape(-1, ANSWERS, embedder.dim)
