"""Pairs as token ids: what a step of a training reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idiolect.alignment.training.settings import TrainingSettings
from idiolect.schema import Message

if TYPE_CHECKING:
    from idiolect.models.white_box.weights import Loaded


@dataclass(frozen=True)
class Said:
    """An answer to a prompt. `user` is a person's number from 1; 0 is nobody, or anybody."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    user: int = 0

    @property
    def tokens(self) -> int:
        """Of both."""
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Item:
    """What stands or falls together in a loss: one answer, two of them, or two for a person and two for anybody."""

    said: tuple[Said, ...]
    weight: float = 1.0
    group: int = 0
    margin: float = 0.0
    odds: tuple[float, ...] = ()  # by objective: how likely it prefers the first answer


class Tokens:
    """Texts as the model reads them."""

    def __init__(self, loaded: "Loaded", settings: TrainingSettings) -> None:
        self._tokenizer = loaded.tokenizer
        self._settings = settings
        self.end = int(loaded.tokenizer.eos_token_id)

    def prompt(self, text: str, profile: str = "") -> tuple[int, ...]:
        """Up to where the answer begins; of a long one the newest tokens."""
        before = [Message(role="system", content=profile)] if profile else []
        turns = [{"role": each.role, "content": each.text} for each in [*before, Message(role="user", content=text)]]
        written = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        ids = self._tokenizer.encode(str(written), add_special_tokens=False)
        return tuple(ids[-self._settings.prompt_tokens :])

    def answer(self, text: str) -> tuple[int, ...]:
        """With its end, unless it is cut."""
        ids = self._tokenizer.encode(text, add_special_tokens=False)
        most = self._settings.answer_tokens
        return tuple(ids[:most]) if len(ids) >= most else (*ids, self.end)

    def save(self, folder: Path) -> None:
        """The tokenizer, beside a whole model."""
        self._tokenizer.save_pretrained(folder)

    def text(self, ids: Sequence[int]) -> str:
        """The way back, without the end."""
        return str(self._tokenizer.decode([each for each in ids if each != self.end], skip_special_tokens=True))
