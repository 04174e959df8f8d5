"""A tiny transformer that speaks the toy world's language, so that what works inside models has a known optimum too.

It is trained in seconds, in code, to say what a table says: after either question, and a little more to their taste
after a system message that names one. Its own distribution over all answers is then counted, not what it was taught.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from idiolect.evaluation.toy.world import TASTES, WORLD, World
from idiolect.schema import Array, Message

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

QUESTIONS = ("how", "what")
LEANING = 2.0  # beta of what a system message does: a quarter of the way, or so, to what that person would like best
CHAT = (
    "{% for message in messages %}{{ '<s> ' + message['role'] + ' ' + message['content'] + ' </s> ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s> assistant ' }}{% endif %}"
)
BEGIN, END, PAD = "<s>", "</s>", "<pad>"
STEPS, RATE = 120, 8e-3


def messages(question: str, taste: str | None = None) -> tuple[Message, ...]:
    """A question of the world, asked by somebody, or by one whose taste the system message tells."""
    asked = Message(role="user", content=question)
    return (asked,) if taste is None else (Message(role="system", content=taste), asked)


def taught(question: str, taste: str | None = None, world: World = WORLD) -> Array:
    """(n,): what the model is trained to say."""
    rng = np.random.default_rng(QUESTIONS.index(question))
    table = rng.normal(0.0, 0.5, size=world.possible.shape)
    table[:, world.words.index("harm")] -= 1.0
    table = np.where(world.possible, table, -np.inf)
    ref = world.joint(table - np.log(np.exp(table).sum(axis=1, keepdims=True)))
    return ref if taste is None else world.optimum(ref, world.reward(TASTES[taste]), LEANING * world.beta)


def save_toy(folder: Path, *, seed: int = 0, steps: int = STEPS, world: World = WORLD) -> Path:
    """Train the model and write it to a folder, as `transformers:FOLDER` opens it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    spoken = [BEGIN, END, PAD, "system", "user", "assistant", *QUESTIONS, *TASTES, *world.words]
    tokens = Tokenizer(models.WordLevel({word: at for at, word in enumerate(spoken)}, unk_token=PAD))
    tokens.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, bos_token=BEGIN, eos_token=END, pad_token=PAD, unk_token=PAD
    )
    tokenizer.chat_template = CHAT
    config = LlamaConfig(
        vocab_size=len(spoken),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
        tie_word_embeddings=True,
        initializer_range=0.2,  # at the usual .02 it takes three times the steps
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    _teach(model, tokenizer, steps, world)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def prompt_ids(tokenizer: "PreTrainedTokenizerBase", asked: Sequence[Message]) -> list[int]:
    """The tokens of a conversation up to where the answer begins."""
    turns = [{"role": message.role, "content": message.text} for message in asked]
    return list(tokenizer.encode(str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))))


def answer_ids(tokenizer: "PreTrainedTokenizerBase", world: World = WORLD) -> list[list[int]]:
    """The tokens of every answer, with its end."""
    return [[*tokenizer.encode(text), int(tokenizer.eos_token_id)] for text in world.texts]


def logprobs(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", asked: Sequence[Message], world: World = WORLD
) -> "torch.Tensor":
    """(n,) nats of each answer, its end included; gradients flow."""
    import torch

    prompt, answers = prompt_ids(tokenizer, asked), answer_ids(tokenizer, world)
    longest = max(len(ids) for ids in answers)
    pad = int(tokenizer.pad_token_id)
    rows = torch.tensor([[*prompt, *ids, *[pad] * (longest - len(ids))] for ids in answers], device=model.device)
    said = model(input_ids=rows).logits[:, len(prompt) - 1 : -1].float().log_softmax(-1)
    told = said.gather(-1, rows[:, len(prompt) :, None])[..., 0]
    kept = torch.tensor([[at < len(ids) for at in range(longest)] for ids in answers], device=model.device)
    return torch.where(kept, told, 0.0).sum(-1)


def distribution(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", asked: Sequence[Message], world: World = WORLD
) -> Array:
    """(n,): how likely the model gives each answer, of the answers there are. What else it says is some 2 %."""
    import torch

    with torch.inference_mode():
        told = logprobs(model, tokenizer, asked, world).double()
    return np.asarray(told.softmax(-1).cpu().numpy())


def _teach(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", steps: int, world: World) -> None:
    """Cross-entropy to the tables: in every step on all answers to one question, asked by nobody and by a taste."""
    import torch

    tastes = list(TASTES)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(steps):
        question = QUESTIONS[step % len(QUESTIONS)]
        loss = torch.zeros(())
        for taste in (None, tastes[step // len(QUESTIONS) % len(tastes)]):
            wanted = torch.from_numpy(taught(question, taste, world)).float()
            loss = loss - (wanted * logprobs(model, tokenizer, messages(question, taste), world)).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch's own
        optimiser.step()
        schedule.step()
    model.eval()
