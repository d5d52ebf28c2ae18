"""What the Data page shows: coverage by day, reasons of gaps, quality, and the parts of a total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from actigraphy.catalogue import TYPES, DataType, Form, Key, label_of
from actigraphy.models import SourceOrder
from actigraphy.streams.coverage import ENOUGH, Facts, facts_of, reason_for
from actigraphy.streams.held import allowed_types, held_types, last_measured, sources_of
from actigraphy.streams.ordering import in_order, streaming, told_apart
from actigraphy.streams.quality import METHODS, quality_of
from actigraphy.streams.reading import Day, Series, days_of, read_series
from novamind import clock
from novamind.measures import Abstained, Measure
from patients.models import Patient

DAYS: Final = 28
AIMS: Final = {"outliers": "under 10 %", "consistency": "over 80 %", "completeness": "over 90 %"}


def coverage_context(patient: Patient) -> dict[str, Any]:
    """Every type that is held and allowed, by day; the newest day first. Three queries a channel, two more where wear
    and an order of their own matter, and six."""
    kinds = {kind.name: kind for kind in allowed_types(patient)}
    held = held_types(patient)
    first, last, start, end = _window(patient)
    facts = facts_of(patient) if held else None
    columns = []
    for row in held:
        kind = kinds[row["data_type"]]
        if kind.form is Form.SIGNAL and facts is not None:
            columns += [_column(patient, kind, key, facts, (first, last, start, end)) for key in kind.keys]
    columns = [column for column in columns if column is not None]
    dates = [last - timedelta(days=k) for k in range(DAYS)]
    return {
        "columns": columns,
        "rows": [{"date": one, "cells": [column["cells"].get(one) for column in columns]} for one in dates],
        "others": [row for row in held if kinds[row["data_type"]].form is not Form.SIGNAL],
        "withheld": len(kinds) < len(TYPES),
        "methods": METHODS,
        "aims": AIMS,
        "days": DAYS,
    }


def days_context(patient: Patient, kind: DataType) -> dict[str, Any]:
    """Each day of one type with what its sources gave to it, whose order holds, and how it came about.

    ``streams``: (id, name) of the sources that an order is about, in the order that holds.
    """
    first, last, start, end = _window(patient)
    parts = []
    for key in kind.keys:
        series = read_series(patient, key.channel, start=start, end=end)
        days = days_of(series, patient.zone, first, last)
        streams = in_order(key.channel, streaming(patient, key.channel), series.order)
        names = told_apart([*{source.pk: source for source in [*(p.source for p in series.parts), *streams]}.values()])
        parts.append(
            {
                "key": key,
                "label": label_of(kind, key),
                "daily": "total" if series.spec.daily == "sum" else "mean",
                "order": [names[part.source.pk] for part in series.parts],
                "days": [_total(one, series, names) for one in reversed(days) if one.shares],
                "own": series.order if series.order and series.order.sources else None,
                "history": _history(patient, key.channel, names),
                "streams": [(source.pk, names[source.pk]) for source in streams],
                "version": series.order.version if series.order else 0,
            }
        )
    return {"kind": kind, "parts": parts, "span": DAYS}


def _history(patient: Patient, channel: str, names: dict[UUID, str]) -> list[dict[str, Any]]:
    """Every decision about the order, the newest first."""
    rows = SourceOrder.objects.filter(patient=patient, channel=channel).select_related("set_by")
    return [
        {"row": row, "sources": [names.get(UUID(one), "a source without data") for one in row.sources]} for row in rows
    ]


def _window(patient: Patient) -> tuple[date, date, datetime, datetime]:
    last = clock.now().astimezone(patient.tz).date()
    first = last - timedelta(days=DAYS - 1)
    return first, last, clock.midnight(first, patient.tz), clock.now()


def _column(patient: Patient, kind: DataType, key: Key, facts: Facts, window: Any) -> dict[str, Any] | None:
    """One channel: its quality, and a cell for each day from which on it is expected: the window's first if it was held
    before, else the first with data. ``None`` if it was never held."""
    first, last, start, end = window
    series = read_series(patient, key.channel, start=start, end=end)
    earlier = last_measured(patient, key.channel, start)
    if earlier is None and not series.parts:
        return None
    days = days_of(series, patient.zone, first, last)
    begun = first if earlier else next(one.date for one in days if one.shares)
    quality = quality_of(series, since=clock.midnight(begun, patient.tz))
    why = _Why(facts, sources_of(patient, key.channel), series, earlier)
    return {
        "label": label_of(kind, key),
        "data_type": kind.name,
        "measures": [
            {"name": name, "shown": getattr(quality, name), "met": met} for name, met in quality.targets.items()
        ],
        "cells": {one.date: _cell(patient, one, why) for one in days if one.date >= begun},
    }


@dataclass(frozen=True)
class _Why:
    """What the reason of an empty day is told from; ``earlier`` is when the channel was last measured before the
    window."""

    facts: Facts
    sources: list[UUID]
    series: Series
    earlier: datetime | None


def _cell(patient: Patient, one: Day, why: _Why) -> dict[str, Any]:
    start = clock.midnight(one.date, patient.tz)
    end = clock.midnight(one.date + timedelta(days=1), patient.tz)
    reason = None
    if one.coverage < ENOUGH and end <= clock.now():
        measured = why.series.last_before(start) or why.earlier
        reason = reason_for(why.sources, why.facts, start, end, measured=measured)
    level = "full" if one.coverage >= 0.9 else "part" if one.coverage >= ENOUGH else "low" if one.shares else "none"
    said = reason.label if reason else f"worn {100 * one.worn:.0f} %" if one.worn < ENOUGH <= one.coverage else ""
    return {"share": 100 * one.coverage, "level": level, "reason": said}


def _total(one: Day, series: Series, names: dict[UUID, str]) -> dict[str, Any]:
    spec = series.spec
    unit = spec.unit.removesuffix("/epoch") if spec.daily == "sum" else spec.unit
    method = "sum" if spec.daily == "sum" else "mean"
    value = (
        one.value if isinstance(one.value, Abstained) else Measure(one.value, unit, f"{method} of what counts", n=one.n)
    )
    return {
        "date": one.date,
        "value": value,
        "coverage": 100 * one.coverage,
        "worn": 100 * one.worn,
        "shares": [
            {
                "part": part,
                "name": names[part.source_id],
                "alone": part.alone
                if isinstance(part.alone, Abstained)
                else Measure(part.alone, unit, f"{method} of this source"),
            }
            for part in one.shares
        ],
        "several": len(one.shares) > 1,
    }
