"""Events: evidence is kept, beliefs are derived from it. Fields that are added later have defaults, for old rows.

Rows are written without what equals its default, so no default here, or in a noun that an event holds, is ever
changed: a row that leaves it out would be read as another event.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from idiolect.schema.answers import Answer
from idiolect.schema.base import Noun, new_id, now
from idiolect.schema.beliefs import Inference, ProposalOrigin, Slots

SignalKind: TypeAlias = Literal["copied", "regenerated", "abandoned"]


class Event(Noun):
    """One thing that happened; never edited in place, and deleted only by erasure."""

    id: str = Field(default_factory=lambda: new_id("evt"))
    at: datetime = Field(default_factory=now)


class Interaction(Event):
    """A turn: the newest words of the person, the candidates, and which was shown."""

    kind: Literal["interaction"] = "interaction"
    prompt: str  # the newest user turn; earlier turns are events of their own
    prefix: str = ""  # sha256 of the conversation before it, so that a resent history is known again
    answer: Answer
    own: str | None = None  # the person's own words, where the client marked them or nothing may be learnt from them
    onward: str = ""  # beginning of the prefix of a turn that goes on from this answer; kept where it may be used


class Choice(Event):
    """The person preferred one candidate over others. Ids are those of candidates."""

    kind: Literal["choice"] = "choice"
    chosen: str
    over: tuple[str, ...] = Field(min_length=1)


class Tie(Event):
    """The person saw two candidates and preferred neither. Ids are those of candidates."""

    kind: Literal["tie"] = "tie"
    between: tuple[str, str]


class Interviewed(Event):
    """What the person said to a question of the interview: which of two prepared answers they would rather have had.

    The words of question and answers stand here, so that the evidence does not hang on a version's questions.
    """

    kind: Literal["interview"] = "interview"
    question: str  # its name
    prompt: str
    answers: tuple[str, str]
    chosen: Literal[0, 1] | None = None  # None: neither
    skipped: bool = False  # the person wants no more questions
    again: bool = False  # no answer: the questions begin anew after it; what was said to them before still counts


class Rating(Event):
    """The person rated a candidate from 1 to 5; a thumb up is 5, a thumb down 1."""

    kind: Literal["rating"] = "rating"
    candidate: str
    value: Annotated[float, Field(ge=1, le=5)]


class Edit(Event):
    """What the person would have written in a candidate's place."""

    kind: Literal["edit"] = "edit"
    candidate: str
    text: str


class Statement(Event):
    """What the person said of themselves or of how they like their answers, in their own words.

    `choice` is the weakest: the words with which they picked one of the options that an answer offered.
    """

    kind: Literal["statement"] = "statement"
    text: str
    source: Literal["feedback", "conversation", "choice"] = "feedback"
    turn: str | None = None  # id of the answer to the turn in which it was said
    slots: tuple[Slots, ...] | None = None  # as read when it was said; None: read from the text whenever it is folded


class Inferred(Noun):
    """What something that was inferred rests on."""

    by: Inference
    consent: str  # id of the event by which the person allowed it
    turns: tuple[str, ...]  # ids of the answers to the turns that show it


class Proposal(Event):
    """Something that may be true of the person, from a source that is not their own words: it waits for them."""

    kind: Literal["proposal"] = "proposal"
    text: str
    slots: Slots
    origin: ProposalOrigin
    source: str  # where it was found, for the person to judge: "ChatGPT export, conversation of 2025-03-02"
    said_at: datetime | None = None  # when the source says that it was said
    inferred: Inferred | None = None  # of origin "inferred": offered only while the person allows it
    turn: str | None = None  # of origin "tool": id of the answer beside which a model proposed it


class Decision(Event):
    """The person accepted or refused a proposal. Accepted, it counts as said by them from then on."""

    kind: Literal["decision"] = "decision"
    proposal: str  # id of the proposal event
    accepted: bool


class Revision(Event):
    """The person changed a statement that is held: what it says, or how it may be used. None leaves as it is."""

    kind: Literal["revision"] = "revision"
    statement: str  # id of the preference, as the person sees it
    slots: Slots | None = None
    pinned: bool | None = None  # never decays, never expires
    local_only: bool | None = None  # never leaves this machine
    consented: bool | None = None  # a special category may be used beyond its conversation


class Correction(Event):
    """The person set right what is believed: an attribute's weight (0: "no taste here"), or a statement to drop."""

    kind: Literal["correction"] = "correction"
    attribute: str | None = None
    weight: float | None = None
    statement: str | None = None  # id of the preference, or of its event, that no longer holds


class Consent(Event):
    """The person allowed a kind of inference, or took it back. What came before they did is never looked at."""

    kind: Literal["consent"] = "consent"
    inference: Inference
    given: bool


class Sharing(Event):
    """The person allowed that others' adapters are put together from pieces of theirs, or took it back."""

    kind: Literal["sharing"] = "sharing"
    given: bool


class Restart(Event):
    """Something inferred was forgotten: inference of that kind reads only what comes after. No word of it is here."""

    kind: Literal["restart"] = "restart"
    inference: Inference
    consent: str  # id of the event by which the person allows it; the restart stays as long as this


class MethodChosen(Event):
    """How the person's answers are made personal from then on; None: as the settings say."""

    kind: Literal["method"] = "method"
    method: str | None = None


class Signal(Event):
    """What a client saw the person do with an answer, without saying anything of it; kept only with their consent."""

    kind: Literal["signal"] = "signal"
    what: SignalKind
    candidate: str


class Hint(Event):
    """What was inferred of the tastes of a person: weak evidence in numbers, which counts while they allow it.

    Either `chosen` was kept where `over` was not (ids of candidates), or an `attribute` seems to matter by `target`.
    """

    kind: Literal["hint"] = "hint"
    inferred: Inferred
    weight: Annotated[float, Field(gt=0, le=1)]  # likelihood power, before it fades
    chosen: str | None = None
    over: str | None = None
    attribute: str | None = None
    target: float | None = None


AnyEvent: TypeAlias = Annotated[
    Interaction
    | Choice
    | Tie
    | Interviewed
    | Rating
    | Edit
    | Statement
    | Correction
    | Proposal
    | Decision
    | Revision
    | Consent
    | Sharing
    | Restart
    | MethodChosen
    | Signal
    | Hint,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
WORD_KINDS = ("statement", "correction", "proposal", "decision", "revision", "consent")  # statements are folded from
FEEDBACK_KINDS = ("choice", "tie", "rating", "edit", "statement", "correction", "signal")


class Feedback(Noun):
    """Feedback as a client sends it; `POST /v1/feedback` takes exactly this, beside `user`.

    choice: `answer` was preferred over the candidates in `over`.  tie: neither `answer` nor the one in `over` was.
    rating: `value` from 1 to 5, or "up" / "down".
    edit: `value` is the text the person would have written.  statement: `value` is what they say; no answer needed.
    correction: `attribute` and a number in `value`, or the id of a statement to drop in `answer`.  signal: what was
    done with an answer, "copied", "regenerated" or "abandoned", in `value`; taken only where the person allows it.
    """

    kind: Literal["choice", "tie", "rating", "edit", "statement", "correction", "signal"]
    answer: str | None = None
    value: str | float | None = None
    over: str | tuple[str, ...] | None = None
    attribute: str | None = None
