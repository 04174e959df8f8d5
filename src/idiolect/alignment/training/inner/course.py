"""One course of training: transformers' Trainer, which runs on accelerate, with sealed checkpoints.

The Trainer brings what is easily got wrong: the order of the pairs, accumulation, schedules, many processes, and the
states that a resumed run needs. What is added: a checkpoint counts once it is sealed, a gradient that is no number
stops the run before it reaches the weights, and a full disk names what is still good.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ProgressCallback

from idiolect.alignment.training.inner.checkpoints import BEFORE, clear, newest, seal, step_of
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.inner.processes import processes
from idiolect.alignment.training.inner.rows import Items, Rows, collated
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.errors import BadInput, Diverged, StoreError

Tell: TypeAlias = Callable[[float, str], None]  # how far, from 0 to 1, and at what
Draw: TypeAlias = Callable[[Policy, Rows], Rows]  # a batch that the policy answers itself, in the place of a given one


@dataclass(frozen=True)
class Stage:
    """One course: a policy, what it reads, and the name of its result.

    `draw`: it learns from answers of its own. `is_relative`: its loss compares with the model as it is.
    """

    name: str
    policy: Policy
    items: Sequence[Item]
    settings: TrainingSettings
    draw: Draw | None = None
    is_relative: bool = True


def steps_of(stage: Stage) -> int:
    """How many a stage takes."""
    settings = stage.settings
    return settings.steps or settings.epochs * math.ceil(len(stage.items) / settings.batch)


def run(stage: Stage, plain: Sequence[Sequence[float]], folder: Path, tell: Tell) -> None:
    """Train, from the newest checkpoint in the folder if there is one.

    Raises Diverged for a loss that is no number, and StoreError where a checkpoint cannot be written.
    """
    state = processes()
    if state.is_main_process and folder.is_dir():
        clear(folder)
    state.wait_for_everyone()
    known = newest(folder) if folder.is_dir() else None
    if known is not None and step_of(known) >= steps_of(stage):
        stage.policy.load_state_dict(load_file(known / "model.safetensors"))
        stage.policy.eval()
        return
    course = _Course(stage, Items(stage.items, plain), folder, tell)
    course.train(resume_from_checkpoint=None if known is None else str(known))
    stage.policy.eval()


class _Course(Trainer):
    def __init__(self, stage: Stage, items: Items, folder: Path, tell: Tell) -> None:
        self._draw, self._folder = stage.draw, folder
        super().__init__(
            model=stage.policy,
            args=_arguments(stage, folder),
            train_dataset=items,
            data_collator=collated,
            callbacks=[_Watch(folder, tell, stage.name)],
        )
        for each in (PrinterCallback, ProgressCallback):
            self.remove_callback(each)

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """The Trainer's, of a batch that the policy has drawn where it learns so."""
        if self._draw is not None:
            rows = cast("Rows", self._prepare_inputs(inputs)["rows"])
            inputs = {"rows": self._draw(self.accelerator.unwrap_model(model), rows)}
        return super().training_step(model, inputs, num_items_in_batch)

    def _save_checkpoint(self, model: torch.nn.Module, trial: object) -> None:
        """The Trainer's. A full disk is told by each library in its own way."""
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, SafetensorError, RuntimeError) as failed:
            said = str(failed).strip().splitlines()[:1]
            raise StoreError(
                f"a checkpoint cannot be written in {self._folder} ({' '.join(said)}): {_good(self._folder)}; make "
                "room and start it again"
            ) from failed


class _Watch(TrainerCallback):
    def __init__(self, folder: Path, tell: Tell, name: str) -> None:
        self._folder, self._tell, self._name = folder, tell, name

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **told: object
    ) -> None:
        """After the gradients of all processes were joined, so that all see the same and stop together."""
        policy = told["model"]
        assert isinstance(policy, torch.nn.Module)
        if all(bool(torch.isfinite(each.grad).all()) for each in policy.parameters() if each.grad is not None):
            return
        raise Diverged(
            f"the gradient is no number any more after {state.global_step} steps: {_good(self._folder)}; start anew in "
            f"another folder with a lower rate, such as --set rate={args.learning_rate / 5:g}"
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        self._tell(state.global_step / state.max_steps, f"{self._name}, step {state.global_step} of {state.max_steps}")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Every process has written what is its own when this one seals it."""
        everyone = processes()
        everyone.wait_for_everyone()
        if everyone.is_main_process:
            place = self._folder / f"{BEFORE}{state.global_step}"
            (place / "training_args.bin").unlink(missing_ok=True)  # a pickle that nothing reads
            seal(place)


def _arguments(stage: Stage, folder: Path) -> TrainingArguments:
    settings, count = stage.settings, processes().num_processes
    at_once = min(settings.at_once, settings.batch)
    share, rest = divmod(settings.batch, at_once * count)
    if rest or not share:
        raise BadInput(
            f"batch={settings.batch} cannot be shared by {count} processes that read {at_once} pairs at once: "
            f"choose a multiple of {at_once * count}"
        )
    total = steps_of(stage)
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=share,
        max_steps=settings.steps or -1,
        num_train_epochs=settings.epochs,
        learning_rate=settings.rate,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(settings.warmup * total),
        max_grad_norm=settings.clip,
        save_strategy="steps",
        save_steps=settings.save_every,
        save_total_limit=2,
        logging_steps=max(1, total // 20),
        seed=settings.seed,
        use_cpu=stage.policy.device.type == "cpu",
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        report_to=[],
        dataloader_pin_memory=stage.policy.device.type == "cuda",
    )


def _good(folder: Path) -> str:
    with suppress(OSError):
        known = newest(folder)
        if known is not None:
            return f"the weights of step {step_of(known)} are kept in {known}"
    return "there is no checkpoint yet"
