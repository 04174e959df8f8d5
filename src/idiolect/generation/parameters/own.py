"""`lora`: the person's own LoRA answers (OPPU, Tan et al., 2024, arXiv 2402.04401); see training.py for the objective.

Shared: the model. Per user: one adapter, trained in the background or by `idiolect adapters train`; rows of different
people decode in one batch. Cold start: plain, and the trace says what is missing.
"""

from dataclasses import replace
from typing import ClassVar, Self

from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.models.protocol import Request


class OwnLora:
    """Answers with the adapter that was trained for the person."""

    family: ClassVar[str] = "parameters"

    @classmethod
    def open(cls, host: Host) -> Self:
        """Needs nothing of the host: the engine loads the adapter."""
        return cls()

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Name the adapter; nothing changes for a person who has none."""
        return inside(request, person, "lora", "idiolect adapters train")


def inside(request: Request, person: Person, kind: str, command: str) -> Prepared:
    """The request with a person's adapter of one kind in it."""
    folder = person.adapters.get(kind)
    if folder is None:
        told = (f"There is no adapter ({kind}) of this person yet: `{command}` makes one.",) if person.evidence else ()
        return Prepared(request, notes=told)
    return Prepared(
        replace(request, inside=replace(request.inside, adapter=folder)),
        notes=(f"The adapter {folder.name} answered.",),
    )
