"""The charts of the printed report: the arrays of the page's charts, drawn as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
from django.utils.safestring import SafeString

from actigraphy.charts.actogram import caption_of, full_height, in_bins, on_the_wall, passes
from actigraphy.charts.day_row import DAY_MIN, DayRow, Floats
from novamind.display import in_words, short_day
from novamind.measures import Abstained
from novamind.svg import area, box, dots, drawing, line, words

_LEFT: Final = 74  # units of the drawing before its first noon: the dates
_WIDE: Final = 720  # of two days
_TOP: Final = 16
_ROW: Final = 24
_PER_MIN: Final = _WIDE / (2 * DAY_MIN)
_HOURS: Final = ("12", "18", "00", "06", "12", "18", "00", "06", "12")


def printed_actogram(days: Sequence[DayRow], *, zone: str, unit: str = "counts/min") -> tuple[SafeString, str]:
    """The actogram and its caption: noon to noon, each day twice, newest at the bottom; off wrist is grey."""
    bins = {row.evening: in_bins(row) for row in days}
    top = full_height(np.concatenate([heights for _, heights in bins.values()])) if days else 0.0
    height = _TOP + _ROW * len(days) + 4
    parts = [_hour(at, name, height) for at, name in enumerate(_HOURS)]
    parts = [part for pair in parts for part in pair]
    for at, row in enumerate(days):
        foot = _TOP + _ROW * (at + 1)
        parts.append(words(_LEFT - 6, foot - 6, short_day(row.evening), anchor="end", color="muted"))
        parts += _half(row, bins[row.evening], top, _LEFT, foot)
        if at:
            parts += _half(row, bins[row.evening], top, _LEFT + _WIDE / 2, foot - _ROW)
    label = "Actogram: activity of each day, drawn twice, with rest intervals"
    said = caption_of(days, top, unit, zone) + " Bars beneath are rest (indigo) and naps (lighter); grey is off wrist."
    return drawing(_LEFT + _WIDE + 8, height, parts, label=label), said


def _hour(at: int, name: str, height: int) -> tuple[SafeString, SafeString]:
    x = _LEFT + at * _WIDE / 8
    return words(x, _TOP - 5, name, anchor="middle", color="muted"), line([(x, _TOP), (x, height)], "line", width=0.6)


def _half(row: DayRow, bins: tuple[Floats, Floats], top: float, x0: float, foot: float) -> Iterator[SafeString]:
    middles, means = bins
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~row.worn & row.within, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        yield from _bars(row, start, end, x0, foot - _ROW + 2, _ROW - 7, "off-wrist", 0.3)
    heights = np.clip(np.nan_to_num(means) / top, 0, 1) * (_ROW - 8) if top else np.zeros(len(means))
    for part in passes(row, middles):
        x = x0 + row.wall(middles[part]) * _PER_MIN
        y = foot - 5 - heights[part]
        yield area([(x[0], foot - 5), *zip(x, y, strict=True), (x[-1], foot - 5)], "activity", opacity=0.85)
    if row.double_hour is not None:
        again = slice(*np.searchsorted(middles, [row.double_hour.start, row.double_hour.stop]))
        x = x0 + row.wall(middles[again]) * _PER_MIN
        yield line(zip(x, foot - 5 - heights[again], strict=True), "text")
    for start, end, kind in row.rest:
        begin, stop = max(start, 0), min(end, len(row.activity))
        if begin < stop:
            yield from _bars(row, begin, stop, x0, foot - 4, 2.5, "sleep" if kind == "sleep" else "nap", 1)


def _bars(
    row: DayRow, start: float, end: float, x0: float, y: float, height: float, color: str, opacity: float
) -> Iterator[SafeString]:
    for low, high in on_the_wall(row, start, end):
        yield box(x0 + low * _PER_MIN, y, (high - low) * _PER_MIN, height, color, opacity=opacity)


def printed_trend(evenings: Sequence[date], minutes: Floats, baseline: tuple[float, float] | None) -> SafeString:
    """Minutes of sleep by night, shape (n,), NaN where not measured: dots and a line, broken there; own range behind.

    Raises
    ------
    Abstained
        too_few_inputs: fewer than two nights were measured.
    """
    known = minutes[np.isfinite(minutes)]
    if len(known) < 2:
        raise Abstained("too_few_inputs", needed=2, got=len(known))
    ends = [*known, *(baseline or ())]
    low, high = 60 * np.floor(min(ends) / 60), 60 * np.ceil(max(ends) / 60)
    high = max(high, low + 60)
    foot, tall = 130.0, 115.0
    days = np.array([(on - evenings[0]).days for on in evenings], dtype=float)
    x = _LEFT + 8 + days * (_WIDE - 16) / max(1.0, days[-1])
    y = foot - (minutes - low) / (high - low) * tall
    parts = []
    if baseline is not None:
        floor, ceiling = (foot - (end - low) / (high - low) * tall for end in baseline)
        parts.append(box(_LEFT, ceiling, _WIDE, floor - ceiling, "sleep", opacity=0.13))
    for value in np.arange(low, high + 1, 60 * max(1, round((high - low) / 240))):
        at = foot - (value - low) / (high - low) * tall
        parts += [line([(_LEFT, at), (_LEFT + _WIDE, at)], "line", width=0.6),
                  words(_LEFT - 6, at + 4, in_words(float(value), "min"), anchor="end", color="muted")]  # fmt: skip
    points = list(zip(x, y, strict=True))
    parts += [line(points, "sleep", width=1.2), dots(points, "sleep")]
    parts += [words(_LEFT + 8, 148, short_day(evenings[0]), color="muted"),
              words(_LEFT + _WIDE, 148, short_day(evenings[-1]), anchor="end", color="muted")]  # fmt: skip
    return drawing(_LEFT + _WIDE + 8, 154, parts, label="Total sleep time by night")
