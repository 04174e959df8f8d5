"""Trying vectors out: answers of an open model, plain and steered, with what the plain model says of them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from idiolect.models import WhiteBox
from idiolect.models.inside import Inside
from idiolect.models.protocol import Request
from idiolect.schema import Array, Sampling, as_messages

Tell = Callable[[str, float], None]  # what is being done, and the share of it that is


@dataclass(frozen=True)
class Design:
    """So many answers, to the prompts in turn."""

    prompts: Sequence[str]
    answers: int
    tokens: int  # of an answer
    seed: int = 0

    def prompt(self, number: int) -> str:
        """That an answer is to."""
        return self.prompts[number % len(self.prompts)]


@dataclass(frozen=True)
class Tried:
    """An answer, and its nats a token under the plain model."""

    text: str
    nll: float


def tried(model: WhiteBox, steering: Mapping[int, Array], design: Design) -> list[Tried]:
    """Answers steered so, side by side; answer i is to the same prompt and of the same chance whatever the steering."""

    def answer(number: int) -> Tried:
        sampling = Sampling(max_tokens=design.tokens, seed=design.seed + number)
        asked = as_messages(design.prompt(number))
        done = model.complete(Request(asked, sampling, extra={"logprobs": True}, inside=Inside(steering=steering)))[0]
        assert done.mean_logprob is not None  # it was asked for
        return Tried(done.text, -done.mean_logprob)

    with ThreadPoolExecutor(model.settings.rows) as pool:
        return list(pool.map(answer, range(design.answers)))


def own_answers(model: WhiteBox, design: Design, tell: Tell) -> dict[str, list[str]]:
    """The plain model's answers by prompt: `design.answers` to each."""
    found: dict[str, list[str]] = {}
    for number, prompt in enumerate(design.prompts):
        tell("sampling", number / len(design.prompts))
        sampling = Sampling(max_tokens=design.tokens, seed=design.seed + number * design.answers)
        found[prompt] = [each.text for each in model.complete(Request(as_messages(prompt), sampling), design.answers)]
    return found
