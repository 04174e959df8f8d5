"""Language models behind one protocol, opened by name."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from idiolect.errors import BadInput, SettingsError, UnknownModel
from idiolect.models import hub
from idiolect.models.connection import Connection, Patience, is_local
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.llamacpp_library import LlamaCppSettings
from idiolect.models.protocol import Model, Request, Stream
from idiolect.models.remote import Prices, Remote
from idiolect.models.scripted import Scripted
from idiolect.models.starter import starter_path
from idiolect.models.white_box import WhiteBox, WhiteBoxSettings
from idiolect.models.white_box.engine import PREFIX as OPEN
from idiolect.settings import Settings

__all__ = [
    "ENGINES",
    "LlamaCppSettings",
    "Model",
    "Patience",
    "Prices",
    "Request",
    "Stream",
    "WhiteBox",
    "WhiteBoxSettings",
    "model_names",
    "open_model",
    "opener",
    "same_weights_open",
]

ENGINES: dict[str, type[Model]] = {
    "llama.cpp": LlamaCpp,
    "openai": Remote,
    "scripted": Scripted,
    "transformers": WhiteBox,
}

OPENAI = "https://api.openai.com/v1"
OLLAMA = "http://127.0.0.1:11434/v1"


@dataclass(frozen=True)
class Options:
    """How to open a model. The first four concern endpoints, the others an engine in this process each."""

    base_url: str | None = None
    api_key: str | None = None
    patience: Patience = field(default_factory=Patience)
    prices: Prices | None = None
    llama: LlamaCppSettings = field(default_factory=LlamaCppSettings)
    white_box: WhiteBoxSettings = field(default_factory=WhiteBoxSettings)


@dataclass(frozen=True)
class Naming:
    """A form of name: how help texts write it, what it means, and how it is opened."""

    form: str
    means: str
    fits: Callable[[str, Options], bool]
    open: Callable[[str, Options], Model]


def open_model(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout_s: float = 60,
    prices: Prices | None = None,
    llama: LlamaCppSettings | None = None,
    white_box: WhiteBoxSettings | None = None,
) -> Model:
    """Open a model by name; `model_names()` lists the forms.

    `base_url`, `api_key`, `prices` and `timeout_s` (of silence) are for endpoints, `llama` and `white_box` for models
    in this process.
    """
    patience = Patience(timeout_s=timeout_s)
    inside = (llama or LlamaCppSettings(), white_box or WhiteBoxSettings())
    options = Options(base_url, api_key, patience, prices, *inside)
    return _naming(name, options).open(name, options)


def opener(settings: Settings, llama: LlamaCppSettings | None = None) -> Callable[[], Model]:
    """What opens the model of these settings. Raises UnknownModel at once for a name of no known form."""
    key = settings.api_key.get_secret_value() if settings.api_key else None
    patience = Patience(timeout_s=settings.timeout_s)
    options = Options(settings.base_url, key, patience, llama=llama or LlamaCppSettings())
    naming = _naming(settings.model, options)
    return lambda: naming.open(settings.model, options)


def same_weights_open(name: str, settings: WhiteBoxSettings | None = None) -> WhiteBox:
    """The model of this name opened from inside. Raises BadInput for one that is only an endpoint or a stand-in."""
    if name == "starter" or name.lower().endswith(".gguf"):
        path = str(hub.fetch(name)) if name.startswith(hub.PREFIX) else name
        return WhiteBox(OPEN + path, settings=settings)
    raise BadInput(f"{name} can't be opened from inside; name a model that can, such as --model {OPEN}starter")


def _naming(name: str, options: Options) -> Naming:
    for naming in NAMINGS:
        if naming.fits(name, options):
            return naming
    raise UnknownModel(f"no model named {name!r}; a name has one of the forms: {', '.join(model_names())}")


def model_names() -> dict[str, str]:
    """Every form of name that `open_model` takes, with what it means."""
    return {naming.form: naming.means for naming in NAMINGS}


def _starter(name: str, options: Options) -> Model:
    return LlamaCpp(starter_path(), name=name, settings=options.llama)


def _file(name: str, options: Options) -> Model:
    return LlamaCpp(Path(name).expanduser(), name=name, settings=options.llama)


def _open(name: str, options: Options) -> Model:
    return WhiteBox(name, settings=options.white_box)


def _from_hub(name: str, options: Options) -> Model:
    return LlamaCpp(hub.fetch(name), name=name, settings=options.llama)


def _openai(name: str, options: Options) -> Model:
    key = options.api_key or (None if options.base_url else os.environ.get("OPENAI_API_KEY"))
    if not key and not options.base_url:
        raise SettingsError(f"{name} needs a key: set OPENAI_API_KEY, or give api_key")
    return _remote(name, name.removeprefix("openai:"), options.base_url or OPENAI, key, options)


def _ollama(name: str, options: Options) -> Model:
    return _remote(name, name.removeprefix("ollama:"), options.base_url or OLLAMA, options.api_key, options)


def _endpoint(name: str, options: Options) -> Model:
    return _remote(name, name, options.base_url or "", options.api_key, options)


def _remote(name: str, model: str, base_url: str, api_key: str | None, options: Options) -> Model:
    if not model:
        raise UnknownModel(f"{name!r} lacks the model's name; write it after the colon")
    connection = Connection(base_url, api_key=api_key, patience=options.patience)
    is_metered = options.prices is not None or not is_local(httpx.URL(base_url))
    return Remote(model, connection, name=name, metered=is_metered, prices=options.prices)


NAMINGS = (
    Naming("openai:NAME", "OpenAI, with a key in OPENAI_API_KEY", lambda name, _: name.startswith("openai:"), _openai),
    Naming("ollama:NAME", "Ollama on this machine", lambda name, _: name.startswith("ollama:"), _ollama),
    Naming("NAME with base_url", "any OpenAI-compatible endpoint", lambda _, o: o.base_url is not None, _endpoint),
    Naming("starter", "the small model that Idiolect brings", lambda name, _: name == "starter", _starter),
    Naming(
        "scripted", "a deterministic stand-in, for tests", lambda name, _: name == "scripted", lambda *_: Scripted()
    ),
    Naming(
        f"{OPEN}NAME",
        "an open model, for methods that work inside it: `starter`, a folder, a GGUF file, or a name of the hub",
        lambda name, _: name.startswith(OPEN),
        _open,
    ),
    Naming(hub.FORM, "a GGUF file from the Hugging Face hub", lambda name, _: name.startswith(hub.PREFIX), _from_hub),
    Naming("./model.gguf", "a GGUF file on this machine", lambda name, _: name.lower().endswith(".gguf"), _file),
)
