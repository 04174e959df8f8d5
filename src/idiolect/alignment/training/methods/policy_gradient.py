"""Reinforcement learning for several objectives: the policy answers, rewards score, and what scored above is raised.

    max over theta  E R_w(x, y) - beta KL(pi || pi_0),   R_w = sum_i w_i r_i  or  Chebyshev's -max_i w_i (z_i - r_i)

RLOO (Ahmadian et al., 2024, arXiv 2402.14740, section 3.2): A_j = R_j - the mean of the others' R, KL within R. GRPO
(Shao et al., 2024, 2402.03300, eq. 3 and 4): A_j = R_j - the mean, over the standard deviation if asked, KL beside. A
linear sum reaches the convex part of a front only, Chebyshev all of it. Needs rewards that any answer can be asked for:
named attributes, or a caller's own. Of the pairs only the prompts are used, and the answers for the rewards' scale.
Shared: a policy for these weights.  Per user: w.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.gradient import Drawing, Join, PolicyGradient, Scalar, Score
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.inner.sampling import Writing
from idiolect.alignment.training.items import Item, Said
from idiolect.alignment.training.objectives import normalised, scorer, worth
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.errors import BadInput
from idiolect.schema import Array


class DrawnSettings(TrainingSettings):
    """Of methods that learn from answers of their own; `batch` and `at_once` count prompts."""

    answers: int = Field(8, ge=2, description="G, to each prompt.")
    temperature: PositiveFloat = Field(1.0, description="Of the draws; others than 1 make the gradient another's.")
    pull: NonNegativeFloat = Field(0.05, description="beta, of the KL to the model as it is (RLOO: .03 to .1).")
    epochs: PositiveInt = Field(2, description="Passes over the prompts.")


class GradientSettings(DrawnSettings):
    """Of reinforcement learning."""

    weights: Mapping[str, float] = Field(description='Of objectives, such as {"warmth": 0.5, "less:length": 0.5}.')
    join: Literal["linear", "chebyshev"] = Field("linear", description="How they become one.")
    scaled: bool = Field(False, description="GRPO: by the standard deviation, which hides how strong a preference is.")
    standardised: bool = Field(
        True, description="Rewards have a standard deviation of 1 over the answers in the pairs."
    )


def stage(job: Job, settings: DrawnSettings, loss: PolicyGradient) -> Stage:
    """A course that draws its own answers to the prompts."""
    if not settings.rank:
        raise BadInput("a policy that draws its own answers is a LoRA beside the model as it is: leave rank above 0")
    prompts = sorted({pair.prompt for pair in job.data.own})
    items = [Item((Said(job.tokens.prompt(prompt), ()),)) for prompt in prompts]
    return Stage("policy", Policy(job.network(), loss, settings), items, settings, loss.draw, is_relative=False)


def writing(job: Job, settings: DrawnSettings) -> Writing:
    """How the policy's own answers are drawn."""
    return Writing(job.tokens.end, settings.answer_tokens, settings.temperature)


def scoring(job: Job, of: "ScoreOfText") -> Score:
    """Scores of token ids from scores of texts."""
    known = {job.tokens.prompt(pair.prompt): pair.prompt for pair in job.data.own}

    def score(prompts: Sequence[tuple[int, ...]], answers: Sequence[tuple[int, ...]]) -> Array:
        texts = [job.tokens.text(answer) for answer in answers]
        return np.stack([of(known[prompt], text) for prompt, text in zip(prompts, texts, strict=True)])

    return score


class ScoreOfText(Protocol):
    """(m,) rewards of an answer."""

    def __call__(self, prompt: str, text: str) -> Array:
        """(m,)"""


class Gradient(Method[GradientSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = GradientSettings
    kind: ClassVar[Literal["rloo", "grpo"]]

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        settings = self.settings
        weights = normalised(job, settings.weights)
        scorers = [scorer(job, name) for name in weights]
        known = worth(job, job.data.own, list(weights)).reshape(-1, len(weights))
        spread = known.std(axis=0) if settings.standardised else np.ones(len(weights))

        def of(prompt: str, text: str) -> Array:
            return np.array([each(prompt, [text])[0] for each in scorers]) / spread

        join: Join = settings.join
        scalar = Scalar(list(weights.values()), (known.max(axis=0) / spread).tolist(), join)
        drawing = Drawing(
            self.kind,
            settings.answers,
            writing(job, settings),
            settings.pull,
            settings.scaled,
            scoring(job, of),
        )
        yield stage(job, settings, PolicyGradient(scalar, drawing))

    def held(self, job: Job) -> list[Item]:
        """Nothing: what people chose is not what is learnt."""
        return []


class RLOO(Gradient):
    """Leave one out."""

    kind: ClassVar[Literal["rloo", "grpo"]] = "rloo"


class GRPO(Gradient):
    """Group-relative."""

    kind: ClassVar[Literal["rloo", "grpo"]] = "grpo"
