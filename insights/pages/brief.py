"""What the Brief shows: sixty seconds on one patient before a visit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse

from insights.models import Insight, Standing
from insights.rules.series import CONFIDENCE_IS, FEATURES, difference_in_words
from insights.science.own_week import OWN_DAYS, WEEK
from insights.services import KNOWN_DAYS, insights_of, said_of, standing_of
from novamind import clock
from novamind.audit.recording import aggregates
from novamind.measures import Abstained
from patients.consent import allows
from patients.models import (
    Alert,
    Appointment,
    AppointmentStatus,
    Assessment,
    CheckIn,
    ConsentPurpose,
    ConsentStream,
    Patient,
    Reminder,
)
from patients.reports.pages import reports_of
from twins.departures import amount
from twins.features import BIOMETRICS

SHOWN: Final = 6  # statements at once; the rest under one click
#: Where no visit is on record: what is called new.
NEW: Final = timedelta(days=28)
ENGAGED_DAYS: Final = 28
#: Shifts by two standard deviations, measured, that are said within 14 days (``python -m benchmarks insights``): where
#: days remember each other more, and where less.
FOUND_OF_100: Final = (25, 46)


def brief_of(patient: Patient, user: Any) -> dict[str, Any]:
    """The context of the page; each part is there as far as the patient allows it now."""
    standing, allowed = standing_of(patient)
    may_ask = ConsentStream.QUESTIONNAIRES in allowed
    insights = [insight_line(row, patient) for row in insights_of(patient)]
    since = _last_visit(patient, user)
    rows = _rows(standing, allowed)
    not_said = [row for row in rows if "why" in row]
    return {
        "insights": insights[:SHOWN],
        "more_insights": insights[SHOWN:],
        "dismissed": [insight_line(row, patient) for row in insights_of(patient, dismissed=True)],
        "standing": standing,
        "rows": [row for row in rows if "value" in row],
        "not_said": not_said,
        "series": len(rows),
        "judged": len(rows) - len(not_said),
        "known": _known(standing, allowed),
        "known_days": KNOWN_DAYS,
        "week": WEEK,
        "own_days": OWN_DAYS,
        "load": settings.CHANGE_ALERT_LOAD,
        "found_of_100": FOUND_OF_100,
        "may_measure": any(feature.stream in allowed for feature in BIOMETRICS.values()),
        "visit": since,
        "new": _new(patient, since.at if since else clock.now() - NEW, insights, may_ask=may_ask),
        "new_days": NEW.days,
        "alerts": list(Alert.objects.unresolved().filter(patient=patient).select_related("owner")),
        "answers": answers_of(patient) if may_ask else None,
        "engaged_days": ENGAGED_DAYS,
        "may_ask": may_ask,
        "reports": reports_of(patient) if may_ask else None,
        "withheld": Abstained("consent_withheld"),
    }


def insight_line(row: Insight, patient: Patient) -> dict[str, Any]:
    """One statement as it is listed, with the days behind it."""
    said = said_of(row)
    evidence = [
        one
        | {
            "label": FEATURES[one["data_type"]].label if one["data_type"] in FEATURES else one["data_type"],
            "on": clock.local(datetime.fromisoformat(one["at"]), patient.tz).date(),
            "words": _value(one["data_type"], one["value"], one.get("unit", "")),
            "range": _range(one),
        }
        for one in said["evidence"]
    ]
    url = reverse("provenance", args=[row.record_id or row.pk])
    return {"row": row, "said": said, "evidence": evidence, "url": url, "sure": sure_in_words(row.confidence, said)}


def sure_in_words(confidence: float | None, said: dict[str, Any]) -> str:
    """How sure the method is; of a series how often chance alone would show as much, at most two decimals."""
    if confidence is None:
        return f"No confidence is given: {said['why_no_confidence'].reason}."
    if said["confidence_is"] == CONFIDENCE_IS:
        return by_chance(confidence)
    return f"Confidence {confidence:.2f}: {said['confidence_is']}."


def by_chance(confidence: float) -> str:
    """One minus the confidence of a series, of a hundred stretches of days."""
    of_100 = 100 * (1 - confidence)
    many = "fewer than 0.01" if of_100 < 0.01 else f"{of_100:.2f}".rstrip("0").rstrip(".")
    return f"By its method it would be seen in {many} of 100 such stretches of days by chance."


def _range(one: dict[str, Any]) -> str:
    if "low" not in one:
        return ""
    low, high = (_value(one["data_type"], one[end], one.get("unit", "")) for end in ("low", "high"))
    return f"{low} to {high}"


def _value(name: str, value: Any, unit: str) -> str:
    if isinstance(value, str):
        return value
    return amount(name, value) if name in FEATURES else f"{value:g} {unit}".strip()


def _last_visit(patient: Patient, user: Any) -> Appointment | None:
    if not allows(patient, ConsentPurpose.TREATMENT, ConsentStream.NOTES):
        return None
    # Not one of a programme (42 CFR Part 2): it would need its notice here, and the days since say nothing without it.
    kept = Appointment.objects.releasable_to(user).filter(patient=patient, status=AppointmentStatus.KEPT, part2=False)
    visit: Appointment | None = kept.filter(at__lte=clock.now(), entered_in_error=False).order_by("-at").first()
    return visit


def _new(patient: Patient, since: datetime, insights: list[dict[str, Any]], *, may_ask: bool) -> dict[str, int]:
    """How much came since: what was said for the first time, alerts, and what the patient sent."""
    with aggregates():
        found = {
            "statements": sum(one["row"].first_said_at > since for one in insights),
            "alerts": Alert.objects.filter(patient=patient, raised_at__gt=since).count(),
        }
        if may_ask:
            found["questionnaires"] = Assessment.objects.filter(patient=patient, at__gt=since).count()
            found["check_ins"] = CheckIn.objects.current().filter(patient=patient, at__gt=since).count()
    return found


def _rows(standing: Standing | None, allowed: set[str]) -> list[dict[str, Any]]:
    """Each series of the devices: the last week, the usual, and how far they are apart; of every series why not."""
    if standing is None:
        return []
    series = standing.found["series"]
    return [
        {"label": feature.label} | _row(name, series[name], standing)
        for name, feature in FEATURES.items()
        if feature.stream in allowed and name in series  # one of an earlier release may know fewer
    ]


def _row(name: str, one: dict[str, Any], standing: Standing) -> dict[str, Any]:
    if "abstained" in one:
        return {"why": Abstained.from_json(one)}
    if name not in BIOMETRICS:
        return {}  # a chart of the check-ins stands beside
    return {
        "value": amount(name, one["value"]),
        "usual": amount(name, one["usual"]),
        "by": difference_in_words(name, one["value"] - one["usual"]) if one["value"] != one["usual"] else "the same",
        "changed": name in standing.found.get("left", ()),  # one of an earlier release does not say
        "n": one["n"],
        "url": f"{reverse('provenance', args=[standing.pk])}?{urlencode({'number': name})}",
    }


def _known(standing: Standing | None, allowed: set[str]) -> list[dict[str, Any]]:
    if standing is None:
        return []
    known = standing.found["known"]
    return [{"label": ConsentStream(one).label, "days": days} for one, days in known.items() if one in allowed]


def answers_of(patient: Patient) -> dict[str, int]:
    """Of the questions that fell due and are over: how many were answered."""
    now = clock.now()
    with aggregates():
        due = Reminder.objects.filter(
            patient=patient, expires_at__gte=now - timedelta(days=ENGAGED_DAYS), expires_at__lt=now
        ).exclude(outcome=Reminder.Outcome.WITHHELD)
        found: dict[str, int] = due.aggregate(due=Count("pk"), done=Count("pk", filter=Q(done_at__isnull=False)))
    return found
