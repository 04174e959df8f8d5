"""Soft prompts from a belief: a person's tastes are read as a few vectors before the text (PPlug: Liu et al., 2024,
arXiv 2409.11901, section 3, with the posterior in the place of a history's embeddings).

    z = mean / sqrt(mean^2 + sd^2);   S_u = e (I + MLP(z)), each row drawn to the length e
    minimise -log pi(y_u | S_u, x) over I and the MLP, the model frozen

e is the usual length of a word's embedding: a vector of another size the model overlooks. MLP(0) = 0: of nobody in
particular there is I alone. The order of a history can't matter, since it doesn't to the posterior.
Shared: I (T, width), the MLP.  Per user: the posterior's mean and sd.  Cold start: the request unchanged.
Cost: T tokens of prompt.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import WeightsError
from idiolect.generation.array_files import read_arrays
from idiolect.generation.encoding.steering import closed
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_values import Unfit
from idiolect.models.protocol import Request
from idiolect.schema import Array

KEY = "soft prompts"
MEND = "fit them anew with `idiolect models fit-soft-prompt`"
PARTS = ("start", "inner", "outer")


class About(BaseModel):
    """What a map was trained from; the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str  # of the model
    space: str  # version of the preference space
    names: tuple[str, ...]  # of the attributes that are read of a belief
    steps: int
    gain: float  # nats a token by which liked answers became likelier against others, on prompts left out


@dataclass(frozen=True)
class SoftPromptMap:
    """From tastes z (a,) to T vectors, by one hidden layer without biases: nought moves nothing."""

    start: Array  # (T, width) I
    inner: Array  # (a, hidden)
    outer: Array  # (hidden, T * width)
    size: float  # e
    about: About

    def of(self, tastes: Array) -> Array:
        """(a,) -> (T, width), each row of length e."""
        rows = self.start + (np.tanh(tastes @ self.inner) @ self.outer).reshape(self.start.shape)
        return np.asarray(self.size * rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9))

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[Any]] = {"size": np.array([self.size], dtype=np.float32)}  # Any: safetensors' own
        for name, each in zip(PARTS, (self.start, self.inner, self.outer), strict=True):
            arrays[name] = each.astype(np.float16)
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})

    @classmethod
    def load(cls, path: Path) -> "SoftPromptMap":
        """Raises WeightsError where the file is missing, cut short or not of this form."""
        about, arrays = read_arrays(path, KEY, MEND)
        try:
            start, inner, outer = (arrays[name].astype(np.float64) for name in PARTS)
            made = cls(start, inner, outer, float(arrays["size"][0]), About.model_validate_json(about))
        except (KeyError, ValidationError) as wrong:
            raise WeightsError(f"{path} is not a file of {KEY}: {MEND}") from wrong
        if inner.shape[:1] != (len(made.about.names),) or outer.shape != (inner.shape[-1], start.size):
            raise WeightsError(f"{path} has arrays of shapes that do not belong together: {MEND}")
        return made


class SoftPrompt:
    """Puts the vectors of this person's tastes before the messages."""

    family: ClassVar[str] = "encoding"

    def __init__(self, made: SoftPromptMap | Unfit) -> None:
        self.made = made

    @classmethod
    def open(cls, host: Host) -> Self:
        """The map that the host names; none comes with the package."""
        return cls(_map(host))

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Add the soft prompt; one that the request may have stays before it."""
        if not person.evidence or not person.mean.any():
            return Prepared(request)
        if isinstance(self.made, Unfit):
            return Prepared(request, notes=(f"Soft prompts were off: {self.made.reason}.",))
        at = {name: index for index, name in enumerate(person.names)}
        missing = [name for name in self.made.about.names if name not in at]
        if missing:
            reason = f"they read the attribute {missing[0]!r}, which beliefs no longer have; {MEND}"
            return Prepared(request, notes=(f"Soft prompts were off: {reason}.",))
        columns = [at[name] for name in self.made.about.names]
        mean, sd = person.mean[columns], person.sd[columns]
        tastes = mean / np.sqrt(mean**2 + sd**2).clip(1e-12)
        soft, before = self.made.of(tastes), request.inside.soft_prompt
        both = soft if before is None else np.concatenate([before, soft])
        inside = replace(request.inside, soft_prompt=both)
        strength = round(float(np.sqrt(np.mean(tastes**2))), 3)
        return Prepared(replace(request, inside=inside), strength=strength)


def _map(host: Host) -> SoftPromptMap | Unfit:
    if host.soft_prompt is None:
        return Unfit("none was fitted; `idiolect models fit-soft-prompt` does, and the setting `soft_prompt` names it")
    made = SoftPromptMap.load(host.soft_prompt)
    if made.about.fingerprint != host.model.fingerprint:
        return Unfit(f"they are of another model than {host.model.name}; {MEND}")
    if made.about.space != host.space:
        return Unfit(f"they are of another version of the preference space ({made.about.space}); {MEND}")
    return closed(host) or made
