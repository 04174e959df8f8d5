"""Writing the candidates of a turn: by the model alone, or by an agent, for whom a turn is laid out as a desk."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from idiolect.choosing import Choosing
from idiolect.errors import BadInput
from idiolect.generation.agent.criticising import Tastes
from idiolect.generation.agent.drafting import takes_tools
from idiolect.learning import Learner
from idiolect.memory.in_conversation import is_of_the_store
from idiolect.memory.naming import everything
from idiolect.memory.proposing import proposal
from idiolect.memory.recall.words import stems
from idiolect.models.protocol import OnCompletion, Request
from idiolect.parts import Parts
from idiolect.reward.judged import Judged
from idiolect.schema import Array, Completion, Preference, Round, Slots
from idiolect.turn import Stopwatch, Turn

MOST_PROPOSED = 3  # beside one answer
ABOUT = (
    0.25  # cosine: revisions that answer have .36 and more to the answer before them, those that repeat the task .16
)


@dataclass(frozen=True)
class Writing:
    """Writes for anybody; what it took stands in the turn."""

    parts: Parts
    choosing: Choosing

    def completions(self, turn: Turn, on_completion: OnCompletion, stop: Event | None) -> Sequence[Completion]:
        """The candidates; `on_completion` is told of each as it ends. Raises as `Model.complete` does."""
        if turn.workflow is None:
            return complete(self.parts, turn, turn.request, turn.candidates, on_completion, stop)
        desk = TurnDesk(self.parts, self.choosing, turn, stop)
        written: Sequence[Completion] = ()
        try:
            written = turn.workflow.write(turn.request, desk, turn.candidates, on_completion)
        finally:
            desk.clear({each.text for each in written})
        return written


def complete(
    parts: Parts,
    turn: Turn,
    request: Request,
    n: int,
    on_completion: OnCompletion | None = None,
    stop: Event | None = None,
) -> Sequence[Completion]:
    """One call of the model, counted."""
    start = time.perf_counter()
    written = parts.answers(request).complete(request, n, on_completion, stop)
    turn.spend(written, time.perf_counter() - start)
    return written


@dataclass
class TurnDesk:
    """One turn, as an agent sees it."""

    parts: Parts
    choosing: Choosing
    turn: Turn
    stop: Event | None
    rows: dict[str, Array] = field(default_factory=dict)  # phi (d,) by text
    queries: list[str] = field(default_factory=list)

    @property
    def takes_tools(self) -> bool:
        """Whether the model may be offered tools."""
        return takes_tools(self.parts.answers(self.turn.request))

    @property
    def tastes(self) -> Tastes:
        """What is believed of the person, for this prompt."""
        return Tastes(self._learner.space.names, *self._learner.reward.weights(self.turn.belief))

    @property
    def statements(self) -> Sequence[Preference]:
        """What was recalled of the person, and what was looked up since."""
        return self.turn.statements

    def complete(self, request: Request, n: int = 1) -> Sequence[Completion]:
        """As the model writes them, counted."""
        return complete(self.parts, self.turn, request, n, stop=self.stop)

    def judged(self, texts: Sequence[str]) -> Judged:
        """As the loop will judge them."""
        self._measure(texts)
        return self.choosing.judged(self.turn, texts, np.stack([self.rows[text] for text in texts]), Stopwatch())

    def is_about(self, text: str, answer: str) -> bool:
        """By the embedding; without an embedder by shared words."""
        embedder, others = self._learner.embedder, [self.turn.prompt, answer]
        if embedder is None:
            return any(not set(stems(text)).isdisjoint(stems(each)) for each in others)
        self._measure([text])  # also so that its vector is forgotten with the others
        found = embedder.embed([text, *others])
        found = found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-12)
        return bool((found[1:] @ found[0]).max() >= ABOUT)

    def search(self, query: str) -> Sequence[Preference]:
        """What is remembered of the person that bears on a query and may go to this model."""
        self.queries.append(query)
        person = self.parts.store.user(self.turn.user)
        found = [each.preference for each in self.parts.looked_up(person, query).preferences]
        known = {each.id for each in self.turn.statements}
        fresh = tuple(each for each in found if each.id not in known)
        self.turn.statements += fresh
        self.turn.recalled += tuple(each.id for each in fresh if is_of_the_store(each.id))
        self.turn.is_told = self.turn.is_told or bool(found)
        return found

    def propose(self, text: str) -> str:
        """Kept beside the turn as a proposal, if it may be kept at all; what came of it, for the model."""
        if self.turn.is_temporary or not self.parts.settings.remember:
            return "not proposed: nothing is kept of this conversation"
        if len(self.turn.proposed) >= MOST_PROPOSED:
            return "not proposed: enough was proposed beside this answer"
        person = self.parts.store.user(self.turn.user)
        known: tuple[Slots | Preference, ...] = (*everything(person), *(each.slots for each in self.turn.proposed))
        try:
            event = proposal(text, "the model, while it answered", known, self.turn.answer_id)
        except BadInput as refused:
            return f"not proposed: {refused}"
        self.turn.proposed += (event,)
        self.note("The model proposed something to be remembered; it waits for your decision.")
        return "proposed: the person decides"

    def tell(self) -> None:
        """What follows is told to the model beside the client's own messages."""
        self.turn.is_told = True

    def revised(self, made: Round) -> None:
        """For the trace."""
        self.turn.rounds += (made,)

    def note(self, sentence: str) -> None:
        """For the trace."""
        self.turn.notes = (*self.turn.notes, sentence)

    def clear(self, kept: set[str]) -> None:
        """No cache holds what stands in no event: an erasure would not know of it."""
        if self._learner.embedder is not None:
            self._learner.embedder.forget([*(text for text in self.rows if text not in kept), *self.queries])

    def _measure(self, texts: Sequence[str]) -> None:
        fresh = [text for text in dict.fromkeys(texts) if text not in self.rows]
        self.rows |= zip(fresh, self._learner.phi(fresh), strict=True)

    @property
    def _learner(self) -> Learner:
        return self.parts.learner
