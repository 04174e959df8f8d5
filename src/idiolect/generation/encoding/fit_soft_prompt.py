"""Training the map from tastes to a soft prompt, for one frozen model and from its own answers.

    minimise over I, MLP   mean over simulated people of -log pi(y_u | S_u, x) per token

y_u is, of a prompt's answers, the one that a person of chance tastes over the named attributes likes best. `gain` is
what was won: by how much, with their soft prompt, liked answers became likelier against those they like least, in nats
a token, on prompts that were left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from idiolect.errors import DataError
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.fit_steering import HELD_OUT, PROMPTS, TOKENS
from idiolect.generation.encoding.soft_prompt import About, SoftPromptMap
from idiolect.generation.encoding.trials import Tell
from idiolect.models import WhiteBox
from idiolect.schema import Array, as_messages

if TYPE_CHECKING:
    from torch import Tensor

    from idiolect.models.white_box.inner.network import Network

LIKED = 6  # attributes that a simulated person has a taste for
RATE = 1e-2
JUDGES = 16  # simulated people that a map is measured with, on each prompt left out


@dataclass(frozen=True)
class Training:
    """How a map is trained."""

    vectors: int = 4  # T
    hidden: int = 32
    steps: int = 200
    people: int = 4  # in a step, each with one prompt
    seed: int = 0


@dataclass(frozen=True)
class Asked:
    """One prompt with its answers, as token ids, and phi (n, a)."""

    prompt: Sequence[int]
    answers: Sequence[Sequence[int]]
    phi: Array


def fit(
    model: WhiteBox, answers: Mapping[str, Sequence[str]], space: PreferenceSpace, training: Training, tell: Tell
) -> SoftPromptMap:
    """Train for a model. Raises DataError for too few prompts."""
    several = {prompt: texts for prompt, texts in answers.items() if len(texts) > 1}
    if len(several) < PROMPTS:
        raise DataError(f"a soft prompt needs answers to at least {PROMPTS} prompts, several each: {len(several)} do")
    asked = [_asked(model, prompt, texts, space) for prompt, texts in several.items()]
    held_out = asked[::HELD_OUT]
    known = [each for number, each in enumerate(asked) if number % HELD_OUT]
    rng = np.random.default_rng(training.seed)
    with model.alone() as network:
        network.forget()  # adapters would stand in the way of gradients
        start, inner, outer, size = _trained(network, known, training, rng, tell)
        about = About(
            fingerprint=model.fingerprint,
            space=space.version,
            names=space.names[: space.attributes],
            steps=training.steps,
            gain=0.0,
        )
        made = SoftPromptMap(start, inner, outer, size, about)
        gains = [gain(network, made, each, tastes(rng, space.attributes)) for each in held_out for _ in range(JUDGES)]
    found = about.model_copy(update={"gain": round(float(np.mean(gains)), 4)})
    return SoftPromptMap(start, inner, outer, size, found)


def tastes(rng: np.random.Generator, attributes: int) -> Array:
    """z (a,) of a person by chance: what is sure of a taste has size 1."""
    z = np.zeros(attributes)
    z[rng.choice(attributes, min(LIKED, attributes), replace=False)] = rng.choice([-1.0, 1.0], min(LIKED, attributes))
    return z


def gain(network: "Network", made: SoftPromptMap, asked: Asked, z: Array) -> float:
    """Nats a token by which the best liked answer gains on the least liked one by the soft prompt, against I alone."""
    import torch

    liked = asked.phi @ z
    both = [asked.answers[int(liked.argmax())], asked.answers[int(liked.argmin())]]
    with torch.no_grad():
        said = [
            [float(_likelihood(network, torch.as_tensor(made.of(of)), asked.prompt, answer)) for answer in both]
            for of in (z, np.zeros_like(z))
        ]
    return (said[0][0] - said[0][1]) - (said[1][0] - said[1][1])


def _asked(model: WhiteBox, prompt: str, texts: Sequence[str], space: PreferenceSpace) -> Asked:
    ids = [tokens for text in texts if (tokens := model.tokenize(text)[:TOKENS])]
    with model.alone() as network:
        beginnings = [str(network.loaded.tokenizer.decode(tokens)) for tokens in ids]
    return Asked(model.prompt_ids(as_messages(prompt)), ids, space.phi(beginnings, None)[:, : space.attributes])


def _trained(
    network: "Network", asked: Sequence[Asked], training: Training, rng: np.random.Generator, tell: Tell
) -> tuple[Array, Array, Array, float]:
    import torch

    words = network.embedding_table()
    size = float(np.linalg.norm(words, axis=1).mean())
    rows = words[rng.integers(len(words), size=training.vectors)] / size
    attributes = asked[0].phi.shape[1]
    inner = rng.normal(size=(attributes, training.hidden)) / np.sqrt(LIKED)
    outer = np.zeros((training.hidden, rows.size))
    weights = [torch.tensor(each, dtype=torch.float32, requires_grad=True) for each in (rows, inner, outer)]
    optimiser = torch.optim.Adam(weights, lr=RATE)
    for step in range(training.steps):
        tell("training", step / training.steps)
        optimiser.zero_grad()
        for number in rng.integers(len(asked), size=training.people):
            z = tastes(rng, attributes)
            each = asked[number]
            chosen = each.answers[int((each.phi @ z).argmax())]
            with torch.enable_grad():
                soft = _soft(weights, torch.tensor(z, dtype=torch.float32), size)
                loss = -_likelihood(network, soft, each.prompt, chosen) / training.people
            loss.backward()  # type: ignore[no-untyped-call] # it has no types
        optimiser.step()
    start, first, second = (np.asarray(each.detach().numpy(), dtype=np.float64) for each in weights)
    return start, first, second, size


def _soft(weights: "Sequence[Tensor]", z: "Tensor", size: float) -> "Tensor":
    """As `SoftPromptMap.of`, with gradients."""
    start, inner, outer = weights
    rows = start + ((z @ inner).tanh() @ outer).reshape(start.shape)
    drawn: Tensor = size * rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-9)
    return drawn


def _likelihood(network: "Network", soft: "Tensor", prompt: Sequence[int], answer: Sequence[int]) -> "Tensor":
    """Mean nats a token of an answer behind a soft prompt and the prompt."""
    import torch

    ids = torch.tensor([*prompt, *answer], device=network.device)
    words: Tensor = network.loaded.module.get_input_embeddings()(ids)
    read = torch.cat([soft.to(words.device, words.dtype), words])[None]
    out = network.loaded.module(inputs_embeds=read, use_cache=False, logits_to_keep=len(answer) + 1)
    said: Tensor = out.logits[0, :-1].float().log_softmax(-1)
    return said.gather(1, ids[len(prompt) :, None]).mean()
