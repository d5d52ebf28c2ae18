"""Figures about models for Prometheus, computed when somebody asks.

Gauges over the last day: the trail's rows of one day by their index, and at most ``NEWEST`` records of each version
that runs. What a counter since the beginning would cost grows with the clinic.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np
from django.db.models import Count, IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from novamind.audit.models import AuditEvent, EventType
from novamind.clock import now
from novamind.measures import Measure
from novamind.registry.models import ModelVersion
from novamind.registry.monitoring import drift, runs_of

WINDOW: Final = timedelta(days=1)
#: As on the Models page: an index of ten bins needs more inputs than a day may bring.
DRIFT_WINDOW: Final = timedelta(days=30)
FROM: Final = ("computed", "recalled")
_QUANTILES: Final = (0.5, 0.95, 0.99)

Sample = tuple[dict[str, str], float]


def runs() -> list[Sample]:
    """Runs of every model by model, version and status; those of algorithms without a row of their own too."""
    return _counted("model", "version", "status")


def abstentions() -> list[Sample]:
    """Runs that abstained, by model, version and reason."""
    return _counted("model", "version", "reason", details__status="abstained")


def _counted(*names: str, **only: str) -> list[Sample]:
    events = AuditEvent.objects.filter(event_type=EventType.MODEL_INFERENCE, at__gte=now() - WINDOW, **only)
    keys = {name: KT(f"details__{name}") for name in names}  # as text: SQLite reads the version "1" as a number else
    rows = events.order_by().annotate(**keys).values_list(*names).annotate(runs=Count("id"))
    found = [({name: value or "" for name, value in zip(names, row, strict=False)}, row[-1]) for row in rows]
    return sorted(found, key=lambda sample: sorted(sample[0].items()))


def inputs() -> list[Sample]:
    """Inputs by model, version and whether they were computed or recalled from their records (``from``)."""
    events = AuditEvent.objects.filter(event_type=EventType.MODEL_INFERENCE, at__gte=now() - WINDOW).order_by()
    of = {name: KT(f"details__{name}") for name in ("model", "version")}
    sums = {f"n_{source}": Sum(Cast(KT(f"details__{source}"), IntegerField())) for source in FROM}
    found = []
    for row in events.annotate(**of).values(*of).annotate(**sums).order_by(*of):
        found += [
            ({"model": row["model"] or "", "version": row["version"] or "", "from": source}, float(row[f"n_{source}"]))
            for source in FROM
            if row[f"n_{source}"] is not None
        ]
    return found


def input_drift() -> list[Sample]:
    """How far each declared input of what is in production has moved in :data:`DRIFT_WINDOW`; absent where too few
    inputs say it."""
    found: list[Sample] = []
    for version in ModelVersion.objects.filter(stage=ModelVersion.Stage.PRODUCTION).defer("card").order_by("name"):
        for row in drift(version, now() - DRIFT_WINDOW):
            if isinstance(row.psi, Measure):
                found.append(({"model": version.name, "version": version.version, "input": row.name}, row.psi.value))
    return found


def durations_and_batches() -> tuple[list[Sample], list[Sample]]:
    """Quantiles of seconds per run and of inputs per batch, of every version in production or shadow that ran."""
    seconds: list[Sample] = []
    batches: list[Sample] = []
    running = [ModelVersion.Stage.PRODUCTION, ModelVersion.Stage.SHADOW]
    for version in ModelVersion.objects.filter(stage__in=running).defer("card"):
        found = runs_of(version, now() - WINDOW)
        seconds += _quantiles(version, [milliseconds / 1000 for milliseconds in found.milliseconds])
        batches += _quantiles(version, found.batches)
    return seconds, batches


def _quantiles(version: ModelVersion, values: list[float] | list[int]) -> Iterator[Sample]:
    if values:
        for share, value in zip(_QUANTILES, np.quantile(values, _QUANTILES), strict=True):
            yield {"model": version.name, "version": version.version, "quantile": f"{share:g}"}, float(value)
