"""Inference-time alignment: what is done while an answer is written or chosen. One file per method."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from idiolect.alignment.decoding.args import ARGS
from idiolect.alignment.decoding.autoregressive import AutoregressiveRewards
from idiolect.alignment.decoding.best_of_n import best
from idiolect.alignment.decoding.context_steering import Amulet, ContextSteering, LinearAlignment
from idiolect.alignment.decoding.drift import Drift
from idiolect.alignment.decoding.mod import MOD, ForwardMOD
from idiolect.alignment.decoding.pad import PAD
from idiolect.alignment.decoding.sequential import Sequential
from idiolect.alignment.decoding.soft_best_of_n import soft
from idiolect.alignment.decoding.tpo import TPO
from idiolect.alignment.decoding.value_guided import ValueGuided
from idiolect.generation import GENERATION, Generation, Host, Method
from idiolect.generation import compose as compose_known
from idiolect.generation.agent import AGENTS, Workflow
from idiolect.reward.protocol import Scores

__all__ = ["CHOOSERS", "DECODING", "METHODS", "WRITERS", "Chooser", "compose"]

Chooser: TypeAlias = Callable[[Scores, Sequence[bool], float], int | None]
"""Scores of n answers, which of them are admitted, and kappa -> the chosen one; None when none is admitted."""

CHOOSERS: dict[str, Chooser] = {"best-of": best, "soft-best-of": soft}

DECODING: dict[str, type[Method]] = {
    "context-steering": ContextSteering,
    "linear-alignment": LinearAlignment,
    "amulet": Amulet,
    "args": ARGS,
    "pad": PAD,
    "mod": MOD,
    "mod-forward-kl": ForwardMOD,
    "autoregressive-rewards": AutoregressiveRewards,
    "value-guided": ValueGuided,
    "drift": Drift,
}
"""What changes the next token while an answer is written."""

METHODS: dict[str, type[Method]] = {**GENERATION, **DECODING}
"""All that prepares a request, by the name that stands in a method's name."""


WRITERS: dict[str, type[Workflow]] = {**AGENTS, "sequential": Sequential, "tpo": TPO}
"""All that writes with a prepared request."""


def compose(names: Sequence[str], host: Host) -> Generation:
    """The methods of these names, opened for one model. Raises UnknownMethod."""
    return compose_known(names, host, METHODS)
