"""Opening a model's weights: the starter's GGUF file made safetensors once, a folder, or a name on the hub."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from idiolect import openmp
from idiolect.errors import MissingExtra, UnknownModel, WeightsError
from idiolect.models import hub
from idiolect.models.llamacpp import sha256_of
from idiolect.models.starter import starter_path
from idiolect.models.white_box.settings import WhiteBoxSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TEMPLATE = (  # for a model without a chat template of its own
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)


@dataclass(frozen=True)
class Loaded:
    """A model in memory. `fingerprint` is a sha256 of its weights' files; of a GGUF file, the file's."""

    module: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    fingerprint: str


def load(name: str, settings: WhiteBoxSettings) -> Loaded:
    """Load the starter, a GGUF file, a folder of transformers' form, or a name of the hub.

    Raises UnknownModel, WeightsError, or MissingExtra where transformers is not installed.
    """
    try:
        openmp.load("torch")
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f"an open model needs {missing.name}, which is not installed: pip install 'idiolect[train]'"
        ) from missing
    logging.disable_progress_bar()  # of a second's work
    gguf = starter_path() if name == "starter" else Path(name).expanduser() if name.lower().endswith(".gguf") else None
    folder = _folder(name) if gguf is None else str(_converted(gguf))
    device = settings.device or _device()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        module = AutoModelForCausalLM.from_pretrained(
            folder, dtype=_dtype(settings, device), use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError) as broken:
        raise WeightsError(
            f"transformers could not open {name}: {_first_line(broken)}; it must be a folder or a name of the hub, "
            "with config.json, a tokenizer and weights as safetensors"
        ) from broken
    if any(kind != "full_attention" for kind in getattr(module.config, "layer_types", None) or ()):
        raise WeightsError(f"{name} has layers that do not attend to the whole text, which an open model must here")
    if tokenizer.chat_template is None:
        tokenizer.chat_template = TEMPLATE
    placed = cast("torch.nn.Module", module).to(device).eval().requires_grad_(requires_grad=False)
    return Loaded(cast("PreTrainedModel", placed), tokenizer, _fingerprint(folder) if gguf is None else sha256_of(gguf))


def _fingerprint(folder: str) -> str:
    """A sha256 of the weights' files in a folder; of a name of the hub, the name."""
    files = sorted(Path(folder).glob("*.safetensors")) if Path(folder).is_dir() else []
    if not files:
        return f"transformers:{folder}"
    return hashlib.sha256("".join(sha256_of(file) for file in files).encode()).hexdigest()


def _folder(name: str) -> str:
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    if name.startswith((".", "/", "~")):
        raise UnknownModel(f"there is no folder at {path}; give the path of a model in transformers' form")
    return name


def _converted(gguf: Path) -> Path:
    """The folder with a GGUF file's weights, dequantized to safetensors; made at the first use, whole or not at all."""
    if not gguf.is_file():
        raise UnknownModel(f"there is no model file at {gguf}; give the path of a GGUF file or of a folder")
    home = hub.cache(os.environ) / "converted"
    place = home / sha256_of(gguf)[:24]
    if (place / "config.json").is_file():
        return place
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    home.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix="part-", dir=home))
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        dequantized = GgufConfig(dequantize=True)  # without it the weights stay packed, and can't be saved or trained
        module = AutoModelForCausalLM.from_pretrained(
            str(gguf.parent), gguf_file=gguf.name, quantization_config=dequantized
        )
        module.save_pretrained(part)
        tokenizer.save_pretrained(part)
        _keep(part, place)
    except (OSError, ValueError, KeyError) as broken:
        raise WeightsError(f"{gguf} could not be made safetensors: {_first_line(broken)}") from broken
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return place


def _keep(part: Path, place: Path) -> None:
    """Give a finished folder its name; if another process was faster, that one's is the same."""
    try:
        part.rename(place)
    except OSError:
        if not (place / "config.json").is_file():
            raise


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(settings: WhiteBoxSettings, device: str) -> "torch.dtype":
    import torch

    if settings.dtype:
        return cast("torch.dtype", getattr(torch, settings.dtype))
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    return torch.bfloat16 if _is_faster_in_bfloat16() else torch.float32


def _is_faster_in_bfloat16() -> bool:
    """Whether this processor multiplies a batch of rows faster in bfloat16: some have it, most only imitate it."""
    import torch

    spent: dict[torch.dtype, float] = {}
    for _ in range(3):
        for dtype in (torch.float32, torch.bfloat16):
            x, w = torch.ones(16, 1024, dtype=dtype), torch.ones(1024, 1024, dtype=dtype)
            start = time.perf_counter()
            for _ in range(10):
                x @ w
            took = time.perf_counter() - start
            spent[dtype] = min(spent.get(dtype, took), took)
    return spent[torch.bfloat16] < spent[torch.float32]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def dimensions(module: "PreTrainedModel") -> tuple[int, int]:
    """Layers, and the width of the residual stream."""
    config = json.loads(module.config.to_json_string(use_diff=False))
    return int(config["num_hidden_layers"]), int(config["hidden_size"])
