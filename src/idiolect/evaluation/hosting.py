"""A bench's model as the product hosts it: the engine of text, the same weights open, and what methods are opened with.

Nothing is remembered: the store is in memory, and what a method reads of a person the bench says itself.
"""

from collections.abc import Sequence
from pathlib import Path

from idiolect.alignment.decoding import WRITERS
from idiolect.evaluation.pools import Author
from idiolect.generation import Prepared
from idiolect.generation.parameters.registry import Registry
from idiolect.method import Method
from idiolect.models import LlamaCppSettings, opener
from idiolect.models.protocol import Request
from idiolect.parts import DEFAULT_SYSTEM, Parts, open_parts
from idiolect.reward.protocol import Belief
from idiolect.schema import Preference, Sampling
from idiolect.settings import Settings
from idiolect.turn import Stopwatch, Turn


def hosted(
    model: str,
    *,
    embedder: str = "minilm",
    llama: LlamaCppSettings | None = None,
    adapters: Path | None = None,
    steering: Path | None = None,
    soft_prompt: Path | None = None,
) -> Parts:
    """The parts of the loop with this model, whose `host` opens methods; closing them frees it. Raises as they do."""
    settings = Settings(
        model=model, store="sqlite://", embedder=embedder, adapters=None, steering=steering, soft_prompt=soft_prompt
    )
    opened = opener(settings, llama)()
    try:
        parts = open_parts(settings, opened)
    except BaseException:
        opened.close()
        raise
    if adapters is not None:  # not by the settings: adapters of people whom the store does not know would be deleted
        parts.registry = Registry(adapters)
    return parts


def author_of(parts: Parts, sampling: Sampling) -> Author:
    """Who writes: the engine of text, or where something inside the model is changed, the same model open."""
    return Author(parts.model, sampling, DEFAULT_SYSTEM, parts.answers)


def is_moved(prepared: Prepared, plain: Request) -> bool:
    """Whether a method changed what is asked: what it left as it was is no measurement of it."""
    made = prepared.request
    return (made.messages, made.logit_bias) != (plain.messages, plain.logit_bias) or not made.inside.is_empty


def turn_of(
    parts: Parts, method: Method, prepared: Prepared, belief: Belief, n: int, statements: Sequence[Preference] = ()
) -> Turn:
    """A turn as the loop lays it out for whoever writes n candidates, an agent (`idiolect.writing`) or the model."""
    asked = prepared.request.messages[-1:]
    return Turn(
        user="somebody",
        messages=asked,
        request=prepared.request,
        candidates=n,
        method=method.name,
        model=parts.model.name,
        verdict=parts.boundary.judge_request(asked),
        belief=belief,
        watch=Stopwatch(),
        statements=tuple(statements),
        notes=prepared.notes,
        chooser=method.chooser,
        workflow=None if method.agent is None else WRITERS[method.agent].open(parts.settings.agent_rounds),
    )
