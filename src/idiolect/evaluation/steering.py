"""How far steering vectors move an open model's answers, and what that costs: each attribute alone, from -2 to +2.

A case is one answer at one coefficient: its attribute in standard deviations of answers to one prompt, and its negative
log-likelihood a token under the plain model. An interval draws prompts. The prompts are not those of the fit.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, JsonValue

from idiolect.errors import BadInput
from idiolect.evaluation.protocol import Bench, Case, Figure, Rows, Run
from idiolect.evaluation.runs import code_version, digest
from idiolect.evaluation.statistics import draws, interval
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.steering import SHIPPED
from idiolect.generation.encoding.trials import Design, tried
from idiolect.generation.encoding.vectors import SteeringVectors
from idiolect.models import WhiteBox, WhiteBoxSettings
from idiolect.schema import Array, Noun

PLAIN = "plain"
MOVED, MONOTONE, RISE, RISE_AT_ENDS = "moved/", "rank_correlation/", "nll_rise/", "nll_rise_at_ends/"


class AtOne(Noun):
    """The answers at one coefficient of one attribute."""

    texts: tuple[str, ...]
    nll: tuple[float, ...]


class Steering(Bench):
    """Attributes moved by steering vectors from -2 to +2, and the fluency that it costs."""

    needs: ClassVar[str] = ""
    beside: ClassVar[Mapping[str, str]] = {
        MOVED: "from the lowest coefficient to the highest, in standard deviations of answers to one prompt",
        MONOTONE: "Spearman's, of the coefficients with the attribute's means",
        RISE: "of the nats a token under the plain model, the mean over all coefficients, as a share of the plain ones",
        RISE_AT_ENDS: "the same at the two ends alone",
    }

    model: str = Field("transformers:starter", description="An open model.")
    vectors: Path | None = Field(None, description="A file of `idiolect models fit-steering`; unset: the shipped one.")
    attributes: tuple[str, ...] = Field((), description="Those that are tried; none: every one that has a vector.")
    most: int = Field(8, ge=1, description="Attributes: those that moved farthest at the fit.")
    coefficients: tuple[float, ...] = Field((-2.0, -1.0, 0.0, 1.0, 2.0), min_length=3, description="In units.")
    answers: int = Field(64, ge=2, description="At each coefficient, to the prompts in turn.")
    prompts: int = Field(32, ge=2, description="Of this project's own, from behind.")
    tokens: int = Field(40, ge=8, description="Of an answer.")
    rows: int = Field(32, ge=1, description="Answers that decode at once.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Write and measure, coefficient by coefficient."""
        vectors, space = self._vectors(), PreferenceSpace.shipped()
        names = self._names(vectors)
        at = [(PLAIN, 0.0), *((name, c) for name in names for c in self.coefficients if c)]
        design = Design(own_prompts(self.prompts), self.answers, self.tokens, self.seed)
        model = WhiteBox(self.model, settings=WhiteBoxSettings(rows=self.rows))
        if vectors.about.fingerprint != model.fingerprint or vectors.about.space != space.version:
            raise BadInput(
                f"these vectors were not fitted to {self.model} in this version of the preference space; fit them with "
                "`idiolect models fit-steering` and name the file by --set vectors=FILE"
            )

        def compute(index: int) -> AtOne:
            name, c = at[index]
            only = c * np.array([name == each for each in vectors.about.names])
            done = tried(model, vectors.at(only), design)
            return AtOne(texts=tuple(each.text for each in done), nll=tuple(each.nll for each in done))

        key: dict[str, JsonValue] = {
            "model": model.fingerprint,
            "vectors": digest({"card": vectors.about.model_dump_json(), "values": vectors.vectors.tobytes().hex()}),
            "design": [self.answers, self.prompts, self.tokens, self.seed],
            "code": code_version("models", "generation/encoding"),
        }
        try:
            found = run.rows(Rows("steering", AtOne, key, [f"{name}/{c}" for name, c in at]), compute)
        finally:
            model.close()
        return [case for of, each in zip(at, found, strict=True) for case in _cases(of, each, names, design, space)]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """By attribute; and the mean of each over the attributes."""
        names = dict.fromkeys(name for case in cases for name in case.scores if name not in ("nll", "coefficient"))
        found: dict[str, Figure] = {}
        for name in names:
            own = [case for case in cases if case.choice in (name, PLAIN)]
            for measure, figure in self._of(name, own).items():
                found[measure + name] = figure
        for measure in (MOVED, MONOTONE, RISE, RISE_AT_ENDS):
            several = np.array([figure.value for key, figure in found.items() if key.startswith(measure)])
            drawn = draws(len(several), self.resamples, self.seed) @ several / len(several)
            found[measure + "mean"] = interval(float(several.mean()), drawn, len(several))
        return found

    def _of(self, name: str, cases: Sequence[Case]) -> dict[str, Figure]:
        coefficients = sorted({case.scores["coefficient"] for case in cases})
        prompts = sorted({case.group for case in cases})
        shape = (len(prompts), len(coefficients))
        sums, nll, counts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for case in cases:
            cell = prompts.index(case.group), coefficients.index(case.scores["coefficient"])
            sums[cell] += case.scores[name]
            nll[cell] += case.scores["nll"]
            counts[cell] += 1
        drawn = np.vstack([np.ones(len(prompts)), draws(len(prompts), self.resamples, self.seed)])
        value, cost = drawn @ sums / (drawn @ counts), drawn @ nll / (drawn @ counts)
        usual = cost[:, coefficients.index(0.0)]
        measures = {
            MOVED: value[:, -1] - value[:, 0],
            MONOTONE: np.array([_rank_correlation(np.array(coefficients), row) for row in value]),
            RISE: cost.mean(axis=1) / usual - 1,
            RISE_AT_ENDS: cost[:, [0, -1]].mean(axis=1) / usual - 1,
        }
        return {measure: interval(float(each[0]), each[1:], len(cases)) for measure, each in measures.items()}

    def _vectors(self) -> SteeringVectors:
        if self.vectors is not None:
            return SteeringVectors.load(self.vectors)
        with as_file(files("idiolect.resources") / SHIPPED) as path:
            return SteeringVectors.load(path)

    def _names(self, vectors: SteeringVectors) -> list[str]:
        missing = [name for name in self.attributes if name not in vectors.about.names]
        if missing:
            raise BadInput(f"no vector of {missing[0]!r}; there are: {', '.join(vectors.about.names)}")
        every = vectors.about.attributes
        by_move = sorted(every, key=lambda name: -(every[name].moved or every[name].correlation))
        return list(self.attributes or by_move[: self.most])


def own_prompts(count: int) -> list[str]:
    """The last of this project's prompts: fits begin with the first ones."""
    lines = files("idiolect").joinpath("resources", "prompts.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()][-count:]


def _cases(
    of: tuple[str, float], found: AtOne, names: Sequence[str], design: Design, space: PreferenceSpace
) -> list[Case]:
    name, c = of
    phi = space.phi(found.texts, None)
    of_case = names if name == PLAIN else [name]
    return [
        Case(
            id=f"{name}/{c}/{number}",
            group=design.prompt(number),
            scores={
                "coefficient": c,
                "nll": found.nll[number],
                **{each: float(phi[number, space.names.index(each)]) for each in of_case},
            },
            choice=name,
        )
        for number in range(len(found.texts))
    ]


def _rank_correlation(a: Array, b: Array) -> float:
    first, second = (np.argsort(np.argsort(each)).astype(float) for each in (a, b))
    return float(np.corrcoef(first, second)[0, 1])
