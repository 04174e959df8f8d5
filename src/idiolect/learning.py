"""From events to a belief: the fold that every belief can be rebuilt by.

Choices, ratings and edits are folded in one by one as they come. What is said in words replaces what was said before,
so a statement or a correction rebuilds the belief from all events, and so does every fifth piece of evidence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.memory.store import State, Transaction, UserStore
from idiolect.reward.evidence import corrected, edited, stated
from idiolect.reward.folding import folded
from idiolect.reward.protocol import Belief, Chosen, Evidence, PersonalReward, Rated
from idiolect.schema import FEEDBACK_KINDS, AnyEvent, Array, Choice, Correction, Edit, Rating

BELIEF = "belief"
JUDGEMENTS = ("choice", "rating", "edit")

Reader = UserStore | Transaction


@dataclass(frozen=True)
class Learner:
    """The personal reward with what it needs to read evidence: the preference space and the embedder."""

    reward: PersonalReward
    space: PreferenceSpace
    embedder: Embedder | None

    @property
    def version(self) -> str:
        """A belief made by another reward, prior or space is rebuilt."""
        return f"{self.reward.version}/{self.space.version}/{self.embedder.name if self.embedder else 'none'}"

    def phi(self, texts: Sequence[str]) -> Array:
        """(n, d), rounded to what the store keeps, so that live and replayed evidence are the same."""
        embeddings = self.embedder.embed(texts) if self.embedder and texts else None
        return self.space.phi(texts, embeddings).astype(np.float32).astype(np.float64)

    def belief(self, reader: Reader) -> Belief:
        """What is believed now; rebuilt where the stored belief is behind the events, or of another version."""
        state = reader.state(BELIEF)
        if state is None or state.version != self.version or reader.events(*FEEDBACK_KINDS, after=state.through):
            return self.rebuild(reader)
        return Belief(state.arrays, state.seen)

    def learn(self, transaction: Transaction, event: AnyEvent) -> Belief:
        """Record one piece of feedback and the belief that follows from it, both or neither."""
        before = self.belief(transaction)
        seq = transaction.append(event)
        after = self._folded(transaction, before, event)
        transaction.save_state(State(BELIEF, self.version, seq, after.arrays, after.seen))
        return after

    def rebuild(self, reader: Reader) -> Belief:
        """The belief from all events at once."""
        return self.reward.rebuild(self._everything(reader))

    def _folded(self, reader: Reader, belief: Belief, event: AnyEvent) -> Belief:
        evidence = self._evidence(reader, event)
        if evidence is None:  # words replace words, so they are never folded in alone
            return self.rebuild(reader)
        return folded(self.reward, belief, evidence, lambda: self._everything(reader))

    def _everything(self, reader: Reader) -> list[Evidence]:
        judgements = (self._evidence(reader, each.event) for each in reader.events(*JUDGEMENTS))
        return [*(piece for piece in judgements if piece is not None), *self._words(reader)]

    def _words(self, reader: Reader) -> Iterable[Evidence]:
        said = (stated(preference, self.space) for preference in reader.preferences())
        by_hand = {
            each.event.attribute: each.event.weight
            for each in reader.events("correction")
            if isinstance(each.event, Correction)
        }
        yield from (evidence for evidence in said if evidence is not None)
        for attribute, weight in by_hand.items():  # the newest weight of each attribute
            if attribute is not None and weight is not None:
                yield corrected(attribute, weight, self.space)

    def _evidence(self, reader: Reader, event: AnyEvent) -> Evidence | None:
        match event:
            case Choice(chosen=chosen, over=over):
                return Chosen(self._phi_of(reader, (chosen, *over)))
            case Rating(candidate=candidate, value=value):
                return Rated(self._phi_of(reader, (candidate,))[0], value)
            case Edit(candidate=candidate, text=text):
                old = _text_of(reader, candidate)
                return edited(self._phi_of(reader, (candidate,))[0], self.phi([text])[0], old, text)
        return None

    def _phi_of(self, reader: Reader, candidates: Sequence[str]) -> Array:
        """(n, d) of candidates by id; measured anew from their texts where the stored ones are of another version."""
        kept = reader.vectors(candidates, self.version)
        missing = [candidate for candidate in candidates if candidate not in kept]
        if missing:
            fresh = self.phi([_text_of(reader, candidate) for candidate in missing])
            kept = {**kept, **dict(zip(missing, fresh, strict=True))}
        return np.stack([kept[candidate] for candidate in candidates])


def _text_of(reader: Reader, candidate: str) -> str:
    answer = reader.interaction(candidate).answer
    return next(each.text for each in answer.candidates if each.id == candidate)
