"""Fits the gate of recall, and says how good it is on texts and on areas of life that the fit never saw.

The heads are logistic regressions with a ridge. The weights of the formula are then fitted on made-up people of 40
statements and one prompt each, whose statement and prompt the heads have not seen: of one half not the wording, of the
other half not the area (whole runs of neighbouring areas are left out, so that no sister area helps).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from idiolect.features.embedder import Embedder
from idiolect.memory.recall.areas import Corpus, Flags, Sayings
from idiolect.memory.recall.bm25 import BM25
from idiolect.memory.recall.dense import Floats
from idiolect.memory.recall.gate import AboutGate, Gate, Head, Heads, Weights
from idiolect.memory.recall.words import stems

if TYPE_CHECKING:
    import torch

RIDGE = 0.05
NEAR = 0.2  # weight of what may or may not bear, when the reach of a statement is learnt as "no"
FOLDS = 5  # of areas, in the order of the file, where neighbours stand together
PEOPLE = 400  # made up for each fold of areas; for the left-out wordings as many as for all of these
HELD = 40  # statements of a made-up person
SHOWN = 5  # most that would be injected
WORDING = 0.25  # share of phrases that are left out to judge other wordings
ALARMS = (0.01, 0.02, 0.05)
LEAKED = 0.06  # share of foreign statements that may be injected where every second prompt is of no area of life

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Embedded:
    """The corpus with its vectors."""

    corpus: Corpus
    questions: Floats  # (n, dim)
    statements: Floats  # (m, dim)


@dataclass(frozen=True)
class People:
    """Made-up people: features of a prompt with each of HELD statements, the first of which bears on it."""

    features: Floats  # (people, HELD, 4): cosine, area, family, reach
    overlap: Floats  # (people, HELD)

    def joined(self, other: "People") -> "People":
        """Both."""
        return People(np.concatenate([self.features, other.features]), np.concatenate([self.overlap, other.overlap]))


def embedded(corpus: Corpus, embedder: Embedder) -> Embedded:
    """The corpus with its vectors; a minute or two."""
    questions, statements = (
        embedder.embed(each.texts).astype(np.float32) for each in (corpus.questions, corpus.statements)
    )
    return Embedded(corpus, questions, statements)


def fit_gate(given: Embedded, embedder: str, progress: Progress, seed: int = 0) -> Gate:
    """The gate, fitted on everything; its weights and figures from what was left out in turn."""
    rng = np.random.default_rng(seed)
    progress("other wordings")
    wordings, strangers = _other_wordings(given, rng)
    progress("other areas")
    areas = _other_areas(given, rng, progress)
    weights = _weights(wordings.joined(areas))
    progress("everything")
    everything = (np.ones(len(given.questions), bool), np.ones(len(given.statements), bool))
    threshold = _threshold(wordings, strangers, weights)
    held_out = {**_figures("wording", wordings, weights, threshold), **_figures("area", areas, weights, threshold)}
    about = AboutGate(
        threshold=round(threshold, 4),
        embedder=embedder,
        areas=given.corpus.areas,
        statements=len(given.statements),
        questions=len(given.questions),
        weights=weights,
        held_out={name: round(value, 4) for name, value in held_out.items()},
    )
    return Gate(_heads(given, *everything), about)


def _other_wordings(given: Embedded, rng: np.random.Generator) -> tuple[People, People]:
    """People with prompts and statements of known areas in other words; and as many with prompts of no area."""
    asked = _held_phrases(given.corpus.questions, rng)
    said = _held_phrases(given.corpus.statements, rng)
    heads, count = _heads(given, ~asked, ~said), PEOPLE * FOLDS
    chat = np.flatnonzero(asked & ~given.corpus.questions.own.any(axis=1))
    others = [(int(rng.choice(chat)), rng.choice(np.flatnonzero(said), HELD, replace=False)) for _ in range(count)]
    drawn = list(_drawn(given.corpus, np.flatnonzero(asked), np.flatnonzero(said), count, rng))
    return _people(given, heads, drawn), _people(given, heads, others)


def _other_areas(given: Embedded, rng: np.random.Generator, progress: Progress) -> People:
    found: People | None = None
    for number, areas in enumerate(np.array_split(np.arange(len(given.corpus.areas)), FOLDS)):
        progress(f"other areas, {number + 1} of {FOLDS}")
        asked = np.asarray(given.corpus.questions.own[:, areas].any(axis=1))
        said = np.asarray(given.corpus.statements.own[:, areas].any(axis=1))
        heads = _heads(given, ~asked, ~said)
        drawn = list(_drawn(given.corpus, np.flatnonzero(asked), np.flatnonzero(said), PEOPLE, rng))
        people = _people(given, heads, drawn)
        found = people if found is None else found.joined(people)
    assert found is not None
    return found


def _held_phrases(sayings: Sayings, rng: np.random.Generator) -> Flags:
    held = rng.random(int(sayings.phrase.max()) + 1) < WORDING
    return np.asarray(held[sayings.phrase])


def _heads(given: Embedded, asked: Flags, said: Flags) -> Heads:
    """Fitted on the questions and statements that are marked; areas without any text take no part."""
    questions, statements = given.corpus.questions, given.corpus.statements
    own = questions.own[asked].astype(np.float32)
    none = 1 - own.sum(axis=1, keepdims=True)  # chat: one more area
    mine = statements.own[said].astype(np.float32)
    bears = statements.bears[said]
    unsure = ((mine @ given.corpus.near.astype(np.float32)) > 0) & ~bears
    taught = mine.any(axis=0)
    return Heads(
        _softmax_head(given.questions[asked], np.concatenate([own, none], axis=1)),
        _softmax_head(given.statements[said], mine / mine.sum(axis=1, keepdims=True)),
        _sigmoid_head(given.statements[said], bears, np.where(unsure, NEAR, 1.0) * taught),
        given.corpus.families.astype(np.float32),
    )


def _softmax_head(rows: Floats, target: Floats) -> Head:
    import torch

    def loss(logits: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        return -(torch.log_softmax(logits, dim=1) * wanted).sum()

    seen = target.any(axis=0)
    return _fitted(rows, target, loss, np.where(seen, 0.0, -30.0))


def _sigmoid_head(rows: Floats, target: Flags, weight: NDArray[np.float64]) -> Head:
    import torch

    weights = torch.tensor(weight, dtype=torch.float32)

    def loss(logits: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return (each * weights).sum()

    return _fitted(rows, target.astype(np.float32), loss, np.full(target.shape[1], -3.0))


def _fitted(
    rows: Floats,
    target: Floats,
    loss: Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"],
    start: NDArray[np.float64],
) -> Head:
    """Minimise loss + ridge |W|^2 by L-BFGS."""
    import torch

    x, y = torch.tensor(rows), torch.tensor(target, dtype=torch.float32)
    weights = torch.zeros(rows.shape[1], target.shape[1], requires_grad=True)
    bias = torch.tensor(start, dtype=torch.float32, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=120, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> "torch.Tensor":
        optimiser.zero_grad()
        total: torch.Tensor = (loss(x @ weights + bias, y) + RIDGE * (weights**2).sum()) / len(x)
        total.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        return total

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # likewise
    return Head(weights.detach().numpy(), bias.detach().numpy())


def _people(given: Embedded, heads: Heads, drawn: Sequence[tuple[int, NDArray[np.int64]]]) -> People:
    """What the heads and the words say of each prompt with each statement that its person holds."""
    features = np.stack([_features(given, heads, question, held) for question, held in drawn])
    overlaps = np.stack([_overlap(given.corpus, question, held) for question, held in drawn])
    return People(features, overlaps)


def _drawn(
    corpus: Corpus, asked: NDArray[np.int64], said: NDArray[np.int64], count: int, rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Prompts and HELD statements, the first of which bears on the prompt; the others are foreign to it."""
    made = 0
    while made < count:
        question = int(rng.choice(asked))
        right = said[corpus.relevant[question, said]]
        if len(right):
            foreign = rng.choice(np.flatnonzero(corpus.foreign[question]), HELD - 1, replace=False)
            yield question, np.append(rng.choice(right), foreign)
            made += 1


def _features(given: Embedded, heads: Heads, question: int, held: NDArray[np.int64]) -> Floats:
    """(HELD, 4)"""
    rows, query = given.statements[held], given.questions[question]
    asked, said = heads.of_query(query), heads.of_statement(rows)
    areas, families = heads.families.shape
    parts = np.split(said, [areas, areas + families], axis=1)
    return np.stack([rows @ query, *(part @ each for part, each in zip(parts, asked, strict=True))], axis=1)


def _overlap(corpus: Corpus, question: int, held: NDArray[np.int64]) -> Floats:
    index = BM25()
    for statement in held:
        index.add(stems(corpus.statements.texts[statement]))
    terms = stems(corpus.questions.texts[question])
    return np.asarray(index.scores(terms) / np.float32(index.most(terms) or 1))


def _weights(people: People) -> Weights:
    """Logistic regression on all pairs of all people: p holds for a person of HELD statements, one of which bears."""
    right = np.zeros(people.overlap.shape, bool)
    right[:, 0] = True
    full = np.concatenate([people.features, people.overlap[..., None]], axis=-1).reshape(-1, 5)
    cosine, area, family, reach, overlap, bias = _logistic(full, right.ravel())
    slope, base = _logistic(full[:, 4:], right.ravel())
    return Weights(
        cosine=cosine, area=area, family=family, reach=reach, overlap=overlap, bias=bias, lexical=(base, slope)
    )


def _logistic(features: Floats, right: Flags) -> Sequence[float]:
    """The weights, then the bias, by Newton's method."""
    x = np.concatenate([features, np.ones((len(features), 1))], axis=1).astype(np.float64)
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(len(w))
        w += np.linalg.solve(hessian, x.T @ (right - p))
    return [float(each) for each in w]


def logits(people: People, weights: Weights) -> Floats:
    """(people, HELD)"""
    of_features = np.array([weights.cosine, weights.area, weights.family, weights.reach], np.float32)
    return np.asarray(people.features @ of_features + weights.overlap * people.overlap + weights.bias)


def _threshold(people: People, strangers: People, weights: Weights) -> float:
    """The lowest probability at which no more than LEAKED of the foreign statements are injected."""
    scores, others = logits(people, weights), logits(strangers, weights)
    leaking = np.concatenate([scores[:, 1:][_among_best(scores)[:, 1:]], others[_among_best(others)]])
    allowed = int(LEAKED * (scores[:, 1:].size + others.size))
    at = np.sort(leaking)[::-1][min(allowed, len(leaking) - 1)]
    return float(1 / (1 + np.exp(-at)))


def _among_best(scores: Floats) -> Flags:
    return np.asarray((scores[:, :, None] < scores[:, None, :]).sum(axis=2) < SHOWN)


def _figures(name: str, people: People, weights: Weights, threshold: float) -> dict[str, float]:
    """The right statement injected, at thresholds that some share of foreign ones passes, then at the gate's own."""
    rows = {"gate": logits(people, weights), "cosine": people.features[..., 0], "words": people.overlap}
    found = {}
    for row, scores in rows.items():
        shown = (scores[:, 1:] >= scores[:, :1]).sum(axis=1) < SHOWN
        for share in ALARMS:
            over = scores[:, 0] > np.quantile(scores[:, 1:], 1 - share)
            found[f"{name}/{row}/recall at {share:.0%} alarms"] = float((over & shown).mean())
    scores = rows["gate"]
    injected = (scores >= np.log(threshold / (1 - threshold))) & _among_best(scores)
    found[f"{name}/injected"] = float(injected[:, 0].mean())
    found[f"{name}/quiet"] = float(1 - injected[:, 1:].mean())
    return found
