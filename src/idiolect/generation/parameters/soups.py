"""Personalized soups: shared LoRA experts, one for each side of an attribute, mixed by what is believed of the person.

    W + sum_i lambda_i s B_i A_i,   lambda_i = max(0, m_i) / sum_j max(0, m_j)

(Jang et al., 2023, arXiv 2310.11564, section 3.3, where lambda is 1 / n over the chosen experts; Rame et al., 2023,
2306.04488, eq. 1.) m_i is the posterior mean of the expert's attribute, towards its side; of attributes whose mean is
within 1.64 standard deviations of 0 no expert is used. Shared: the experts, trained on the model's own answers, the
attribute itself the reward, each as strong alone as several are mixed (experts.py). Per user: lambda, from the
posterior, rounded to twentieths so that few mixtures are kept. Both papers' code averages A and B apart (`factors`);
`product` averages what they change: of experts with one A, as they are trained here, the same.
Cold start: plain.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self, TypeAlias

import numpy as np

from idiolect.errors import WeightsError
from idiolect.generation.parameters.lora_file import WEIGHTS, Combine, Lora, mixed
from idiolect.generation.parameters.registry import EXPERTS, PART, SOUPS, Card, read_card
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.models.protocol import Request

SURE = 1.64  # standard deviations
PARTS = 20  # of a whole: lambda is a number of them
KEPT = 64  # mixtures


@dataclass(frozen=True)
class Expert:
    """One shared LoRA: more of an attribute, or less of it."""

    attribute: str
    sign: int
    path: Path
    card: Card


Share: TypeAlias = tuple[Expert, float]  # with its lambda, which is not 0


def experts(root: Path, fingerprint: str) -> list[Expert]:
    """Those of one model, by name. Raises WeightsError for one whose card can't be read."""
    found = []
    for folder in sorted((root / EXPERTS).glob("*.*")):
        attribute, _, rest = folder.name.rpartition(".")
        sign = {"more": 1, "less": -1}.get(rest)
        if sign is not None and (card := read_card(folder)).fingerprint == fingerprint:
            found.append(Expert(attribute, sign, folder, card))
    return found


def place_of(root: Path, attribute: str, sign: int) -> Path:
    """Where an expert lies."""
    return root / EXPERTS / f"{attribute}.{'more' if sign > 0 else 'less'}"


def weights(known: Sequence[Expert], person: Person) -> list[float]:
    """lambda (n,) in twentieths, which sum to 1; all 0 where nothing is believed that an expert is of."""
    place = {name: at for at, name in enumerate(person.names)}
    m = np.zeros(len(known))
    for at, each in enumerate(known):
        column = place.get(each.attribute)
        if column is not None and abs(person.mean[column]) > SURE * person.sd[column]:
            m[at] = max(0.0, each.sign * person.mean[column])
    top = m.max(initial=0.0)
    if not 0 < top < np.inf:
        return [0.0] * len(known)
    shares = m / top
    shares = shares / shares.sum() * PARTS
    parts = np.floor(shares)
    for at in np.argsort(parts - shares, kind="stable")[: int(PARTS - parts.sum())]:  # the largest remainders
        parts[at] += 1
    return [float(each) / PARTS for each in parts]


class ByExperts(ABC):
    """Asks the shared experts of what is surely believed; how they are put together is the method's."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @classmethod
    def open(cls, host: Host) -> Self:
        """Experts are looked up when they are needed: the model need not be open before."""
        return cls(host)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Without sure beliefs, or experts of them, nothing changes."""
        if not person.evidence or not (np.abs(person.mean) > SURE * person.sd).any():
            return Prepared(request)
        root = self._host.adapters
        known = experts(root, self._host.inside.fingerprint) if root is not None and (root / EXPERTS).is_dir() else []
        used = [(each, share) for each, share in zip(known, weights(known, person), strict=True) if share]
        if not used:
            told = "No expert for this model is of what is believed" if known else "There are no experts for this model"
            return Prepared(request, notes=(f"{told}: `idiolect adapters expert` trains one.",))
        return self._together(request, used, ", ".join(f"{each.path.name} {share:.0%}" for each, share in used))

    @abstractmethod
    def _together(self, request: Request, used: Sequence[Share], words: str) -> Prepared:
        """The request by these experts, which `words` name."""


class Soups(ByExperts):
    """Answers with a mixture of the shared experts."""

    family: ClassVar[str] = "parameters"
    combine: ClassVar[Combine] = "product"

    def _together(self, request: Request, used: Sequence[Share], words: str) -> Prepared:
        folder = soup(used, self.combine)
        note = f"Experts were mixed ({self.combine}): {words}."
        return Prepared(replace(request, inside=replace(request.inside, adapter=folder)), notes=(note,))


class SoupsOfFactors(Soups):
    """The same, A and B averaged apart as in the released code."""

    combine: ClassVar[Combine] = "factors"


def soup(used: Sequence[Share], combine: Combine) -> Path:
    """The folder of a mixture, made at its first use, whole or not at all; of `KEPT` the one longest unused goes."""
    recipe = [combine, *(f"{each.path.name}:{each.card.sha256}:{share}" for each, share in used)]
    home = used[0][0].path.parents[1] / SOUPS  # beside the experts' own folder
    place = home / sha256("\n".join(recipe).encode()).hexdigest()[:24]
    if (place / WEIGHTS).is_file():
        place.touch()
        return place
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = mixed([Lora.load(each.path) for each, _ in used], [share for _, share in used], combine)
    part = Path(tempfile.mkdtemp(prefix=PART, dir=home))
    try:
        made.save(part, used[0][0].card.model)
        part.rename(place)
    except OSError as failed:
        if not (place / WEIGHTS).is_file():  # else another process was quicker, and that one's is the same
            raise WeightsError(
                f"a mixture of experts cannot be kept in {home} ({failed}): make it writable"
            ) from failed
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for old in sorted(home.glob("*"), key=lambda each: each.stat().st_mtime_ns)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return place
