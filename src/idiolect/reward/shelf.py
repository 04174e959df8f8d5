"""Fitted rewards on disk: one safetensors file each, whose metadata is a card that says what it is, and from where."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from idiolect.errors import DataError, FeatureMismatch, UnknownMethod, WeightsError
from idiolect.features.space import PreferenceSpace
from idiolect.reward import PERSONAL
from idiolect.reward.protocol import FittedReward
from idiolect.schema import Array

KEY = "reward"
FITTED_ON = "fitted_on"  # its name among the arrays
FORMAT = 1  # of the file; a reader of another refuses it


class Source(BaseModel):
    """What a reward was fitted on: never the texts, nor who."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str  # of the file
    people: int
    choices: int


class Card(BaseModel):
    """What a file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    method: str  # its name in PERSONAL
    settings: dict[str, JsonValue]
    space: str  # version of the preference space
    dim: int  # d
    source: Source
    at: datetime
    idiolect: str = metadata.version("idiolect")


@dataclass(frozen=True)
class Shelved:
    """A file whose card was read; the arrays are read when `reward` is first asked for."""

    path: Path
    card: Card

    @cached_property
    def reward(self) -> FittedReward:
        """Raises WeightsError for arrays that are cut short, DataError for arrays of another form."""
        method = fitted_method(self.card.method)
        settings = _settings(method, self.card, self.path)
        arrays = {name: array for name, array in _arrays(self.path).items() if name != FITTED_ON}
        try:
            return method.restored(arrays, settings)
        except (DataError, FeatureMismatch) as wrong:
            raise DataError(f"{self.path} does not hold what its card says: {wrong}; {_mend()}") from wrong

    def fitted_on(self, sha: str, digests: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of a file's choices (n,) the reward was fitted on: of these it says what it was told.

        A file of an older version knows its own source only as a whole.
        """
        known = _arrays(self.path).get(FITTED_ON)
        if known is None:
            return np.full(len(digests), sha == self.card.source.sha256)
        return np.isin(digests, known)

    def reward_for(self, space: PreferenceSpace) -> FittedReward:
        """The reward, if it was fitted in this space. Raises FeatureMismatch."""
        if self.card.space != space.version:
            raise FeatureMismatch(
                f"{self.path} was fitted in version {self.card.space} of the preference space, and this is version "
                f"{space.version}: {_mend()}"
            )
        return self.reward


def save_reward(reward: FittedReward, card: Card, path: Path, fitted_on: NDArray[np.uint64] | None = None) -> None:
    """Write the file, whole or not at all. `fitted_on` are digests of the choices, as `Measured` has them."""
    from safetensors.numpy import save_file

    arrays: dict[str, NDArray[Any]] = {  # Any: safetensors' own signature
        name: np.ascontiguousarray(array) for name, array in reward.arrays().items()
    }
    if fitted_on is not None:
        arrays[FITTED_ON] = np.unique(fitted_on)
    beside = path.with_name(path.name + ".part")
    save_file(arrays, beside, metadata={KEY: card.model_dump_json()})
    beside.replace(path)


def open_reward(path: Path) -> Shelved:
    """The card now, the arrays later. Raises WeightsError for a file that is missing, cut short or too old or new."""
    text = _metadata(path).get(KEY)
    if text is None:
        raise WeightsError(f"{path} is a safetensors file with no reward in it: {_mend()}")
    try:
        card = Card.model_validate_json(text)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise WeightsError(
            f"the card of {path} is of another version of Idiolect ({where}: {first['msg']}): {_mend()}"
        ) from wrong
    if card.format != FORMAT:
        raise WeightsError(f"{path} is of format {card.format}; this version of Idiolect reads {FORMAT}: {_mend()}")
    return Shelved(path, card)


def fitted_method(name: str) -> type[FittedReward]:
    """A method that is fitted on people, by name. Raises UnknownMethod."""
    method = PERSONAL.get(name)
    if method is None or not issubclass(method, FittedReward):
        known = ", ".join(sorted(each for each, kind in PERSONAL.items() if issubclass(kind, FittedReward)))
        raise UnknownMethod(f"no reward named {name!r} is fitted on people; there are: {known}")
    return method


def _settings(method: type[FittedReward], card: Card, path: Path) -> BaseModel:
    try:
        return method.Settings.model_validate(card.settings)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise WeightsError(
            f"{path} was fitted under settings of another version of Idiolect ({where}: {first['msg']}): {_mend()}"
        ) from wrong


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsError(f"there is no fitted reward at {path}: {_mend()}")
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as broken:
        raise WeightsError(f"{path} cannot be read, it may have been cut short ({broken}): {_mend()}") from broken


def _arrays(path: Path) -> dict[str, Array]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as broken:
        raise WeightsError(f"{path} cannot be read, it may have been cut short ({broken}): {_mend()}") from broken


def _mend() -> str:
    return "fit it with `idiolect reward fit`"
