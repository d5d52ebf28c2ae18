"""Now, local days and nights. Nobody else in Novamind converts time.

Time is kept as aware UTC (or as UTC epoch seconds in arrays); durations are differences of UTC. Clock times, days
and nights belong to a place: a day there may have 23 or 25 hours, and a night runs noon to noon and bears the date of
its evening.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400
NOON_S = 43_200
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SCAN_S = 6 * 3600  # no zone has ever changed its clocks twice within six hours


def now() -> datetime:
    """The present, aware, in UTC: the one place tests and drills move."""
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; ``ValueError`` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Every zone a form may offer, sorted."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def from_epoch(seconds: float) -> datetime:
    """UTC epoch seconds as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def date_from_ordinal_day(day: int) -> date:
    """The date of a local day number (days since 1970-01-01), as :class:`LocalTimes` counts them."""
    return date.fromordinal(_EPOCH_ORDINAL + int(day))


def _offset_at(seconds: int, tz: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(seconds, tz).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def transitions(start_s: int, end_s: int, tz: ZoneInfo) -> list[tuple[int, int]]:
    """Where the clock changes in [start, end): ``(UTC second, offset from there on)``, the first at ``start_s``."""
    found = [(start_s, _offset_at(start_s, tz))]
    at = start_s
    while at < end_s:
        ahead = min(at + _SCAN_S, end_s)
        if _offset_at(ahead, tz) != found[-1][1]:
            low, high = at, ahead
            while high - low > 1:
                middle = (low + high) // 2
                if _offset_at(middle, tz) == found[-1][1]:
                    low = middle
                else:
                    high = middle
            if high < end_s:
                found.append((high, _offset_at(high, tz)))
        at = ahead
    return found


@dataclass(frozen=True)
class LocalTimes:
    """The wall clock of every epoch of a UTC grid.

    Attributes
    ----------
    utc_s : ndarray of int64, shape (n,)
        Start of each epoch, UTC seconds.
    offset_s : ndarray of int64, shape (n,)
        Local minus UTC, seconds.
    """

    utc_s: NDArray[np.int64]
    offset_s: NDArray[np.int64]

    @property
    def local_s(self) -> NDArray[np.int64]:
        """Wall clock as seconds since 1970-01-01 00:00 local; repeats in a double hour, jumps at a gap."""
        return self.utc_s + self.offset_s

    @property
    def day(self) -> NDArray[np.int64]:
        """Local day number, days since 1970-01-01 (see :func:`date_from_ordinal_day`)."""
        return self.local_s // DAY_S

    @property
    def second_of_day(self) -> NDArray[np.int64]:
        """Wall-clock seconds after local midnight, 0 to 86,399."""
        return self.local_s % DAY_S

    @property
    def hour_of_day(self) -> NDArray[np.int64]:
        """Wall-clock hour, 0 to 23."""
        return self.second_of_day // 3600

    @property
    def night(self) -> NDArray[np.int64]:
        """Local day number of the evening the epoch's night began on: noon to noon."""
        return (self.local_s - NOON_S) // DAY_S

    def __len__(self) -> int:
        return len(self.utc_s)


def local_times(start_s: int, epoch_s: int, n: int, tz: ZoneInfo) -> LocalTimes:
    """The wall clock of ``n`` epochs of ``epoch_s`` seconds from UTC second ``start_s`` on."""
    utc_s = start_s + epoch_s * np.arange(n, dtype=np.int64)
    offset_s = np.empty(n, dtype=np.int64)
    if n:
        for at, offset in transitions(start_s, int(utc_s[-1]) + 1, tz):
            offset_s[np.searchsorted(utc_s, at) :] = offset
    return LocalTimes(utc_s, offset_s)


def local(moment: datetime, tz: ZoneInfo) -> datetime:
    """A moment on the wall clock of a zone; in UTC where the zone's date would lie beyond the calendar's ends."""
    try:
        return moment.astimezone(tz)
    except OverflowError:
        return moment.astimezone(UTC)


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day, UTC; where midnight does not exist, the first instant after it."""
    return resolve_local(datetime(day.year, day.month, day.day), tz)


def noon(day: date, tz: ZoneInfo) -> datetime:
    """Local noon of a day, UTC."""
    return resolve_local(datetime(day.year, day.month, day.day, 12), tz)


def night_window(evening: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """Noon of that date to noon of the next, UTC; 23, 24 or 25 hours long."""
    return noon(evening, tz), noon(evening + timedelta(days=1), tz)


def night_of(moment: datetime, tz: ZoneInfo) -> date:
    """The date of the evening whose night (noon to noon) holds this moment."""
    return (moment.astimezone(tz).replace(tzinfo=None) - timedelta(hours=12)).date()


def resolve_local(wall: datetime, tz: ZoneInfo, *, fold: int = 0) -> datetime:
    """A naive wall-clock time in a zone as UTC.

    A time in a double hour takes the first pass, or the second with ``fold=1``. A time that the clocks skipped means
    the same instant as if they had not yet been moved (PEP 495).
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall-clock time has no zone")
    return wall.replace(tzinfo=tz, fold=fold).astimezone(UTC)


def localize(wall_s: NDArray[np.int64], tz: ZoneInfo) -> NDArray[np.int64]:
    """Wall-clock seconds, in order of recording, as UTC seconds.

    Parameters
    ----------
    wall_s : ndarray of int64, shape (n,)
        Seconds since 1970-01-01 00:00 local, as the file gives them, in file order.
    tz : ZoneInfo
        Where the clock that stamped them stood.

    Returns
    -------
    ndarray of int64, shape (n,)
        UTC seconds. In a double hour the first pass is taken until the wall clock steps back; times after the step
        belong to the second pass. A wall time the clocks skipped is read with the offset before the change (a device
        that was not set forward), so that no two distinct stamps fall together by accident.
    """
    wall_s = np.asarray(wall_s, dtype=np.int64)
    if not len(wall_s):
        return wall_s
    low, high = int(wall_s.min()), int(wall_s.max())
    changes = transitions(low - 2 * DAY_S, high + 2 * DAY_S, tz)
    before = np.full(len(wall_s), changes[0][1], dtype=np.int64)
    utc = wall_s - before
    for (_, old), (at, new) in pairwise(changes):
        if new > old:  # clocks went forward: wall at + old .. at + new does not exist
            utc = np.where(wall_s >= at + new, wall_s - new, utc)
            continue
        ambiguous = (wall_s >= at + new) & (wall_s < at + old)
        utc = np.where(wall_s >= at + old, wall_s - new, utc)
        utc = np.where(_second_pass(wall_s, ambiguous), wall_s - new, utc)
    return utc


def _second_pass(wall_s: NDArray[np.int64], ambiguous: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Stamps of a double hour that come after the wall clock stepped back."""
    index = np.flatnonzero(ambiguous)
    second = np.zeros(len(wall_s), dtype=bool)
    if not len(index):
        return second
    back = np.flatnonzero(np.diff(wall_s[index[0] : index[-1] + 2]) < 0)
    if len(back):
        second[index[index > index[0] + back[-1]]] = True
    return second
