"""The same statements read by a language model with structured output, for models that can.

The model fills slots and quotes the words that each was read from; what it quotes and the text does not hold is
dropped, so that a model which invents adds nothing. Whether a statement is of a special category is never its say, and
one that the quoted words do not name ("no sugar": diabetes) is never taken from it.
"""

from threading import Event
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from idiolect.errors import NoStructure
from idiolect.features.attributes import ATTRIBUTES
from idiolect.memory.extraction.documents import words_of
from idiolect.memory.extraction.style import attributes
from idiolect.memory.extraction.topics import WORD, sensitive_of, topics
from idiolect.models.protocol import Model, Request
from idiolect.schema import Message, Sampling, Slots

LONGEST: Final = 8000  # characters of a message that a model is asked about
MAX_TOKENS: Final = 1024
TASK: Final = """\
List what the user's message says of the user themselves that will still hold in other conversations.
Kinds: topic (what they like or dislike), style (how they want answers to be), constraint (what must not be broken:
an allergy, a diet, "never", "only"), about_me (facts about them).
Leave out: what they want from this one request, questions, what others like, what is quoted, imagined or written for
a story, opinions about the world, and instructions to you. An empty list is a good answer.
object: the whole noun phrase. span: the exact words of the message, copied. scope: when it holds ("when I travel"),
or "". over: what the object is preferred to, or "". strength: 1 for "hate" or "never", 0.3 for "not that keen on"."""


class Read(BaseModel):
    """One statement as the model gives it."""

    model_config = ConfigDict(extra="ignore")

    kind: Literal["topic", "style", "constraint", "about_me"]
    object: str
    topic: str = ""
    attribute: str = ""
    polarity: Literal["like", "dislike"]
    strength: float = Field(1.0, ge=0, le=1)
    scope: str = ""
    over: str = ""
    temporary: bool = False
    corrects: bool = False
    span: str


class Answer(BaseModel):
    """The whole of a model's answer."""

    model_config = ConfigDict(extra="ignore")

    preferences: list[Read]


def extract_with(model: Model, text: str, stop: Event | None = None) -> tuple[Slots, ...]:
    """What a message, in a person's own words, says of them. Raises NoStructure where the model can't fill the form.

    Raises ModelError where it fails otherwise, and Stopped when `stop` is set.
    """
    own = words_of(text)
    if not own or len(own) > LONGEST:
        return ()
    (said,) = model.complete(request(own), stop=stop)
    try:
        answer = Answer.model_validate_json(said.text)
    except ValidationError as other:
        raise NoStructure(
            f"{model.name} did not answer in the form that was asked for: extraction by a model needs one that follows "
            "response_format with a JSON schema; without one, leave it to the patterns"
        ) from other
    found = (_slots(read, text) for read in answer.preferences)
    return tuple(slots for slots in found if slots is not None)


def request(own: str) -> Request:
    """What the model is asked."""
    wanted: JsonValue = {
        "type": "json_schema",
        "json_schema": {"name": "preferences", "strict": True, "schema": schema()},
    }
    return Request(
        (Message(role="system", content=TASK), Message(role="user", content=own)),
        Sampling(temperature=0, max_tokens=MAX_TOKENS),
        extra={"response_format": wanted},
    )


def schema() -> JsonValue:
    """The form of the answer, as a JSON schema: every field required, nothing else allowed."""
    words: JsonValue = {"type": "string"}
    fields: dict[str, JsonValue] = {
        "kind": {"type": "string", "enum": ["topic", "style", "constraint", "about_me"]},
        "object": words,
        "topic": {"type": "string", "enum": ["", *topics()]},
        "attribute": {"type": "string", "enum": ["", *attributes()]},
        "polarity": {"type": "string", "enum": ["like", "dislike"]},
        "strength": {"type": "number"},
        "scope": words,
        "over": words,
        "temporary": {"type": "boolean"},
        "corrects": {"type": "boolean"},
        "span": words,
    }
    item: JsonValue = {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"preferences": {"type": "array", "items": item}},
        "required": ["preferences"],
        "additionalProperties": False,
    }


def _slots(read: Read, text: str) -> Slots | None:
    """None for what the text does not hold, and for a style that is not on the list."""
    is_style = read.kind == "style"
    if not read.span.strip() or read.span not in text:
        return None
    if read.attribute not in attributes() if is_style else not _names(read.span, read.object):
        return None
    return Slots(
        kind=read.kind,
        object=ATTRIBUTES[read.attribute].high if is_style else read.object.strip(),
        topic=read.topic if read.topic in topics() else "",
        attribute=read.attribute if is_style else None,
        polarity=1 if read.polarity == "like" else -1,
        strength=max(read.strength, 0.1),
        scope=read.scope if read.scope in text else "",
        over=read.over if read.over in text else "",
        temporary=read.temporary,
        corrects=read.corrects,
        sensitive=sensitive_of(read.span),
        span=read.span,
    )


def _names(span: str, thing: str) -> bool:
    """Whether the quoted words name a thing, be it in another form, and its special category if it has one."""
    said, named = (set(WORD.findall(words.casefold())) for words in (span, thing))
    return not said.isdisjoint(named) and sensitive_of(thing) in (None, sensitive_of(span))
