"""Counts claims in Redis, one round trip for all of them; without Redis in the process, at a quarter of the rate.

A dead Redis costs one request in ten seconds at most ``PATIENCE_S`` to connect and as much again to answer; the others
do not ask it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from novamind.throttle.window import SLOTS, Claim, Windows

logger = logging.getLogger(__name__)

PATIENCE_S = 0.05
REST_S = 10.0
SHARE = 4

# The same window as novamind.throttle.window, decided and written in one step, on the clock of Redis.
_TAKE = """
local time = redis.call('TIME')
local at, slots = tonumber(time[1]) + tonumber(time[2]) / 1000000, tonumber(ARGV[1])
local function slot_of(window) return math.floor(at * slots / window) end
for n, key in ipairs(KEYS) do
  local limit, window, cost = tonumber(ARGV[3*n-1]), tonumber(ARGV[3*n]), tonumber(ARGV[3*n+1])
  local kept, used, stored = {}, 0, redis.call('HGETALL', key)
  for i = 1, #stored, 2 do
    local slot, count = tonumber(stored[i]), tonumber(stored[i+1])
    if slot < slot_of(window) - slots then redis.call('HDEL', key, stored[i])
    else table.insert(kept, {slot, count}); used = used + count end
  end
  local over = used + cost - limit
  if over > 0 then
    table.sort(kept, function(a, b) return a[1] < b[1] end)
    for _, entry in ipairs(kept) do
      over = over - entry[2]
      if over <= 0 then return {n, tostring((entry[1] + slots + 1) * window / slots - at)} end
    end
    return {n, tostring(window)}
  end
end
for n, key in ipairs(KEYS) do
  local window, cost = tonumber(ARGV[3*n]), tonumber(ARGV[3*n+1])
  redis.call('HINCRBY', key, string.format('%.0f', slot_of(window)), cost)
  redis.call('EXPIRE', key, window * 2)
end
return {0, '0'}
"""


class Counter:
    """One Redis with a breaker, and the counters of this process for when it is away."""

    def __init__(self, url: str) -> None:
        self._local, self._lock, self._asleep_until = Windows(), threading.Lock(), 0.0
        self._take = self._script(url) if url else None

    def take(self, claims: Sequence[Claim]) -> tuple[int, float] | None:
        """Count all of it and return None; or count nothing: which claim is refused, and for how many seconds."""
        if self._take is None:  # one process is all there is: the demo
            return self._local.take(claims)
        if self._may_ask():
            try:
                return self._ask(claims)
            except RedisError as error:
                logger.warning("rates are counted per process for %d s: %s", REST_S, type(error).__name__)
        return self._local.take([replace(claim, rate=_quarter(claim.rate)) for claim in claims])

    def _may_ask(self) -> bool:
        """Whether Redis is up, or this request is the one that finds out; the others do not wait with it."""
        with self._lock:
            if self._asleep_until and time.monotonic() < self._asleep_until:
                return False
            if self._asleep_until:
                self._asleep_until = time.monotonic() + REST_S
            return True

    def _ask(self, claims: Sequence[Claim]) -> tuple[int, float] | None:
        numbers = [number for claim in claims for number in (claim.rate.limit, claim.rate.window_s, claim.cost)]
        try:
            refused, wait = self._take(keys=[claim.key for claim in claims], args=[SLOTS, *numbers])  # type: ignore[misc]
        except RedisError:
            self._asleep_until = time.monotonic() + REST_S
            raise
        self._asleep_until = 0.0
        return (refused - 1, float(wait)) if refused else None

    @staticmethod
    def _script(url: str) -> Any:
        client = Redis.from_url(
            url,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 0),  # nothing is waited for twice
        )
        return client.register_script(_TAKE)


def _quarter(rate: Any) -> Any:
    return replace(rate, limit=max(1, rate.limit // SHARE))


@lru_cache(maxsize=1)
def counter() -> Counter:
    """The counter of this process."""
    return Counter(settings.CACHE_URL)
