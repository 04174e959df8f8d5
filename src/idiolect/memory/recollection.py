"""Recall for any person of a store: what is held of them in this process is brought up to date, then asked.

Embeddings are computed after a turn, and those that are still missing at the next recall; they are kept beside the
event that the words stand in, part 2i the words of its statement i and part 2i + 1 their scope; of a turn, part 0 what
the person said and part 1 what was answered.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import AnswerNotFound, StoreError
from idiolect.features.embedder import Embedder
from idiolect.memory.extraction.topics import topic_of
from idiolect.memory.keeping import Kept
from idiolect.memory.past_turns import TurnIndex, read
from idiolect.memory.recall.memories import Embedded, Memories
from idiolect.memory.recall.ranking import recall
from idiolect.memory.recall.recalled import Recalled
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.records import Embeddings, Part
from idiolect.memory.store import Forgotten, UserStore
from idiolect.schema import Category, Preference, now

DRAWER = "recall"
AT_ONCE = 64  # statements that are embedded before a recall answers; with more missing, shared words decide until later
TURNS_AT_ONCE = 8  # sides of past turns, which are longer
WORDS_ALONE = 0.04  # least overlap where there is no embedder: about one shared word

Text = tuple[Part, str]


@dataclass
class Index:
    """One person's statements in force, ready to be recalled."""

    memories: Memories = field(default_factory=Memories)
    held: dict[str, Preference] = field(default_factory=dict)
    waiting: dict[str, list[Text]] = field(default_factory=dict)  # ids with the texts that have no embedding yet
    words: dict[str, Part] = field(default_factory=dict)
    consented: frozenset[Category] = frozenset()  # special categories of which something may be used
    trouble: str = ""  # why embeddings could not be kept, if so
    lock: RLock = field(default_factory=RLock)


class Asked(NamedTuple):
    """A prompt with its embedding, if there is an embedder."""

    prompt: str
    vector: NDArray[np.float32] | None


@dataclass(frozen=True)
class Recollection:
    """Recalls what bears on a prompt. Without an embedder shared words decide."""

    embedder: Embedder | None

    def recall(
        self,
        person: UserStore,
        prompt: str,
        settings: RecallSettings | None = None,
        at: datetime | None = None,
        told: Iterable[str] = (),
    ) -> Recalled:
        """The statements in force and the past turns that bear on a prompt, best first, with their scores.

        `told` are the texts of the conversation that the prompt stands in, which are not recalled again.
        """
        kept, chosen = person.kept(), settings or RecallSettings()
        index = self._index(person, kept, at or now())
        vector = None if self.embedder is None else self.embedder.embed([prompt])[0].astype(np.float32)
        asked = Asked(prompt, vector)
        found = self._statements(index, asked, chosen, at or now())
        return self._with_turns(found, person, kept, asked, chosen, (prompt, *told))

    def prepare(self, person: UserStore) -> None:
        """Embed all that is missing, so that the next recall need not."""
        kept = person.kept()
        while self._index(person, kept, now()).waiting:
            pass  # a few at a time, so that nobody waits for all of them
        turns = self._turns(person, kept, RecallSettings())
        while self._embed_turns(person, kept, turns):
            pass

    def _statements(self, index: Index, asked: Asked, chosen: RecallSettings, at: datetime) -> Recalled:
        if not index.held:
            return Recalled()
        query = asked.prompt
        if asked.vector is None:  # "what should I cook?" shares no word with "allergic to nuts", but the area of life
            query = f"{query} {topic_of(query)}"
            least = float(index.memories.gate.lexical(np.array([WORDS_ALONE], np.float32))[0])
            chosen = chosen.model_copy(update={"threshold": chosen.threshold or least})
        found = recall(query, asked.vector, index.memories, at, chosen)
        return found if not index.trouble else found.model_copy(update={"notes": (*found.notes, index.trouble)})

    def _with_turns(
        self, found: Recalled, person: UserStore, kept: Kept, asked: Asked, chosen: RecallSettings, told: Iterable[str]
    ) -> Recalled:
        if not chosen.turns or (chosen.remote_model and not chosen.turns_to_remote):
            return found
        turns = self._turns(person, kept, chosen)
        self._embed_turns(person, kept, turns)
        if not len(turns.turns):
            return found
        bearing = turns.bearing(asked.prompt, asked.vector, told, chosen)
        private = _private(kept) if bearing and chosen.remote_model else set[str]()
        episodes = tuple(read(person, turns, bearing, chosen, private))
        notes = (turns.trouble,) if turns.trouble else ()
        return found.model_copy(update={"episodes": episodes, "notes": (*found.notes, *notes)})

    def _turns(self, person: UserStore, kept: Kept, chosen: RecallSettings) -> TurnIndex:
        turns = TurnIndex.of(kept, self.embedder, _consented(kept, chosen))
        turns.follow(person, kept, None if self.embedder is None else self.embedder.name)
        return turns

    def _embed_turns(self, person: UserStore, kept: Kept, turns: TurnIndex) -> bool:
        """Embed the next few sides of turns; whether there may be more."""
        if self.embedder is None or not turns.places:
            return False
        try:
            texts = turns.waiting(person, TURNS_AT_ONCE)
        except AnswerNotFound:  # forgotten just now: the next recall begins anew
            return False
        rows: NDArray[np.float32] = self.embedder.embed(list(texts.values())).astype(np.float32)
        self.embedder.forget(list(texts.values()))  # nobody asks for them again, and forgetting would not know them
        fresh = dict(zip(texts, rows, strict=True))
        try:
            turns.trouble = self._keep(person, kept.epoch, fresh)
        except Forgotten:
            return False
        turns.put(fresh)
        return True

    def _index(self, person: UserStore, kept: Kept, at: datetime) -> Index:
        with kept.lock:
            index = kept.drawers.get(DRAWER) or kept.drawers.setdefault(DRAWER, Index())
        assert isinstance(index, Index)
        with index.lock:
            self._follow(person, kept, index, at)
            self._embed(person, kept, index)
        return index

    def _follow(self, person: UserStore, kept: Kept, index: Index, at: datetime) -> None:
        """Take in what came into force and what left it, with the embeddings that are stored."""
        with kept.lock:
            changed = [each for each in kept.statements.changes(at) if each[1] is not index.held.get(each[0])]
            index.words |= {identifier: kept.statements.worded(identifier) for identifier, held in changed if held}
        came = [preference for _, preference in changed if preference is not None]
        texts = {preference.id: list(self._texts(preference, index.words[preference.id])) for preference in came}
        events = {part[0] for some in texts.values() for part, _ in some}
        try:
            stored = person.embeddings(self.embedder.name, events) if self.embedder and events else {}
        except StoreError:
            with kept.lock:
                kept.statements.tell_again(identifier for identifier, _ in changed)
            raise
        for identifier, preference in changed:
            if preference is None:
                _drop(index, identifier)
        _put(index, came, stored)
        if changed:
            index.consented = frozenset(each.sensitive for each in index.held.values() if each.sensitive)
        for identifier, some in texts.items():
            index.waiting.pop(identifier, None)
            if missing := [text for text in some if text[0] not in stored]:
                index.waiting[identifier] = missing

    def _embed(self, person: UserStore, kept: Kept, index: Index) -> None:
        chosen = list(index.waiting)[:AT_ONCE]
        texts = [text for identifier in chosen for text in index.waiting[identifier]]
        if self.embedder is None or not texts:
            return
        rows: NDArray[np.float32] = self.embedder.embed([words for _, words in texts]).astype(np.float32)
        fresh = {part: row for (part, _), row in zip(texts, rows, strict=True)}
        events = {index.words[identifier][0] for identifier in chosen}
        known = {**person.embeddings(self.embedder.name, events), **fresh}
        _put(index, [index.held[identifier] for identifier in chosen], known)
        for identifier in chosen:
            del index.waiting[identifier]
        try:
            index.trouble = self._keep(person, kept.epoch, fresh)
        except Forgotten:
            self.embedder.forget([words for _, words in texts])
            index.waiting.clear()  # of what is left another index is made

    def _keep(self, person: UserStore, epoch: int, fresh: Embeddings) -> str:
        """Store embeddings; what went wrong, which costs only time later. Raises Forgotten."""
        assert self.embedder is not None
        try:
            with person.transaction(epoch) as transaction:
                transaction.save_embeddings(self.embedder.name, fresh)
        except StoreError as error:
            return f"embeddings of {len(fresh)} texts could not be kept and will be computed anew: {error}"
        return ""

    def _texts(self, preference: Preference, words: Part) -> Iterator[Text]:
        """What of a statement is to be embedded: style bears on everything, so only its scope is."""
        if self.embedder is None:
            return
        event, number = words
        if preference.kind != "style":
            yield (event, 2 * number), preference.text
        if preference.scope:
            yield (event, 2 * number + 1), preference.scope


def _consented(kept: Kept, chosen: RecallSettings) -> frozenset[Category]:
    """Special categories of which the person has allowed something to be used, where a model may read of them."""
    index = kept.drawers.get(DRAWER)
    is_allowed = chosen.sensitive_to_remote or not chosen.remote_model
    return index.consented if is_allowed and isinstance(index, Index) else frozenset()


def _private(kept: Kept) -> set[str]:
    """Events of the statements that may not leave this machine."""
    with kept.lock:
        return {event for each in kept.statements.all(now()) if each.local_only for event in each.evidence}


def _put(index: Index, preferences: Sequence[Preference], vectors: Embeddings) -> None:
    embedded = []
    for preference in preferences:
        event, number = index.words[preference.id]
        index.held[preference.id] = preference
        own, scope = vectors.get((event, 2 * number)), vectors.get((event, 2 * number + 1))
        embedded.append(Embedded(preference, own, scope))
    index.memories.add_all(embedded)


def _drop(index: Index, identifier: str) -> None:
    for held in (index.held, index.waiting, index.words):
        held.pop(identifier, None)
    if identifier in index.memories:
        index.memories.remove(identifier)
