"""P-Soups' comparisons (Jang et al., 2023, arXiv 2310.11564) as AlignX uses them (Li et al., 2025, arXiv 2503.15463).

A case holds four earlier choices of one person and a new pair. The personal reward starts from the shipped prior,
learns those four choices and nothing else of the file, and says which answer of the new pair the person prefers. Few
targets are distinct, so intervals draw distinct target pairs; and beside the accuracy stands the best vote that the
four choices cast on any one attribute, where the whole file has chosen the attribute: an oracle.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from idiolect.errors import DataError
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.statistics import over_clusters, wins
from idiolect.features.attributes import ATTRIBUTES, measure
from idiolect.features.embedder import open_embedder
from idiolect.features.space import PreferenceSpace
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Belief, Chosen
from idiolect.schema import Array

VOTE = "vote/"  # a score of a case: the four choices' vote on one attribute, as the chance it gives the chosen answer


class Pair(BaseModel):
    """One comparison; other fields of the file are never looked at."""

    prompt: str
    chosen: str
    rejected: str


class Target(Pair):
    """A pair to predict, with the person's earlier choices."""

    history: list[Pair] = Field(alias="Pair-wise Comparative Feedback", min_length=1)


CASES: TypeAdapter[list[Target]] = TypeAdapter(list[Target])


class Psoups(Bench):
    """Accuracy on a new pair after a person's own four earlier choices."""

    needs: ClassVar[str] = "a JSON file of P-Soups' form (a list of cases), or a folder of such files"
    beside: ClassVar[Mapping[str, str]] = {
        "accuracy": "the personal reward, from the case's own four choices",
        "best_single_attribute_vote": "the four choices' vote on one attribute; the file chose which (an oracle)",
        "pooled": "one reward for everybody, from all the file's earlier choices",
        "no_history": "the prior alone; ties count half",
        "log_loss": "of the personal reward's probability, in nats; 0.693 knows nothing",
        VOTE: "that attribute",
    }

    embedder: str = Field("minilm", description="Of the preference space's embedding part; none for attributes alone.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Learn and predict, case by case."""
        targets = read_targets(data) if data else {}
        answers = sorted({text for target in targets.values() for pair in _pairs(target) for text in _texts(pair)})
        space = PreferenceSpace.shipped()
        key = {
            "space": space.version,
            "embedder": self.embedder,
            "code": code_version("features"),
            "texts": _hash(answers),
        }
        phi = dict(zip(answers, run.array("phi", key, lambda: self._phi(space, answers)), strict=True))
        raw = {text: measure(text) for text in answers}
        reward = Gaussian.shipped(space)
        everybody = reward.rebuild([_chosen(pair, phi) for target in targets.values() for pair in target.history])
        beliefs = {"pooled": everybody, "no_history": reward.prior()}
        return [
            _case(name, target, reward, {"accuracy": _learnt(reward, target, phi), **beliefs}, phi, raw)
            for name, target in run.track(targets.items(), "psoups", len(targets))
        ]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Accuracy and its baselines, ties counting half."""
        clusters = [case.group for case in cases]

        def accuracy(row: str) -> Figure:
            right = wins(np.array([case.scores[row] for case in cases]), np.array(0.5))
            return over_clusters(right, clusters, resamples=self.resamples, seed=self.seed)

        votes = {row: accuracy(row) for row in cases[0].scores if row.startswith(VOTE)}
        best = max(votes, key=lambda row: votes[row].value)
        loss = -np.log(np.clip([case.scores["accuracy"] for case in cases], 1e-12, 1))
        return {
            "accuracy": accuracy("accuracy"),
            "best_single_attribute_vote": votes[best],
            "pooled": accuracy("pooled"),
            "no_history": accuracy("no_history"),
            "log_loss": over_clusters(loss, clusters, resamples=self.resamples, seed=self.seed),
            best: votes[best],
        }

    def _phi(self, space: PreferenceSpace, answers: Sequence[str]) -> Array:
        embedder = open_embedder(self.embedder)
        return space.phi(answers, embedder.embed(answers) if embedder else None)


def read_targets(data: Path) -> dict[str, Target]:
    """Cases by id. Raises DataError for a file of another form."""
    paths = sorted(data.glob("*.json")) if data.is_dir() else [data]
    found: dict[str, Target] = {}
    for path in paths:
        try:
            targets = CASES.validate_json(path.read_bytes())
        except ValidationError as broken:
            raise DataError(f"{path} is not of P-Soups' form: {broken.errors()[0]['msg']}") from broken
        found |= {f"{path.stem}/{number}": target for number, target in enumerate(targets)}
    if not found:
        raise DataError(f"{data} holds no cases: give a JSON file of P-Soups' form, or a folder of them")
    return found


def _pairs(target: Target) -> list[Pair]:
    return [target, *target.history]


def _texts(pair: Pair) -> tuple[str, str]:
    return pair.chosen, pair.rejected


def _hash(texts: Sequence[str]) -> str:
    return sha256("\x1e".join(texts).encode()).hexdigest()


def _chosen(pair: Pair, phi: Mapping[str, Array]) -> Chosen:
    return Chosen(np.stack([phi[text] for text in _texts(pair)]))


def _learnt(reward: Gaussian, target: Target, phi: Mapping[str, Array]) -> Belief:
    belief = reward.prior()
    for pair in target.history:
        belief = reward.update(belief, _chosen(pair, phi))
    return belief


def _case(
    name: str,
    target: Target,
    reward: Gaussian,
    beliefs: Mapping[str, Belief],
    phi: Mapping[str, Array],
    raw: Mapping[str, Array],
) -> Case:
    scores = {
        row: reward.probability(belief, np.stack([phi[target.chosen], phi[target.rejected]]))
        for row, belief in beliefs.items()
    }
    votes = sum((np.sign(raw[pair.chosen] - raw[pair.rejected]) for pair in target.history), np.zeros(len(ATTRIBUTES)))
    agree = np.sign(votes) * np.sign(raw[target.chosen] - raw[target.rejected])
    scores |= {VOTE + attribute: float(0.5 + vote / 2) for attribute, vote in zip(ATTRIBUTES, agree, strict=True)}
    choice = {1.0: "chosen", 0.5: "tie", 0.0: "rejected"}[float(wins(np.array(scores["accuracy"]), np.array(0.5)))]
    return Case(id=name, group=_hash(sorted(_texts(target)))[:12], scores=scores, choice=choice)
