"""Training behind the turns: a person's LoRA is trained once there are enough choices, and anew after some more."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import TYPE_CHECKING

from idiolect.errors import BadInput, IdiolectError, Stopped
from idiolect.generation.parameters.evidence import KINDS, examples_of
from idiolect.generation.parameters.settings import LoraSettings
from idiolect.memory.store import Forgotten, UserStore

if TYPE_CHECKING:
    from idiolect.generation.parameters.training import Workshop

log = logging.getLogger(__name__)

LEAST = LoraSettings().least
MORE = 25  # choices and edits after which an adapter is trained anew


class Trainer:
    """One line of work: whoever is in training or waits for it is not taken twice. Ends within a step when closed."""

    def __init__(self, shop: "Callable[[], Workshop]", least: int = LEAST, more: int = MORE) -> None:
        """The shop is opened at the first training: it opens the model."""
        self._shop, self._least, self._more = shop, least, more
        self._line = ThreadPoolExecutor(1, "idiolect-train")
        self._lock, self._stop = Lock(), Event()
        self._under_way: dict[str, Future[None]] = {}
        self._tried: dict[str, int] = {}  # person -> examples of a training that kept nothing
        self._trouble: dict[str, str] = {}

    def consider(self, person: UserStore) -> None:
        """Train a person if it is time to. Returns at once."""
        with self._lock:
            if person.id not in self._under_way and not self._stop.is_set():
                self._under_way[person.id] = self._line.submit(self._considered, person)

    def trouble(self, person: str) -> tuple[str, ...]:
        """What went wrong with a person's last training, told once."""
        with self._lock:
            told = self._trouble.pop(person, None)
        return () if told is None else (told,)

    def rest(self) -> None:
        """Return when all that is under way is done."""
        with self._lock:
            under_way = list(self._under_way.values())
        wait(under_way)

    def close(self) -> None:
        """Stop; of what is not trained to its end nothing is kept."""
        with self._lock:
            self._stop.set()
        self._line.shutdown(cancel_futures=True)

    def _considered(self, person: UserStore) -> None:
        try:
            self._train(person)
        except (Stopped, Forgotten):  # of what was forgotten meanwhile nothing is kept; the next turn looks again
            return
        except IdiolectError as error:
            log.warning("an adapter could not be trained: %s", type(error).__name__)
            with self._lock:
                self._trouble[person.id] = f"Your adapter could not be trained: {error}"
        finally:
            with self._lock:
                self._under_way.pop(person.id, None)

    def _train(self, person: UserStore) -> None:
        if len(person.events(*KINDS)) < self._least:
            return
        have, shop = len(examples_of(person)), self._shop()
        held = shop.registry.get(person, "lora", shop.model.fingerprint)
        before = held.card.examples if held else None
        known = max((each for each in (before, self._tried.get(person.id)) if each is not None), default=None)
        if known is not None and have < known + self._more:
            return
        from idiolect.generation.parameters.training import train  # noqa: PLC0415 - the shop's model has loaded torch

        try:
            train(person, shop, self._stop)
        except BadInput:
            self._tried[person.id] = have
            raise
