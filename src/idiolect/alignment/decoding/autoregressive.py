"""Autoregressive rewards: a reward that is a language model guides another (GenARM: Xu et al., 2024, arXiv 2410.08193).

    log p(v) = log p_base(v) + sum_i (w_i / beta) log p_r,i(v) + const,   r_i(x, y) = sum_t log p_r,i(y_t | x, y_<t)

The shared experts were trained as DPO trains them, so that log p_r,i = log p_i - log p_base up to the answer's constant
(Rafailov et al., 2023, arXiv 2305.18290): MOD with the base as one more expert. At beta = 1 it is MOD exactly, below
it the experts are followed beyond themselves.
Shared: the experts.  Per user: w.  Cold start: the request unchanged.  Cost: a context for each expert, and the base.
"""

from collections.abc import Sequence
from typing import ClassVar

from idiolect.alignment.decoding.blend import Blend
from idiolect.alignment.decoding.mod import MOD
from idiolect.alignment.decoding.protocol import Context, mixing
from idiolect.generation.parameters.soups import Share
from idiolect.generation.protocol import Prepared
from idiolect.models.protocol import Request

NUCLEUS = 0.98  # of the base


class AutoregressiveRewards(MOD):
    """The base guided by what experts would rather say."""

    called = "Autoregressive rewards"
    beta: ClassVar[float] = 0.5

    def _mixed(self, request: Request, used: Sequence[Share], note: str) -> Prepared:
        beside = [Context(request.messages, each.path) for each, _ in used]
        return mixing(request, beside, guided([share / self.beta for _, share in used]), note)


def guided(strengths: list[float], nucleus: float = NUCLEUS) -> Blend:
    """The base, and experts whose difference from it counts so much: w_i / beta of each."""
    return Blend((1.0 - sum(strengths), *strengths), nucleus)
