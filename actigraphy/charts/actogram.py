"""The actogram: noon to noon, each day drawn twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actigraphy.charts.day_row import DAY_MIN, TINTS, DayRow, Floats
from novamind.charts import Figure, figure, packed, rectangles, vertical_line
from novamind.display import DASH, clock_time, day, in_words, short_day

Half = tuple[DayRow, int, int]

BIN_MIN = 5
_ROW = 1000  # y units of one actogram row, so that whole numbers of two bytes say where a point is
_FLOOR, _CEILING = 220, 960  # of the activity area
_REST = (30, 180)  # of the rest bar beneath
_WORD_MIN = 240  # minutes of the axis that a word takes on a phone


def actogram(days: Sequence[DayRow], *, unit: str = "counts/min", zone: str = "") -> Figure:
    """Double-plotted actogram: noon to noon and the day after beside it, one row a day, newest at the bottom.

    Parameters
    ----------
    days : sequence of DayRow
        In order of their evenings; an evening that is missing among them keeps an empty row.
    unit : str
        Of the activity.
    zone : str, optional
        Named beneath the chart.
    """
    rows = _calendar(days)
    if not rows:
        return figure([], height=120, caption="No day was recorded.")
    binned = {row.evening: in_bins(row) for row in days}
    every = np.concatenate([heights for _, heights in binned.values()])
    top = full_height(every)
    y_of = {evening: _ROW * (len(rows) - 1 - at) for at, evening in enumerate(rows)}
    halves = list(_halves(days, y_of))
    shapes = [vertical_line(x, dash="dot") for x in (720, 2160)] + [vertical_line(1440, color="var(--grid)")]
    shapes += [
        vertical_line(x, color="var(--text)", dash="5px,3px", yref="y", y0=y, y1=y + _ROW, layer="above")
        for x, y in _clock_changes(halves)
    ]
    x, y = _contour(halves, binned, top)
    traces = [
        *(_tinted(halves, level) for level in range(1, TINTS + 1)),
        _filled(packed(x), packed(y), "var(--activity-fill)"),
        _second_passes(halves, binned, top),
        _hatched(halves),
        *(_rest_bars(halves, kind, color) for kind, color in (("sleep", "var(--sleep)"), ("nap", "var(--nap)"))),
        _start_and_end(halves),
        _hourly(halves, len(rows), unit),
    ]
    return figure(
        [trace for trace in traces if trace is not None],
        height=56 + len(rows) * (38 if len(rows) <= 16 else 28 if len(rows) <= 31 else 20),
        caption=caption_of(days, top, unit, zone),
        table=_day_table(days, unit),
        shapes=shapes,
        xaxis={
            "range": [0, 2 * DAY_MIN],
            "tickvals": list(range(0, 2 * DAY_MIN + 1, 360)),
            "ticktext": ["12", "18", "00", "06", "12", "18", "00", "06", "12"],
            "side": "top",
            "ticks": "outside",
            "fixedrange": True,
            "showgrid": False,
        },
        yaxis={
            "range": [0, len(rows) * _ROW],
            "tickvals": [y + _ROW // 2 for y in y_of.values()],
            "ticktext": [short_day(evening) for evening in rows],
            "fixedrange": True,
            "showgrid": False,
        },
    )


def _calendar(days: Sequence[DayRow]) -> list[date]:
    if not days:
        return []
    first, last = days[0].evening, days[-1].evening
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def in_bins(row: DayRow) -> tuple[Floats, Floats]:
    """Elapsed minute of each bin's middle and its mean activity; NaN where under half of it was worn."""
    minutes = np.where(row.worn, row.activity, np.nan).reshape(-1, BIN_MIN)
    known = np.isfinite(minutes).sum(axis=1)
    sums = np.nansum(minutes, axis=1)
    means = np.divide(sums, known, out=np.full(len(sums), np.nan), where=2 * known >= BIN_MIN)
    return np.arange(len(means)) * BIN_MIN + BIN_MIN / 2, means


def full_height(means: Floats) -> float:
    known = means[np.isfinite(means)]
    if not len(known):
        return 0.0
    return float(np.percentile(known, 99)) or float(known.max())


def _halves(days: Sequence[DayRow], y_of: dict[date, int]) -> Iterator[Half]:
    """Each day twice: ``(day, x of its noon, y of its row)``, left in its own row and right in the row before."""
    for row in days:
        yield row, 0, y_of[row.evening]
        before = row.evening - timedelta(days=1)
        if before in y_of:
            yield row, DAY_MIN, y_of[before]


def _contour(
    halves: Sequence[Half], binned: dict[date, tuple[Floats, Floats]], top: float
) -> tuple[NDArray[np.int16], NDArray[np.integer[Any]]]:
    """Every area of the actogram as one closed outline.

    Between two areas it runs along their floors and the left edge and back, which encloses nothing; so it needs no
    gaps, whole numbers suffice and the chart weighs half. The second pass of a double hour is left out of it.
    """
    xs, ys = [], []
    for row, x0, y0 in halves:
        middles, means = binned[row.evening]
        heights = np.round(y0 + _height(np.nan_to_num(means), top)).astype(np.int32)
        for part in passes(row, middles):
            x = np.round(x0 + row.wall(middles[part])).astype(np.int16)
            floor = y0 + _FLOOR
            xs.append(np.concatenate([[0, x[0]], x, [x[-1], 0]]).astype(np.int16))
            ys.append(np.concatenate([[floor, floor], heights[part], [floor, floor]]).astype(np.int32))
    y = np.concatenate(ys)
    return np.concatenate(xs), y.astype(np.uint16) if y.max() <= np.iinfo(np.uint16).max else y


def _height(means: Floats, top: float) -> Floats:
    """Of the outline above the foot of its row, in y units; NaN stays NaN."""
    return _FLOOR + (np.clip(means / top, 0, 1) if top else means * 0) * (_CEILING - _FLOOR)


def passes(row: DayRow, middles: Floats) -> list[slice]:
    if row.change_min is None:
        return [slice(None)]
    again = row.double_hour or slice(row.change_min, row.change_min)
    first, second = (int(np.searchsorted(middles, minute)) for minute in (again.start, again.stop))
    return [part for part in (slice(0, first), slice(second, None)) if len(middles[part])]


def _second_passes(halves: Sequence[Half], binned: dict[date, tuple[Floats, Floats]], top: float) -> Figure | None:
    """The second pass of each double hour as a line before the area of the first, so that both can be read."""
    xs, ys = [], []
    for row, x0, y0 in halves:
        if row.double_hour is None:
            continue
        middles, means = binned[row.evening]
        part = slice(*np.searchsorted(middles, [row.double_hour.start, row.double_hour.stop]))
        xs.append(np.append(x0 + row.wall(middles[part]), np.nan))
        ys.append(np.append(y0 + _height(means[part], top), np.nan))
    if not xs:
        return None
    x, y = (packed(np.concatenate(parts).astype(np.float32)) for parts in (xs, ys))
    line = {"width": 2, "color": "var(--text)"}
    return {"type": "scatter", "mode": "lines", "line": line, "hoverinfo": "skip", "x": x, "y": y}


def _clock_changes(halves: Sequence[Half]) -> Iterator[tuple[float, int]]:
    for row, x0, y0 in halves:
        if row.change_min is not None:
            yield x0 + row.change_min, y0


def _filled(x: object, y: object, color: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": color,
        "hoverinfo": "skip",
        "x": x,
        "y": y,
    }


def _boxes(spans: Sequence[tuple[float, float, int]], low: int, high: int, color: str) -> Figure | None:
    if not spans:
        return None
    start, end, y0 = (np.array(column, dtype=float) for column in zip(*spans, strict=True))
    x, y = rectangles(start, end, y0 + low, y0 + high)
    return _filled(packed(x), packed(y), color)


def _hatched(halves: Sequence[Half]) -> Figure | None:
    spans = []
    for row, x0, y0 in halves:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], ~row.worn & row.within, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2):
            spans += [(x0 + low, x0 + high, y0) for low, high in on_the_wall(row, start, end) if high - low >= BIN_MIN]
    trace = _boxes(spans, _FLOOR, _CEILING, "var(--off-wrist-tint)")
    if trace is not None:
        trace["fillpattern"] = {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": "var(--off-wrist)"}
        trace["fillpattern"]["bgcolor"] = "var(--off-wrist-tint)"
    return trace


def _tinted(halves: Sequence[Half], level: int) -> Figure | None:
    """What a model says, behind the activity: one strength of it."""
    spans = []
    for row, x0, y0 in halves:
        if row.tint is None:
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row.tint == level, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2):
            spans += [(x0 + low, x0 + high, y0) for low, high in on_the_wall(row, start, end)]
    return _boxes(spans, _FLOOR, _CEILING, f"var(--model-{level})")


def _rest_bars(halves: Sequence[Half], kind: str, color: str) -> Figure | None:
    spans = []
    for row, x0, y0 in halves:
        for start, end, its_kind in row.rest:
            start, end = max(start, 0), min(end, len(row.activity))
            if its_kind == kind and start < end:
                spans += [(x0 + low, x0 + high, y0) for low, high in on_the_wall(row, start, end)]
    return _boxes(spans, *_REST, color)


def _start_and_end(halves: Sequence[Half]) -> Figure | None:
    """A mark, and a word where there is room, at the start and the end of the recording."""
    marks = []
    for row, x0, y0 in halves:
        wall = row.wall(np.arange(len(row.activity), dtype=float))
        for at in np.flatnonzero(np.diff(row.within.astype(np.int8))):
            starts = bool(row.within[at + 1])
            minute = float(wall[at + 1] if starts else wall[at] + 1)
            word, place = ("start", "middle left") if starts else ("end", "middle right")
            room = x0 + minute if starts else 2 * DAY_MIN - x0 - minute
            symbol = "triangle-right" if starts else "triangle-left"
            marks.append((x0 + minute, y0 + _ROW // 2, symbol, place, word if room > _WORD_MIN else ""))
    if not marks:
        return None
    x, y, symbols, places, words = (list(column) for column in zip(*marks, strict=True))
    return {
        "type": "scatter",
        "mode": "markers+text",
        "marker": {"size": 8, "color": "var(--muted)", "symbol": symbols},
        "textfont": {"size": 12, "color": "var(--muted)"},
        "textposition": places,
        "text": words,
        "hoverinfo": "skip",
        "x": x,
        "y": y,
    }


def on_the_wall(row: DayRow, start: float, end: float) -> list[tuple[float, float]]:
    """A stretch of elapsed minutes on the clock axis: two stretches where the clock was changed within."""
    if row.change_min is None or not start < row.change_min < end:
        low, high = row.wall(np.array([start, end - 1e-6]))
        return [(float(low), float(high))]
    shifted = row.change_min + row.skipped_min
    return [(start, row.change_min), (shifted, end + row.skipped_min)]


def _hourly(halves: Sequence[Half], n_rows: int, unit: str) -> Figure:
    """An unseen heat map of hours that carries what is said on hover: date, hours, mean, minutes worn."""
    means = np.full((n_rows, 48), np.nan, dtype=np.float32)
    worn = np.zeros((n_rows, 48), dtype=np.uint8)
    words = [[""] * 48 for _ in range(n_rows)]
    for row, x0, y0 in halves:
        at = y0 // _ROW
        hour = (row.wall(np.arange(len(row.activity), dtype=float)) // 60).astype(int)
        known = row.worn & np.isfinite(row.activity)
        minutes = np.bincount(hour[known], minlength=24)
        sums = np.bincount(hour[known], weights=row.activity[known], minlength=24)
        for h in np.flatnonzero(minutes):
            column = x0 // 60 + h
            means[at, column], worn[at, column] = np.round(sums[h] / minutes[h]), minutes[h]
            on = row.evening + timedelta(days=int(h >= 12))
            words[at][column] = f"{short_day(on)} {(h + 12) % 24:02d}{DASH}{(h + 13) % 24:02d} h"
    return {
        "type": "heatmap",
        "x": list(range(30, 2 * DAY_MIN, 60)),
        "y": [_ROW // 2 + _ROW * at for at in range(n_rows)],
        "z": packed(means),
        "customdata": packed(worn),
        "text": words,
        "showscale": False,
        "zsmooth": "fast",  # the unsmoothed way sets an inline style, which the page's policy reports
        "colorscale": [[0, "var(--nothing)"], [1, "var(--nothing)"]],
        "hovertemplate": f"%{{text}}<br>mean %{{z}} {unit}<br>worn %{{customdata}} min<extra></extra>",
        "hoverongaps": False,
    }


def caption_of(days: Sequence[DayRow], top: float, unit: str, zone: str) -> str:
    clock = f"Clock hours in {zone}; " if zone else ""
    scale = f"full height is {in_words(top, unit)}, the 99th percentile of 5-minute means" if top else "no movement"
    sentences = [f"{clock}each day is drawn twice, noon to noon and again to the right of the day before; {scale}."]
    sentences += [
        f"In the night of {short_day(row.evening)} the clocks showed {_hour_shown_twice(row)} twice: "
        "the area is the first time, the line the second."
        for row in days
        if row.double_hour
    ]
    return " ".join(sentences)


def _hour_shown_twice(row: DayRow) -> str:
    again = row.double_hour or slice(0, 0)
    low, high = row.wall(np.array([again.start, again.stop - 1e-6]))
    return f"{clock_time(12 + low / 60)}{DASH}{clock_time(12 + high / 60)}"


def _day_table(days: Sequence[DayRow], unit: str) -> tuple[list[str], list[list[str]]]:
    rows = []
    for row in days:
        known = row.worn & row.within & np.isfinite(row.activity)
        mean = in_words(float(row.activity[known].mean()), unit) if known.any() else "not worn"
        worn = in_words(float((row.worn & row.within).sum()), "min")
        if not row.within.all():
            worn += f" of {in_words(float(row.within.sum()), 'min')} recorded"
        rests = _rests_in_words(row, row is days[0])
        rows.append([day(row.evening), rests["sleep"] or DASH, rests["nap"] or DASH, worn, mean])
    return ["Noon to noon from", "Rest", "Naps", "Worn", "Mean activity"], rows


def _rests_in_words(row: DayRow, is_first: bool) -> dict[str, str]:
    """Rests by kind, in order; one that crosses noon only in the row in which it begins, or the first that is shown."""
    found: dict[str, list[str]] = {"sleep": [], "nap": []}
    for start, end, kind in sorted(row.rest):
        if start >= 0 or is_first:
            low, high = row.wall(np.array([start, end]))
            found[kind].append(f"{clock_time(12 + low / 60)}{DASH}{clock_time(12 + high / 60)}")
    return {kind: ", ".join(spans) for kind, spans in found.items()}
