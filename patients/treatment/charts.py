"""Medication over time: for each drug a bar whose height is the dose a day, in steps; data in, figure out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from novamind.charts import Figure, days_axis, figure, free_text, label, vertical_line
from novamind.display import DASH
from novamind.measures import Abstained

PANEL: Final = 78  # pixels of one drug
LONGEST: Final = timedelta(days=2 * 365)
FULL, UNKNOWN = 0.56, 0.3  # heights within a panel: of the highest dose, and where a dose a day is not defined


@dataclass(frozen=True, slots=True)
class Step:
    """A dose from a day until another (not included), in words; a day in ``unit``, or ``None`` where not fixed."""

    start: date
    end: date
    words: str
    short: str
    a_day: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Course:
    """One course: the drug, its steps, when it began at the latest and the day before which it surely had not ended,
    and how it ended in words (empty: it goes on)."""

    name: str
    steps: tuple[Step, ...]
    begun: str
    surely_from: date
    surely_until: date
    ended: str


def courses(rows: Sequence[Course], *, today: date) -> Figure | Abstained:
    """The courses of each drug in a panel of its own, on one time axis that begins at most two years ago.

    A bar is as high as its dose a day against the highest of that drug; lighter while only the month or the year of
    the beginning or of the end is known; hatched where there is no dose a day.
    """
    rows = [one for one in rows if one.steps]
    if not rows:
        return Abstained("too_few_inputs", needed=1, got=0)
    last = max(today + timedelta(days=14), *(step.end for one in rows for step in one.steps))
    first = max(min(one.steps[0].start for one in rows) - timedelta(days=7), last - LONGEST)
    drugs = list(dict.fromkeys(one.name for one in rows if one.steps[-1].end >= first))
    traces: list[Figure] = []
    words: list[Figure] = []
    layout: dict[str, Any] = {}
    for place, name in enumerate(drugs):
        axis = "y" if place == 0 else f"y{place + 1}"
        top = 1 - place / len(drugs)
        layout[f"yaxis{axis[1:]}"] = {
            "domain": [top - 0.98 / len(drugs), top], "range": [0, 1], "visible": False, "fixedrange": True,
        }  # fmt: skip
        own = [one for one in rows if one.name == name]
        traces += panel(own, axis, first, last)
        words.append(
            label(f"{free_text(name)}, {dose_on(today, own)}", x=0, y=top, color="var(--text)", xref="paper",
                  yref="paper", xanchor="left", yanchor="top")
        )  # fmt: skip
    anchor = "y" if len(drugs) == 1 else f"y{len(drugs)}"
    return figure(
        traces,
        height=PANEL * len(drugs) + 48,
        caption=_caption(rows, drugs, first),
        table=(("Drug", "From", "Dose", "Course"), [line for one in rows for line in _lines(one)]),
        linked="treatment",
        xaxis=days_axis(first, last)
        | {"anchor": anchor, "tickformat": "%-d %b %Y" if (last - first).days < 60 else "%b %Y"},
        annotations=words,
        shapes=[vertical_line(str(today), dash="dash")],
        **layout,
    )


def dose_on(day: date, own: Sequence[Course]) -> str:
    """What is given of a drug on that day; where nothing is, that its course ended or has not begun, and at which
    dose."""
    going = [one for one in own if one.steps[0].start <= day and not one.ended]
    course = (going or own)[0]
    if course.steps[0].start > day:
        return f"not begun, {course.steps[0].words}"
    if course.ended:
        return f"ended, last {course.steps[-1].words}"
    return next(step for step in reversed(course.steps) if step.start <= day).words


def panel(own: Sequence[Course], axis: str, first: date, last: date) -> list[Figure]:
    """The bars of one drug's courses between two days, on an axis from 0 to 1."""
    most: dict[str, float] = {}
    for one in own:
        for step in one.steps:
            most[step.unit] = max(most.get(step.unit, 0.0), step.a_day or 0.0)
    found = []
    for one in own:
        for number, step in enumerate(one.steps):
            if step.end <= first:
                continue
            known = step.a_day is not None and most[step.unit] > 0
            height = FULL * (step.a_day or 0.0) / most[step.unit] if known else UNKNOWN
            found += _bar(one, step, height, axis, (first, last), known=known, begins=number == 0)
    return found


def _bar(
    course: Course, step: Step, height: float, axis: str, span: tuple[date, date], *, known: bool, begins: bool
) -> list[Figure]:
    first, last = span
    start = max(step.start, first)
    sure = min(max(start, course.surely_from), step.end) if begins else start
    ended = f", {course.ended}" if course.ended else ""
    said = f"{free_text(course.name)}<br>{step.words}<br>{course.begun}{ended}"
    until = min(max(sure, course.surely_until), step.end)
    soft, full = "var(--medication-soft)", "var(--medication)"
    parts = [(start, sure, soft), (sure, until, full), (until, step.end, soft)]
    bars = [_filled(a, b, height, axis, said, color, known=known) for a, b, color in parts if a < b]
    if step.short and bars and (step.end - start).days > 0.08 * (last - first).days:
        bars[0] |= {
            "mode": "lines+text", "text": ["", step.short, "", ""], "textposition": "top right", "cliponaxis": False,
            "textfont": {"color": "var(--muted)", "size": 12},
        }  # fmt: skip
    return bars


def _filled(start: date, end: date, height: float, axis: str, said: str, color: str, *, known: bool) -> Figure:
    trace: Figure = {
        "type": "scatter",
        "mode": "lines",
        "x": [str(start), str(start), str(end), str(end)],
        "y": [0, height, height, 0],
        "yaxis": axis,
        "fill": "tozeroy",
        "fillcolor": color,
        "line": {"color": "var(--medication)", "width": 1},
        "hoveron": "points+fills",
        "hovertext": [said] * 4,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    if not known:
        trace["fillpattern"] = {"shape": "/", "fgcolor": "var(--medication)", "bgcolor": "var(--nothing)", "size": 6}
    return trace


def in_words(rows: Sequence[Course]) -> str:
    """What the bars of these courses mean: their height, and hatched or lighter where there are such."""
    said = "Each bar is as high as its dose a day against the highest dose of that drug; the dashed line is today."
    if any(step.a_day is None for one in rows for step in one.steps):
        said += " Hatched: no dose a day is defined."
    if any(one.surely_from > one.steps[0].start or one.surely_until < one.steps[-1].end for one in rows):
        said += " Lighter: begun or stopped within this time, the day is not known."
    return said


def _caption(rows: Sequence[Course], drugs: Sequence[str], first: date) -> str:
    said = in_words(rows)
    if any(one.name not in drugs or one.steps[0].start < first for one in rows):
        said += f" What lies before {first:%b %Y} is in the table."
    return said


def _lines(course: Course) -> list[tuple[str, ...]]:
    return [
        (course.name, str(step.start), step.words, course.begun + (f", {course.ended}" if course.ended else "") or DASH)
        for step in course.steps
    ]
