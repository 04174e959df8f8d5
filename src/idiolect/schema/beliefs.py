"""What is believed of a person: statements in typed slots, and tastes as numbers."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from idiolect.schema.base import Noun

StatementKind: TypeAlias = Literal["topic", "style", "constraint", "about_me"]
Category: TypeAlias = Literal["health", "faith", "sexuality", "ethnicity", "politics"]
ProposalOrigin: TypeAlias = Literal["import", "document", "tool", "inferred"]
Inference: TypeAlias = Literal["repeats", "reactions", "style"]  # what may be read from how Idiolect is used
Origin: TypeAlias = Literal["said", "chosen"] | ProposalOrigin
Status: TypeAlias = Literal[
    "held", "proposed", "unconsented", "withheld", "superseded", "ended", "expired", "faded", "refused"
]


class Slots(Noun):
    """One statement as data, never as instructions.

    `topic`: tastes. `style`: the form of answers, from a closed list of attributes. `constraint`: what must not be
    broken ("nut allergy"). `about_me`: facts of the person ("I teach physics").
    """

    kind: StatementKind
    object: str  # the noun phrase that it is about: "hotels with a loud nightlife"
    topic: str = ""  # the area of life, from a closed list: "food", "travel", ...
    attribute: str | None = None  # for style: one of the named attributes
    polarity: Literal[-1, 1] = 1
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0  # 1: "I hate", "never"; .3: "not that keen on"
    scope: str = ""  # when it holds, in the person's words: "when I travel"; empty: everywhere
    over: str = ""  # what the object is preferred to
    temporary: bool = False  # "this week", "for now": it expires by itself
    corrects: bool = False  # "actually, no more ...": takes the place of what was said before
    sensitive: Category | None = None
    span: str = ""  # the exact words it was read from


class Preference(Noun):
    """A statement that was derived from events: its slots, how far it holds, and where it came from."""

    id: str  # of the event it was first said in, with a number where that event said several things
    kind: StatementKind
    text: str  # the person's words
    attribute: str | None = None  # for style: one of the named attributes
    polarity: Literal[-1, 1] = 1
    at: datetime  # since when it holds
    object: str = ""
    topic: str = ""
    strength: float = 1.0
    scope: str = ""
    over: str = ""
    temporary: bool = False
    sensitive: Category | None = None
    origin: Origin = "said"
    status: Status = "held"
    confidence: float = 1.0  # from 0 to 1; of what was not said in words it decays by half-life and grows with use
    until: datetime | None = None  # when it stopped or will stop to hold
    evidence: tuple[str, ...] = ()  # ids of events, oldest first
    source: str = ""  # where a proposal was found
    pinned: bool = False
    local_only: bool = False
    conflicts: tuple[str, ...] = ()  # ids of statements of equal standing that say the opposite


class Taste(Noun):
    """The belief about one direction of the preference space."""

    attribute: str
    mean: float
    sd: float
    description: str
    confident: bool  # |mean| / sd > 1.64


class Profile(Noun):
    """All that is believed of a person, in words and in numbers."""

    user: str
    evidence: int
    tastes: tuple[Taste, ...]
    preferences: tuple[Preference, ...]
    space: str  # version of the preference space
    inferred: int = 0  # pieces of the evidence that were inferred, with the person's consent
    method: str | None = None  # chosen for this person; None: as the settings say
