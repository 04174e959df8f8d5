"""LoRAs in PEFT's form: a bounded number stays loaded, and rows of one batch may each have their own.

To make room in a model for one more takes PEFT 0.4 to 1 s. So where the one longest unused has the same form as the
next, its weights are overwritten in place.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from idiolect.errors import MissingExtra, WeightsError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

BASE = "__base__"  # PEFT's word for a row without an adapter
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"  # PEFT's names
FORM = ("peft_type", "r", "lora_alpha", "target_modules", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern")


class Adapters:
    """The adapters of one model, by folder. The one longest unused makes room."""

    def __init__(self, module: "PreTrainedModel", limit: int) -> None:
        self._module = module
        self._limit = limit
        self._loaded: OrderedDict[str, str] = OrderedDict()  # what a folder held -> PEFT's name
        self._forms: dict[str, str] = {}  # by PEFT's name: what two have in common that can take each other's place
        self._places: dict[str, Mapping[str, torch.Tensor]] = {}  # by PEFT's name: the weights by their keys in a file
        self._count = 0
        self.model: PeftModel | None = None

    @torch.inference_mode(mode=False)  # PEFT sets what needs gradients, which tensors of inference refuse
    def name(self, folder: Path, in_use: frozenset[str] = frozenset()) -> str:
        """PEFT's name of the adapter in this folder, loaded if it is not yet. Those in use stay."""
        key = stamped(folder)
        if key not in self._loaded:
            self._loaded[key] = self._in_place(folder, in_use) or self._beside(folder, in_use)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    @torch.inference_mode(mode=False)
    def forget(self) -> None:
        """Drop all."""
        for key in list(self._loaded):
            self._drop(key)

    def _unused(self, in_use: frozenset[str]) -> str | None:
        return next((key for key, name in self._loaded.items() if name not in in_use), None)

    def _in_place(self, folder: Path, in_use: frozenset[str]) -> str | None:
        """Overwrite the one longest unused, where there is no room for one more and it has the same form."""
        old = self._unused(in_use) if len(self._loaded) >= self._limit else None
        if old is None or self._forms[self._loaded[old]] != _form(folder):
            return None
        places = self._places[self._loaded[old]]
        try:
            weights = load_file(folder / WEIGHTS)
        except (OSError, SafetensorError) as broken:
            raise _misfit(folder, broken) from broken
        if {key: each.shape for key, each in weights.items()} != {key: each.shape for key, each in places.items()}:
            raise _misfit(folder, "its weights have other names or shapes")
        for key, each in weights.items():
            places[key].copy_(each)
        return self._loaded.pop(old)

    def _beside(self, folder: Path, in_use: frozenset[str]) -> str:
        while len(self._loaded) >= self._limit and (old := self._unused(in_use)):
            self._drop(old)
        name = self._load(folder)
        assert self.model is not None
        self._forms[name] = _form(folder)
        part = f".{name}."
        weights = self.model.named_parameters()
        self._places[name] = {key.replace(part, "."): each.data for key, each in weights if part in key}
        return name

    def _load(self, folder: Path) -> str:
        try:
            from peft import PeftConfig, PeftModel  # noqa: PLC0415 - an open model does without it
        except ModuleNotFoundError as missing:
            raise MissingExtra(
                "an adapter needs peft, which is not installed: pip install 'idiolect[train]'"
            ) from missing
        self._count += 1
        name = f"adapter-{self._count}"
        try:
            if self.model is None:
                config = PeftConfig.from_pretrained(str(folder))
                config.inference_mode = True
                self.model = PeftModel(self._module, config, adapter_name=name).eval()
            self.model.load_adapter(str(folder), adapter_name=name, is_trainable=False)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as broken:
            self._take_out(name)
            raise _misfit(folder, broken) from broken
        return name

    def _drop(self, key: str) -> None:
        name = self._loaded.pop(key)
        self._forms.pop(name), self._places.pop(name)
        self._take_out(name)

    def _take_out(self, name: str) -> None:
        """What PEFT has put into the model under this name, be it half."""
        if self.model is None:
            return
        if not self._loaded:
            self.model.unload()  # PEFT does not do without any adapter: the plain layers take their places again
            self.model = None
        elif name in self.model.peft_config:
            self.model.delete_adapter(name)


def stamped(folder: Path) -> str:
    """A folder and the state of its weights: an adapter that was trained anew is another one."""
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise WeightsError(f"there is no adapter in {folder}: adapter_model.safetensors is missing; train it first")
    stat = weights.stat()
    return f"{folder}@{stat.st_mtime_ns}.{stat.st_size}"


def _form(folder: Path) -> str:
    """What an adapter has in common with those whose weights can take the place of its own."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        modules = config["target_modules"]
        config["target_modules"] = sorted(modules) if isinstance(modules, list) else modules
        return json.dumps([config.get(each) for each in FORM])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
        raise _misfit(folder, broken) from broken


def _misfit(folder: Path, reason: Exception | str) -> WeightsError:
    said = (str(reason).strip().splitlines() or [type(reason).__name__])[0][:200]
    return WeightsError(
        f"the adapter in {folder} does not fit this model, or is cut short ({said}); train it again for this model"
    )
