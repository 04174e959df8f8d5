"""Which of four answers respects what a person said, on PrefEval (Zhao et al., 2025, arXiv 2502.09597).

The file's statement goes through our own extraction, since PrefEval says neither polarity nor object; the shipped
scorer then puts the options in an order, and the first option of the file is the right one. Nothing of PrefEval is
trained on in `accuracy`. In `accuracy_leave_one_topic_out` the scorer's matrix W moves by D, fitted on other topics:

    minimise over D   - mean over cases log softmax(margin + q D v)_right  +  ridge |D|^2,   q = sum_s polarity_s e_s

An option that ties with others for the first place counts as its share of them. Right options differ from wrong ones
even to who never saw the statement, which `no_statement`, `odd_one_out` and `longest` show. Intervals draw topics.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from idiolect.errors import BadInput, DataError
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.statistics import over_clusters
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.memory.extraction import extract, stated
from idiolect.reward.compliance import LearntCompliance
from idiolect.reward.minimise import lbfgs
from idiolect.schema import Array, Noun, Slots

STEPS = 60
TOPIC = "topic/"

Numbers: TypeAlias = NDArray[np.int64]
Learner: TypeAlias = Callable[[Numbers, Numbers], Array]  # questions to learn from, questions to score -> (n, 4)


class Item(BaseModel):
    """One question of the file; other fields are never looked at. The first option respects the preference."""

    preference: str
    question: str
    classification_task_options: list[str] = Field(min_length=4, max_length=4)


class Scored(Noun):
    """What the shipped scorer made of one question."""

    slots: tuple[Slots, ...]
    scores: tuple[float, ...]  # of the options, as a choice weighs them
    margins: tuple[float, ...]  # the logits behind them, summed over the statements
    milliseconds: float  # an option, its embedding apart


@dataclass(frozen=True)
class Vectors:
    """Of n questions with four options each."""

    statements: Array  # (n, dim)
    objects: Array  # (n, dim) the sum of the objects, signed by their polarity
    options: Array  # (n, 4, dim)


class ComplianceBench(Bench):
    """The option that respects a statement, put first among four without a language model."""

    needs: ClassVar[str] = "a folder of PrefEval's form: mcq_options/"
    beside: ClassVar[Mapping[str, str]] = {
        "accuracy": "the shipped scorer, which was fitted on nothing of this set",
        "accuracy_leave_one_topic_out": "moved by what the other topics teach",
        "chance": "baseline: any of four",
        "cosine": "baseline: the option nearest to the statement",
        "signed_cosine": "baseline: nearest to its objects, or farthest where it dislikes them",
        "no_statement": "baseline: a linear scorer of the options alone, fitted on the other topics",
        "odd_one_out": "baseline: the option least like the others",
        "longest": "baseline: the longest option",
        "milliseconds": "to score an option that is embedded already",
        TOPIC: "the shipped scorer on one topic",
    }

    embedder: str = Field("minilm", description="Of objects and options.")
    ridge: float = Field(0.003, gt=0, description="Of what other topics may move.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Score every question, then learn from the other topics in turn."""
        assert data is not None
        items = read_items(data)
        topics = [topic for topic, _ in items]
        if len(set(topics)) < 2:
            raise DataError(f"{data} holds fewer than two topics: give a folder of PrefEval's form")
        embedder = open_embedder(self.embedder)
        if embedder is None:
            raise BadInput("compliance compares the scorer with the cosine: set the embedder to minilm")
        scorer = LearntCompliance.shipped(embedder)
        scored = [_scored(scorer, embedder, item) for _, item in run.track(items, "compliance", len(items))]
        vectors = self._vectors([item for _, item in items], scored, embedder, run)
        rows = {"accuracy": np.array([each.scores for each in scored]), **_rows(vectors, items)}
        margins = np.array([each.margins for each in scored])
        rows["accuracy_leave_one_topic_out"] = _left_out(topics, self._moved(vectors, margins))
        rows["no_statement"] = _left_out(topics, self._alone(vectors))
        return [_case(index, item, topic, rows, scored[index]) for index, (topic, item) in enumerate(items)]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Means over questions, in the order of `beside`; then of each topic."""
        found = {name: self._mean(name, cases) for name in self.beside if name in cases[0].scores}
        for topic in sorted({case.group for case in cases}):
            found[TOPIC + topic] = self._mean("accuracy", [case for case in cases if case.group == topic], by_case=True)
        return found

    def _mean(self, name: str, cases: Sequence[Case], by_case: bool = False) -> Figure:
        clusters = [case.id if by_case else case.group for case in cases]
        values = np.array([case.scores[name] for case in cases])
        return over_clusters(values, clusters, resamples=self.resamples, seed=self.seed)

    def _vectors(self, items: Sequence[Item], scored: Sequence[Scored], embedder: Embedder, run: Run) -> Vectors:
        texts = [item.preference for item in items]
        options = [option for item in items for option in item.classification_task_options]
        objects = [slots.object for each in scored for slots in each.slots]
        every = [*texts, *options, *objects]
        key: dict[str, JsonValue] = {
            "embedder": self.embedder,
            "code": code_version("features"),
            "texts": sha256("\x1e".join(every).encode()).hexdigest(),
        }
        rows = run.array("vectors", key, lambda: embedder.embed(every))
        said, offered, things = np.split(rows, [len(texts), len(texts) + len(options)])
        signed = np.zeros_like(said)
        of = [(index, slots.polarity) for index, each in enumerate(scored) for slots in each.slots]
        for (index, polarity), row in zip(of, things, strict=True):
            signed[index] += polarity * row
        return Vectors(said, signed, offered.reshape(len(items), 4, -1))

    def _moved(self, of: Vectors, base: Array) -> Learner:
        """Learns D of W + D from some questions and scores others."""

        def scores(learnt: Array, chosen: Numbers) -> Array:
            along = of.objects[chosen] @ learnt
            return np.asarray(base[chosen] + np.einsum("nd,nkd->nk", along, of.options[chosen]))

        def gradient(slope: Array, chosen: Numbers) -> Array:
            return np.asarray(of.objects[chosen].T @ np.einsum("nk,nkd->nd", slope, of.options[chosen]))

        return _learner(scores, gradient, (of.objects.shape[1],) * 2, self.ridge)

    def _alone(self, of: Vectors) -> Learner:
        """Learns v of v . e_y from some questions' options, and scores others'."""

        def gradient(slope: Array, chosen: Numbers) -> Array:
            return np.asarray(np.einsum("nk,nkd->d", slope, of.options[chosen]))

        return _learner(lambda learnt, chosen: of.options[chosen] @ learnt, gradient, of.objects.shape[1:], self.ridge)


def _learner(
    scores: Callable[[Array, Numbers], Array],
    gradient: Callable[[Array, Numbers], Array],
    shape: tuple[int, ...],
    ridge: float,
) -> Learner:
    """The softmax of the right option, by its scores and the gradient of their sum with slopes (n, 4)."""

    def learn(taught: Numbers, asked: Numbers) -> Array:
        def loss(place: Array) -> tuple[float, Array]:
            logits = scores(place.reshape(shape), taught)
            logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
            slope = np.exp(logs)
            slope[:, 0] -= 1
            value = -float(logs[:, 0].mean()) + ridge * float(place @ place)
            return value, gradient(slope / len(taught), taught).ravel() + 2 * ridge * place

        learnt = lbfgs(loss, np.zeros(int(np.prod(shape))), steps=STEPS)
        return scores(learnt.reshape(shape), asked)

    return learn


def read_items(data: Path) -> list[tuple[str, Item]]:
    """Questions with their topics. Raises DataError for files of another form."""
    found = []
    for path in sorted((data / "mcq_options").glob("*.json")):
        try:
            found += [(path.stem, item) for item in TypeAdapter(list[Item]).validate_json(path.read_bytes())]
        except ValidationError as broken:
            raise DataError(f"{path} is not of PrefEval's form: {broken.errors()[0]['msg']}") from broken
    if not found:
        raise DataError(f"{data} holds no mcq_options/*.json: give a folder of PrefEval's form")
    return found


def first_share(scores: Array) -> Array:
    """(n,) from scores (n, 4): 1 where the first is the best, and its share where it ties with others."""
    best = scores >= scores.max(axis=1, keepdims=True) - 1e-9
    return np.asarray(best[:, 0] / best.sum(axis=1))


def _scored(scorer: LearntCompliance, embedder: Embedder, item: Item) -> Scored:
    slots = tuple(extract(item.preference, embedder) or stated(item.preference))
    options = item.classification_task_options
    embedder.embed(options)  # in a turn they are embedded anyway
    start = time.perf_counter()
    scores = scorer.score(slots, item.question, options)
    spent = (time.perf_counter() - start) * 1000 / len(options)
    margins = scorer.margins(slots, options).sum(axis=0)
    return Scored(slots=slots, scores=tuple(scores.tolist()), margins=tuple(margins.tolist()), milliseconds=spent)


def _rows(of: Vectors, items: Sequence[tuple[str, Item]]) -> dict[str, Array]:
    """(n, 4) by the baselines that learn nothing."""
    others = of.options.sum(axis=1, keepdims=True) - of.options
    return {
        "chance": np.zeros(of.options.shape[:2]),
        "cosine": np.einsum("nd,nkd->nk", of.statements, of.options),
        "signed_cosine": np.einsum("nd,nkd->nk", of.objects, of.options),
        "odd_one_out": -np.einsum("nkd,nkd->nk", of.options, others),
        "longest": np.array([[len(option) for option in item.classification_task_options] for _, item in items], float),
    }


def _left_out(topics: Sequence[str], learn: Learner) -> Array:
    """(n, 4): each topic scored by what was learnt on all others."""
    topic = np.array(topics)
    found = np.zeros((len(topic), 4))
    for each in sorted(set(topics)):
        found[topic == each] = learn(np.flatnonzero(topic != each), np.flatnonzero(topic == each))
    return found


def _case(index: int, item: Item, topic: str, rows: Mapping[str, Array], scored: Scored) -> Case:
    scores = {name: float(first_share(row[[index]])[0]) for name, row in rows.items()}
    scores["milliseconds"] = scored.milliseconds
    choice = item.classification_task_options[int(np.argmax(rows["accuracy"][index]))]
    return Case(id=f"{topic}/{index}", group=topic, scores=scores, choice=choice)
