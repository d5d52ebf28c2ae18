"""A circuit breaker: a service that fails again and again is left alone for a while, and callers hear so at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock


class Breaker:
    """Opens after ``failures`` in a row for ``pause_s``; then lets one call through, which closes or opens it again.

    One per process and service; threads may share it.
    """

    def __init__(self, failures: int = 5, pause_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures, self.pause_s, self._clock = failures, pause_s, clock
        self._in_a_row, self._open_until = 0, 0.0
        self._lock = Lock()

    def lets_through(self) -> bool:
        """Whether to call now; while it is open, one caller after each pause is let through to try."""
        with self._lock:
            if self._in_a_row < self.failures:
                return True
            if self._clock() < self._open_until:
                return False
            self._open_until = self._clock() + self.pause_s
            return True

    def succeeded(self) -> None:
        """The call was answered."""
        with self._lock:
            self._in_a_row = 0

    def failed(self) -> None:
        """The call was not answered."""
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self.failures:
                self._open_until = self._clock() + self.pause_s
