"""Token values: a person's decoding is one vector on the logits; value-guided decoding of the simplest kind.

    phi_j(y) ~ sum_t tau_j(y_t) + const(x);   logits += beta tau m_u,   beta: the largest with KL(p_b || p) <= c budget
    c = min(1, z^2 / SURE^2),   z = m' C m_u / |C m_u|_S:  how sure it is that a step that way is one for the better

Most named attributes of an answer are nearly sums over its tokens.
Shared: tau, fitted once per model on its own answers; C, its covariance over the plain model's tokens.
Per user: the posterior's mean m and variances S; m_u is the mean, shrunk where it is unsure.
Cold start: the request unchanged, bit for bit.  Cost per token: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
from pydantic import JsonValue

from idiolect.generation.kl_cap import KLMeter
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_value_table import TokenValueTable
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.protocol import Request
from idiolect.schema import Array

SHIPPED = "starter.token-values.safetensors"
KL_BUDGET = 0.025  # nats per token: chosen answers are then at most some 8 % less likely a token (docs/design.md)
MAX_STRENGTH = 60.0  # reached by a taste of which little is known: after a choice or two
CLAMP = 6.0  # nats
OUTLIER = 6.0  # times the root mean square over the plain model's tokens
SMALLEST = 0.01  # nats: entries below it change nothing
REMEMBERED = 64  # people whose bias is kept between turns
SURE = 1.5  # z, from which the whole budget is spent: of four in five people after ten choices, of all after fifty
# A favoured word makes itself likelier. Only a run of more than three tokens that stood among the last 64 is damped, so
# that what the person wrote can still be quoted. A run goes on over a colon, as in 'Dad: Happy day! Mom: Happy day!'.
AGAINST_CIRCLES: Mapping[str, JsonValue] = {
    "dry_multiplier": 0.8,
    "dry_allowed_length": 3,
    "dry_penalty_last_n": 64,
    "dry_sequence_breakers": ["\n"],
}


@dataclass(frozen=True)
class Unfit:
    """Why a table does not apply to this model or person."""

    reason: str


@dataclass(frozen=True)
class Taste:
    """What a person's steering follows from: the way, and how much of the budget it may take."""

    way: Array  # (a,) over the table's attributes
    share: float  # from 0 to 1


@dataclass(frozen=True)
class Bias:
    """A personal vector on the logits, and its strength beta."""

    entries: Mapping[int, float]
    strength: float
    kl: float  # nats per token, over the table's contexts


class TokenValues:
    """Raises the logits of tokens that this person's answers should have more of."""

    family: ClassVar[str] = "decoding"

    def __init__(
        self,
        table: TokenValueTable | Unfit,
        max_bias_entries: int,
        kl_budget: float = KL_BUDGET,
        max_strength: float = MAX_STRENGTH,
        extra: Mapping[str, JsonValue] | None = None,
    ) -> None:
        self.table = table
        self.max_bias_entries = max_bias_entries
        self.kl_budget = kl_budget
        self.max_strength = max_strength
        self.extra = extra or {}
        self._meter = KLMeter.of(table) if isinstance(table, TokenValueTable) else None
        self._covariance = covariance(table) if isinstance(table, TokenValueTable) else None
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._bias)

    @classmethod
    def open(cls, host: Host) -> Self:
        """The host's table where it names one, else the one that comes with the package for the starter."""
        return cls(
            _table(host),
            host.model.max_bias_entries,
            KL_BUDGET if host.kl_budget is None else host.kl_budget,
            extra=AGAINST_CIRCLES if isinstance(host.model, LlamaCpp) else None,
        )

    @classmethod
    def fits(cls, host: Host) -> bool:
        """Whether there are token values for this model and preference space."""
        return host.model.max_bias_entries > 0 and isinstance(_table(host), TokenValueTable)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Add the personal vector; what the client itself biased stays as the client set it."""
        if not person.evidence or not person.mean.any():
            return Prepared(request)
        taste = self._taste(person)
        if isinstance(taste, Unfit):
            return Prepared(request, notes=(f"Token values were off: {taste.reason}.",))
        bias = self._remembered(taste.way.tobytes(), taste.share)
        if not bias.entries:
            return Prepared(request)
        both = MappingProxyType({**bias.entries, **request.logit_bias}) if request.logit_bias else bias.entries
        personal = replace(request, logit_bias=both, extra={**self.extra, **request.extra})
        return Prepared(personal, strength=round(bias.strength, 3))

    def forget(self) -> None:
        """Drop what is kept between turns; it holds numbers only."""
        self._remembered.cache_clear()

    def bias(self, taste: Array, share: float = 1.0) -> Bias:
        """The vector for a taste (a,) over the table's attributes, by a share of the budget."""
        return self._bias(taste.tobytes(), share)

    def _taste(self, person: Person) -> Taste | Unfit:
        if isinstance(self.table, Unfit):
            return self.table
        if not self.max_bias_entries:
            return Unfit("this model takes no biases on its tokens")
        at = {name: index for index, name in enumerate(person.names)}
        missing = [name for name in self.table.about.names if name not in at]
        if missing:
            return Unfit(f"they were fitted with the attribute {missing[0]!r}, which beliefs no longer have")
        columns = [at[name] for name in self.table.about.names]
        mean, sd = person.mean[columns], person.sd[columns]
        way = reliable(mean, sd)
        assert self._covariance is not None  # there is a table
        return Taste(way, sureness(mean, sd, self._covariance @ way))

    def _bias(self, key: bytes, share: float) -> Bias:
        table, meter = self.table, self._meter
        assert isinstance(table, TokenValueTable) and meter is not None  # prepare() leaves before where there is none
        direction = centred(table.values @ np.frombuffer(key), table.frequency)
        largest = float(np.abs(direction).max(initial=0.0))
        if largest == 0.0:
            return Bias({}, 0.0, 0.0)
        direction = np.where(self._kept(direction, table.frequency), direction, 0.0)
        beta = meter.strength(direction, share * self.kl_budget, min(self.max_strength, CLAMP / largest))
        vector = beta * direction
        moved = np.abs(vector) >= SMALLEST
        entries = dict(zip(table.tokens[moved].tolist(), vector[moved].round(3).tolist(), strict=True))
        return Bias(MappingProxyType(entries), beta, meter.kl(vector))

    def _kept(self, direction: Array, frequency: Array) -> Array:
        """Which rows an engine with few entries gets: those that change the most probability."""
        weight = np.abs(direction) * np.sqrt(frequency)
        kept = np.zeros(len(direction), dtype=bool)
        kept[np.argsort(-weight, kind="stable")[: self.max_bias_entries]] = True
        return kept


def reliable(mean: Array, sd: Array) -> Array:
    """The posterior mean, shrunk where it is unsure: all the directions share one budget of KL.

    Tastes are sparse, more so than a Gaussian posterior can tell. With simulated people this root of the reliability
    lost nothing against the mean after few choices, and won after many.
    """
    return np.asarray(mean * np.abs(mean) / np.sqrt((mean**2 + sd**2).clip(1e-12)))


def sureness(mean: Array, sd: Array, step: Array) -> float:
    """The share of the budget that a step (a,) of the attributes may take, by how many sd its gain is from nought.

    A step moves an answer's reward by step . w, of which the belief says step . mean, give or take |step sd|. (Its
    correlations are left out: tastes that one choice tells together, as warmth and praise, would be surer by them.)
    """
    spread = float(np.sqrt(step**2 @ sd**2))
    z = float(step @ mean) / spread if spread else np.inf
    return min(1.0, (max(z, 0.0) / SURE) ** 2)


def covariance(table: TokenValueTable) -> Array:
    """(a, a): of the token values over the plain model's tokens."""
    share = table.frequency / table.frequency.sum()
    about = table.values - share @ table.values
    return np.asarray(about.T @ (share[:, None] * about))


def centred(values: Array, frequency: Array) -> Array:
    """Values (r,) about their mean over the plain model's tokens; outliers are drawn in."""
    share = frequency / frequency.sum()
    about = values - share @ values
    limit = OUTLIER * float(np.sqrt(share @ about**2))
    return np.asarray(about.clip(-limit, limit))


def _table(host: Host) -> TokenValueTable | Unfit:
    if host.token_values is not None:
        table = TokenValueTable.load(host.token_values)
    else:
        table = _shipped()
    fit = "fit them with `idiolect models fit-token-values`"
    if table.about.fingerprint != host.model.fingerprint:
        return Unfit(f"there are none for the model {host.model.name}; {fit}")
    if table.about.space != host.space:
        return Unfit(f"they were fitted in another version of the preference space ({table.about.space}); {fit}")
    return table


@lru_cache(maxsize=1)
def _shipped() -> TokenValueTable:
    with as_file(files("idiolect.resources") / SHIPPED) as path:
        return TokenValueTable.load(path)
