"""A sliding window in twelve slots: never more than the limit in any span of its length. In memory, per process."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from novamind.throttle.rates import Rate

SLOTS = 12
KEYS = 20_000  # of one process; the ones not asked for longest are forgotten first


@dataclass(frozen=True, slots=True)
class Claim:
    """So much of one caller's rate is asked for."""

    key: str
    rate: Rate
    cost: int = 1


class Windows:
    """The counters of one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._used: OrderedDict[str, dict[int, int]] = OrderedDict()

    def take(self, claims: Sequence[Claim]) -> tuple[int, float] | None:
        """Count all of it and return None; or count nothing: which claim is refused, and for how many seconds."""
        with self._lock:
            at = self._clock()
            for number, claim in enumerate(claims):
                if (wait := _wait(self._slots(claim, at), claim, at)) is not None:
                    return number, wait
            for claim in claims:
                slots = self._used[claim.key]
                slots[_slot(claim, at)] = slots.get(_slot(claim, at), 0) + claim.cost
        return None

    def _slots(self, claim: Claim, at: float) -> dict[int, int]:
        oldest = _slot(claim, at) - SLOTS
        slots = {slot: used for slot, used in self._used.get(claim.key, {}).items() if slot >= oldest}
        self._used[claim.key] = slots
        self._used.move_to_end(claim.key)
        if len(self._used) > KEYS:
            self._used.popitem(last=False)
        return slots


def _slot(claim: Claim, at: float) -> int:
    return math.floor(at * SLOTS / claim.rate.window_s)


def _wait(slots: dict[int, int], claim: Claim, at: float) -> float | None:
    """Seconds until the slots that are in the way have left the window; None where there is room now."""
    over = sum(slots.values()) + claim.cost - claim.rate.limit
    if over <= 0:
        return None
    width = claim.rate.window_s / SLOTS
    for slot in sorted(slots):
        over -= slots[slot]
        if over <= 0:
            return (slot + SLOTS + 1) * width - at
    return float(claim.rate.window_s)  # more than the limit at once: there will never be room
