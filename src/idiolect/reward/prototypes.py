"""What both forms of PAL have in common: how they are fitted, and how a new person's mixture is (see `pal_a.py`).

Shared: the networks and prototypes of the form, the mean of the training people's logits, a gain.  Per user: K logits,
whose softmax is w_u.  Cold start: the mean. A new person's logits are the mode of the posterior under N(mean, I), the
spread that the released code starts them with, by the logistic loss of the gained reward: the code's ten passes at a
rate of .005 hardly leave the start. The gain turns distances into log-odds and is told on people left out. Only choices
are learnt from: ratings and statements are counted. The released training step neither warms up nor adds the bound on
points that its settings name; nor does this.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from idiolect.reward.checkpoint import Chance, Checkpoint, run
from idiolect.reward.choices import POWERS, SIZES, chosen_and_powers, narrow
from idiolect.reward.factored import array_of, versioned
from idiolect.reward.held_out import TEMPERATURES, EarlyStop, few_shot_losses
from idiolect.reward.minimise import lbfgs
from idiolect.reward.perceptron import Adam, Batches, Shapes, Views, size, views
from idiolect.reward.population import Population, Progress
from idiolect.reward.protocol import Asked, Belief, Evidence, FittedReward, Scores
from idiolect.schema import Array

LOGITS, MEAN, GAIN = "logits", "mean", "gain"
Kept: TypeAlias = Mapping[str, Array]  # what a belief holds of the answers, by name; rows as they came
Slope: TypeAlias = Callable[[Array], Array]  # the gradient by scores (m,) -> by weights (K,)


class PALSettings(BaseModel, frozen=True, extra="forbid"):
    """Of both forms; places in the released code's `config/`."""

    prototypes: int = Field(2, ge=1, description="K; `prefLearner_config/*-k2-*`.")
    width: int = Field(
        64,
        ge=1,
        description="Of PAL-B's space; 512 in the code, for 512 hidden states. PAL-A's is that of the features.",
    )
    loss: Literal["hinge", "logistic"] = Field("hinge", description="Of PAL-A; `loss_config/a-*`.")
    epochs: int = Field(10, ge=0, description="`optim_config/vanilla-e10`.")
    batch: int = Field(4, ge=1, description="`bs`.")
    rate: float = Field(1e-4, gt=0, description="Of f and g_k, with a decay of .01; `optim_config`.")
    prototype_rate: float = Field(5e-3, gt=0, description="Of P and the logits; `optim_config`.")
    scale_rate: float = Field(0.1, gt=0, description="Of PAL-B's l; `optim_config`.")
    held_out: float = Field(0.1, ge=0, lt=1, description="Share of the people who tell when to stop, and the gain.")
    seed: int = Field(0, ge=0, description="Of the start and of the batches.")


@dataclass(frozen=True)
class PrototypeReward(FittedReward):
    """What both have in common. A belief holds `logits` (K,), and of each choice what its likelihood needs."""

    Settings: ClassVar[type[BaseModel]] = PALSettings
    name: ClassVar[str]

    shared: Views
    mean: Array
    settings: PALSettings = field(default_factory=PALSettings)
    gain: float = 1.0

    @classmethod
    @abstractmethod
    def shapes(cls, dim: int, prompt: int, settings: PALSettings) -> Shapes:
        """Of the shared parameters, for features (dim,) and embeddings of prompts (prompt,)."""

    @abstractmethod
    def begin(self, rng: np.random.Generator) -> None:
        """Set the shared parameters to the start."""

    @abstractmethod
    def push(self, batch: "Batch", into: Views) -> Array:
        """Adds the loss's gradient of a batch to `into`; returns that by the weights (b, K)."""

    @abstractmethod
    def rates(self) -> dict[str, float]:
        """Of the parameters that don't belong to a perceptron."""

    @abstractmethod
    def looked(self, phi: Array, asked: Asked | None) -> Kept:
        """What is kept of one choice among answers phi (n, d)."""

    @abstractmethod
    def scored(self, w: Array, kept: Kept, sizes: NDArray[np.intp]) -> tuple[Array, Slope]:
        """Ungained rewards (m,) of the answers of all choices under weights w (K,)."""

    @classmethod
    def brief(cls) -> PALSettings:
        """Two passes in larger batches."""
        return PALSettings(epochs=2, batch=32, rate=1e-3, width=16)

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit by Adam in batches; the best look on people left out is taken."""
        given = PALSettings.model_validate(settings or {})
        stop = EarlyStop.over(population.checked(), given.held_out, given.seed, progress)
        people, rng = stop.training, np.random.default_rng(given.seed)
        prompt = 0 if people.asked is None else people.asked.shape[1]
        shapes = {**cls.shapes(people.dim, prompt, given), LOGITS: (len(people.users), given.prototypes)}
        place, gradient = np.zeros(size(shapes)), np.zeros(size(shapes))
        at, into = views(place, shapes), views(gradient, shapes)

        def made(where: Array) -> PrototypeReward:
            found = views(where.copy(), shapes)
            logits = found.pop(LOGITS)
            return cls(found, logits.mean(axis=0), given)

        live = cls({name: array for name, array in at.items() if name != LOGITS}, np.zeros(given.prototypes), given)
        live.begin(rng)
        at[LOGITS][:] = rng.normal(size=at[LOGITS].shape)
        adam = _adam(place, shapes, live.rates(), given)

        def step(rows: NDArray[np.intp]) -> None:
            gradient[:] = 0.0
            batch = Batch.of(people, rows, at[LOGITS])
            to_weights = live.push(batch, into)
            np.add.at(into[LOGITS], batch.owner, _by_logits(batch.weights, to_weights))
            adam.step(gradient)

        batches = Batches(
            len(people.phi), given.batch, given.epochs, rng, step, lambda done: stop.told(done, place, made)
        )
        run(
            "prototypes", batches.step, {"batches": batches, "adam": adam, "rng": Chance(rng), "stop": stop}, checkpoint
        )
        best = views(stop.best_of(place, made), shapes)
        mean = best.pop(LOGITS).mean(axis=0)
        found = cls(best, mean, given)
        judges = people if stop.held is None else stop.held
        losses = few_shot_losses(found, judges)
        gain = float(1 / TEMPERATURES[np.argmin(losses)]) if np.isfinite(losses).all() else 1.0
        return cls(best, mean, given, gain)

    @property
    def version(self) -> str:
        """The method's name with a hash of what it shares."""
        return versioned(self.name, self.arrays(), self.settings)

    def arrays(self) -> dict[str, Array]:
        """The networks' and prototypes' arrays, `mean` (K,) and `gain` (1,)."""
        return {**self.shared, MEAN: self.mean, GAIN: np.array([self.gain])}

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved."""
        given = PALSettings.model_validate(settings)
        first = array_of(arrays, "f.0.w", None, None)
        prompt = arrays["g0.0.w"].shape[1] if "g0.0.w" in arrays and arrays["g0.0.w"].ndim == 2 else 0
        shared = {
            name: array_of(arrays, name, *shape) for name, shape in cls.shapes(first.shape[1], prompt, given).items()
        }
        gain = float(array_of(arrays, GAIN, 1)[0])
        return cls(shared, array_of(arrays, MEAN, given.prototypes), given, gain)

    def prior(self) -> Belief:
        """No choices yet."""
        return self.rebuild([])

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece: a refit of the logits from all the choices."""
        fresh = self._kept([evidence])
        if not len(fresh[SIZES]):
            return Belief(belief.arrays, belief.seen + 1)
        joined = {name: np.concatenate([belief.arrays[name], array]) for name, array in fresh.items()}
        return self._settled(joined, belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The belief from all the evidence at once."""
        return self._settled(self._kept(evidence), len(evidence))

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> the reward (n,) above the mean of the n; sd 0."""
        sizes = np.array([len(phi)])
        rewards, _ = self.scored(softmax(belief.arrays[LOGITS]), self.looked(phi, asked), sizes)
        return Scores(self.gain * (rewards - rewards.mean()), np.zeros(len(phi)))

    def _kept(self, evidence: Sequence[Evidence]) -> dict[str, Array]:
        seen = [
            (self.looked(phi, getattr(piece, "asked", None)), len(phi), power)
            for piece in evidence
            for phi, power in chosen_and_powers(piece)
        ]
        found = {
            name: np.concatenate([kept[name] for kept, _, _ in seen]) if seen else np.zeros((0, *shape))
            for name, shape in self.row_shapes().items()
        }
        return {
            **found,
            SIZES: narrow(np.array([n for _, n, _ in seen], np.float64)),
            POWERS: narrow(np.array([power for _, _, power in seen], np.float64)),
        }

    @abstractmethod
    def row_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of one row of each array that `looked` keeps."""

    def _settled(self, kept: Mapping[str, Array], seen: int) -> Belief:
        sizes = kept[SIZES].astype(np.intp)
        logits = self.mean
        if len(sizes) and len(self.mean) > 1:
            starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

            def loss(place: Array) -> tuple[float, Array]:
                w = softmax(place)
                rewards, slope = self.scored(w, kept, sizes)
                s = self.gain * rewards
                top = np.maximum.reduceat(s, starts)
                raised = np.exp(s - np.repeat(top, sizes))
                total = np.add.reduceat(raised, starts)
                value = float(kept[POWERS] @ (top + np.log(total) - s[starts]))
                to_scores = raised * np.repeat(kept[POWERS] / total, sizes)
                to_scores[starts] -= kept[POWERS]
                to_place = _by_logits(w[None], slope(self.gain * to_scores)[None])[0]
                away = place - self.mean
                return value + 0.5 * float(away @ away), to_place + away

            logits = lbfgs(loss, self.mean, tolerance=1e-6, steps=100)
        return Belief({**kept, LOGITS: logits}, seen)


@dataclass(frozen=True)
class Batch:
    """b pairs: phi (b, 2, d), the chosen first; prompts (b, e); owner (b,); power (b,); weights (b, K)."""

    phi: Array
    prompts: Array
    owner: NDArray[np.int32]
    power: Array
    weights: Array

    @classmethod
    def of(cls, people: Population, rows: NDArray[np.intp], logits: Array) -> Self:
        """These rows of a population."""
        owner = people.owner[rows]
        prompts = np.zeros((len(rows), 0)) if people.asked is None else people.asked[rows].astype(np.float64)
        power = people.weight[rows].astype(np.float64) / len(rows)
        return cls(people.phi[rows].astype(np.float64), prompts, owner, power, softmax(logits[owner]))


def _adam(place: Array, shapes: Shapes, rates: Mapping[str, float], settings: PALSettings) -> Adam:
    """Perceptrons at their rate with a decay of .01, the rest without one."""
    rate, decay = np.zeros(size(shapes)), np.zeros(size(shapes))
    known = {**rates, LOGITS: settings.prototype_rate}
    for name, view in views(rate, shapes).items():
        view[:] = known.get(name, settings.rate)
    for name, view in views(decay, shapes).items():
        view[:] = 0.0 if name in known else 0.01
    return Adam(place, rate, decay)


def softmax(logits: Array) -> Array:
    """Weights on the simplex, along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _by_logits(weights: Array, to_weights: Array) -> Array:
    """The gradient by logits (b, K), from that by their softmax."""
    return np.asarray(weights * (to_weights - (weights * to_weights).sum(axis=1, keepdims=True)))
