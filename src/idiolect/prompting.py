"""How much of a person each prompting method puts before a model; part of the settings, read by the methods."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt


class OfMethod(BaseModel):
    """What is common to them all: nothing is changed once it is made, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OfProfile(OfMethod):
    """`profile`."""

    budget_tokens: NonNegativeInt = Field(400, description="Of all statements and tastes together.")
    turn_budget_tokens: NonNegativeInt = Field(300, description="Of all past turns together.")


class OfInContext(OfMethod):
    """`in-context`."""

    k: NonNegativeInt = Field(4, description="Latest choices (four past pairs: arXiv 2503.15463, its examples).")
    budget_tokens: NonNegativeInt = Field(800, description="Of all examples together.")


class OfRetrieval(OfMethod):
    """`retrieval`."""

    k: NonNegativeInt = Field(4, description="Texts that are shown (1, 2, 4, 8, 12 or 16: arXiv 2304.11406).")
    by: Literal["bm25", "dense", "recency"] = Field("bm25", description="What finds them (the same paper's three).")
    budget_tokens: NonNegativeInt = Field(800, description="Of all texts together.")


class OfBridge(OfMethod):
    """`bridge`."""

    budget_tokens: NonNegativeInt = Field(300, description="Of the whole list.")


class OfEdits(OfMethod):
    """`edits`."""

    k: NonNegativeInt = Field(5, description="Nearest edits that are heard (1 or 5: arXiv 2404.15269).")
    budget_tokens: NonNegativeInt = Field(200, description="Of what they tell.")


class Prompting(OfMethod):
    """Of every method."""

    profile: OfProfile = OfProfile()
    in_context: OfInContext = OfInContext()
    retrieval: OfRetrieval = OfRetrieval()
    bridge: OfBridge = OfBridge()
    edits: OfEdits = OfEdits()
