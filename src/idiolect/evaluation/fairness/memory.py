"""What the memory makes of what is said in a manner: read, recalled, and let in at the door."""

from collections.abc import Iterator, Sequence

from idiolect.errors import BadInput
from idiolect.evaluation.fairness.manners import MANNERS, Item, read_items
from idiolect.evaluation.protocol import Case
from idiolect.features.embedder import Embedder
from idiolect.memory.door import admit
from idiolect.memory.extraction import extract
from idiolect.memory.gate import gate
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recollection import Recollection
from idiolect.memory.store import UserStore, open_store
from idiolect.schema import Slots, Statement

KEYS = 3  # columns of statements.txt that say what is right: kind, like or dislike, noun or attribute


def memory_cases(embedder: Embedder | None) -> Iterator[Case]:
    """A case for each statement and request in each manner."""
    statements, requests = read_items("statements", KEYS), read_items("requests")
    store = open_store("sqlite://")
    try:
        for manner in MANNERS:
            questions = [item.texts[manner] for item in requests]
            recalled = _recalled(store.user(manner), [item.texts[manner] for item in statements], questions, embedder)
            for number, item in enumerate(statements):
                scores = _scores(item, manner)
                if item.key[0] != "style":  # which bears on every question
                    scores["recalled"] = recalled[number]
                yield _case("statement", number, manner, scores)
            for number, question in enumerate(questions):
                yield _case("request", number, manner, {"misread": float(bool(extract(question)))})
    finally:
        store.close()


def _case(what: str, number: int, manner: str, scores: dict[str, float]) -> Case:
    return Case(id=f"{what}/{number}/{manner}", group=str(number), scores=scores, choice="")


def _scores(item: Item, manner: str) -> dict[str, float]:
    text = item.texts[manner]
    return {
        "understood": float(any(_is_right(slots, item.key) for slots in extract(text))),
        "door_refused": float(gate(text).verdict == "refuse"),
    }


def _is_right(slots: Slots, key: tuple[str, ...]) -> bool:
    """The noun may be bent, and stand with other words."""
    kind, polarity, about = key
    is_about = slots.attribute == about if kind == "style" else about.rstrip("s") in slots.object.lower()
    return slots.kind == kind and (slots.polarity > 0) == (polarity == "like") and is_about


def _recalled(
    person: UserStore, said: Sequence[str], questions: Sequence[str], embedder: Embedder | None
) -> list[float]:
    """1 where the question of the same number recalls a statement, everything of them kept."""
    events = [_keep(person, text) for text in said]
    recollection, settings = Recollection(embedder), RecallSettings(turns=0)
    recollection.prepare(person)
    found = [recollection.recall(person, question, settings) for question in questions]
    return [
        float(any(event in each.preference.evidence for each in recalled.preferences)) if event else 0.0
        for event, recalled in zip(events, found, strict=True)
    ]


def _keep(person: UserStore, text: str) -> str:
    """Record what was read of a text, as a conversation does; the event's id, empty where nothing may be kept of it."""
    slots = extract(text)
    try:
        admit(text, slots)
    except BadInput:
        return ""
    event = Statement(text=text, source="conversation", slots=slots)
    with person.transaction() as transaction:
        transaction.append(event)
    return event.id if slots else ""
