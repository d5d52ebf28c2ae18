"""Columns of time stamps, read a layout at a time instead of a cell at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .reading import UnreadableRecording
from .text import Lines, Texts

FIRST_YEAR, LAST_YEAR = 1900, 2100
NO_OFFSET = np.int32(-(2**31))
MAX_LAYOUTS = 64

_LAYOUT = re.compile(
    rb"""(?:(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})
        | (?P<first>\d{1,2})(?P<sep2>[-/.])(?P<second>\d{1,2})(?P=sep2)(?P<last>\d{4}))
        (?:T|[ ,]+)
        (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<sec>\d{2})(?:[.,]\d{1,9})?)?
        [ ]*(?P<half>[AaPp][Mm])?
        [ ]*(?P<zone>Z|(?P<sign>[+-])(?P<zone_hour>\d{2}):?(?P<zone_minute>\d{2})?)?""",
    re.VERBOSE,
)
_UNIX = re.compile(rb"(?P<unix>\d{9,10})")
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Stamps:
    """Stamps in parts, because the order of day and month shows only in the whole file.

    Attributes
    ----------
    year, first, second : ndarray of int32, shape (n,)
        Month and day, or, where ``ambiguous``, two numbers of which one is the month.
    second_of_day : ndarray of int32, shape (n,)
        Wall clock.
    offset_s : ndarray of int32, shape (n,)
        UTC offset, ``NO_OFFSET`` where the stamp has none.
    ambiguous : ndarray of bool, shape (n,)
        Whether the year came last.
    """

    year: NDArray[np.int32]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    second_of_day: NDArray[np.int32]
    offset_s: NDArray[np.int32]
    ambiguous: NDArray[np.bool_]


def parse_stamps(texts: Texts, lines: Lines) -> Stamps:
    """Read a column of stamps: ISO 8601, day or month first, 12 or 24 hours, with or without offset, or Unix seconds.

    Raises
    ------
    UnreadableRecording
        no_timestamps with the line of the first stamp that is none of these.
    """
    chars = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), -1)
    layout = np.where((chars >= 48) & (chars <= 57), np.uint8(48), chars)
    if (layout == layout[0]).all():
        return _parse_layout(chars, bytes(texts[0]), lines)
    kinds, of_row = np.unique(np.ascontiguousarray(layout).view(texts.dtype).ravel(), return_inverse=True)
    parts: list[tuple[NDArray[np.intp], Stamps]] = []
    for kind in range(len(kinds)):
        rows = np.flatnonzero(of_row == kind)
        if kind >= MAX_LAYOUTS:
            raise UnreadableRecording("no_timestamps", line=int(lines[rows[0]]))
        parts.append((rows, _parse_layout(chars[rows], bytes(texts[rows[0]]), lines[rows])))
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    merged = join_stamps([stamps for _, stamps in parts])
    return _map(merged, lambda values: values[order])


def join_stamps(parts: list[Stamps]) -> Stamps:
    """The stamps of several blocks as one."""
    return Stamps(*(np.concatenate([getattr(part, name) for part in parts]) for name in Stamps.__dataclass_fields__))


def resolve_stamps(stamps: Stamps, lines: Lines, day_first: bool | None) -> tuple[NDArray[np.int64], bool]:
    """Seconds since 1970, and whether they are UTC (else wall clock).

    Raises
    ------
    UnreadableRecording
        ambiguous_dates, impossible_date or mixed_offsets.
    """
    with_offset = stamps.offset_s != NO_OFFSET
    if with_offset.any() and not with_offset.all():
        odd = with_offset != with_offset[0]
        raise UnreadableRecording("mixed_offsets", line=int(lines[int(odd.argmax())]))
    month, day = stamps.first, stamps.second
    if stamps.ambiguous.any():
        if day_first is None:
            day_first = _day_comes_first(stamps)
        swap = stamps.ambiguous & day_first
        month, day = np.where(swap, day, month), np.where(swap, month, day)
    seconds = _days_from_civil(stamps.year, month, day, lines) * 86_400 + stamps.second_of_day
    if with_offset.any():
        return seconds - stamps.offset_s, True
    return seconds, False


def _day_comes_first(stamps: Stamps) -> bool:
    first, second = stamps.first[stamps.ambiguous], stamps.second[stamps.ambiguous]
    if (first > 12).any():
        return True
    if (second > 12).any() or bool((first == second).all()):
        return False
    day_first, month_first = (
        _steps_by_one(stamps.year[stamps.ambiguous], month, day) for month, day in ((second, first), (first, second))
    )
    if day_first == month_first:
        raise UnreadableRecording("ambiguous_dates")
    return day_first


def _steps_by_one(year: NDArray[np.int32], month: NDArray[np.int32], day: NDArray[np.int32]) -> bool:
    """Whether dates in this order never move by more than a day from line to line."""
    number = _civil_day_number(year, month, day)
    steps = np.diff(number)
    return bool(((steps == 0) | (steps == 1)).all())


def _parse_layout(chars: NDArray[np.uint8], sample: bytes, lines: Lines) -> Stamps:
    """Stamps that all have their digits and signs in the same places as ``sample``."""
    match = _LAYOUT.fullmatch(sample)
    if match is None:
        return _parse_unix(chars, sample, lines)

    def number(name: str) -> NDArray[np.int32]:
        assert match is not None
        start, stop = match.span(name)
        value = np.zeros(len(chars), np.int32)
        for place in range(max(start, 0), max(stop, 0)):
            value = value * 10 + (chars[:, place] - np.uint8(48))
        return value

    ambiguous = match["year"] is None
    hour, minute, second = _hour(number("hour"), match["half"], lines), number("minute"), number("sec")
    impossible = (hour > 23) | (minute > 59) | (second > 59)
    if impossible.any():
        raise UnreadableRecording("impossible_date", line=int(lines[int(impossible.argmax())]))
    offset = np.full(len(chars), NO_OFFSET, np.int32)
    if match["zone"] is not None:
        size = number("zone_hour") * 3600 + number("zone_minute") * 60
        if (size > 18 * 3600).any():
            raise UnreadableRecording("impossible_date", line=int(lines[int(size.argmax())]))
        offset = -size if match["sign"] == b"-" else size
    return Stamps(
        year=number("last" if ambiguous else "year"),
        first=number("first" if ambiguous else "month"),
        second=number("second" if ambiguous else "day"),
        second_of_day=hour * 3600 + minute * 60 + second,
        offset_s=offset,
        ambiguous=np.full(len(chars), ambiguous),
    )


def _parse_unix(chars: NDArray[np.uint8], sample: bytes, lines: Lines) -> Stamps:
    if _UNIX.fullmatch(sample) is None:
        raise UnreadableRecording("no_timestamps", line=int(lines[0]))
    seconds = np.zeros(len(chars), np.int64)
    for place in range(len(sample)):
        seconds = seconds * 10 + (chars[:, place] - np.uint8(48))
    days = (seconds // 86_400).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    zeros = np.zeros(len(chars), np.int32)
    return Stamps(
        year=days.astype("datetime64[Y]").astype(np.int32) + 1970,
        first=months.astype(np.int32) % 12 + 1,
        second=(days - months.astype("datetime64[D]")).astype(np.int32) + 1,
        second_of_day=(seconds % 86_400).astype(np.int32),
        offset_s=zeros,
        ambiguous=zeros.astype(bool),
    )


def _hour(hour: NDArray[np.int32], half: bytes | None, lines: Lines) -> NDArray[np.int32]:
    if half is None:
        return hour
    if ((hour < 1) | (hour > 12)).any():
        raise UnreadableRecording("impossible_date", line=int(lines[int(((hour < 1) | (hour > 12)).argmax())]))
    return hour % 12 + (12 if half.upper() == b"PM" else 0)


def _days_from_civil(
    year: NDArray[np.int32], month: NDArray[np.int32], day: NDArray[np.int32], lines: Lines
) -> NDArray[np.int64]:
    """Days since 1970-01-01; refuses dates that do not exist and years nobody could have recorded in."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    possible &= day <= _MONTH_DAYS[np.clip(month, 0, 12)]
    possible &= (month != 2) | (day < 29) | leap
    if not possible.all():
        raise UnreadableRecording("impossible_date", line=int(lines[int((~possible).argmax())]))
    return _civil_day_number(year, month, day)


def _civil_day_number(year: NDArray[np.int32], month: NDArray[np.int32], day: NDArray[np.int32]) -> NDArray[np.int64]:
    months = (year.astype(np.int64) - 1970) * 12 + month - 1
    first_of_month = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(first_of_month + day - 1, dtype=np.int64)


def _map(stamps: Stamps, change: Callable[[NDArray[np.int32]], NDArray[np.int32]]) -> Stamps:
    return Stamps(*(change(getattr(stamps, name)) for name in Stamps.__dataclass_fields__))  # type: ignore[arg-type]
