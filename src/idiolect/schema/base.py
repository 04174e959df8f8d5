"""What every noun is made of: values that never change, identifiers, times, arrays."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Array: TypeAlias = NDArray[np.float64]

USER_ID = r"^[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}$"
UserId = Annotated[str, Field(pattern=USER_ID)]
OF_TENANT = "::"  # in the store, between a tenant's name and the id of one of its people


def own_id(user_id: str) -> str:
    """A person's id as their tenant knows it: `acme::ana` -> `ana`."""
    return user_id.rpartition(OF_TENANT)[2]


def new_id(prefix: str) -> str:
    """A fresh identifier such as `evt-3f0c...`."""
    return f"{prefix}-{uuid4().hex}"


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class Noun(BaseModel):
    """A value: it never changes after it is made, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
