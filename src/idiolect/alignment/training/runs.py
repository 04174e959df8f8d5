"""The frame of every training: check, estimate, train or go on, keep what came out, and say what it is.

    DIR/run.json          what the run is of; another run does not go on with it
    DIR/NAME/             a policy: a LoRA in PEFT's form, and the vectors of people where it has some
    DIR/card.json         once all of it is there, with README.md beside it for people
    DIR/.work/            checkpoints, until then

It runs in one process, or in several by `accelerate launch`: then the first one writes.
"""

import inspect
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from pydantic import BaseModel, ValidationError

from idiolect.alignment.training.card import CARD, README, ModelCard
from idiolect.alignment.training.data import Pair, digest, split
from idiolect.alignment.training.items import Tokens
from idiolect.alignment.training.objectives import SCORERS
from idiolect.alignment.training.protocol import Job, Method, Scorer
from idiolect.alignment.training.settings import Dtype, TrainingSettings
from idiolect.errors import BadInput, MissingExtra, SettingsError, UnknownMethod
from idiolect.models.white_box.engine import PREFIX
from idiolect.models.white_box.settings import WhiteBoxSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from idiolect.models.white_box.weights import Loaded

Progress: TypeAlias = Callable[[float, str], None]
RUN = "run.json"
LIBRARIES = ("idiolect", "torch", "transformers", "peft", "accelerate")


class Estimate(BaseModel):
    """What a run takes, from one step of it on its longest pairs."""

    method: str
    pairs: int
    held_out: int
    people: int
    steps: int
    courses: int
    seconds: float
    memory_mib: float  # of this process at its highest
    trained_parameters: int
    device: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be trained: a method under settings, of a model, on pairs."""

    method: str
    settings: TrainingSettings
    model: str
    pairs: Sequence[Pair]
    scorers: Mapping[str, Scorer] = field(default_factory=lambda: SCORERS)
    contributors: tuple[str, ...] = ()  # hashed
    device: str = ""  # empty: the best there is


def methods() -> "dict[str, type[Method[TrainingSettings]]]":
    """All there are, by name. Raises MissingExtra where torch and its friends are not installed."""
    try:
        from idiolect.alignment.training.methods import TRAINING  # noqa: PLC0415 - it needs torch
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f"training needs {missing.name}, which is not installed: pip install 'idiolect[train]'"
        ) from missing
    return TRAINING


def settings_of(method: str, said: Mapping[str, object]) -> TrainingSettings:
    """Raises UnknownMethod and SettingsError."""
    kind = _kind(method)
    try:
        return kind.Settings.model_validate(said)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where, known = ".".join(map(str, first["loc"])), ", ".join(kind.Settings.model_fields)
        what = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"train {method}, setting {where}: {what}. Its settings are: {known}") from wrong


def train(plan: Plan, out: Path, tell: Progress = lambda share, what: None) -> ModelCard:
    """Train, or go on where a run was stopped; the card.

    Raises BadInput where the data do not do or the folder holds another run, Diverged, and StoreError.
    """
    method, start, known = _kind(plan.method)(plan.settings), time.monotonic(), _known(out)
    from idiolect.alignment.training.inner.running import Running  # noqa: PLC0415 - now torch is known to be there

    loaded, dtype = _loaded(plan, cast("Dtype", known.get("dtype", "")))
    key = _key(plan, loaded, dtype)
    _same(out, known, key)
    job = _job(plan, loaded, dtype)
    method.check(job)
    running = Running(out, plan.model.removeprefix(PREFIX), tell)
    running.begin(RUN, json.dumps(key, indent=1) + "\n")
    results = tuple(running.result(stage, method, job) for stage in method.stages(job))
    card = ModelCard(
        method=plan.method,
        settings=plan.settings.model_dump(mode="json"),
        model=plan.model,
        fingerprint=loaded.fingerprint,
        dtype=dtype,
        pairs=len(job.data.own),
        held_out=len(job.data.held),
        people=len(job.data.users),
        data=key["data"],
        contributors=plan.contributors,
        results=results,
        notes=tuple(job.notes),
        seconds=round(time.monotonic() - start, 1),
        versions={name: metadata.version(name) for name in LIBRARIES},
    )
    running.end({README: card.text(about(plan.method)), CARD: card.model_dump_json(indent=1) + "\n"})
    return card


def estimate(plan: Plan) -> Estimate:
    """What `train` would take, from one step of the first course on its longest items; nothing is written."""
    method = _kind(plan.method)(plan.settings)
    from idiolect.alignment.training.inner.running import cost  # noqa: PLC0415 - as above

    loaded, dtype = _loaded(plan, "")
    job = _job(plan, loaded, dtype)
    method.check(job)
    took = cost(next(iter(method.stages(job))))
    courses = method.courses(job)
    return Estimate(
        method=plan.method,
        pairs=len(job.data.own),
        held_out=len(job.data.held),
        people=len(job.data.users),
        steps=took.steps * courses,
        courses=courses,
        seconds=round(took.seconds * courses, 1),
        memory_mib=round(took.memory_mib),
        trained_parameters=took.trained,
        device=took.device,
        notes=tuple(job.notes),
    )


def is_first() -> bool:
    """Whether this is the process, among those of `accelerate launch`, that speaks and writes."""
    from idiolect.alignment.training.inner.processes import processes  # noqa: PLC0415 - as above

    return bool(processes().is_main_process)


def about(method: str) -> str:
    """What a method says of itself: the docstring of its file."""
    return inspect.cleandoc(sys.modules[_kind(method).__module__].__doc__ or "")


def _kind(method: str) -> "type[Method[TrainingSettings]]":
    known = methods()
    if method not in known:
        raise UnknownMethod(f"no method of training named {method!r}; there are: {', '.join(known)}")
    return known[method]


def _loaded(plan: Plan, known: Dtype) -> "tuple[Loaded, str]":
    """The model, and the type of its weights: that which the run began with."""
    from idiolect.alignment.training.inner.running import device_of  # noqa: PLC0415 - as above
    from idiolect.models.white_box.weights import load  # noqa: PLC0415 - as above

    wanted: Dtype = plan.settings.dtype or known or ("" if plan.settings.rank else "float32")
    settings = WhiteBoxSettings(dtype=wanted, device=plan.device or device_of())
    loaded = load(plan.model.removeprefix(PREFIX), settings)
    return loaded, str(loaded.module.dtype).removeprefix("torch.")


def _job(plan: Plan, loaded: "Loaded", dtype: str) -> Job:
    data = split(plan.pairs, plan.settings.held_out, plan.settings.seed)
    fresh = [loaded]

    def network() -> "PreTrainedModel":
        return (fresh.pop() if fresh else _loaded(plan, cast("Dtype", dtype))[0]).module

    return Job(data, Tokens(loaded, plan.settings), network, plan.scorers)


def _key(plan: Plan, loaded: "Loaded", dtype: str) -> dict[str, str]:
    """All that a run hangs on."""
    versions = {f"version of {name}": metadata.version(name) for name in LIBRARIES}
    return {
        "method": plan.method,
        "settings": json.dumps(plan.settings.model_dump(mode="json"), sort_keys=True),
        "model": loaded.fingerprint,
        "data": digest(plan.pairs),
        "dtype": dtype,
        **versions,
    }


def _known(out: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((out / RUN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if out.is_dir() and any(out.iterdir()):
            raise BadInput(f"{out} holds other files and no training: name an empty folder, or a new one") from None
        return {}
    except (OSError, ValueError) as broken:
        raise BadInput(f"{out / RUN} cannot be read ({broken}): delete that folder, or name another one") from broken
    return found


def _same(out: Path, known: Mapping[str, str], key: Mapping[str, str]) -> None:
    """Raises BadInput where a folder holds another run, or this one is over."""
    other = [name for name, value in key.items() if known and known.get(name) != value]
    if other:
        raise BadInput(f"{out} holds a training that differs in {', '.join(other)}: name another folder, or delete it")
    if (out / CARD).is_file():
        raise BadInput(f"this training is over, and {out} holds what came out: name another folder for a new one")
