"""What stands in a field of an export, as a number, a second or a name; ``None`` where it is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from actigraphy.exports.reading import STAMP
from actigraphy.streams.sent import MAX_NAME
from novamind import clock

_WALL: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?", re.ASCII)
_MONTH_FIRST: Final = re.compile(
    r"(\d{1,2}/\d{1,2}/(?:\d\d|\d{4})) (\d{1,2}):(\d\d):(\d\d)(?: ([AaPp])[Mm])?", re.ASCII
)
_LONGEST: Final = 40
_DURATION: Final = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d{1,9})?S)?", re.ASCII)


def as_object(said: Any) -> dict[str, Any]:
    """An object of JSON; an empty one for whatever else stands there."""
    return said if isinstance(said, dict) else {}


def as_array(said: Any) -> list[Any]:
    """An array of JSON; an empty one for whatever else stands there."""
    return said if isinstance(said, list) else []


def as_text(said: Any) -> str | None:
    """A text, or ``None`` where nothing was said; anything else is the empty text, which no list knows."""
    return said if said is None or isinstance(said, str) else ""


def number(said: Any) -> float | None:
    """A number, or the digits of one; what is infinite or NaN is left to the bounds of what it measures."""
    if (
        isinstance(said, bool)
        or not isinstance(said, int | float | str)
        or (isinstance(said, str) and len(said) >= _LONGEST)
    ):
        return None
    try:
        return float(said)
    except (ValueError, OverflowError):
        return None


def utc_second(said: Any) -> int | None:
    """UTC second of ``2024-01-01 01:01:36 +0200`` or the same in ISO 8601; ``None`` also where it has no offset."""
    found = STAMP.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        return None
    day, time, offset = found.groups()
    try:
        return int(datetime.fromisoformat(f"{day}T{time}{offset}").timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def wall_second(said: Any) -> int | None:
    """Seconds since 1970-01-01 00:00 on the wall clock of ``2024-01-01T01:01:36.000``, or of a date alone."""
    found = _WALL.fullmatch(said) if isinstance(said, str) and len(said) < _LONGEST else None
    if found is None:
        return None
    day, hour, minute, second = found.groups()
    return _on_day(_midnight(day), int(hour or 0), int(minute or 0), int(second or 0))


def of_month(said: Any) -> int | None:
    """Seconds since 1970-01-01 00:00 of ``01/31/24 08:00:06`` or ``1/31/2024 8:00:06 AM``, month first."""
    found = _MONTH_FIRST.fullmatch(said) if isinstance(said, str) and len(said) < _LONGEST else None
    if found is None:
        return None
    day, hour, minute, second, half = found.groups()
    at = int(hour)
    if half:
        if not 1 <= at <= 12:
            return None
        at = at % 12 + 12 * (half in "pP")
    return _on_day(_midnight_of_month(day), at, int(minute), int(second))


def on_wall(said: Any, tz: ZoneInfo) -> int | None:
    """UTC second of a stamp with an offset, or else of the wall clock of a zone; a double hour is its first pass."""
    known = utc_second(said)
    if known is not None or (wall_s := wall_second(said)) is None:
        return known
    return wall_to_utc(wall_s, tz)


def wall_to_utc(wall_s: int, tz: ZoneInfo) -> int:
    """One second of the wall clock of a zone as a UTC second; a double hour is its first pass."""
    return int(clock.localize(np.array([wall_s]), tz)[0])


def seconds_of(said: Any) -> int | None:
    """Whole seconds of ``PT7H30M15.5S``."""
    found = _DURATION.fullmatch(said) if isinstance(said, str) else None
    if found is None or found.lastindex is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def one_line(name: str) -> str:
    """Vendors write unbreakable spaces and quotes; a name is kept as one line of at most ``MAX_NAME`` characters."""
    return "".join(one if one.isprintable() else " " for one in " ".join(name.split()))[:MAX_NAME].strip()


def _on_day(midnight_s: int | None, hour: int, minute: int, second: int) -> int | None:
    if midnight_s is None or hour > 23 or minute > 59 or second > 59:
        return None
    return midnight_s + 3600 * hour + 60 * minute + second


@lru_cache(maxsize=4096)
def _midnight(day: str) -> int | None:
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _midnight_of_month(day: str) -> int | None:
    month, of_month, year = (int(part) for part in day.split("/"))
    try:
        return int(datetime(year + 2000 * (year < 100), month, of_month, tzinfo=UTC).timestamp())
    except ValueError:
        return None
