"""LoRAs in PEFT's form: a bounded number stays loaded, and rows of one batch may each have their own."""

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from idiolect.errors import MissingExtra, WeightsError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

BASE = "__base__"  # PEFT's word for a row without an adapter


class Adapters:
    """The adapters of one model, by folder. The one longest unused makes room."""

    def __init__(self, module: "PreTrainedModel", limit: int) -> None:
        self._module = module
        self._limit = limit
        self._loaded: OrderedDict[str, str] = OrderedDict()  # what a folder held -> PEFT's name
        self._count = 0
        self.model: PeftModel | None = None

    @torch.inference_mode(mode=False)  # PEFT sets what needs gradients, which tensors of inference refuse
    def name(self, folder: Path, in_use: frozenset[str] = frozenset()) -> str:
        """PEFT's name of the adapter in this folder, loaded if it is not yet. Those in use stay."""
        key = stamped(folder)
        if key not in self._loaded:
            while len(self._loaded) >= self._limit and (old := self._unused(in_use)):
                self._drop(old)
            self._loaded[key] = self._load(folder)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    @torch.inference_mode(mode=False)
    def forget(self) -> None:
        """Drop all."""
        for key in list(self._loaded):
            self._drop(key)

    def _unused(self, in_use: frozenset[str]) -> str | None:
        return next((key for key, name in self._loaded.items() if name not in in_use), None)

    def _load(self, folder: Path) -> str:
        try:
            from peft import PeftModel  # noqa: PLC0415 - an open model does without it
        except ModuleNotFoundError as missing:
            raise MissingExtra(
                "an adapter needs peft, which is not installed: pip install 'idiolect[train]'"
            ) from missing
        self._count += 1
        name = f"adapter-{self._count}"
        try:
            if self.model is None:
                opened = PeftModel.from_pretrained(self._module, str(folder), adapter_name=name, is_trainable=False)
                self.model = opened.eval()
            else:
                self.model.load_adapter(str(folder), adapter_name=name, is_trainable=False)
        except (OSError, ValueError, KeyError, RuntimeError) as broken:
            raise WeightsError(
                f"the adapter in {folder} does not fit this model, or is cut short "
                f"({str(broken).strip().splitlines()[0][:200]}); train it again for this model"
            ) from broken
        return name

    def _drop(self, key: str) -> None:
        name = self._loaded.pop(key)
        assert self.model is not None  # whoever loaded an adapter has opened it
        if self._loaded:
            self.model.delete_adapter(name)
        else:
            self.model.unload()  # PEFT does not do without any adapter: the plain layers take their places again
            self.model = None


def stamped(folder: Path) -> str:
    """A folder and the state of its weights: an adapter that was trained anew is another one."""
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise WeightsError(f"there is no adapter in {folder}: adapter_model.safetensors is missing; train it first")
    stat = weights.stat()
    return f"{folder}@{stat.st_mtime_ns}.{stat.st_size}"
