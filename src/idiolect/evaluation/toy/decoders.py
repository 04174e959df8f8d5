"""What each decoder does in the toy world, by the code that decodes with a model: its distribution over all answers.

A decoder is shown every state there is at once, as if each were an answer being written. What it mixes or adds is
exact: the model told of a taste leans that way, experts are the best there can be of one objective, values are counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.alignment.decoding import CHOOSERS
from idiolect.alignment.decoding.args import OfText
from idiolect.alignment.decoding.autoregressive import guided
from idiolect.alignment.decoding.blend import Blend
from idiolect.alignment.decoding.context_steering import Amulet, ContextSteering, LinearAlignment
from idiolect.alignment.decoding.mod import FORWARD_KL, Power
from idiolect.alignment.decoding.pad import Guided
from idiolect.alignment.decoding.protocol import Addition, Decoding, Mixing
from idiolect.alignment.decoding.sequential import is_worth_one_more
from idiolect.alignment.decoding.top_k import TopK
from idiolect.alignment.decoding.value_guided import Guide
from idiolect.alignment.decoding.value_table import About, Values
from idiolect.evaluation.toy.language import LEANING, taught
from idiolect.evaluation.toy.world import TASTES, WORLD, World
from idiolect.models.inside import Step
from idiolect.reward.protocol import Scores
from idiolect.schema import Array

DRAWS = 2000  # of a chooser: what it picks is counted
FLOOR = -30.0  # nats: what cannot be said

Picker: TypeAlias = Callable[[NDArray[np.intp], np.random.Generator], int]
"""Numbers of the candidates, and chance -> the place of the one that is picked."""


@dataclass(frozen=True)
class Made:
    """A policy, and the reward that a decoder itself seeks where that is not the person's."""

    policy: Array  # (n,)
    own: Array | None = None  # (n,): it should be the optimum of this reward at the world's beta


@dataclass(frozen=True)
class Scene:
    """One person's question in the toy world."""

    taste: str
    question: str
    world: World = WORLD

    @cached_property
    def ref(self) -> Array:
        """(n,): the model as it is."""
        return taught(self.question, None, self.world)

    @cached_property
    def told(self) -> Array:
        """(n,): the model told of the taste."""
        return taught(self.question, self.taste, self.world)

    @cached_property
    def reward(self) -> Array:
        """r_u (n,)."""
        return self.world.reward(TASTES[self.taste])

    @cached_property
    def experts(self) -> list[tuple[float, Array]]:
        """Weights, which sum to one, and the best policies for one objective each, more of it or less."""
        weights = np.array(TASTES[self.taste])
        total = np.abs(weights).sum()
        return [
            (abs(weight) / total, self.world.optimum(self.ref, np.sign(weight) * total * column))
            for weight, column in zip(weights, self.world.phi.T, strict=True)
            if weight
        ]

    def mixed(self, how: Mixing, *policies: Array) -> Array:
        """The policy that mixes the words of others."""
        return self._decoded(Decoding(mixing=how), policies)

    def added(self, addition: Addition) -> Array:
        """The policy that changes the model's words."""
        return self._decoded(Decoding(additions=(addition,)), [self.ref])

    def chosen(self, choose: Picker) -> Array:
        """The policy that picks of what the model says."""
        rng = np.random.default_rng(0)
        counts = np.zeros(len(self.ref))
        for _ in range(DRAWS):
            drawn = rng.choice(len(self.ref), size=16, p=self.ref)
            counts[drawn[choose(drawn, rng)]] += 1
        return counts / DRAWS

    def _decoded(self, decoding: Decoding, policies: Sequence[Array]) -> Array:
        import torch

        rows = np.stack([self.world.conditionals(each) for each in policies]).clip(FLOOR)
        states = torch.eye(rows.shape[1]).expand(len(rows), -1, -1)
        logits = decoding.logits(Step(torch.from_numpy(rows).float(), states, self.world.prefixes))
        possible = np.where(self.world.possible, logits.double().numpy(), -np.inf)
        told: Array = self.world.joint(possible - np.logaddexp.reduce(possible, axis=1, keepdims=True))
        return told


def plain(scene: Scene) -> Made:
    """The model as it is."""
    return Made(scene.ref)


def steered(method: type[ContextSteering]) -> Callable[[Scene], Made]:
    """What leaning to a taste does counts more than once: as far as the reward that it is the optimum of."""

    def made(scene: Scene) -> Made:
        strength = method.strength
        policy = scene.mixed(Blend((1 + strength, -strength)), scene.told, scene.ref)
        return Made(policy, (1 + strength) / LEANING * scene.reward)

    return made


def mod(scene: Scene) -> Made:
    """Experts of each objective, by the person's weights."""
    weights, policies = zip(*scene.experts, strict=True)
    return Made(scene.mixed(Blend(weights), *policies), scene.reward)


def mod_forward(scene: Scene) -> Made:
    """The same by the forward KL, which is another objective."""
    weights, policies = zip(*scene.experts, strict=True)
    return Made(scene.mixed(Power(weights, FORWARD_KL), *policies))


def autoregressive(scene: Scene) -> Made:
    """The base, and the reward model of one person's taste."""
    expert = scene.world.optimum(scene.ref, scene.reward)
    return Made(scene.mixed(guided([1.0], 1.0), scene.ref, expert), scene.reward)


def pad(scene: Scene) -> Made:
    """The model that knows the person guides the one that does not."""
    guide = scene.world.optimum(scene.ref, scene.reward)
    return Made(scene.mixed(Guided(1.0), scene.ref, guide), scene.reward)


def args(scene: Scene) -> Made:
    """The reward of what is written so far, as if it ended there."""
    worth = dict(zip(scene.world.answers, scene.reward, strict=True))

    def reward(texts: Sequence[str]) -> Array:
        read = [tuple(int(word) for word in text.split() if int(word) != scene.world.end) for text in texts]
        return np.array([worth.get(each, 0.0) for each in read])

    scorer = OfText(lambda rows: [" ".join(map(str, row)) for row in rows], reward)
    return Made(scene.added(TopK(scorer, 1 / scene.world.beta)))


def value_guided(scene: Scene) -> Made:
    """What each token is expected to bring: the values of every objective, which the person's weights sum up."""
    return Made(scene.added(Guide(_values(scene, state=True), _matrix(scene, state=True))))


def of_tokens(scene: Scene) -> Made:
    """The same where a token is worth as much wherever it stands."""
    return Made(scene.added(Guide(_values(scene, state=False), _matrix(scene, state=False))))


def best_of(n: int, chooser: str = "best-of") -> Callable[[Scene], Made]:
    """Of n answers the one that is worth most, of those that the boundary admits."""

    def choose(scene: Scene) -> Picker:
        def one(drawn: NDArray[np.intp], _: np.random.Generator) -> int:
            rewards = scene.reward[drawn[:n]]
            scores = Scores(rewards - rewards.mean(), np.zeros(n))
            found = CHOOSERS[chooser](scores, scene.world.admitted[drawn[:n]].tolist(), 0.0)
            return 0 if found is None else found  # nothing admitted: what the boundary then takes away

        return one

    return lambda scene: Made(scene.chosen(choose(scene)))


def sequential(scene: Scene) -> Made:
    """Best-of-N with N not known before."""
    rewards, admitted = scene.reward / scene.world.beta, scene.world.admitted  # in logits, as a choice counts them
    spread = float(np.sqrt(scene.ref @ (rewards - scene.ref @ rewards) ** 2))

    def choose(drawn: NDArray[np.intp], _: np.random.Generator) -> int:
        n = 2
        while n < len(drawn) and is_worth_one_more(rewards[drawn[:n]], admitted[drawn[:n]].tolist(), spread):
            n += 2
        allowed = np.where(admitted[drawn[:n]], rewards[drawn[:n]], -np.inf)
        return int(allowed.argmax())

    return Made(scene.chosen(choose))


DECODERS: Mapping[str, Callable[[Scene], Made]] = {
    "plain": plain,
    "best-of-4": best_of(4),
    "best-of-16": best_of(16),
    "soft-best-of-16": best_of(16, "soft-best-of"),
    "sequential+best-of-16": sequential,
    "context-steering": steered(ContextSteering),
    "linear-alignment": steered(LinearAlignment),
    "amulet": steered(Amulet),
    "mod": mod,
    "mod-forward-kl": mod_forward,
    "autoregressive-rewards": autoregressive,
    "pad": pad,
    "args": args,
    "value-guided": value_guided,
    "token-values": of_tokens,
}


def _values(scene: Scene, *, state: bool) -> Values:
    """Exact values of each objective (a, V, 1 + p): of a token in its state, or of a token by itself."""
    world = scene.world
    theta = np.zeros((len(world.objectives), world.end + 1, 1 + len(world.prefixes)))
    for at, column in enumerate(world.phi.T):
        if state:
            theta[at, :, 1:] = np.where(world.possible, world.values(scene.ref, column), 0.0).T
        else:
            theta[at, :, 0] = _by_token(scene, column)
    about = About(
        fingerprint="toy",
        space="toy",
        names=world.objectives,
        answers=len(world.answers),
        prompts=1,
        ridge=0.0,
        ease=1.0,
        correlation=dict.fromkeys(world.objectives, 1.0),
        of_tokens={},
    )
    p = len(world.prefixes)
    return Values(np.eye(world.end + 1), np.zeros(p), np.eye(p), theta, np.eye(len(world.objectives)), about)


def _by_token(scene: Scene, column: Array) -> Array:
    """(V,): the regression of an objective on the counts of tokens, by how likely answers are."""
    counts = np.array([[answer.count(word) for word in range(scene.world.end)] for answer in scene.world.answers])
    root = np.sqrt(scene.ref)[:, None]
    about = counts - scene.ref @ counts
    solved = np.linalg.lstsq(root * about, root[:, 0] * (column - scene.ref @ column), rcond=None)[0]
    usual = float(scene.ref @ (counts @ solved) / (scene.ref @ counts.sum(axis=1)))
    lengths = np.array([len(answer) for answer in scene.world.answers])
    more = (lengths[None] - lengths[:, None]).clip(0) * np.outer(scene.ref, scene.ref)
    remaining = float(more.sum() / np.outer(scene.ref, scene.ref)[more > 0].sum())
    return np.append(solved, -remaining * usual) - usual  # the end forgoes what would still come


def _matrix(scene: Scene, *, state: bool) -> Array:
    values = _values(scene, state=state)
    return values.of(np.array(TASTES[scene.taste]) / scene.world.beta)
