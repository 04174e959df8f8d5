"""The population prior N(m0, S0) over the weights of the preference space, and how it is kept."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from idiolect.errors import FeatureMismatch
from idiolect.features.space import PreferenceSpace
from idiolect.schema import Array

ATTRIBUTE_SD = 0.5
EMBEDDING_SD = 0.3


@dataclass(frozen=True)
class Prior:
    """Mean (d,) and covariance (d, d), for one version of the preference space."""

    mean: Array
    cov: Array
    space: str


def shipped_prior(space: PreferenceSpace) -> Prior:
    """The prior that comes with the package."""
    sd = np.where(np.arange(space.dim) < space.attributes, ATTRIBUTE_SD, EMBEDDING_SD)
    return Prior(np.zeros(space.dim), np.diag(sd**2), space.version)
