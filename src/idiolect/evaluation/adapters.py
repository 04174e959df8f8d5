"""What a person's LoRA costs: the time and the bytes of one trained on 50 choices, and the time of a swap.

A simulated person with a taste for short and warm answers chooses between the model's own answers to the prompts that
come with the package; on other prompts it is counted how often the LoRA raises the one they would choose. Then one
adapter after the other takes its turn in an engine that holds few, as it does when many people are served.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import as_file, files
from os import sysconf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from pydantic import Field

from idiolect.evaluation.footprint import STATM
from idiolect.evaluation.lenses import AttributeLens
from idiolect.evaluation.pools import Author, Draws, draw_pool, read_prompts
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.simulated import Person, person
from idiolect.evaluation.statistics import over_users, quantile
from idiolect.features.space import PreferenceSpace
from idiolect.generation.parameters.evidence import Example
from idiolect.generation.parameters.lora_file import Factors, Lora
from idiolect.generation.parameters.settings import LoraSettings
from idiolect.models import WhiteBox, WhiteBoxSettings, open_model
from idiolect.parts import DEFAULT_SYSTEM
from idiolect.schema import Sampling

TASTES = {"length": -1.0, "warmth": 1.0, "you": 0.5, "jargon": -0.5}
TRAIN, SWAP, LOAD, HELD = "train", "swap_ms", "first_load_ms", "grown_mib"


class AdapterCosts(Bench):
    """Training and swapping of one person's LoRA on an open model."""

    beside: ClassVar[Mapping[str, str]] = {
        "train_s": "from the choices to the weights",
        "cpu_s": "of all cores, in the training",
        "mib": "of the adapter's files",
        "held_out": "share of choices on other prompts where the LoRA raised the chosen answer more; plain: 0.5",
        SWAP: "to put an adapter from the disk in the place of another",
        LOAD: "to load one where there is still room for one more",
        HELD: "of the process over all swaps",
    }

    model: str = Field("starter", description="What is opened as transformers:NAME.")
    prompts: int = Field(25, ge=1, description="That the person chooses between answers to; two choices each.")
    others: int = Field(15, ge=1, description="Prompts that the LoRA is judged on; two choices each.")
    max_tokens: int = Field(64, ge=8, description="Longest answer.")
    loaded: int = Field(4, ge=1, description="Adapters that the engine holds.")
    swaps: int = Field(100, ge=10, description="Adapters that take their turn.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Train one, then swap copies of it."""
        settings = WhiteBoxSettings(adapters=self.loaded)
        model = open_model(f"transformers:{self.model}", white_box=settings)
        assert isinstance(model, WhiteBox)
        try:
            trained, case = self._trained(model, run)
            return [case, *self._swapped(model, trained, run)]
        finally:
            model.close()

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Of the one training, its numbers; of swaps, the median."""
        found = {
            name: over_users(np.array([value]), ["one"], resamples=self.resamples, seed=self.seed)
            for name, value in cases[0].scores.items()
        }
        for name in (SWAP, LOAD):
            values = np.array([case.scores[name] for case in cases if name in case.scores])
            found[name] = quantile(values, 0.5, resamples=self.resamples, seed=self.seed)
        grown = [case.scores[HELD] for case in cases if HELD in case.scores]
        return found | {HELD: quantile(np.array(grown[-1:]), 0.5)} if grown else found

    def _trained(self, model: WhiteBox, run: Run) -> tuple[Lora, Case]:
        from idiolect.generation.parameters.inner.training import raised  # noqa: PLC0415 - torch is there by now
        from idiolect.generation.parameters.registry import Registry  # noqa: PLC0415 - as above
        from idiolect.generation.parameters.training import Workshop, fitted  # noqa: PLC0415 - as above

        with as_file(files("idiolect").joinpath("resources", "prompts.txt")) as file:
            prompts = read_prompts(file, self.prompts + self.others, self.seed)
        author = Author(model, Sampling(max_tokens=self.max_tokens), DEFAULT_SYSTEM)
        pool = draw_pool(author, prompts, 4, self.seed, run)
        someone = person("someone", AttributeLens(PreferenceSpace.shipped()), TASTES)
        examples = list(chosen(someone, prompts, pool, self.seed))
        known, new = examples[: 2 * self.prompts], examples[2 * self.prompts :]
        shop = Workshop(model, Registry(Path("nowhere")), DEFAULT_SYSTEM, LoraSettings(seed=self.seed))
        loaded, start, cpu = shop.network(), time.perf_counter(), time.process_time()
        trained = fitted(loaded, shop.texts(known), shop.lora)
        scores = {"train_s": time.perf_counter() - start, "cpu_s": time.process_time() - cpu}
        wins = raised(loaded.module, trained.lora, shop.texts(new))
        scores |= {"mib": size(trained.lora), "held_out": float(np.mean(wins)), "answers": float(trained.answers)}
        return trained.lora, Case(id=TRAIN, group=TRAIN, scores=scores, choice="")

    def _swapped(self, model: WhiteBox, lora: Lora, run: Run) -> Iterator[Case]:
        with TemporaryDirectory(prefix="idiolect-adapters-") as home, model.alone() as network:
            folders = [Path(home) / str(number) for number in range(2 * self.loaded)]
            for number, folder in enumerate(folders):
                folder.mkdir()
                scaled = {name: Factors(each.a, each.b * (1 + number)) for name, each in lora.factors.items()}
                Lora(scaled, lora.scale).save(folder, self.model)
            first = None
            for turn in range(self.loaded + self.swaps):
                start = time.perf_counter()
                network.adapters.name(folders[turn % len(folders)])
                took = 1000 * (time.perf_counter() - start)
                scores = {LOAD if turn < self.loaded else SWAP: took}
                if turn >= self.loaded and STATM.exists():
                    held = int(STATM.read_text(encoding="ascii").split()[1]) * sysconf("SC_PAGE_SIZE") / 2**20
                    first = held if first is None else first
                    scores[HELD] = held - first
                yield Case(id=f"turn-{turn}", group=str(turn), scores=scores, choice="")
            network.forget()


def chosen(someone: Person, prompts: Sequence[str], pool: Sequence[Draws], seed: int) -> Iterator[Example]:
    """Two choices of each prompt, of the first answer or the second, and of the third or the fourth."""
    rng = np.random.default_rng(seed)
    for prompt, draws in zip(prompts, pool, strict=True):
        for one, two in ((0, 1), (2, 3)):
            a, b = draws.texts[one], draws.texts[two]
            yield Example(prompt, a, b) if someone.prefers(a, b, rng) else Example(prompt, b, a)


def size(lora: Lora) -> float:
    """MiB of an adapter's files."""
    with TemporaryDirectory(prefix="idiolect-adapters-") as folder:
        lora.save(Path(folder), "any")
        return sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
