"""A person's past turns as the process keeps them: they follow the events, and their texts are read when recalled.

Left out are turns that the boundary answered, background calls, and those that name a special category of which the
person has not allowed anything to be used beyond its conversation. Of a prompt only their own words are taken.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from math import ceil
from threading import RLock

from idiolect.errors import AnswerNotFound
from idiolect.features.embedder import Embedder
from idiolect.memory.extraction.documents import words_of_turn
from idiolect.memory.extraction.topics import categories_of
from idiolect.memory.keeping import Kept
from idiolect.memory.recall.dense import Vector
from idiolect.memory.recall.recalled import Episode, RecalledEpisode
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.turns import ANSWERED, ASKED, BESIDE, Found, PastTurns, bearing, known_by
from idiolect.memory.recall.utterances import spoken
from idiolect.memory.records import Embeddings, Part
from idiolect.memory.store import UserStore
from idiolect.schema import Category, Interaction

DRAWER = "turns"
LONGEST = 600  # characters of a text that are indexed and embedded: what the embedder reads at once
QUOTED = 400  # characters of a text that are recalled
CHARACTERS = 4  # of a token
SPEAKERS = ("you", "assistant")
PAUSE = timedelta(hours=1)  # after which a turn no longer goes on from the one before it

Text = tuple[Part, str]


@dataclass
class TurnIndex:
    """One person's past turns, ready to be recalled."""

    turns: PastTurns
    allowed: frozenset[Category] = frozenset()  # special categories that may be recalled
    through: int = 0  # seq of the newest event that was looked at
    places: dict[Part, tuple[int, int]] = field(default_factory=dict)  # of texts without embedding: place and side
    trouble: str = ""  # why embeddings could not be kept, if so
    lock: RLock = field(default_factory=RLock)

    @classmethod
    def of(cls, kept: Kept, embedder: Embedder | None, allowed: frozenset[Category] = frozenset()) -> "TurnIndex":
        """The one in the person's drawer, which goes when something is forgotten."""
        name, dim = (DRAWER, 0) if embedder is None else (f"{DRAWER} of {embedder.name}", embedder.dim)
        drawer = " and ".join((name, *sorted(allowed)))
        with kept.lock:
            index = kept.drawers.get(drawer) or kept.drawers.setdefault(drawer, cls(PastTurns(dim), allowed))
        assert isinstance(index, TurnIndex)
        return index

    def follow(self, person: UserStore, kept: Kept, embedder: str | None) -> None:
        """Take in the turns that came, with the embeddings that are stored."""
        if self.through >= kept.through:
            return
        newest = kept.through
        recorded = person.events("interaction", after=self.through)
        came = [(each.seq, each.event) for each in recorded if isinstance(each.event, Interaction)]
        stored: Embeddings = {}
        if embedder and came:  # all at once, where most are new, is one query
            stored = person.embeddings(embedder, None if self.through == 0 else {event.id for _, event in came})
        with self.lock:
            for seq, event in came:
                if seq > self.through:  # else another thread, which read the same, has taken it
                    self._take(event, stored, embedder is not None)
            self.through = max(self.through, newest, *(each.seq for each in recorded))

    def waiting(self, person: UserStore, most: int) -> dict[Part, str]:
        """Texts without an embedding, those of the newest turns first."""
        with self.lock:
            parts = list(islice(reversed(self.places), most))
            answers = dict.fromkeys(self.turns.turns[self.places[part][0]].answer for part in parts)
        texts = dict(text for answer in answers for text in texts_of(person.interaction(answer), self.allowed))
        return {part: texts[part] for part in parts}

    def put(self, vectors: Embeddings) -> None:
        """Hold what was embedded."""
        with self.lock:
            for part, vector in vectors.items():
                if part in self.places:
                    self.turns.put(*self.places.pop(part), vector)

    def bearing(self, query: str, vector: Vector | None, said: Iterable[str], settings: RecallSettings) -> list[Found]:
        """What clearly bears on a prompt, and what stands beside it."""
        with self.lock:
            return bearing(self.turns, query, vector, frozenset(map(known_by, said)), settings)

    def _take(self, event: Interaction, stored: Embeddings, embeds: bool) -> None:
        sides = own_sides(event, self.allowed)
        if sides is None:
            return
        said = [(speaker, text[:LONGEST]) for speaker, text in zip(SPEAKERS, sides, strict=True)]
        before = self.turns.turns[-1].at if self.turns.turns else event.at
        goes_on = bool(event.prefix) and event.at - before < PAUSE
        texts = (event.prompt, event.answer.text)
        place = self.turns.add(event.answer.id, event.at, said, frozenset(map(known_by, texts)), goes_on)
        for side in (ASKED, ANSWERED):
            part = (event.id, side)
            if part in stored:
                self.turns.put(place, side, stored[part])
            elif embeds and sides[side]:
                self.places[part] = place, side


def own_sides(event: Interaction, allowed: Container[Category] = ()) -> tuple[str, str] | None:
    """The person's own words and the answer of a turn; None for one that is not recalled."""
    asked = "" if event.answer.refused else words_of_turn(event)
    if not asked or any(each not in allowed for each in categories_of(f"{event.prompt}\n{event.answer.text}")):
        return None
    return asked, event.answer.text.strip()


def episodes_of(event: Interaction, allowed: Container[Category] = ()) -> tuple[Episode, Episode] | None:
    """The two episodes of a turn; `talk` is the id of the answer, by which both are found again."""
    sides = own_sides(event, allowed)
    if sides is None:
        return None
    asked, answered = (
        Episode(
            id=f"{event.answer.id}/{speaker}", text=_shortened(text), speaker=speaker, at=event.at, talk=event.answer.id
        )
        for speaker, text in zip(SPEAKERS, sides, strict=True)
    )
    return asked, answered


def texts_of(event: Interaction, allowed: Container[Category] = ()) -> Iterator[Text]:
    """What is embedded of a turn."""
    for side, episode in enumerate(episodes_of(event, allowed) or ()):
        if episode.text:
            yield (event.id, side), spoken(episode)[:LONGEST]


def read(
    person: UserStore, index: TurnIndex, found: Iterable[Found], settings: RecallSettings, private: set[str]
) -> Iterator[RecalledEpisode]:
    """The texts of the turns found, within the number and the budget. `private`: events of what never leaves here."""
    left, count = settings.turn_tokens, 0
    for each in found:
        try:
            event = person.interaction(index.turns.turns[each.place].answer)
        except AnswerNotFound:  # forgotten just now
            continue
        pair = episodes_of(event, index.allowed)
        if pair is None or (private and any(said.id in private for said in person.of_turn(event.answer.id))):
            continue
        cost = sum(ceil(len(episode.text) / CHARACTERS) for episode in pair)
        if cost > left or (each.why != BESIDE and count == settings.turns):
            continue
        left, count = left - cost, count + (each.why != BESIDE)
        yield RecalledEpisode(episode=pair[0], after=pair[1:], score=each.score, parts=each.parts, why=each.why)


def _shortened(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 3].rstrip()}..."
