"""OpenAI's moderation endpoint (`POST /moderations`; Markov et al., 2022, arXiv 2208.03274), or one of its form.

    risk = 1/2 + score / 2   where the endpoint flags a category,   min(score, 1/2)   where it does not

The endpoint sets its own line for each category and tells on which side of it a text is. It reads a text alone: an
answer is not judged in the light of the request.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.boundary.guards.endpoint import Endpoint
from idiolect.boundary.guards.protocol import shortened, spoken
from idiolect.errors import NoStructure
from idiolect.schema import Message

KINDS: Final = {
    "harassment": "harassment",
    "harassment/threatening": "harassment",
    "hate": "hate",
    "hate/threatening": "hate",
    "illicit": "crime",
    "illicit/violent": "violence",
    "self-harm": "self-harm",
    "self-harm/intent": "self-harm",
    "self-harm/instructions": "self-harm",
    "sexual": "sexual-content",
    "sexual/minors": "sexual-minors",
    "violence": "violence",
    "violence/graphic": "violence",
}


class Result(BaseModel):
    """What is said of one text; kinds that the policy has no category for are passed over."""

    model_config = ConfigDict(extra="ignore")

    categories: dict[str, bool | None]
    category_scores: dict[str, float | None]


class Reply(BaseModel):
    """The endpoint's reply."""

    model_config = ConfigDict(extra="ignore")

    results: list[Result] = Field(min_length=1)


class Moderation:
    """The gravest kind of each category counts."""

    name = "moderation"
    categories = frozenset(KINDS.values())

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def risks(self, turns: Sequence[Message], answer: str | None) -> Mapping[str, float]:
        """One request. Raises ModelError, and NoStructure for a reply of another form."""
        text = answer if answer is not None else "\n".join(each.text for each in spoken(turns) if each.role == "user")
        body = self._endpoint.post("/moderations", {"input": shortened(text)})
        try:
            result = Reply.model_validate_json(body).results[0]
        except ValidationError as broken:
            raise NoStructure(f"{self._endpoint.label} answered with something that is no moderation") from broken
        found = dict.fromkeys(sorted(self.categories), 0.0)
        for kind, category in KINDS.items():
            score = result.category_scores.get(kind) or 0.0
            risk = 0.5 + score / 2 if result.categories.get(kind) else min(score, 0.5)
            found[category] = max(found[category], risk)
        return found
