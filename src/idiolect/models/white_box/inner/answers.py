"""One answer while it is written, and the request it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Generator, Tensor

from idiolect.models.inside import Step
from idiolect.models.protocol import Request
from idiolect.models.white_box.inner.sampling import Draw
from idiolect.models.wire import seed_of
from idiolect.schema import Completion

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Told: TypeAlias = "tuple[int, str | Completion] | Exception"
PART = "�"  # what a token that is only a part of a character reads as


@dataclass(eq=False)
class Job:
    """A request with what it asks of the model, and where its answers go."""

    request: Request
    n: int
    contexts: Sequence[Sequence[int]]  # token ids of each; the first is the request's own
    ends: Sequence[Event]  # any of them, and nothing more is written
    most: int  # tokens of an answer
    told: "SimpleQueue[Told]" = field(default_factory=SimpleQueue)
    notes: list[str] = field(default_factory=list)  # what whoever asked should know

    @property
    def is_over(self) -> bool:
        """Whether whoever asked has left."""
        return any(event.is_set() for event in self.ends)

    @property
    def draw(self) -> Draw:
        """How its tokens are drawn."""
        return Draw.of(self.request)

    @property
    def wants_likelihood(self) -> bool:
        """Whether `mean_logprob` was asked for."""
        return bool(self.request.extra.get("logprobs"))


@dataclass(eq=False)
class Writing:
    """Candidate `index` of a job."""

    job: Job
    index: int
    chance: Generator
    ids: list[int] = field(default_factory=list)
    text: str = ""
    logprobs: list[float] = field(default_factory=list)  # under the first context, before any bias
    first_token: dict[str, float] = field(default_factory=dict)
    finished: str = ""  # the reason, once there is one

    @classmethod
    def begin(cls, job: Job, index: int) -> "Writing":
        """With its own chance."""
        chance = Generator()
        seed = seed_of(job.request.sampling, index)
        if seed is None:
            chance.seed()
        else:
            chance.manual_seed(seed)
        return cls(job, index, chance)

    def read(self, context: int) -> list[int]:
        """What the model has read of this answer in one context."""
        return [*self.job.contexts[context], *self.ids]

    def note(self, said: Tensor, token: int, tokenizer: "PreTrainedTokenizerBase") -> None:
        """Keep what was asked for of the plain model's logits (V,) at this place."""
        if not self.job.wants_likelihood:
            return
        likelihoods = said.float().log_softmax(-1)
        self.logprobs.append(float(likelihoods[token]))
        top = self.job.request.extra.get("top_logprobs")
        if not self.ids and isinstance(top, int) and top > 0:
            values, tokens = likelihoods.topk(min(top, len(likelihoods)))
            spelt = (str(tokenizer.decode([each])) for each in tokens.tolist())
            self.first_token = dict(zip(spelt, values.tolist(), strict=True))

    def add(self, token: int, tokenizer: "PreTrainedTokenizerBase", ends: frozenset[int]) -> str:
        """Take a token; return the words that are sure by now."""
        self.ids.append(token)
        sampling = self.job.request.sampling
        if token in ends:
            self.finished = "stop"
        elif len(self.ids) >= self.job.most:
            self.finished = "length"
        kept = self.ids[:-1] if token in ends else self.ids
        whole = str(tokenizer.decode(kept, skip_special_tokens=True))
        cuts = [at for at in (whole.find(stop) for stop in sampling.stop if stop) if at >= 0]
        if cuts:
            whole, self.finished = whole[: min(cuts)], "stop"
        if not self.finished:
            whole = whole[: len(whole) - _unsure(whole, sampling.stop)]
        piece, self.text = whole[len(self.text) :], max(self.text, whole, key=len)
        return piece

    def completion(self, mean_logprob: float | None) -> Completion:
        """The answer as a noun."""
        return Completion(
            text=self.text,
            finish_reason=self.finished,
            prompt_tokens=len(self.job.contexts[0]),
            completion_tokens=len(self.ids),
            mean_logprob=mean_logprob,
            first_token=self.first_token,
        )


def _unsure(text: str, stops: Sequence[str]) -> int:
    """How many letters at the end may still change, or begin a stop string."""
    parts = len(text) - len(text.rstrip(PART))
    begun = (size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size]))
    return max(parts, max(begun, default=0))


def rows_of(writings: Sequence[Writing]) -> list[tuple[Writing, int]]:
    """The batch's rows: every answer in each of its contexts."""
    return [(writing, context) for writing in writings for context in range(len(writing.job.contexts))]


def step_of(job: Job, writings: Sequence[Writing], logits: Tensor, hidden: Tensor) -> Step:
    """Logits (R, V) and what they are made from (R, width), of all rows -> those of one job's answers."""
    rows = [at for at, (writing, _) in enumerate(rows_of(writings)) if writing.job is job]
    said, within = (
        each[rows].reshape(-1, len(job.contexts), each.shape[-1]).transpose(0, 1) for each in (logits, hidden)
    )
    return Step(said, within, [writing.ids for writing in writings if writing.job is job])


def decoded(job: Job, step: Step) -> Tensor:
    """(n, V): what the next tokens are drawn from, the decoder and the bias applied."""
    decoder = job.request.inside.decoder
    logits = step.said[0] if decoder is None else decoder.logits(step)
    bias = job.request.logit_bias
    if bias:
        logits = logits.clone()
        logits[:, list(bias)] += torch.tensor(list(bias.values()), device=logits.device, dtype=logits.dtype)
    return logits
