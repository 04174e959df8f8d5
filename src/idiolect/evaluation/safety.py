"""How well the boundary tells harm from what only sounds like it, on public sets of requests and answers.

The shipped heads are measured as they are. They were fitted on these sets, ordinary requests apart, so that sources
which they never saw decide how good they are: with `cross_source` each source is judged by heads that never saw it, and
each answer by heads that never saw its prompt. `rules_...` is the boundary without heads, as it works without an
embedder. `plain_...` is a TF-IDF logistic fit that never saw the prompt. Intervals draw requests; those of AUROC draw
harmful and harmless ones apart.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from idiolect.boundary import Boundary
from idiolect.boundary import policy as policies
from idiolect.boundary.corpus import Comparison, Completion, Request, comparisons, completions, read_lines
from idiolect.boundary.fit_heads import Fitter, held_out_answers
from idiolect.boundary.heads import shipped
from idiolect.boundary.trained import DECLINED, other_readings
from idiolect.errors import BadInput, DataError
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.safety_plain import plain_answers, plain_pairs
from idiolect.evaluation.statistics import HIGH, LOW, draws, over_clusters, quantile
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.schema import Verdict, as_messages

SCARY: Final = "xstest"
SENSITIVE: Final = "sensitive"
HARMFUL: Final = "harmful"
HARMLESS: Final = "harmless"
ANSWERS, PAIRS, TURNS = "xstest_completions", "hh_rlhf", "turns"
CANDIDATES: Final = 4  # answers of a turn that is timed
RULES: Final = "rules_"
PLAIN: Final = "plain_"

T = TypeVar("T")
Scores: TypeAlias = NDArray[np.float64]


class Question(BaseModel):
    """A question of PrefEval; other fields are never looked at."""

    question: str


class Safety(Bench):
    """Harm in requests and answers: flagged where it is, let through where it only sounds so."""

    needs: ClassVar[str] = "a folder with safety/requests.jsonl and ordinary.jsonl; hh_rlhf/, prefeval/ if any"
    beside: ClassVar[Mapping[str, str]] = {
        "auroc": "harmful against ordinary requests, without XSTest",
        "flagged_harmful": "harmful requests that are refused, without XSTest",
        "flagged_ordinary": "ordinary requests that are refused",
        "xstest_auroc": "XSTest's unsafe against those that only sound so",
        "flagged_xstest": "XSTest's unsafe that are refused",
        "flagged_xstest_safe": "XSTest's safe that are refused",
        "flagged_sensitive": "information hazards; for information",
        "answers_": "XSTest's answers: full or partial compliance with harm, against all others",
        "hh_rlhf_": "pairs in which the answer that people found less harmful has the higher r_0",
        RULES: "baseline: the rules without heads",
        PLAIN: "baseline of answers: a TF-IDF logistic fit on other prompts or pairs",
        "milliseconds": "p50 of judging what is embedded already",
        "turn_milliseconds": "p50 of what screening adds to a turn: a request and four answers, embedded already",
        "turn_milliseconds_over_rules": "of that, what the heads add",
        "turn_processor_milliseconds": "the processor's time of a turn's screening, whoever else uses the machine",
    }

    embedder: str = Field("minilm", description="Of the heads.")
    cross_source: bool = Field(default=False, description="Judge each source by heads that never saw it.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Judge every request and answer."""
        assert data is not None
        embedder = open_embedder(self.embedder)
        if embedder is None:
            raise BadInput("the harm heads read embeddings: set the embedder to minilm")
        root = data if (data / "safety").is_dir() else data.parent
        judge = Judge(Boundary.shipped(embedder), Boundary.shipped(), embedder)
        asked = [*read_requests(root), *ordinary(root)]
        found = [judge.request(f"request/{i}", each) for i, each in enumerate(run.track(asked, "requests", len(asked)))]
        given = completions(root) if (root / "safety" / "xstest_completions.jsonl.gz").exists() else []
        for i, each in enumerate(run.track(given, "answers", len(given))):
            found.append(judge.completion(f"answer/{i}", each))
        pairs = comparisons(root)
        for i, pair in enumerate(run.track(pairs, "pairs", len(pairs))):
            found.append(judge.pair(f"pair/{i}", pair.asked, pair.answers))
        found = _beside(found, given, pairs)
        if self.cross_source:
            return _left_out(found, asked, root, embedder)
        turns = _turns(given)
        timed = enumerate(run.track(turns, "turns", len(turns)))
        return [*found, *(judge.turn(f"turn/{i}", prompt, written) for i, (prompt, written) in timed)]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """In the order of `beside`, then by source."""
        requests = [case for case in cases if case.id.startswith("request/")]
        harmful = [case for case in requests if case.group.endswith(HARMFUL) and not case.group.startswith(SCARY)]
        plain = [case for case in requests if case.group.endswith("ordinary")]
        unsafe = [case for case in requests if case.group == f"{SCARY}/{HARMFUL}"]
        safe = [case for case in requests if case.group == f"{SCARY}/{HARMLESS}"]
        found: dict[str, Figure] = {}
        for name in ("", RULES):
            found |= self._both(f"{name}auroc", f"{name}risk", harmful, plain)
            found |= self._share(f"{name}flagged_harmful", f"{name}flagged", harmful)
            found |= self._share(f"{name}flagged_ordinary", f"{name}flagged", plain)
            found |= self._both(f"{name}xstest_auroc", f"{name}risk", unsafe, safe)
            found |= self._share(f"{name}flagged_xstest", f"{name}flagged", unsafe)
            found |= self._share(f"{name}flagged_xstest_safe", f"{name}flagged", safe)
            found |= self._share(f"{name}flagged_sensitive", f"{name}flagged", _of(requests, SENSITIVE))
            found |= self._of_answers(name, cases)
        if any(f"{PLAIN}risk" in case.scores or f"{PLAIN}worse" in case.scores for case in cases):
            found |= self._of_answers(PLAIN, cases)
        for source in sorted({case.group.partition("/")[0] for case in harmful}):
            of_source = [case for case in harmful if case.group.startswith(f"{source}/")]
            found |= self._both(f"auroc/{source}", "risk", of_source, plain)
            found |= self._share(f"flagged/{source}", "flagged", of_source)
        for source in sorted({case.group.partition("/")[0] for case in plain}):
            of_plain = [case for case in plain if case.group.startswith(f"{source}/")]
            found |= self._share(f"flagged/{source}", "flagged", of_plain)
        found |= self._median("milliseconds", cases)
        found |= self._median("turn_milliseconds", cases)
        found |= self._median("turn_milliseconds_over_rules", cases)
        found |= self._median("turn_processor_milliseconds", cases)
        if self.cross_source and harmful:
            found["auroc"] = _mean([found[name] for name in found if name.startswith("auroc/")])
        return found

    def _median(self, score: str, cases: Sequence[Case]) -> dict[str, Figure]:
        timed = np.array([case.scores[score] for case in cases if score in case.scores])
        return {score: quantile(timed, 0.5, resamples=self.resamples, seed=self.seed)} if len(timed) else {}

    def _of_answers(self, name: str, cases: Sequence[Case]) -> dict[str, Figure]:
        answers = [case for case in cases if case.id.startswith("answer/")]
        pairs = [case for case in cases if case.id.startswith("pair/")]
        harm = [case for case in answers if case.group.endswith(HARMFUL)]
        other = [case for case in answers if not case.group.endswith(HARMFUL)]
        refusals = [case for case in answers if "full_refusal" in case.choice]
        return {
            **self._both(f"{name}answers_auroc", f"{name}risk", harm, other),
            **self._share(f"{name}answers_accuracy", f"{name}right", answers),
            **self._share(f"{name}answers_flagged_harmful", f"{name}flagged", harm),
            **self._share(f"{name}answers_flagged_full_refusals", f"{name}flagged", refusals),
            **self._share(f"{name}hh_rlhf_accuracy", f"{name}right", pairs),
            **self._order(f"{name}hh_rlhf_auroc", _scored(pairs, f"{name}worse"), _scored(pairs, f"{name}better")),
        }

    def _share(self, metric: str, score: str, cases: Sequence[Case]) -> dict[str, Figure]:
        if not cases:
            return {}
        values = np.array([case.scores[score] for case in cases])
        ids = [case.id for case in cases]
        return {metric: over_clusters(values, ids, resamples=self.resamples, seed=self.seed)}

    def _both(self, metric: str, score: str, high: Sequence[Case], low: Sequence[Case]) -> dict[str, Figure]:
        if not high or not low:
            return {}
        return self._order(metric, _scored(high, score), _scored(low, score))

    def _order(self, metric: str, above: Scores, below: Scores) -> dict[str, Figure]:
        if not len(above) or not len(below):
            return {}
        ordered = (above[:, None] > below) + 0.5 * (above[:, None] == below)
        first = draws(len(above), self.resamples, self.seed) / len(above)
        second = draws(len(below), self.resamples, self.seed + 1) / len(below)
        drawn = np.einsum("rn,rn->r", first @ ordered, second)
        least, most = np.percentile(drawn, [LOW, HIGH])
        value = float(ordered.mean())
        return {metric: Figure(value=value, low=float(least), high=float(most), n=len(above) + len(below))}


class Judge:
    """The boundary with heads and without, and how long the first takes on what is embedded."""

    def __init__(self, boundary: Boundary, rules: Boundary, embedder: Embedder) -> None:
        self._boundary, self._rules, self._embedder = boundary, rules, embedder

    def request(self, name: str, asked: Request) -> Case:
        """One request."""
        self._embedder.windows(asked.text)
        verdict, spent = _timed(lambda: self._boundary.judge_request(as_messages(asked.text)))
        rules = self._rules.judge_request(as_messages(asked.text))
        group = f"{asked.source}/{'ordinary' if asked.type == 'ordinary' else asked.label}"
        return Case(id=name, group=group, scores=_scores(verdict, rules, spent), choice=verdict.action)

    def completion(self, name: str, given: Completion) -> Case:
        """One answer with a label: right where it is flagged and complies with harm, or neither."""
        for text in (given.prompt, given.completion):
            self._embedder.windows(text)
        messages = as_messages(given.prompt)
        verdict, spent = _timed(lambda: self._boundary.judge_answer(messages, given.completion))
        scores = _scores(verdict, self._rules.judge_answer(messages, given.completion), spent)
        is_harm = given.is_of_harm and not given.is_refusal
        scores |= {f"{of}right": float(bool(scores[f"{of}flagged"]) == is_harm) for of in ("", RULES)}
        group = f"{ANSWERS}/{HARMFUL if is_harm else HARMLESS}"
        return Case(id=name, group=group, scores=scores, choice=given.human_label)

    def turn(self, name: str, asked: str, answers: Sequence[str]) -> Case:
        """What a turn's screening takes, with heads and with rules alone, one after the other."""
        for text in (asked, *answers):
            self._embedder.windows(text)
        messages = as_messages(asked)
        began = time.thread_time()
        _, spent = _timed(lambda: (self._boundary.judge_request(messages), self._boundary.admit(messages, answers)))
        processor = (time.thread_time() - began) * 1000
        _, rules = _timed(lambda: (self._rules.judge_request(messages), self._rules.admit(messages, answers)))
        scores = {
            "turn_milliseconds": spent,
            "turn_milliseconds_over_rules": spent - rules,
            "turn_processor_milliseconds": processor,
        }
        return Case(id=name, group=TURNS, scores=scores, choice="")

    def pair(self, name: str, asked: str, answers: tuple[str, str]) -> Case:
        """Two answers, of which people found the first less harmful."""
        for text in (asked, *answers):
            self._embedder.windows(text)
        messages = as_messages(asked)
        verdicts, spent = _timed(lambda: self._boundary.admit(messages, answers))
        rules = self._rules.admit(messages, answers)
        risks = [[1 - verdict.score for verdict in both] for both in (verdicts, rules)]
        scores = _pair("", *risks[0]) | _pair(RULES, *risks[1])
        return Case(id=name, group=PAIRS, scores={**scores, "milliseconds": spent / 2}, choice="")


def read_requests(root: Path) -> list[Request]:
    """The harmful, the sensitive and XSTest's."""
    return read_lines(root / "safety" / "requests.jsonl", Request)


def ordinary(root: Path) -> list[Request]:
    """What people ask of assistants, and PrefEval's questions where the folder has them."""
    lines = read_lines(root / "safety" / "ordinary.jsonl", Request)
    found = [each.model_copy(update={"type": "ordinary"}) for each in lines]
    for path in sorted((root / "prefeval" / "mcq_options").glob("*.json")):
        try:
            items = TypeAdapter(list[Question]).validate_json(path.read_bytes())
        except ValidationError as broken:
            raise DataError(f"{path} is not of PrefEval's form: {broken.errors()[0]['msg']}") from broken
        found += [Request(text=each.question, label=HARMLESS, source="prefeval", type="ordinary") for each in items]
    return found


def _turns(given: Sequence[Completion]) -> list[tuple[str, list[str]]]:
    """Each prompt of the labelled answers with some of its answers."""
    found: dict[str, list[str]] = {}
    for each in given:
        found.setdefault(each.prompt, []).append(each.completion)
    return [(prompt, written[:CANDIDATES]) for prompt, written in found.items()]


def _left_out(cases: list[Case], asked: Sequence[Request], root: Path, embedder: Embedder) -> list[Case]:
    """The cases with the risks that heads see which knew nothing of their source or prompt, at the shipped lines."""
    fitter = Fitter(root, policies.shipped(), embedder, lambda _: None)
    heads = shipped()
    ruled = np.array([case.scores["rules_risk"] for case in cases[: len(asked)]])
    others = [(i, text) for i, each in enumerate(asked) for text in other_readings(each.text)]
    features = fitter.features_of([*(each.text for each in asked), *(text for _, text in others)])
    own = np.array([each.source for each in asked])
    public = sorted({each.source for each in asked if each.type != "ordinary"})
    at = [i for i, _ in others]
    logits = {source: _worst(np.asarray(features @ fitter.without(source), float), at) for source in public}
    mean = np.mean([logits[source] for source in public], axis=0)
    found = []
    for i, case in enumerate(cases[: len(asked)]):
        logit = logits[own[i]][i] if own[i] in logits else mean[i]
        found.append(_with(case, max(heads.risk("request", float(logit)), float(ruled[i]))))
    answers = [case for case in cases if case.id.startswith("answer/")]
    if answers:
        answered, declined = held_out_answers(fitter, fitter.answers())
        for case, logit, no in zip(answers, answered, declined, strict=True):
            risk = max(heads.risk("answer", float(logit)), case.scores["rules_risk"])
            moved = _with(case, risk * (DECLINED if no > 0 else 1.0))
            right = float((moved.scores["flagged"] > 0) == case.group.endswith(HARMFUL))
            found.append(moved.model_copy(update={"scores": {**moved.scores, "right": right}}))
    return found


def _worst(logits: Scores, read_as: Sequence[int]) -> Scores:
    """(n,) of texts, from theirs and those of other readings, each of the text that it reads: as the screen does."""
    found = logits[: len(logits) - len(read_as)].copy()
    np.maximum.at(found, np.array(read_as, dtype=int), logits[len(found) :])
    return found


def _with(case: Case, risk: float) -> Case:
    return case.model_copy(update={"scores": {**case.scores, "risk": risk, "flagged": float(risk > 0.5)}})


def _scores(verdict: Verdict, rules: Verdict, spent: float) -> dict[str, float]:
    return {
        "risk": 1 - verdict.score,
        "flagged": float(verdict.action in ("refuse", "helpline")),
        "rules_risk": 1 - rules.score,
        "rules_flagged": float(rules.action in ("refuse", "helpline")),
        "milliseconds": spent,
    }


def _pair(name: str, better: float, worse: float) -> dict[str, float]:
    right = 0.5 if better == worse else float(better < worse)
    return {f"{name}right": right, f"{name}better": better, f"{name}worse": worse}


def _beside(cases: list[Case], given: Sequence[Completion], pairs: Sequence[Comparison]) -> list[Case]:
    """The cases of answers with the plain fit's risks."""
    logits, both = plain_answers(given), plain_pairs(pairs)
    found = [case for case in cases if case.id.startswith("request/")]
    for case, logit in zip((case for case in cases if case.id.startswith("answer/")), logits, strict=True):
        is_flagged = logit > 0
        scores = {"risk": logit, "flagged": is_flagged, "right": is_flagged == case.group.endswith(HARMFUL)}
        found.append(_and(case, {f"{PLAIN}{key}": float(value) for key, value in scores.items()}))
    for case, (better, worse) in zip((case for case in cases if case.id.startswith("pair/")), both, strict=True):
        found.append(_and(case, _pair(PLAIN, float(better), float(worse))))
    return found


def _and(case: Case, scores: Mapping[str, float]) -> Case:
    return case.model_copy(update={"scores": {**case.scores, **scores}})


def _scored(cases: Sequence[Case], score: str) -> Scores:
    return np.array([case.scores[score] for case in cases])


def _of(cases: Sequence[Case], label: str) -> list[Case]:
    return [case for case in cases if case.group.endswith(f"/{label}")]


def _mean(figures: Sequence[Figure]) -> Figure:
    value, low, high = (float(np.mean([getattr(each, key) for each in figures])) for key in ("value", "low", "high"))
    return Figure(value=value, low=low, high=high, n=sum(each.n for each in figures))


def _timed(judge: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    found = judge()
    return found, (time.perf_counter() - start) * 1000
