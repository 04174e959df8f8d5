"""A person's memory with something of every kind in it, each part with a word of its own to look for."""

from datetime import UTC, datetime, timedelta

import numpy as np

from idiolect.memory.store import State, UserStore
from idiolect.schema import (
    Answer,
    AnyEvent,
    Candidate,
    Choice,
    Correction,
    Decision,
    Edit,
    Interaction,
    Proposal,
    Rating,
    Revision,
    Slots,
    Statement,
    Trace,
    Verdict,
)

FINE = Verdict(score=1.0)
MONDAY = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


def turn(
    name: str,
    prompt: str = "What should I cook?",
    answer: str = "Soup.",
    at: datetime = MONDAY,
    recalled: tuple[str, ...] = (),
) -> Interaction:
    """A turn with the event `evt-NAME`, the answer NAME and two candidates."""
    candidates = tuple(
        Candidate(id=f"{name}-{index}", text=f"{answer} {index}", reward=0.1 + 0.2, verdict=FINE) for index in range(2)
    )
    trace = Trace(method="plain", model="scripted", request_verdict=FINE, recalled=recalled)
    told = Answer(id=name, user="ana", text=f"{answer} 0", candidates=candidates, chosen=0, trace=trace)
    return Interaction(id=f"evt-{name}", at=at, prompt=prompt, answer=told)


def statement(name: str, what: str, topic: str = "food", turn_: str | None = None, at: datetime = MONDAY) -> Statement:
    """ "I like WHAT.", said in a turn."""
    slots = Slots(kind="topic", object=what, topic=topic, span=f"I like {what}")
    return Statement(id=f"evt-{name}", at=at, text=f"I like {what}.", source="conversation", turn=turn_, slots=(slots,))


def proposal(
    name: str, what: str, source: str = 'ChatGPT export, conversation "Rome"', topic: str = "food"
) -> Proposal:
    """What an import offers."""
    slots = Slots(kind="topic", object=what, topic=topic, span=f"I like {what}")
    return Proposal(
        id=f"imp-{name}", at=MONDAY, text=f"I like {what}", slots=slots, origin="import", source=source, said_at=MONDAY
    )


def life(word: str = "canary") -> list[AnyEvent]:
    """Everything that can be kept, with the word in every text."""
    zone = timedelta(hours=1)
    return [
        turn("a", f"I like {word} tea. What else?", f"Have some {word}"),
        statement("said", f"{word} tea", turn_="a", at=MONDAY + zone),
        Choice(id="evt-choice", chosen="a-1", over=("a-0",), at=MONDAY + zone),
        Rating(id="evt-rating", candidate="a-1", value=4.1, at=MONDAY + zone),
        Edit(id="evt-edit", candidate="a-0", text=f"More {word} \N{POT OF FOOD} \u2028", at=MONDAY + zone),
        proposal("plums", f"{word} plums"),
        Decision(id="evt-decision", proposal="imp-plums", accepted=True, at=MONDAY + zone),
        proposal("figs", f"{word} figs", source="Mem0 export"),
        Revision(
            id="evt-revision",
            statement="evt-said",
            slots=Slots(kind="topic", object=f"{word} coffee"),
            at=MONDAY + zone,
        ),
        Correction(id="evt-correction", attribute="length", weight=-0.1, at=MONDAY + zone),
        turn("b", f"Again, {word}?", f"Yes, {word}", MONDAY + 2 * zone, recalled=("evt-said",)),
    ]


def record(person: UserStore, *events: AnyEvent) -> None:
    """With everything that is derived from it."""
    with person.transaction() as transaction:
        for event in events:
            transaction.append(event)
            transaction.save_embeddings("m1", {(event.id, 0): np.ones(3, np.float32)})
            if isinstance(event, Interaction):
                transaction.save_vectors("v1", {event.answer.candidates[0].id: np.ones(2)})
        transaction.save_state(State("belief", "v1", 1, {"mean": np.ones(2)}, 1))


def ids(person: UserStore) -> list[str]:
    """Of the events that are kept."""
    return [each.event.id for each in person.events()]
