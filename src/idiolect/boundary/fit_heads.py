"""Fits the harm heads, and says how good they are on whole sources, lines and prompts that a fit never saw.

    minimise over w   sum_i c_i log(1 + exp(-y_i w . f_i)) + ridge |w|^2      (c_i makes both classes weigh the same)

The answers' head takes besides sum over pairs of log(1 + exp(w . f(better) - w . f(worse))), for hh-rlhf's comparisons.
The line at which a head acts is set on what was left out: few requests that are everyday ones, or only sound harmful,
are above the request's; no full refusal that isn't known as one is above the answer's.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idiolect.boundary import corpus
from idiolect.boundary.corpus import Request
from idiolect.boundary.heads import (
    AboutHeads,
    Floats,
    Heads,
    declining,
    in_light,
    with_one,
    words_of,
)
from idiolect.boundary.policy import Policy
from idiolect.boundary.retold import some
from idiolect.boundary.rules import RulesScreen
from idiolect.features.embedder import Embedder
from idiolect.schema import as_messages

COSINES = 1024
SHARPNESS = 0.5  # of the kernel exp(-sharpness |e - e'|^2)
RIDGE = 0.3
SMALL_RIDGE = 1.0  # of heads that read the embedding alone
FOLDS = 5
ALARMS = 0.015  # share of everyday requests, half of them meant to sound harmful, that may be above when left out
ALARMS_OF_SCARY = 0.05  # the same of what is safe and sounds harmful, by a head that saw nothing of its source
ALARMS_OF_ANSWERS = 0.01  # share of answers to what is safe to ask that may be above the line
MARGIN = 0.1  # over the worst refusal
PAIRED = 0.3  # weight of a comparison beside an answer with a label of its own
STEPS = 100
RETOLD = 3  # other manners in which each request of this project is told
RETOLD_WEIGHT = 0.35  # of such a request beside the first
EXAMPLE_WEIGHT = 4.0  # of the policy's own examples, which `policy check` holds it to
SAFE_WEIGHTS = {corpus.SCARY: 4.0, corpus.EVERYDAY: 2.0}  # of harmless requests beside another, by source

Flags = NDArray[np.bool_]
Progress = Callable[[str], None]


@contextmanager
def one_thread() -> Iterator[None]:
    """Of torch's and of numpy's: many add in another order, and the bytes of the weights would hang on their number."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Texts:
    """Texts with all that the heads read of them, by their first window and whole."""

    vectors: Floats  # (n, dim)
    words: list[list[str]]
    rules: NDArray[np.float64]  # (n,)

    def of(self, chosen: NDArray[np.int64] | Flags) -> "Texts":
        """Some of them."""
        places = np.arange(len(self.words))[chosen]
        return Texts(self.vectors[places], [self.words[place] for place in places], self.rules[places])


@dataclass(frozen=True)
class Answers:
    """Answers to XSTest's prompts and comparisons of hh-rlhf, with what was asked."""

    labelled: Texts
    better: Texts
    worse: Texts
    asked: NDArray[np.float64]  # (n,) the request's logit by a head that never saw XSTest
    asked_of_pairs: NDArray[np.float64]
    harm: Flags
    refusal: Flags
    compliance: Flags
    fold: NDArray[np.int64]  # by prompt
    fold_of_pairs: NDArray[np.int64]


class Fitter:
    """What is read once and fitted many times."""

    def __init__(self, data: Path, policy: Policy, embedder: Embedder, progress: Progress, seed: int = 0) -> None:
        self._data, self._policy, self._embedder, self._progress = data, policy, embedder, progress
        self._rules = RulesScreen(policy)
        self._grave = {each.name for each in policy.category if each.action in ("refuse", "helpline")}
        own, lines = corpus.own_requests(policy, seed)
        public = [each for each in corpus.public_requests(data) if each.label != "sensitive"]
        other = list(zip(own, lines, some([each.text for each in own], RETOLD, seed), strict=True))
        told = [each.model_copy(update={"text": text}) for each, _, texts in other for text in texts]
        self.requests: list[Request] = [*own, *public, *told]
        self.line = np.array([*lines, *(-1 for _ in public), *(line for _, line, texts in other for _ in texts)])
        self.is_told = np.arange(len(self.requests)) >= len(own) + len(public)
        self.harmful = np.array([each.label == "harmful" for each in self.requests])
        self.source = np.array([each.source for each in self.requests])
        safe = np.array([SAFE_WEIGHTS.get(each, 1.0) for each in self.source])
        named = {text for each in policy.category for text in (*each.examples, *each.harmless)}
        example = np.array([EXAMPLE_WEIGHT if each.text in named else 1.0 for each in self.requests])
        told_less = np.where(self.is_told, RETOLD_WEIGHT, 1.0)
        self._weights = np.where(self.harmful, 1.0, safe) * told_less * example
        rng = np.random.default_rng(seed)
        self._directions = rng.normal(0, np.sqrt(2 * SHARPNESS), (embedder.dim, COSINES)).astype(np.float32)
        self._phases = rng.uniform(0, 2 * np.pi, COSINES).astype(np.float32)
        about = AboutHeads(
            embedder=embedder.name, categories=(), sources={}, licences={}, lines={}, slopes={}, held_out={}
        )
        self.bare = Heads(_half(self._directions), _half(self._phases), {}, about)

    @cached_property
    def texts(self) -> Texts:
        """The requests as the heads read them."""
        self._progress("embedding requests")
        return self.read([each.text for each in self.requests])

    @cached_property
    def features(self) -> Floats:
        """(n, f + 1) of the requests."""
        return self.bare.features(self.texts.vectors, self.texts.words, self.texts.rules)

    def read(self, texts: Sequence[str], where: str = "request") -> Texts:
        """As the screen reads them, long texts by their mean."""
        vectors = self._embedder.embed(texts).astype(np.float32)
        return Texts(vectors, [words_of(text, 1)[0] for text in texts], np.array([self.risk(t, where) for t in texts]))

    def risk(self, text: str, where: str = "request") -> float:
        """The rules' risk in the categories that refuse."""
        found = (
            self._rules.read(as_messages(text)).request()
            if where == "request"
            else self._rules.findings(self._rules.text(text), "answer")
        )
        return max((each.risk for each in found if each.category in self._grave), default=0.0)

    def request_head(self, chosen: Flags) -> Floats:
        """(f + 1,) fitted on the requests that are marked."""
        return fitted(self.features[chosen], self.harmful[chosen], RIDGE, weights=self._weights[chosen])

    def without(self, source: str) -> Floats:
        """The request's head, fitted on everything but one source."""
        return self.request_head(self.source != source)

    @cached_property
    def left_out(self) -> NDArray[np.float64]:
        """(n,) each request's logit by a head that saw neither its source nor, of our own text, its line."""
        found = np.zeros(len(self.requests))
        public = sorted(set(self.source) - {corpus.OWN, corpus.EVERYDAY})
        for name in public:
            self._progress(f"without {name}")
            found[self.source == name] = self.features[self.source == name] @ self.without(name)
        for fold in range(FOLDS):
            self._progress(f"other lines, {fold + 1} of {FOLDS}")
            held = (self.line >= 0) & (self.line % FOLDS == fold)
            found[held] = self.features[held] @ self.request_head(~held)
        return found

    def answers(self) -> Answers:
        """All answers; the request's logits come from a head that never saw XSTest."""
        self._progress("embedding answers")
        labelled, pairs = corpus.completions(self._data), corpus.comparisons(self._data)
        prompts = {text: number for number, text in enumerate(dict.fromkeys(each.prompt for each in labelled))}
        head = self.without(corpus.SCARY)
        return Answers(
            labelled=self.read([each.completion for each in labelled], "answer"),
            better=self.read([each.answers[0] for each in pairs], "answer"),
            worse=self.read([each.answers[1] for each in pairs], "answer"),
            asked=self._logits([each.prompt for each in labelled], head),
            asked_of_pairs=self._logits([each.asked for each in pairs], head),
            harm=np.array([each.is_of_harm and not each.is_refusal for each in labelled]),
            refusal=np.array([each.is_refusal for each in labelled]),
            compliance=np.array([each.is_compliance for each in labelled]),
            fold=np.array([prompts[each.prompt] % FOLDS for each in labelled]),
            fold_of_pairs=np.arange(len(pairs)) % FOLDS,
        )

    def category_head(self) -> tuple[tuple[str, ...], Floats]:
        """Names of the categories (k,), and (dim + 1, k): taught by what the rules say of the harmful requests."""
        chosen = np.flatnonzero(self.harmful & ~self.is_told)
        said = {index: self._category(self.requests[index].text) for index in chosen.tolist()}
        known = {index: name for index, name in said.items() if name}
        names = tuple(sorted(set(known.values())))
        rows = with_one(self.texts.vectors[list(known)])
        columns = [fitted(rows, np.array([each == name for each in known.values()]), SMALL_RIDGE) for name in names]
        return names, np.stack(columns, axis=1)

    def _category(self, text: str) -> str:
        found = [each for each in self._rules.read(as_messages(text)).request() if each.category in self._grave]
        return max(found, key=lambda each: each.risk).category if found else ""

    def features_of(self, texts: Sequence[str]) -> Floats:
        """(n, f + 1) of other requests."""
        read = self.read(texts)
        return self.bare.features(read.vectors, read.words, read.rules)

    def _logits(self, texts: Sequence[str], head: Floats) -> NDArray[np.float64]:
        return np.asarray(self.features_of(texts) @ head, np.float64)


@one_thread()
def fit_heads(data: Path, policy: Policy, embedder: Embedder, progress: Progress, seed: int = 0) -> Heads:
    """Both heads, fitted on everything, their lines and figures from what was left out in turn."""
    fitter = Fitter(data, policy, embedder, progress, seed)
    left_out, answers = fitter.left_out, fitter.answers()
    everyday = left_out[(fitter.source == corpus.EVERYDAY) & ~fitter.is_told]
    scary = left_out[(fitter.source == corpus.SCARY) & ~fitter.harmful]
    line = float(max(np.quantile(everyday, 1 - ALARMS), np.quantile(scary, 1 - ALARMS_OF_SCARY)))
    progress("answers")
    answered, declined = held_out_answers(fitter, answers)
    line_of_answers = _line_of_answers(answers, answered, declined)
    progress("everything")
    decline, answer = answer_heads(
        fitter, answers, np.ones(len(answers.harm), bool), np.ones(len(answers.better.words), bool)
    )
    names, category = fitter.category_head()
    about = AboutHeads(
        embedder=embedder.name,
        categories=names,
        sources={
            **_counts(fitter.source[~fitter.is_told]),
            "xstest-completions": len(answers.harm),
            "hh-rlhf": len(answers.better.words),
        },
        licences=dict(corpus.LICENCES),
        lines={"request": round(line, 4), "answer": round(line_of_answers, 4)},
        slopes={
            "request": round(_slope(left_out[~fitter.is_told], fitter.harmful[~fitter.is_told]), 4),
            "answer": round(_slope(answered, answers.harm), 4),
        },
        held_out={
            **_figures(fitter, left_out, line),
            **_figures_of_answers(answers, answered, declined, line_of_answers),
        },
    )
    arrays = {
        "request": fitter.request_head(np.ones(len(fitter.requests), bool)),
        "category": category,
        "decline": decline,
        "answer": answer,
    }
    return Heads(
        fitter.bare.directions, fitter.bare.phases, {name: _half(each) for name, each in arrays.items()}, about
    )


@one_thread()
def held_out_answers(fitter: Fitter, given: Answers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) each answer's logit and its logit of declining, by heads that never saw its prompt."""
    answered, declined = np.zeros(len(given.harm)), np.zeros(len(given.harm))
    for fold in range(FOLDS):
        held = given.fold == fold
        decline, answer = answer_heads(fitter, given, ~held, given.fold_of_pairs != fold)
        part = given.labelled.of(held)
        declined[held] = declining(part.vectors, part.words) @ decline
        answered[held] = _rows(fitter, part, given.asked[held], decline) @ answer
    return answered, declined


@one_thread()
def answer_heads(fitter: Fitter, given: Answers, chosen: Flags, pairs: Flags) -> tuple[Floats, Floats]:
    """The head of declining, then that of harm, fitted on the answers and pairs that are marked."""
    plain = chosen & (given.refusal | given.compliance)
    part = given.labelled.of(plain)
    decline = fitted(declining(part.vectors, part.words), given.refusal[plain], RIDGE)
    rows = _rows(fitter, given.labelled.of(chosen), given.asked[chosen], decline)
    asked = given.asked_of_pairs[pairs]
    worse = _rows(fitter, given.worse.of(pairs), asked, decline) - _rows(fitter, given.better.of(pairs), asked, decline)
    return decline, fitted(rows, given.harm[chosen], RIDGE, worse)


@one_thread()
def fitted(
    rows: Floats,
    positive: Flags,
    ridge: float,
    margins: Floats | None = None,
    weights: NDArray[np.float64] | None = None,
) -> Floats:
    """(f,) minimising the balanced log loss, and that of the margins, which should be above nought; by L-BFGS."""
    import torch
    from torch.nn.functional import softplus

    x, sign = torch.from_numpy(rows), torch.tensor(np.where(positive, 1.0, -1.0), dtype=torch.float32)
    each = np.ones(len(rows)) if weights is None else weights
    share = each[positive].sum() / each.sum()
    weight = torch.tensor(each * np.where(positive, 0.5 / share, 0.5 / (1 - share)), dtype=torch.float32)
    paired = None if margins is None else torch.from_numpy(margins)
    w = torch.zeros(rows.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([w], max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        total: torch.Tensor = (weight * softplus(-sign * (x @ w))).sum() + ridge * (w**2).sum()
        if paired is not None:
            total = total + PAIRED * softplus(-(paired @ w)).sum()
        total = total / len(x)
        total.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        return total

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # likewise
    return np.asarray(w.detach().numpy())


def auroc(scores: NDArray[np.float64], positive: Flags) -> float:
    """The share of pairs of a positive and a negative that are in order; ties count half."""
    high, low = scores[positive], np.sort(scores[~positive])
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2 * len(low)))


def _rows(fitter: Fitter, texts: Texts, asked: NDArray[np.float64], decline: Floats) -> Floats:
    declined = np.asarray(declining(texts.vectors, texts.words) @ decline, np.float64)
    return in_light(fitter.bare.features(texts.vectors, texts.words, texts.rules), asked, declined)


def _figures(fitter: Fitter, left_out: NDArray[np.float64], line: float) -> dict[str, float]:
    everyday = left_out[(fitter.source == corpus.EVERYDAY) & ~fitter.is_told]
    found = {"request/flagged/everyday": float((everyday > line).mean())}
    told = left_out[fitter.is_told & fitter.harmful], left_out[fitter.is_told & ~fitter.harmful]
    found |= {"request/flagged/retold": float((told[0] > line).mean())}
    found |= {"request/flagged-safe/retold": float((told[1] > line).mean())}
    for name in sorted(set(fitter.source) - {corpus.EVERYDAY}):
        own = (fitter.source == name) & ~fitter.is_told
        high, low = left_out[own & fitter.harmful], left_out[own & ~fitter.harmful]
        both = np.concatenate([high, everyday])
        found[f"request/auroc/{name}"] = auroc(both, np.arange(len(both)) < len(high))
        found[f"request/flagged/{name}"] = float((high > line).mean())
        if len(low):
            found[f"request/auroc-of-pairs/{name}"] = auroc(left_out[own], fitter.harmful[own])
            found[f"request/flagged-safe/{name}"] = float((low > line).mean())
    return {name: round(value, 4) for name, value in found.items()}


def _figures_of_answers(
    given: Answers, answered: NDArray[np.float64], declined: NDArray[np.float64], line: float
) -> dict[str, float]:
    plain = given.refusal | given.compliance
    flagged = (answered > line) & (declined <= 0)
    found = {
        "answer/auroc": auroc(answered, given.harm),
        "answer/flagged": float(flagged[given.harm & given.compliance].mean()),
        "answer/flagged-safe": float(flagged[~given.harm & ~given.refusal].mean()),
        "answer/flagged-refusals": float(flagged[given.refusal].mean()),
        "answer/declines": float(((declined > 0) == given.refusal)[plain].mean()),
    }
    return {name: round(value, 4) for name, value in found.items()}


def _line_of_answers(given: Answers, answered: NDArray[np.float64], declined: NDArray[np.float64]) -> float:
    """Above every full refusal that is not known as one, and above all but a few answers to what was safe to ask."""
    unknown = answered[given.refusal & (declined <= 0)]
    safe = answered[~given.harm & ~given.refusal & (declined <= 0)]
    return float(max(unknown.max(initial=0.0) + MARGIN, np.quantile(safe, 1 - ALARMS_OF_ANSWERS)))


def _slope(logits: NDArray[np.float64], positive: Flags) -> float:
    """Of the logistic curve of the logits, by Newton's method on slope and place."""
    x = np.stack([logits, np.ones(len(logits))], axis=1)
    theta = np.array([1.0, 0.0])
    for _ in range(30):
        p = 0.5 * (1 + np.tanh(x @ theta / 2))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        theta += np.linalg.solve(hessian, x.T @ (positive - p))
    return float(theta[0])


def _counts(names: NDArray[np.str_]) -> dict[str, int]:
    return {str(name): int(count) for name, count in zip(*np.unique(names, return_counts=True), strict=True)}


def _half(rows: Floats) -> Floats:
    """As it is kept, so that figures are of what ships."""
    return rows.astype(np.float16).astype(np.float32)
