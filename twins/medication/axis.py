"""One time axis of a patient: courses and doses, scores, check-ins, sleep, movement, alerts and visits, day by day.

Every number is read on the road of its own page, as far as the patient lets it be used for treatment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from novamind import clock, display
from novamind.measures import Abstained
from patients.consent import allows
from patients.instruments import instrument, instruments
from patients.models import (
    Alert,
    Appointment,
    AppointmentStatus,
    Assessment,
    ConsentPurpose,
    ConsentStream,
    Medication,
    Patient,
    redisclosure_notice,
)
from patients.treatment.charts import Course, in_words
from patients.treatment.pages import ORDER, course_of, medication_line
from patients.treatment.services import NOTES, today
from twins.features import BIOMETRICS, SYMPTOMS, Daily, Feature, allowed_streams, daily_of
from twins.medication.charts import Line, Mark, Panel, Shown, time_axis
from twins.medication.context import Known
from twins.science.pgx import told_gene

RANGES: Final = {"90": "90 days", "365": "1 year", "all": "All"}
MOST: Final = 3 * 365  # days of "all": what devices measure is read minute by minute
AHEAD: Final = timedelta(days=14)
#: Series by day: the row of the data, how its panel is called, its colour and mark.
SAID: Final = {"mood": ("var(--symptom)", "circle"), "anxiety": ("var(--notice)", "diamond-open")}
MEASURED: Final = {"sleep_duration": "var(--sleep)", "activity": "var(--activity)"}
NOTHING: Final = "nothing in this time"
HEAD: Final = (
    "Day", "Medication", "Scores", "Mood", "Anxiety", "Sleep of the night before", "Movement", "Alerts and visits"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """The total of one filled-in questionnaire."""

    on: date
    instrument: str
    total: int
    band: str

    @property
    def said(self) -> str:
        """``PHQ-9 14, moderate``."""
        return f"{instrument(self.instrument).short} {self.total}" + (f", {self.band}" if self.band else "")


@dataclass(frozen=True)
class Read:
    """What was read; ``None`` where the patient does not let it be used for treatment."""

    first: date
    today: date
    courses: list[Course] | None
    scores: list[Score] | None
    daily: Daily
    allowed: set[str]
    alerts: list[Alert]
    visits: list[Appointment] | None
    zone: Any

    def values(self, name: str) -> Any:
        """A series by day from the first day on, (days,)."""
        every = (*BIOMETRICS, *SYMPTOMS)
        return self.daily.values[every.index(name)][(self.first - self.daily.first).days :]

    @property
    def days(self) -> list[date]:
        """The days that are over, from the first on."""
        return [self.first + timedelta(days=n) for n in range((self.daily.last - self.first).days + 1)]

    @property
    def last(self) -> date:
        """Where the axis ends."""
        return self.today + AHEAD


def axis_context(patient: Patient, user: Any, known: Known, asked: str) -> dict[str, Any]:
    """The context of the page for 90 days, a year or all; an unknown range is the first one.

    A constant number of queries, whatever the range and however much there is.
    """
    asked = asked if asked in RANGES else next(iter(RANGES))
    read = _read(patient, user, known, MOST if asked == "all" else int(asked))
    if asked == "all":
        read = _from_first(read)
    panels, silent = _panels(read)
    marks = sorted(_marks(read), key=lambda one: one.on)
    shown = Shown(read.first, read.last, read.today, read.courses or (), panels, marks)
    rows = [*(known.courses or ()), *(read.visits or ())]
    return {
        "known": known,
        "genes": [_gene(symbol, held, known) for symbol, held in (known.genes or {}).items() if held.reading],
        "ranges": RANGES,
        "asked": asked,
        "first": read.first,
        "chart": time_axis(shown, caption=_caption(read, asked), table=(HEAD, _table(read, marks))),
        "silent": _without(read, shown) + silent,
        "notice": redisclosure_notice(rows),
    }


def _read(patient: Patient, user: Any, known: Known, days: int) -> Read:
    on = today(patient)
    first = on - timedelta(days=days)
    start, end = (clock.midnight(day, patient.tz) for day in (first, on + AHEAD + timedelta(days=1)))
    allowed = allowed_streams(patient, (ConsentPurpose.TREATMENT,)) - {ConsentStream.MEDICATION}
    daily = daily_of(patient, days=days, allowed=allowed, only=MEASURED)
    scores = visits = None
    if ConsentStream.QUESTIONNAIRES in allowed:
        filled = Assessment.objects.filter(patient=patient, at__gte=start).order_by("at", "recorded_at")
        scores = [_score(one, patient) for one in filled if one.score is not None and one.instrument in instruments()]
    if allows(patient, *NOTES):
        every = Appointment.objects.releasable_to(user).filter(patient=patient, entered_in_error=False)
        visits = list(every.filter(at__gte=start, at__lt=end))
    alerts = list(Alert.objects.filter(patient=patient, raised_at__gte=start))
    courses = None if known.courses is None else _courses(known.courses, patient, on)
    return Read(first, on, courses, scores, daily, allowed, alerts, visits, patient.tz)


def _courses(rows: Iterable[Medication], patient: Patient, on: date) -> list[Course]:
    lines = sorted((medication_line(row, patient) for row in rows), key=lambda line: ORDER[line["state"]])
    drawn = [course_of(line["row"], line["steps"], on) for line in lines]
    return [one for one in drawn if one.steps]


def _score(one: Assessment, patient: Patient) -> Score:
    return Score(clock.local(one.at, patient.tz).date(), one.instrument, one.score or 0, one.result["band"] or "")


def _from_first(read: Read) -> Read:
    """From the first day of which anything is known, and 90 days at least."""
    found = [read.today - timedelta(days=90)]
    known = np.isfinite([read.values(name) for name in (*SAID, *MEASURED)]).any(axis=0)
    if known.any():
        found.append(read.first + timedelta(days=int(np.argmax(known))))
    found += [one.steps[0].start for one in read.courses or ()]
    found += [one.on for one in read.scores or ()] + [one.on for one in _marks(read)]
    return Read(**{**vars(read), "first": max(min(found), read.first)})


def _panels(read: Read) -> tuple[list[Panel], list[tuple[str, str]]]:
    """A panel for each kind of series that has a value, and for each other one why it has none."""
    panels, silent = [], []
    for name in dict.fromkeys(sorted(one.instrument for one in read.scores or ())):
        found = instrument(name)
        own = [one for one in read.scores or () if one.instrument == name]
        values = np.array([one.total for one in own], dtype=float)
        line = Line(found.short, [one.on for one in own], values, [one.said for one in own], "var(--symptom)")
        span = found.total_range
        panels.append(Panel(f"{found.short}, {span[0]} to {span[1]}" if span else found.short, (line,), span))
    if not read.scores:
        silent.append(("Questionnaires", _why(read.scores is None)))
    checked = [_daily_line(read, name, SYMPTOMS[name], *look) for name, look in SAID.items()]
    if any(np.isfinite(line.values).any() for line in checked):
        words = "Mood (dots), anxiety (diamonds), 0 to 10"
        panels.append(Panel(words, tuple(checked), (0, 10)))
    else:
        silent.append(("Mood and anxiety", _why(ConsentStream.QUESTIONNAIRES not in read.allowed)))
    for name, color in MEASURED.items():
        feature = BIOMETRICS[name]
        line = _daily_line(read, name, feature, color, "circle")
        if np.isfinite(line.values).any():
            panels.append(_measured(line, feature))
        else:
            silent.append((feature.label, _why(feature.stream not in read.allowed)))
    return panels, silent


def _measured(line: Line, feature: Feature) -> Panel:
    if feature.unit != "min":
        return Panel(f"{feature.label}, {feature.unit}", (line,))
    hours = Line(line.name, line.days, line.values / 60, line.said, line.color)
    return Panel(f"{feature.label} of the night before, hours", (hours,))


def _daily_line(read: Read, name: str, feature: Feature, color: str, symbol: str) -> Line:
    values = read.values(name)
    said = [_said(feature, value) if value == value else "" for value in values]
    return Line(feature.label, read.days, values, [f"{feature.label} {one}" for one in said], color, symbol)


def _said(feature: Feature, value: float) -> str:
    return f"{value:.0f}" if feature in SYMPTOMS.values() else display.in_words(float(value), feature.unit)


def _without(read: Read, shown: Shown) -> list[tuple[str, str]]:
    """Of medication, alerts and visits why there is none on the axis."""
    silent = [] if shown.drugs else [("Medication", _why(read.courses is None))]
    silent += [] if read.alerts else [("Alerts", _why(False))]
    return silent + ([] if read.visits else [("Visits", _why(read.visits is None))])


def _why(withheld: bool) -> str:
    return f"withheld: {Abstained('consent_withheld').reason}" if withheld else NOTHING


_VISITS: Final = {
    AppointmentStatus.PLANNED: "planned", AppointmentStatus.MISSED: "not held", AppointmentStatus.CANCELLED: "not held",
}  # fmt: skip


def _marks(read: Read) -> Iterator[Mark]:
    for alert in read.alerts:
        said = f"Alert: {alert.get_kind_display()} ({alert.get_state_display().lower()})"
        yield Mark(clock.local(alert.raised_at, read.zone).date(), said, "alert")
    for visit in read.visits or ():
        at = clock.local(visit.at, read.zone)
        where, state = visit.get_place_display().lower(), visit.get_status_display().lower()
        said = f"{visit.get_kind_display()}, {at:%H:%M}, {where}: {state}"
        yield Mark(at.date(), said, _VISITS.get(visit.status, "visit"))


def _gene(symbol: str, held: Any, known: Known) -> Mapping[str, Any]:
    return told_gene(held.reading, known.acting, known.conversions) | {"gene": symbol}


def _caption(read: Read, asked: str) -> str:
    said = [
        f"Days are those of the patient ({read.daily.zone}); check-ins, sleep and movement are of days that are over.",
    ]
    if ConsentStream.QUESTIONNAIRES in read.allowed:
        said.append("Of mood 10 is best, of anxiety worst; of several check-ins of a day the last counts.")
    if read.courses:
        said.append(in_words(read.courses))
        said.append("Dotted lines: a course began, ended or changed its dose.")
    if read.visits:
        said.append("A crossed visit did not take place.")
    said.append(f"What is planned for later than {display.short_day(read.last)} is on its own page.")
    if asked == "all":
        said.append(f"At most {MOST // 365} years are shown.")
    return " ".join(said)


def _table(read: Read, marks: Iterable[Mark]) -> list[list[str]]:
    """A line for each day of which anything is known; what was taken already stands on the first day."""
    cells: dict[date, list[list[str]]] = defaultdict(lambda: [[] for _ in HEAD[1:]])
    for one in read.courses or ():
        for on, said in _doses(one, read.first, read.last):
            cells[on][0].append(said)
    for score in read.scores or ():
        if score.on >= read.first:
            cells[score.on][1].append(score.said)
    for place, (name, feature) in enumerate(_SERIES.items(), start=2):
        for on, value in zip(read.days, read.values(name), strict=True):
            if value == value:
                cells[on][place].append(_said(feature, value))
    for mark in marks:
        cells[mark.on][-1].append(mark.said)
    return [
        [display.day(on), *("; ".join(cell) or display.DASH for cell in cells[on])]
        for on in sorted(cells)
    ]  # fmt: skip


_SERIES: Final[dict[str, Feature]] = {name: (BIOMETRICS | SYMPTOMS)[name] for name in (*SAID, *MEASURED)}


def _doses(one: Course, first: date, last: date) -> Iterator[tuple[date, str]]:
    for place, step in enumerate(one.steps):
        if step.end <= first or step.start > last:
            continue
        began = "" if place else f", {one.begun}"
        yield max(step.start, first), f"{one.name} {step.words}{began}"
    end = one.steps[-1].end - timedelta(days=1)
    if one.ended and first <= end <= last:
        yield end, f"{one.name} {one.ended}"
