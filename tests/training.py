"""Pairs, and a tiny model that learns from them."""

from pathlib import Path

from idiolect.alignment.training.data import Pair
from idiolect.alignment.training.runs import Plan, settings_of
from idiolect.models.white_box.tiny import save_tiny

FAST = {
    "rank": 4,
    "alpha": 8,
    "rate": 0.02,
    "batch": 4,
    "at_once": 4,
    "least": 4,
    "save_every": 3,
    "prompt_tokens": 24,
    "answer_tokens": 12,
    "dtype": "float32",
}


def tiny(folder: Path) -> str:
    if not folder.exists():
        save_tiny(folder)
    return f"transformers:{folder}"


def preferring(liked: str, other: str, count: int, user: str = "ada", **more: object) -> tuple[Pair, ...]:
    """So many pairs of one taste."""
    return tuple(
        Pair(user, f"Say {number}.", f"{liked} {number}", f"{other} {number}", **more)  # type: ignore[arg-type]  # fields of any type
        for number in range(count)
    )


def plan(method: str, model: str, pairs: tuple[Pair, ...], **settings: object) -> Plan:
    return Plan(method, settings_of(method, FAST | settings), model, pairs, device="cpu")
