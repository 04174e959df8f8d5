"""Adapters of the bench's people: a LoRA of their own, trained from their choices, and one put together from others'.

As in the product: one that foretells no held-out choice better than the model as it is, is not kept, and its person is
answered as by the plain model. All of the bench's people allow that others' adapters are made of pieces of theirs.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from idiolect.evaluation.protocol import Rows, Run
from idiolect.evaluation.runs import code_version, digest
from idiolect.evaluation.uplift.design import Design
from idiolect.evaluation.uplift.scene import Scene
from idiolect.generation.parameters.evidence import Example
from idiolect.generation.parameters.lora_file import Lora, arrays_of
from idiolect.generation.parameters.registry import GATES, Registry
from idiolect.schema import Noun

if TYPE_CHECKING:
    from idiolect.generation.parameters.training import Workshop
    from idiolect.models.white_box.weights import Loaded

CODE = ("generation/parameters", "models/white_box")


class Tailored(Noun):
    """An adapter, and what it took; without a folder nothing was learnt."""

    folder: Path | None
    seconds: float  # of training, and of its pieces' gates
    bytes: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Tailor:
    """Makes adapters, of whoever is asked for."""

    design: Design
    scene: Scene
    run: Run

    def made(self, kind: str, people: Sequence[str]) -> Mapping[str, Tailored]:
        """By person."""
        return self.own(people) if kind == "lora" else self.assembled(people)

    def own(self, people: Sequence[str]) -> Mapping[str, Tailored]:
        """A LoRA of each, with the gates of its pieces."""
        key = {**self._key, "settings": self._shop.lora.model_dump(mode="json")}
        rows = Rows("lora-training", Tailored, key, list(people))
        found = self.run.rows(rows, lambda index: self._trained(people[index], self.run.kept / f"lora-{digest(key)}"))
        return dict(zip(people, found, strict=True))

    def assembled(self, people: Sequence[str]) -> Mapping[str, Tailored]:
        """One of each from the pieces of the others'."""
        own = self.own(people)
        key = {**self._key, "of": digest({person: str(each.folder) for person, each in own.items()})}
        rows = Rows("pieces-assembling", Tailored, key, list(people))
        home = self.run.kept / f"pieces-{digest(key)}"
        found = self.run.rows(rows, lambda index: self._put_together(people[index], own, home))
        return dict(zip(people, found, strict=True))

    @property
    def _key(self) -> dict[str, JsonValue]:
        return {**self.scene.author.key, **self.design.key, "code": code_version(*CODE, "evaluation/feedback.py")}

    @cached_property
    def _shop(self) -> "Workshop":
        from idiolect.generation.parameters.settings import LoraSettings  # noqa: PLC0415 - beside the next
        from idiolect.generation.parameters.training import Workshop  # noqa: PLC0415 - it needs torch

        registry = Registry(self.run.kept / "adapters")  # nothing is kept in it
        settings = LoraSettings(seed=self.design.seed)
        return Workshop(self.scene.parts.inside, registry, self.scene.author.system, lora=settings)

    @cached_property
    def _network(self) -> "Loaded":
        return self._shop.network()

    def _examples(self, person: str) -> list[Example]:
        stages = next(pupil.stages for pupil in self.scene.pupils if pupil.person.name == person)
        stage, asked = stages[self.design.generated_stages[-1]], {each.prompt: each for each in self.scene.questions}
        found = list[Example]()
        for prompt, chosen, rejected in stage.choices:
            compared = (chosen, rejected)
            texts = [*compared, *(each for each in asked[prompt].answers if each not in compared)]
            at = [list(asked[prompt].answers).index(text) for text in texts]
            liked = self.scene.reward.score(stage.belief, asked[prompt].phi[at]).mean
            found.append(Example(prompt, chosen, rejected, others=tuple(texts[2:]), liked=tuple(map(float, liked))))
        return found

    def _trained(self, person: str, home: Path) -> Tailored:
        from safetensors.numpy import save_file

        from idiolect.generation.parameters.inner.gates import gates_of  # noqa: PLC0415 - it needs torch
        from idiolect.generation.parameters.training import figures, fitted  # noqa: PLC0415 - as above

        shop, texts = self._shop, self._shop.texts(self._examples(person))
        trained = fitted(self._network, texts, shop.lora)
        if not trained.has_learnt:
            return Tailored(folder=None, seconds=trained.seconds, bytes=0, figures=figures(trained))
        folder = home / person
        folder.mkdir(parents=True, exist_ok=True)
        trained.lora.save(folder, self.design.model)
        size = _size(folder)
        start = time.perf_counter()
        save_file(dict(gates_of(self._network.module, trained.lora, texts, shop.gates)), folder / GATES)
        told = {**figures(trained), "gates_seconds": round(time.perf_counter() - start, 1)}
        return Tailored(folder=folder, seconds=trained.seconds, bytes=size, figures=told)

    def _put_together(self, person: str, own: Mapping[str, Tailored], home: Path) -> Tailored:
        from idiolect.generation.parameters.inner.gates import scores  # noqa: PLC0415 - it needs torch
        from idiolect.generation.parameters.pieces import chosen, put_together  # noqa: PLC0415 - beside it

        pool = [each.folder for other, each in own.items() if other != person and each.folder is not None]
        if not pool:
            return Tailored(folder=None, seconds=0, bytes=0, figures={"pool": 0})
        start, shop = time.perf_counter(), self._shop
        texts = shop.texts(self._examples(person)[-shop.pieces.latest :])
        found = scores(self._network.module, [arrays_of(each / GATES) for each in pool], texts)
        selection = {module: chosen(each, shop.pieces) for module, each in found.items()}
        lora = put_together([Lora.load(each) for each in pool], selection, "product")
        folder = home / person
        folder.mkdir(parents=True, exist_ok=True)
        lora.save(folder, self.design.model)
        took = time.perf_counter() - start
        return Tailored(folder=folder, seconds=took, bytes=_size(folder), figures={"pool": len(pool)})


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
