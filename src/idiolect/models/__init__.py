"""Language models behind one protocol, opened by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from idiolect.errors import UnknownModel
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.llamacpp_library import LlamaCppSettings
from idiolect.models.protocol import Model, Request, Stream
from idiolect.models.scripted import Scripted
from idiolect.models.starter import starter_path

__all__ = ["ENGINES", "LlamaCppSettings", "Model", "ModelOptions", "Request", "Stream", "model_names", "open_model"]

ENGINES: dict[str, type[Model]] = {"llama.cpp": LlamaCpp, "scripted": Scripted}


@dataclass(frozen=True)
class ModelOptions:
    """How to open a model; an engine takes what concerns it."""

    base_url: str | None = None  # endpoints
    api_key: str | None = None  # endpoints
    timeout_s: float = 60  # endpoints: how long one may stay silent
    llama: LlamaCppSettings = field(default_factory=LlamaCppSettings)


@dataclass(frozen=True)
class Naming:
    """A form of name: how it is written in help texts, and how it is opened."""

    form: str
    means: str
    fits: Callable[[str, ModelOptions], bool]
    open: Callable[[str, ModelOptions], Model]


NAMINGS = (
    Naming(
        "starter",
        "the small model that Idiolect is installed with",
        lambda name, options: name == "starter",
        lambda name, options: LlamaCpp(starter_path(), name=name, settings=options.llama),
    ),
    Naming(
        "scripted",
        "a deterministic stand-in without weights, for tests",
        lambda name, options: name == "scripted",
        lambda name, options: Scripted(),
    ),
    Naming(
        "./model.gguf",
        "a GGUF file, by its path",
        lambda name, options: name.endswith(".gguf"),
        lambda name, options: LlamaCpp(Path(name).expanduser(), name=name, settings=options.llama),
    ),
)


def model_names() -> dict[str, str]:
    """Every form of name that `open_model` takes, with what it means."""
    return {naming.form: naming.means for naming in NAMINGS}


def open_model(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout_s: float = 60,
    llama: LlamaCppSettings | None = None,
) -> Model:
    """Open a model by name. `base_url`, `api_key` and `timeout_s` are for endpoints, `llama` for llama.cpp."""
    options = ModelOptions(base_url, api_key, timeout_s, llama or LlamaCppSettings())
    for naming in NAMINGS:
        if naming.fits(name, options):
            return naming.open(name, options)
    raise UnknownModel(f"no model named {name!r}; a name is one of: {', '.join(model_names())}")
