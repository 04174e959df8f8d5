"""Answers that a policy writes itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from transformers import GenerationConfig

from idiolect.alignment.training.inner.policy import Policy


@dataclass(frozen=True)
class Writing:
    """How answers are drawn: `end` is the token that ends one."""

    end: int
    tokens: int
    temperature: float = 1.0


@torch.no_grad()
def sampled(
    policy: Policy, prompts: Sequence[Sequence[int]], count: int, writing: Writing
) -> list[list[tuple[int, ...]]]:
    """`count` answers to each prompt, with their ends, drawn by torch's generator. The policy has no people."""
    end, longest = writing.end, max(map(len, prompts))
    ids = torch.full((len(prompts), longest), end, device=policy.device)
    read = torch.zeros_like(ids)
    for at, prompt in enumerate(prompts):
        ids[at, longest - len(prompt) :] = torch.tensor(list(prompt), device=policy.device)
        read[at, longest - len(prompt) :] = 1
    wanted = GenerationConfig(
        do_sample=True,
        temperature=writing.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=writing.tokens,
        num_return_sequences=count,
        pad_token_id=end,
        eos_token_id=end,
    )
    was_training = policy.training
    policy.eval()
    generate = cast("Callable[..., Tensor]", policy.network.generate)  # its own type asks for what PEFT hands on
    written = generate(input_ids=ids, attention_mask=read, generation_config=wanted)
    policy.train(was_training)
    answers = [_ended(row, end) for row in written[:, longest:].tolist()]
    return [answers[first : first + count] for first in range(0, len(answers), count)]


def _ended(ids: Sequence[int], end: int) -> tuple[int, ...]:
    return tuple(ids[: ids.index(end) + 1]) if end in ids else tuple(ids)
