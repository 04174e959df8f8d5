"""What decoders cost: each beside the plain model, on one open model, in turns within one process.

Only ratios are told: on a machine that others use the times themselves say little, and what is compared here was
measured within the same seconds.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from idiolect.alignment.decoding import compose
from idiolect.alignment.decoding.protocol import Decoding, adding
from idiolect.alignment.decoding.top_k import K, Scorer, TopK
from idiolect.alignment.decoding.value_guided import Guide
from idiolect.alignment.decoding.value_table import About, Values
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import ratio_of_medians
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Host, Person
from idiolect.models import WhiteBox, WhiteBoxSettings, open_model
from idiolect.models.inside import Inside, Step
from idiolect.models.protocol import Request
from idiolect.parts import DEFAULT_SYSTEM
from idiolect.schema import Message, Sampling

if TYPE_CHECKING:
    from torch import Tensor

ASKED = (Message(role="system", content=DEFAULT_SYSTEM), Message(role="user", content="How does salt melt ice?"))
TASTES = {"length": -2.0, "warmth": 2.0, "jargon": -2.0}
DESCRIBED, STATE = 70, 8  # numbers of a token and of a state, as `fit_values` has them
PAIRS = {
    "two_contexts_to_16": ("two contexts x 8", "plain x 16"),
    "two_contexts_to_8": ("two contexts x 8", "plain x 8"),
    "value_guided_to_8": ("value-guided x 8", "plain x 8"),
    "args_to_8": ("args x 8", "plain x 8"),
    "blend_of_step": ("blend", "a step"),
    "values_of_step": ("values", "a step"),
    "guide_one_by_one": ("a guide's pass for each", "a guide's pass for all k"),
    "texts_one_by_one": ("k texts scored one by one", "k texts scored at once"),
}


class Decoders(Bench):
    """Ratios of times: answers with a decoder to plain ones, and a decoder's own work to a step of the model."""

    beside: ClassVar[Mapping[str, str]] = {
        "two_contexts_to_16": "context-steering on 8 answers, to 16 plain ones: at most 1.1",
        "two_contexts_to_8": "the same to 8 plain ones: at most 1.45",
        "value_guided_to_8": "at most 1.1",
        "blend_of_step": "work on the logits of two contexts x 8, as a share of a step: at most 0.1",
        "guide_one_by_one": f"PAD: {K} tokens for each of 8 answers, a pass of the guide for each to one for all",
        "texts_one_by_one": f"ARGS: the reward of {K} texts for each of 8 answers, by a call for each to one for all",
    }

    model: str = Field("starter", description="What is opened as transformers:NAME.")
    rounds: int = Field(5, ge=2, description="Of everything in turns.")
    tokens: int = Field(16, ge=4, description="Of each answer.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Milliseconds of each thing, round by round; the first round warms up and is dropped."""
        model = open_model(f"transformers:{self.model}", white_box=WhiteBoxSettings(rows=16))
        assert isinstance(model, WhiteBox)
        try:
            timed = self._timed(model)
            found = []
            for number in run.track(range(self.rounds + 1), "rounds", self.rounds + 1):
                scores = {name: _milliseconds(work) for name, work in timed.items()}
                found += [Case(id=str(number), group=str(number), scores=scores, choice="")] if number else []
            return found
        finally:
            model.close()

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Ratios of medians, the rounds drawn anew."""
        return {
            name: ratio_of_medians(
                np.array([case.scores[top] for case in cases]),
                np.array([case.scores[bottom] for case in cases]),
                resamples=self.resamples,
                seed=self.seed,
            )
            for name, (top, bottom) in PAIRS.items()
        }

    def _timed(self, model: WhiteBox) -> dict[str, Callable[[], object]]:
        """Answers of a fixed length; then the work of decoders alone, on logits as they come out of the model."""
        sampling = Sampling(max_tokens=self.tokens, seed=self.seed)
        plain = Request(ASKED, sampling, logit_bias={model.end: -100.0})
        steered, scored = _personal(model, plain, "context-steering"), _personal(model, plain, "args")
        guide = Guide(values := _values(model), values.of(np.ones(len(values.theta))))
        guided = adding(plain, guide)
        sixteen, eight = _rows(model, 16), _rows(model, 8)
        both = _step_of(sixteen())
        blend, texts = steered.inside.decoder, _scorer(scored)
        assert blend is not None  # the person has tastes
        tokens = both.said[0].topk(K).indices
        return {
            "plain x 16": lambda: model.complete(plain, 16),
            "two contexts x 8": lambda: model.complete(steered, 8),
            "plain x 8": lambda: model.complete(plain, 8),
            "value-guided x 8": lambda: model.complete(guided, 8),
            "args x 8": lambda: model.complete(scored, 8),
            "a step": sixteen,
            "blend": lambda: blend.logits(both),
            "values": lambda: guide.added(both.said[0], both),
            "a guide's pass for all k": eight,
            "a guide's pass for each": lambda: [eight() for _ in range(K)],
            "k texts scored at once": lambda: texts.scores(both, tokens),
            "k texts scored one by one": lambda: [texts.scores(both, tokens[:, at : at + 1]) for at in range(K)],
        }


def _personal(model: WhiteBox, plain: Request, method: str) -> Request:
    """As a method makes it for somebody with a few sure tastes."""
    space = PreferenceSpace.shipped()
    mean = np.array([TASTES.get(name, 0.0) for name in space.names])
    someone = Person([], mean, np.full(space.dim, 0.2), space.names, evidence=20)
    return compose([method], Host(model, space.version, DEFAULT_SYSTEM)).prepare(plain, someone).request


def _scorer(request: Request) -> Scorer:
    decoder = request.inside.decoder
    assert isinstance(decoder, Decoding) and isinstance(decoder.additions[0], TopK)
    return decoder.additions[0].scorer


def _values(model: WhiteBox) -> Values:
    """Values of the size that a fit makes: chance numbers take as long."""
    rng = np.random.default_rng(0)
    space = PreferenceSpace.shipped()
    names = space.names[: space.attributes]
    about = About(
        fingerprint=model.fingerprint,
        space=space.version,
        names=names,
        answers=0,
        prompts=0,
        ridge=0.0,
        ease=1.0,
        correlation={},
        of_tokens={},
    )
    return Values(
        tokens=rng.normal(size=(model.max_bias_entries, DESCRIBED)),
        centre=np.zeros(model.width),
        projection=rng.normal(size=(model.width, STATE)) / model.width,
        theta=rng.normal(size=(len(names), DESCRIBED, 1 + STATE)) / 1000,
        fisher=np.eye(len(names)),
        about=about,
    )


def _rows(model: WhiteBox, count: int) -> "Callable[[], tuple[Tensor, Tensor]]":
    """Takes one more step with so many rows that have read the question."""
    from idiolect.models.white_box.inner.cache import RowsCache  # noqa: PLC0415 - the open model has loaded torch

    rows = RowsCache()
    with model.alone() as network:
        rows.join([network.read(model.prompt_ids(ASKED), Inside())] * count)

    def step() -> "tuple[Tensor, Tensor]":
        with model.alone() as network:
            return network.step(rows, [model.end] * count, [Inside()] * count)

    return step


def _step_of(made: "tuple[Tensor, Tensor]") -> Step:
    """Sixteen rows as two contexts of eight answers."""
    logits, hidden = (each.reshape(2, 8, -1) for each in made)
    return Step(logits, hidden, [list[int]() for _ in range(8)])


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)
