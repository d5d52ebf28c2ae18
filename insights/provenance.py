"""Where a statement, or a number of the last week, comes from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from insights.models import Insight, Standing
from insights.pages.brief import insight_line
from insights.rules.series import FEATURES, WEEK_METHOD
from insights.services import standing_of, still_allowed
from novamind import display
from novamind.measures import Abstained
from twins.departures import amount


def provenance_of(record_id: UUID, user: Any, number: str) -> dict[str, Any] | None:
    """The page's context for a statement or a standing this user may see, as far as the patient allows it now."""
    return _of_insight(record_id, user) or _of_standing(record_id, user, number)


def _of_insight(record_id: UUID, user: Any) -> dict[str, Any] | None:
    row = Insight.objects.visible_to(user).filter(pk=record_id).select_related("patient").first()
    if row is None or not still_allowed([row]):
        return None
    line, tz = insight_line(row, row.patient), row.patient.tz
    said = line["said"]
    return {
        "asked": {"label": row.get_insight_type_display(), "value": said["description"],
                  "rows": {"Method": said["method"], "Confidence": line["sure"]}},
        "record_title": "The statement",
        "record": {
            "First said": _local(row.first_said_at, tz),
            "In these words": _local(row.generated_at, tz),
            "Holds until": _local(row.ended_at or row.expires_at, tz),
        } | _computed(row, tz),
        "inputs_title": "What it rests on",
        "inputs": {f"{one['label']}, {display.day(one['on'])}": _evidence(one) for one in line["evidence"]},
    }  # fmt: skip


def _evidence(one: dict[str, Any]) -> str:
    said = str(one["words"])
    if one["range"]:
        said += f"; reference {one['range']}"
    return said + (f"; {one['severity']:g} spreads from the middle of it" if "severity" in one else "")


def _of_standing(record_id: UUID, user: Any, number: str) -> dict[str, Any] | None:
    row = Standing.objects.visible_to(user).filter(pk=record_id).select_related("patient").first()
    if row is None:
        return None
    _, allowed = standing_of(row.patient)
    known = row.found["series"]
    series = {name: known[name] for name, feature in FEATURES.items() if name in known and feature.stream in allowed}
    return {
        "asked": _asked(number, series[number]) if number in series else {},
        "record_title": "The last week",
        "record": _computed(row, row.patient.tz),
        "inputs_title": "Days known, of the last week and of the weeks before",
        "inputs": {FEATURES[name].label: _days(one) for name, one in series.items()},
    }


def _asked(name: str, one: dict[str, Any]) -> dict[str, Any]:
    label, rows = FEATURES[name].label, {"Method": WEEK_METHOD}
    if "abstained" in one:
        return {"label": label, "value": Abstained.from_json(one).reason, "rows": rows}
    rows |= {
        "Usual": amount(name, one["usual"]),
        "Spread": f"{one['spread']:.4g} {FEATURES[name].unit}",
        "Difference": f"{one['z']:.3f} standard errors".replace("-", display.MINUS),
    }
    return {"label": label, "value": amount(name, one["value"]), "rows": rows}


def _days(one: dict[str, Any]) -> str:
    return Abstained.from_json(one).reason if "abstained" in one else f"{one['n']} and {one['own_n']} days"


def _computed(row: Insight | Standing, tz: ZoneInfo) -> dict[str, str]:
    return {
        "Looked at": f"{_local(row.window_start, tz)} to {_local(row.window_end, tz)}",
        "Code version": row.code_version,
        "Input (SHA-256)": row.input_hash,
        "Record": str(row.pk),
    }


def _local(moment: datetime, tz: ZoneInfo) -> str:
    local = moment.astimezone(tz)
    return f"{display.day(local)} {local:%H:%M} ({tz.key})"
