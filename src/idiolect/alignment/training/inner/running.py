"""A run's folder, and what each of its courses reads, leaves and costs. In several processes the first one writes."""

import os
import resource
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate.utils import gather_object
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from idiolect.alignment.training.card import Result
from idiolect.alignment.training.inner.course import Stage, Tell, run, steps_of
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.inner.processes import processes
from idiolect.alignment.training.inner.rows import Rows, collated, padded
from idiolect.alignment.training.items import Item, Said
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.errors import StoreError

WORK, PLAIN, PART = ".work", "plain.safetensors", ".part"


@dataclass(frozen=True)
class Cost:
    """Of one course."""

    steps: int
    seconds: float
    memory_mib: float
    trained: int
    device: str


class Running:
    """One run."""

    def __init__(self, out: Path, base: str, tell: Tell) -> None:
        self._out, self._base, self._tell = out, base, tell
        self._processes = processes()

    def begin(self, name: str, text: str) -> None:
        """Make the folder, and say of what it is."""
        if self._processes.is_main_process:
            try:
                self._out.mkdir(parents=True, exist_ok=True)
                _write(self._out / name, text)
            except OSError as failed:
                raise StoreError(f"{self._out} can't be written ({failed}): name another folder") from failed
        self._processes.wait_for_everyone()

    def result(self, stage: Stage, method: Method[TrainingSettings], job: Job) -> Result:
        """Train one course, or what is left of it, and keep its policy."""
        work = self._out / WORK / stage.name
        run(stage, self._plain(stage, work / PLAIN), work, self._tell)
        figures = _figures(stage.policy, method.held(job)) | method.figures(job, stage.policy)
        if self._processes.is_main_process:
            self._keep(stage, job)
        self._processes.wait_for_everyone()
        return Result(name=stage.name, figures=figures)

    def end(self, files: Mapping[str, str]) -> None:
        """Write what says that it is over, the last one last; checkpoints go."""
        if self._processes.is_main_process:
            for name, text in files.items():
                _write(self._out / name, text)
            shutil.rmtree(self._out / WORK, ignore_errors=True)
        self._processes.wait_for_everyone()

    def _keep(self, stage: Stage, job: Job) -> None:
        part, place = self._out / WORK / f"{stage.name}{PART}", self._out / stage.name
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            stage.policy.save(part, self._base)
            if not stage.settings.rank:
                job.tokens.save(part)
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
        except (OSError, SafetensorError) as failed:
            raise StoreError(
                f"the policy {stage.name} cannot be kept in {self._out} ({failed}): make room and start it again, the "
                "training is over"
            ) from failed

    def _plain(self, stage: Stage, file: Path) -> list[list[float]]:
        """By item: the nats of its answers under the model as it is; where nothing asks for them, 0."""
        if stage.draw is not None or not stage.is_relative:
            return [[0.0] * len(item.said) for item in stage.items]
        known = _read(file)
        if known is None:
            rows = [said for item in stage.items for said in item.said]
            known = _nats(stage.policy, rows, stage.settings.at_once, self._tell)
            if self._processes.is_main_process:
                file.parent.mkdir(parents=True, exist_ok=True)
                save_file({"nats": known}, file.with_name(file.name + PART))
                file.with_name(file.name + PART).replace(file)
            self._processes.wait_for_everyone()
        values, found, first = known.tolist(), [], 0
        for item in stage.items:
            found.append(values[first : first + len(item.said)])
            first += len(item.said)
        return found


def cost(stage: Stage) -> Cost:
    """One step on the longest items, forward and backward, and what the whole course then takes."""
    at_once = min(stage.settings.at_once, stage.settings.batch)
    longest = sorted(stage.items, key=lambda item: -sum(said.tokens for said in item.said))[:at_once]
    policy = stage.policy
    batch = collated([(item, [0.0] * len(item.said)) for item in longest])["rows"]
    rows = {name: each.to(policy.device) for name, each in batch.items()}
    is_read = stage.draw is None and stage.is_relative
    start = time.perf_counter()
    if is_read:
        policy.plain(rows)
    plain = time.perf_counter() - start
    start = time.perf_counter()
    drawn = rows if stage.draw is None else stage.draw(policy, rows)
    loss: Tensor = policy(drawn)["loss"]
    loss.backward()  # type: ignore[no-untyped-call] # torch
    step = (time.perf_counter() - start) * stage.settings.batch / at_once
    policy.zero_grad()
    steps = steps_of(stage)
    once = plain * len(stage.items) / at_once if is_read else 0.0
    return Cost(
        steps, steps * step + once, _memory(policy), sum(each.numel() for each in policy.trained), str(policy.device)
    )


def device_of() -> str:
    """Of this process, among those of `accelerate launch`."""
    state = processes()
    return state.device.type if state.num_processes == 1 else str(state.device)


def _memory(policy: Policy) -> float:
    if policy.device.type == "cuda":
        return torch.cuda.max_memory_allocated(policy.device) / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@torch.no_grad()
def _nats(policy: Policy, said: Sequence[Said], at_once: int, tell: Tell) -> Tensor:
    """(N,): each process reads its share."""
    state, width = processes(), 2 * at_once
    batches = [said[first : first + width] for first in range(0, len(said), width)]
    own: list[tuple[int, list[float]]] = []
    for at in range(state.process_index, len(batches), state.num_processes):
        rows: Rows = {name: each.to(policy.device) for name, each in padded(batches[at]).items()}
        own.append((at, policy.plain(rows).sum(-1).tolist()))
        tell(at / len(batches), "reading the answers with the model as it is")
    every = gather_object(own) if state.num_processes > 1 else own
    return torch.tensor([nats for _, each in sorted(every) for nats in each], dtype=torch.float32)


@torch.no_grad()
def _figures(policy: Policy, held: Sequence[Item]) -> dict[str, float]:
    """Of pairs that were held out: how often the preferred answer was raised more, and its likelihood."""
    if not held:
        return {}
    policy.eval()
    wins, before, after, tokens = 0.0, 0.0, 0.0, 0
    for item in held:
        rows = {name: each.to(policy.device) for name, each in padded(item.said).items()}
        plain, said = policy.plain(rows).sum(-1), policy.nats(rows).sum(-1)
        h = said - plain
        if len(h) > 1:
            wins += float(0.5 + 0.5 * torch.sign(h[0] - h[1]))
        before, after = before + float(plain[0]), after + float(said[0])
        tokens += len(item.said[0].answer)
    return {
        "held_out_accuracy": wins / len(held),
        "preferred_nats_a_token_before": before / tokens,
        "preferred_nats_a_token_after": after / tokens,
    }


def _read(file: Path) -> Tensor | None:
    try:
        return load_file(file)["nats"]
    except (OSError, SafetensorError):
        return None


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    beside = file.with_name(file.name + PART)
    beside.write_text(text, encoding="utf-8")
    with beside.open("rb") as opened:
        os.fsync(opened.fileno())
    beside.replace(file)
