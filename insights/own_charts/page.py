"""A chart of one's own, drawn of one patient: each series on an axis of its own, over the same days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from actigraphy.charts import Series, trend
from insights.models import OwnChart
from insights.own_charts.series import Drawn, drawable
from insights.rules.series import FEATURES
from novamind import clock
from novamind.charts import Figure, days_axis
from novamind.measures import Abstained
from patients import charts
from patients.instruments import instrument
from patients.models import Assessment, ConsentPurpose, Patient
from patients.reports.pages import told_by
from twins.features import Floats, allowed_streams, daily_of

GONE: Final = "not drawn any more: the program does not know this series"


def chart_of(chart: OwnChart, patient: Patient) -> list[dict[str, Any]]:
    """Each series of a chart with its figure, or why there is none."""
    known = drawable()
    allowed = allowed_streams(patient, (ConsentPurpose.TREATMENT,))
    last = clock.now().astimezone(patient.tz).date() - timedelta(days=1)
    days = [last - timedelta(days=back) for back in range(chart.days - 1, -1, -1)]
    wanted = [name for name in chart.series if name in FEATURES and FEATURES[name].stream in allowed]
    values = dict(zip(FEATURES, daily_of(patient, days=chart.days, allowed=allowed, only=wanted).values, strict=True))
    found = []
    for name in chart.series:
        one = known.get(name)
        if one is None:
            found.append({"name": name, "label": name, "why": GONE})
            continue
        drawn = _drawn(name, one, patient, days, values) if one.stream in allowed else Abstained("consent_withheld")
        found.append({"name": name.replace(":", "-"), "label": one.label, "chart": drawn})
    return found


def _drawn(
    name: str, one: Drawn, patient: Patient, days: Sequence[date], values: dict[str, Floats]
) -> Figure | Abstained:
    if not one.instrument:
        return trend(days, [Series(one.label, values[name] * one.times, one.unit, one.color)], per="day")
    found = _scores(one.instrument, patient, days)
    if not isinstance(found, Abstained):
        found["layout"] |= {"xaxis": days_axis(days[0], days[-1])}
        found["layout"]["meta"] |= {"linked": "days"}
    return found


def _scores(name: str, patient: Patient, days: Sequence[date]) -> Figure | Abstained:
    """Totals of these days, today's not among them; changes are told from the first total of all, as elsewhere."""
    about = instrument(name)
    start = clock.midnight(days[0], patient.tz)
    end = clock.midnight(days[-1] + timedelta(days=1), patient.tz)
    rows = Assessment.objects.filter(patient=patient, instrument=name, at__lt=end, score__isnull=False)
    told = list(rows.select_related("recorded_by").order_by("at", "recorded_at"))
    changes = charts.changes(about, [row.score or 0 for row in told])
    points = [
        charts.Point(clock.local(row.at, patient.tz).date(), row.score or 0, told_by(row), change, row.result["band"])
        for row, change in zip(told, changes, strict=True)
        if row.at >= start
    ]
    return charts.scores(about, points)


def in_words(chart: OwnChart) -> str:
    """What it draws."""
    known = drawable()
    labels = [known[name].label if name in known else f"{name} ({GONE})" for name in chart.series]
    return f"{', '.join(labels)}; {chart.days} days"
