"""From events to a belief: the fold that every belief can be rebuilt by.

Choices, ties, ratings and edits are folded in one by one as they come; when all of them are, older ones have faded, and
those before a change of taste count less (reward/drift.py). What is said in words replaces what was said before,
so a statement or a correction rebuilds the belief from all events, and so does every fifth piece of evidence. What was
inferred with the person's consent counts as long as they allow it, and less every day; a day's change rebuilds too.
A change of taste that has just been told is noted beside the belief, for the person to be asked about (asking.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import TypeAlias

import numpy as np

from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.memory.feedback import Turns
from idiolect.memory.forgetting import candidates_of
from idiolect.memory.inference.counting import Counting, counting
from idiolect.memory.store import State, Transaction, UserStore
from idiolect.reward.drift import Drift, followed
from idiolect.reward.evidence import corrected, edited, stated
from idiolect.reward.folding import REFIT_EVERY, folded
from idiolect.reward.inferred import kept, leaning, seen
from idiolect.reward.protocol import Asked, Belief, Chosen, Evidence, LinearReward, Rated, Tied
from idiolect.schema import AnyEvent, Array, Choice, Correction, Edit, Interviewed, Preference, Rating, Tie, now

BELIEF = "belief"
CHANGE = "change"  # of taste: through which event it was seen, and how many judgements there were when it was told
LONGEST_PROMPT = 1000  # characters; longer ones are of no domain
LATELY = 2 * REFIT_EVERY  # judgements: whatever rebuilt the belief between two refits, no change is overlooked
JUDGEMENTS = ("choice", "tie", "rating", "edit", "interview")
NUMBERS = (*JUDGEMENTS, "correction", "signal", "hint")  # evidence besides words

Judgement: TypeAlias = Choice | Tie | Rating | Edit | Interviewed
Reader = UserStore | Transaction


@dataclass(frozen=True)
class Learner:
    """The personal reward with what it needs to read evidence: the preference space and the embedder."""

    reward: LinearReward
    space: PreferenceSpace
    embedder: Embedder | None
    _prepared: dict[tuple[str, str], Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def version(self) -> str:
        """A belief made by another reward, prior or space is rebuilt."""
        return f"{self.reward.version}/{self.space.version}/{self.embedder.name if self.embedder else 'none'}"

    def phi(self, texts: Sequence[str]) -> Array:
        """(n, d), rounded to what the store keeps, so that live and replayed evidence are the same."""
        embeddings = self.embedder.embed(texts) if self.embedder and texts else None
        return self.space.phi(texts, embeddings).astype(np.float32).astype(np.float64)

    def asked(self, prompt: str) -> Asked | None:
        """What the reward reads of a prompt: its domain; of long ones, which are texts to work on, nothing."""
        if self.embedder is None or not prompt.strip() or len(prompt) > LONGEST_PROMPT:
            return None
        return Asked(domain=self.reward.domain(Asked(embedding=self.embedder.embed([prompt])[0])))

    def rows(self, phi: Array, asked: Asked | None) -> Array:
        """phi (n, d) -> (n, d + 1), as the store keeps it: with the prompt's domain, -1 where none is known."""
        domain = -1 if asked is None or asked.domain is None else asked.domain
        return np.column_stack([phi, np.full(len(phi), domain)])

    def prepared(self, answers: tuple[str, str]) -> Array:
        """(2, d) of two answers of the interview: nobody's words, so they are measured once for all people."""
        if answers not in self._prepared:
            self._prepared[answers] = self.phi(answers)
        return self._prepared[answers]

    def belief(self, reader: Reader) -> Belief:
        """What is believed now; rebuilt where the stored belief is behind the evidence, or of another version."""
        return self._stored(reader) or self.rebuild(reader)

    def refresh(self, transaction: Transaction) -> None:
        """Keep the belief that follows from all events, if the stored one is behind them."""
        if self._stored(transaction) is None:
            self._save(transaction, self.rebuild(transaction))

    def learn(self, transaction: Transaction, event: AnyEvent, turns: Turns | None = None) -> Belief:
        """Record one piece of feedback and the belief that follows from it, both or neither.

        `turns` are those already read in this transaction, of this version.
        """
        before = self.belief(transaction)
        transaction.append(event)
        after = self._folded(transaction, turns or Turns(transaction, self.version), before, event)
        self._save(transaction, after)
        return after

    def rebuild(self, reader: Reader) -> Belief:
        """The belief from all events at once."""
        return self.reward.rebuild(self._everything(reader, Turns(reader, self.version)))

    def inferred(self, reader: Reader) -> int:
        """How many pieces of the evidence were inferred, with the person's consent."""
        return len(counting(reader, now()))

    def _stored(self, reader: Reader) -> Belief | None:
        state = reader.state(BELIEF)
        if state is None or state.version != self._stamp(reader) or reader.events(*NUMBERS, after=state.through):
            return None
        return Belief(state.arrays, state.seen)

    def _save(self, transaction: Transaction, belief: Belief) -> None:
        head = transaction.head()
        through = head.newest if head else 0
        transaction.save_state(State(BELIEF, self._stamp(transaction), through, belief.arrays, belief.seen))

    def _stamp(self, reader: Reader) -> str:
        """The version with a hash of what was said of style, and inferred: it changes when these do by time alone."""
        said = ",".join(f"{each.id}:{each.attribute}:{each.polarity}" for each in _styles(reader))
        said += counting(reader, now()).stamp
        return f"{self.version}/{sha256(said.encode()).hexdigest()[:16]}"

    def _folded(self, transaction: Transaction, turns: Turns, belief: Belief, event: AnyEvent) -> Belief:
        if isinstance(event, Interviewed) and event.skipped:
            return belief
        if not isinstance(event, Judgement):  # words replace words, so they are never folded in alone
            return self.reward.rebuild(self._refitted(transaction, turns))
        return folded(
            self.reward,
            belief,
            lambda: self._evidence(turns, [event])[0],
            lambda: self._refitted(transaction, turns),
        )

    def _refitted(self, transaction: Transaction, turns: Turns) -> list[Evidence]:
        """Everything; a change of taste that was told lately is noted, each once."""
        drift = self._followed(transaction, turns)
        if drift.since is not None and drift.since < LATELY:
            known, told = transaction.state(CHANGE), len(drift.evidence) - drift.since
            if known is None or known.seen != told:
                head = transaction.head()
                through = head.newest if head else 0
                transaction.save_state(State(CHANGE, self.version, through, {}, told))
        return [*drift.evidence, *self._beside(transaction, turns)]

    def _everything(self, reader: Reader, turns: Turns) -> list[Evidence]:
        return [*self._followed(reader, turns).evidence, *self._beside(reader, turns)]

    def _followed(self, reader: Reader, turns: Turns) -> Drift:
        """What was judged, with the powers that time and change have left it."""
        judged = [each.event for each in reader.events(*JUDGEMENTS)]
        judgements = [event for event in judged if isinstance(event, Judgement) and not _is_skipped(event)]
        return followed(self.reward, self._evidence(turns, judgements), now())

    def _beside(self, reader: Reader, turns: Turns) -> Iterable[Evidence]:
        """What was said, and what counts of what was inferred."""
        return (*self._words(reader), *self._inferred(turns, counting(reader, now())))

    def _inferred(self, turns: Turns, found: Counting) -> Iterable[Evidence]:
        """What counts of what was inferred."""
        pairs = [candidate for pair in found.pairs for candidate in (pair.chosen, pair.over)]
        rows = self._rows_of(turns, [*pairs, *(each.candidate for each in found.seen)]) if len(found) else {}
        phi = {candidate: row[:-1] for candidate, row in rows.items()}
        yield from (kept(phi[pair.chosen], phi[pair.over], pair.weight) for pair in found.pairs)
        yield from (seen(phi[each.candidate], each.what, each.share) for each in found.seen)
        yield from (leaning(each.attribute, each.target, each.precision, self.space) for each in found.leanings)

    def _words(self, reader: Reader) -> Iterable[Evidence]:
        said = (stated(preference, self.space) for preference in _styles(reader))
        by_hand = {
            each.event.attribute: each.event.weight
            for each in reader.events("correction")
            if isinstance(each.event, Correction)
        }
        yield from (evidence for evidence in said if evidence is not None)
        for attribute, weight in by_hand.items():  # the newest weight of each attribute
            if attribute is not None and weight is not None:
                yield corrected(attribute, weight, self.space)

    def _evidence(self, turns: Turns, events: Sequence[Judgement]) -> list[Evidence]:
        """What each of these says of the weights; the vectors of all their candidates are read together."""
        rows = self._rows_of(turns, [candidate for event in events for candidate in candidates_of(event)])
        phi = {candidate: row[:-1] for candidate, row in rows.items()}
        found = list[Evidence]()
        for event in events:
            domains = [int(rows[candidate][-1]) for candidate in candidates_of(event)]
            asked = Asked(domain=domains[0]) if domains and domains[0] >= 0 else None
            found.append(replace(self._piece(event, phi, turns), asked=asked, at=event.at))
        return found

    def _piece(self, event: Judgement, phi: Mapping[str, Array], turns: Turns) -> Chosen | Tied | Rated:
        match event:
            case Choice(chosen=chosen, over=over):
                return Chosen(np.stack([phi[candidate] for candidate in (chosen, *over)]))
            case Tie(between=between):
                return Tied(np.stack([phi[candidate] for candidate in between]))
            case Rating(candidate=candidate, value=value):
                return Rated(phi[candidate], value)
            case Edit(candidate=candidate, text=text):
                return edited(phi[candidate], self.phi([text])[0], turns.text(candidate), text)
            case Interviewed(answers=answers, chosen=chosen):
                rows = self.prepared(answers)
                return Tied(rows) if chosen is None else Chosen(rows[[chosen, 1 - chosen]])

    def _rows_of(self, turns: Turns, candidates: Sequence[str]) -> dict[str, Array]:
        """(d + 1,) of candidates by id; measured anew from their texts where the stored ones are of another version."""
        wanted = dict.fromkeys(candidates)
        kept = turns.vectors(wanted)
        missing = [candidate for candidate in wanted if candidate not in kept]
        phi = self.phi([turns.text(candidate) for candidate in missing])
        fresh = (
            self.rows(phi[at : at + 1], self.asked(turns.interaction(candidate).prompt))[0]
            for at, candidate in enumerate(missing)
        )
        return {**kept, **dict(zip(missing, fresh, strict=True))}


def _styles(reader: Reader) -> tuple[Preference, ...]:
    """What holds now of all answers, in words; what holds "when I write code" is left to the prompt."""
    return reader.ask(lambda statements: statements.styles(now()))


def _is_skipped(event: Judgement) -> bool:
    return isinstance(event, Interviewed) and event.skipped
