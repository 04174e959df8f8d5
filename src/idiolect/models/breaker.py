"""A circuit breaker: an endpoint that fails again and again is left alone for a while, then tried by one request."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Breaker:
    """Safe in threads. `clock` tells seconds."""

    failures: int = 5  # in a row, before it opens
    rest_s: float = 10.0
    clock: Callable[[], float] = time.monotonic
    _failed: int = field(default=0, init=False)
    _until: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def wait_s(self) -> float:
        """Seconds that a request should wait; 0: it may go. After the rest one goes, and others wait for its fate."""
        with self._lock:
            if self._failed < self.failures:
                return 0.0
            left = self._until - self.clock()
            if left > 0:
                return left
            self._until = self.clock() + self.rest_s
            return 0.0

    def succeeded(self) -> None:
        """The endpoint answered, were it with a refusal."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """It did not answer, or could not."""
        with self._lock:
            self._failed += 1
            if self._failed >= self.failures:
                self._until = self.clock() + self.rest_s
