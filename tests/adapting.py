"""People with choices, and a tiny model that adapters are trained for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch.nn import Linear

from idiolect.generation.parameters.lora_file import Factors, Lora
from idiolect.generation.parameters.registry import Registry
from idiolect.generation.parameters.settings import GateSettings, LoraSettings, PieceSettings
from idiolect.generation.parameters.training import Workshop
from idiolect.memory.store import UserStore
from idiolect.models import WhiteBox, WhiteBoxSettings
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Choice
from lives import record, turn

FAST = LoraSettings(
    rank=2, modules=("q_proj", "v_proj"), upper=1, least=4, strength=0.5, answer_tokens=12, prompt_tokens=24
)


def tiny(folder: Path, **settings: int) -> WhiteBox:
    model = save_tiny(folder) if not folder.exists() else folder
    return WhiteBox(
        f"transformers:{model}", settings=WhiteBoxSettings(dtype="float32", device="cpu", rows=6, **settings)
    )


def workshop(model: WhiteBox, root: Path, settings: LoraSettings = FAST) -> Workshop:
    return Workshop(model, Registry(root), None, settings, GateSettings(rate=0.05), PieceSettings(k=2))


def choices(person: UserStore, count: int = 10, liked: str = "aaaa", other: str = "zzzz", first: int = 0) -> list[str]:
    """So many turns with two answers each, the one with `liked` in it chosen: the ids of the choices."""
    for number in range(first, first + count):
        told = turn(f"{person.id}{number}", prompt=f"Say {number}.")
        words = (f"{liked} {number}", f"{other} {number}")
        candidates = tuple(
            each.model_copy(update={"text": text}) for each, text in zip(told.answer.candidates, words, strict=True)
        )
        answer = told.answer.model_copy(update={"candidates": candidates, "text": words[0]})
        name = f"{person.id}{number}"
        chosen = Choice(id=f"evt-chosen-{name}", chosen=f"{name}-0", over=(f"{name}-1",))
        record(person, told.model_copy(update={"answer": answer}), chosen)
    return [f"evt-chosen-{person.id}{number}" for number in range(first, first + count)]


def chance_lora(seed: int, modules: Sequence[str] = ("one", "two"), rank: int = 2, scale: float = 0.5) -> Lora:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return rng.normal(size=shape).astype(np.float32)

    return Lora({module: Factors(draw(rank, 6), draw(5, rank)) for module in modules}, scale)


def chance_adapter(model: WhiteBox, folder: Path, seed: int) -> Path:
    """Written to a folder, for the model's queries and values; strong enough to be heard."""
    with model.alone() as network:
        shapes = {  # an adapter that is loaded has the plain layers inside its own
            name.removesuffix(".base_layer"): (module.in_features, module.out_features)
            for name, module in network.loaded.module.named_modules()
            if name.removesuffix(".base_layer").endswith(("q_proj", "v_proj")) and isinstance(module, Linear)
        }
    rng = np.random.default_rng(seed)
    factors = {
        name: Factors(rng.normal(size=(2, d_in)).astype(np.float32), 3 * rng.normal(size=(d_out, 2)).astype(np.float32))
        for name, (d_in, d_out) in shapes.items()
    }
    folder.mkdir()
    Lora(factors, 1.0).save(folder, "tiny")
    return folder
