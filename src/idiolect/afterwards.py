"""What goes on behind a turn: nobody waits for it, and what of it fails is told at the person's next turn.

The model reads what was said, if the settings ask for it; what may be inferred is inferred; what is new is embedded.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from idiolect.errors import AnswerNotFound, BadInput, IdiolectError, ModelError, NoStructure, Stopped, StoreError
from idiolect.generation.parameters.background import Trainer
from idiolect.learning import Learner
from idiolect.memory.extraction.by_model import extract_with
from idiolect.memory.inference.inferring import infer
from idiolect.memory.recollection import Recollection
from idiolect.memory.remembering import Heard, remember_too
from idiolect.memory.rights import Caches
from idiolect.memory.rights.retaining import Clock
from idiolect.memory.store import Forgotten, UserStore
from idiolect.models.protocol import Model

log = logging.getLogger(__name__)

DRAWER = "trouble"
GRACE_S = 30.0  # that the model has at the end to read what was said
PATIENCE = 3  # answers in no form, or refusals, one after the other, after which the model is not asked again


@dataclass
class Afterwards:
    """Two lines of work: what the model reads may take seconds, and all else does not wait for it."""

    learner: Learner
    recollection: Recollection
    reads: bool  # whether the model reads what people say
    model: Callable[[], Model]
    caches: Callable[[], Caches]  # as they are then: a model that is not open yet has none
    clock: Clock | None = None  # of what is erased because it is old
    trainer: Trainer | None = None  # of people's adapters
    grace_s: float = GRACE_S
    _quick: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "idiolect-remember"))
    _slow: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "idiolect-read"))
    _readings: set[Future[None]] = field(default_factory=set)  # that are not done
    _failures: int = 0
    _closing: Event = field(default_factory=Event)

    def begin(self, person: UserStore, answer: str, words: Heard) -> None:
        """After a turn that is kept, with the id of its answer and what was heard in it."""
        if self.reads and words.own and self._failures < PATIENCE:
            reading = self._slow.submit(self._read, person, answer, words)
            self._readings.add(reading)
            reading.add_done_callback(self._readings.discard)
            reading.add_done_callback(_told)
        if self.clock is not None and self.clock.strikes():
            self._quick.submit(self.clock.sweep).add_done_callback(_told)
        self._quick.submit(self._infer, person).add_done_callback(_told)
        self._quick.submit(self.recollection.prepare, person).add_done_callback(_told)
        if self.trainer is not None:
            self.trainer.consider(person)

    def trouble(self, person: UserStore) -> tuple[str, ...]:
        """What went wrong behind this person's last turn, with the model's reading or a training, told once."""
        trained = self.trainer.trouble(person.id) if self.trainer else ()
        if not self.reads:
            return trained
        told = person.kept().drawers.pop(DRAWER, "")
        return (*trained, str(told)) if told else trained

    def rest(self) -> None:
        """Return when all that is under way is done."""
        wait(set(self._readings))
        self._quick.submit(int).result()
        if self.trainer is not None:
            self.trainer.rest()

    def close(self) -> None:
        """Wait for what is under way; of what the model has not read within the grace, nothing is learnt."""
        left = wait(set(self._readings), self.grace_s).not_done
        if left:
            log.warning("%d turns were not read by the model before the end", len(left))
        self._closing.set()
        if self.trainer is not None:
            self.trainer.close()
        self._slow.shutdown(cancel_futures=True)
        self._quick.shutdown()

    def _infer(self, person: UserStore) -> None:
        infer(person)
        epoch = person.kept().epoch
        if self.learner.inferred(person):
            with suppress(Forgotten), person.transaction(epoch) as transaction:
                self.learner.refresh(transaction)

    def _read(self, person: UserStore, answer: str, words: Heard) -> None:
        try:
            person.interaction(answer)
        except AnswerNotFound:  # what was forgotten before it was read is shown to nobody
            return
        try:
            self._learn(person, answer, words)
        finally:
            self._let_go(person, answer, words)

    def _let_go(self, person: UserStore, answer: str, words: Heard) -> None:
        """Of a turn that was forgotten while the model read it: its caches were emptied before they were filled."""
        try:
            person.interaction(answer)
        except (AnswerNotFound, StoreError):  # in doubt too
            self.caches().empty([words.own])
            person.kept().drawers.pop(DRAWER, None)  # what an endpoint said of it may repeat it

    def _learn(self, person: UserStore, answer: str, words: Heard) -> None:
        try:
            model = self.model()
            found = extract_with(model, words.own, self._closing)
        except Stopped:
            return
        except (ModelError, BadInput) as error:
            self._failed(person, error)
            return
        self._failures = 0
        with person.transaction() as transaction:
            transaction.sent(model.name, ("reading",))
        if not found:
            return
        try:
            with person.transaction() as transaction:
                said = remember_too(transaction, answer, words.key, found)
                if any(slots.attribute for statement in said for slots in statement.slots or ()):
                    self.learner.refresh(transaction)
        except AnswerNotFound:  # forgotten while the model read it
            return
        self._quick.submit(self.recollection.prepare, person).add_done_callback(_told)

    def _failed(self, person: UserStore, error: IdiolectError) -> None:
        """Tell the person at their next turn, and the log without what an endpoint said: it may repeat their words."""
        self._failures += isinstance(error, NoStructure | BadInput)
        last = "; it is not asked again before a restart" if self._failures >= PATIENCE else ""
        told = f"The model could not read what you said last, so patterns alone did{last}: {error}"
        person.kept().drawers[DRAWER] = told
        reason = error if isinstance(error, NoStructure) else type(error).__name__
        log.warning("a turn could not be read by the model%s: %s", last, reason)


def _told(step: Future[None]) -> None:
    """What failed after a turn, as it does when the process ends just then, is tried again after the next turn.

    This line is for whoever looks for the reason; no word of a person stands in it.
    """
    error = step.exception() if not step.cancelled() else None
    if error is not None:
        reason = error if isinstance(error, StoreError) else type(error).__name__
        log.info("what was said could not be worked on after the turn: %s", reason)
