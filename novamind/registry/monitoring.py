"""How a version fares in use: its runs, whether its inputs drift, and how it compares with the one that serves.

All of it answers with counts and figures over many patients and shows nobody's record. Each question looks at a
bounded number of the newest rows, which it names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db.models import Count, IntegerField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import aggregates
from novamind.measures import Abstained, Measure, Shown
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.science import PSI_LARGE, PSI_SMALL, agreement, leaves, stability_index

NEWEST: Final = 5_000
_SUMS: Final = {f"n_{name}": Sum(Cast(KT(f"details__{name}"), IntegerField())) for name in ("computed", "recalled")}
_PSI = f"Population stability index; from {PSI_SMALL} some change, from {PSI_LARGE} a significant one (Siddiqi 2006)"


@dataclass(frozen=True, slots=True)
class Runs:
    """What the audit trail says of a version's runs, and its records of their time.

    ``milliseconds`` and ``batches`` are of the newest runs that computed something; a recalled result took no time.
    """

    by_status: Counter[str] = field(default_factory=Counter)
    abstained: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    inputs: Counter[str] = field(default_factory=Counter)

    @property
    def hits(self) -> Shown:
        """The share of inputs that were recalled from their records."""
        if not self.inputs.total():
            return Abstained("too_few_inputs", needed=1, got=0)
        share = 100 * self.inputs["recalled"] / self.inputs.total()
        return Measure(share, "%", "inputs recalled from their records, of all inputs", n=self.inputs.total())

    def batch(self, share: float) -> Shown:
        """A quantile of how many inputs were run together."""
        if not self.batches:
            return Abstained("too_few_inputs", needed=1, got=0)
        value = float(np.quantile(self.batches, share))
        return Measure(value, "", f"quantile {share:g} of the newest {NEWEST} runs", n=len(self.batches))

    @property
    def total(self) -> int:
        return self.by_status.total()

    def took(self, share: float) -> Shown:
        """A quantile of the time one run took."""
        if not self.milliseconds:
            return Abstained("too_few_inputs", needed=1, got=0)
        value, n = float(np.quantile(self.milliseconds, share)), len(self.milliseconds)
        return Measure(value, "ms", f"quantile {share:g} of the newest {NEWEST} runs", n=n)


def runs_of(version: ModelVersion, since: datetime) -> Runs:
    """Every run since then: how it ended, why it abstained, how long it took."""
    events = AuditEvent.objects.filter(
        event_type=EventType.MODEL_INFERENCE, object_label=f"model {version.name}"[:80], at__gte=since,
        object_id=version.version[:64],
    )  # fmt: skip
    runs = Runs()
    rows = events.order_by().values_list("details__status", "details__reason").annotate(runs=Count("id"), **_SUMS)
    for status, reason, count, computed, recalled in rows:
        runs.by_status[status] += count
        runs.inputs.update(computed=computed or 0, recalled=recalled or 0)
        if status == "abstained":
            runs.abstained[reason] += count
    for milliseconds, batch in _rows(version, since, "duration_ms", "batch_size"):
        if milliseconds is not None:
            runs.milliseconds.append(milliseconds)
            runs.batches.append(batch)
    return runs


@dataclass(frozen=True, slots=True)
class InputDrift:
    """How far one input has moved from what the version expects; ``patients``: inputs of one patient are alike."""

    name: str
    psi: Shown
    patients: int

    @property
    def level(self) -> str:
        """``none``, ``some`` or ``much``; empty where it is not known."""
        if isinstance(self.psi, Abstained):
            return ""
        return "none" if self.psi.value < PSI_SMALL else "some" if self.psi.value < PSI_LARGE else "much"


def drift(version: ModelVersion, since: datetime) -> list[InputDrift]:
    """Each input that the version declares, against what it was given since; empty if it declares none.

    A reference cohort is given what it scaled for others.
    """
    if not version.reference_statistics:
        return []
    rows = [row for row in _rows(version, since, "input_summary", "patient_id") if row[0]]
    return [_drifted(at, entry, rows) for at, entry in enumerate(version.reference_statistics)]


def _drifted(at: int, entry: dict[str, Any], rows: list[Any]) -> InputDrift:
    known = [(summary[at], patient) for summary, patient in rows if len(summary) > at and summary[at] is not None]
    try:
        value, n = stability_index([value for value, _ in known], entry)
        psi: Shown = Measure(value, "", _PSI, n=n)
    except Abstained as why:
        psi = why
    return InputDrift(entry["name"], psi, len({patient for _, patient in known}))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version in shadow beside the one in production: over inputs that both answered, and how often one did not."""

    n: int
    one_abstained: int
    mean_difference: Shown
    largest_difference: Shown
    correlation: Shown


def compare(shadow: ModelVersion, production: ModelVersion) -> Comparison:
    """Both versions' outputs for the same inputs of the same patients, among the newest shadow runs."""
    mine = _answers(InferenceRecord.objects.filter(model_version=shadow, shadow=True).order_by("-created_at"))
    keys = {input_hash for _, input_hash in mine}
    served = InferenceRecord.objects.served().filter(model_version=production, input_hash__in=keys)
    theirs = _answers(served.order_by("-created_at"))
    common = [key for key in mine if key in theirs]
    both = [key for key in common if mine[key] is not None and theirs[key] is not None]
    one = sum((mine[key] is None) != (theirs[key] is None) for key in common)
    try:
        found = agreement([mine[key] or [] for key in both], [theirs[key] or [] for key in both])
    except Abstained as why:
        return Comparison(0, one, why, why, why)
    except ValueError as error:
        why = Abstained("indeterminate", what=str(error))
        return Comparison(len(both), one, why, why, why)
    method = f"over the newest {NEWEST} shadow runs"
    correlation = found.correlation
    return Comparison(
        found.n,
        one,
        Measure(found.mean_difference, "", f"mean absolute difference {method}", n=found.n),
        Measure(found.largest_difference, "", f"largest absolute difference {method}", n=found.n),
        correlation
        if isinstance(correlation, Abstained)
        else Measure(correlation, "", f"Pearson's r per number of the output, averaged, {method}", n=found.n),
    )


def _answers(records: Any) -> dict[tuple[Any, str], list[float] | None]:
    """The numbers of each output by patient and input; ``None`` where it abstained."""
    with aggregates():
        rows = list(records.values_list("patient_id", "input_hash", "output", "abstention")[:NEWEST])
    return {(patient, key): None if abstained else leaves(output)[0] for patient, key, output, abstained in rows}


def _rows(version: ModelVersion, since: datetime, *names: str) -> list[Any]:
    role = "scaled_by" if version.kind == ModelVersion.Kind.COHORT else "model_version"
    records = InferenceRecord.objects.filter(**{role: version}, created_at__gte=since).order_by("-created_at")
    with aggregates():
        return list(records.values_list(*names)[:NEWEST])
