"""The tags of every page: a number, a chart, an icon, a date. Built in (settings), so that no template loads them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from novamind import clock, display
from novamind.clock import zone as zone_named
from novamind.measures import Abstained, Measure

register = template.Library()


@register.inclusion_tag("_measure.html")
def measure(
    value: object, zone: str | None = None, full: bool = True, evening: date | None = None, until: int = 12
) -> dict[str, Any]:
    """A number with unit, n, interval and a link to its provenance; an abstention as its reason; a clock time.

    ``full=False`` leaves n and interval to the provenance page: for dense tables. With ``evening`` a clock time has its
    weekday before it where it is not plainly of that night: before 18:00, or from the hour ``until`` of the next day.
    """
    if isinstance(value, Abstained):
        return {"abstained": value.reason}
    if isinstance(value, Measure):
        return _measured(value, full=full)
    if isinstance(value, datetime):
        local = _in_zone(value, zone)
        plain = evening is None or _plainly_of(evening, local, until)
        return {"digits": f"{local:%H:%M}" if plain else f"{local:%a %H:%M}"}
    return {"nothing": True}


def _plainly_of(evening: date, local: datetime, until: int) -> bool:
    wall, midnight = local.replace(tzinfo=None), datetime.combine(evening, time())
    return timedelta(hours=18) <= wall - midnight < timedelta(hours=24 + until)


def _measured(value: Measure, *, full: bool) -> dict[str, Any]:
    digits, unit = display.number(value.value, value.unit)
    shown: dict[str, Any] = {"digits": digits, "unit": unit, "method": value.method}
    shown["url"] = _provenance(value.record_id, value.name)
    if full:
        shown["n"] = value.n
        if value.low is not None and value.high is not None:
            low, _ = display.number(value.low, value.unit)
            high, _ = display.number(value.high, value.unit)
            shown["interval"] = (
                f"{low} to {high}" if value.unit in {"min", display.CLOCK} else f"{low}{display.DASH}{high}"
            )
    return shown


def _provenance(record_id: UUID | None, name: str) -> str | None:
    if record_id is None:
        return None
    try:
        return reverse("provenance", args=[record_id]) + (f"?{urlencode({'number': name})}" if name else "")
    except NoReverseMatch:
        return None


@register.inclusion_tag("_figure.html")
def figure(drawn: object, name: str, label: str) -> dict[str, Any]:
    """A chart as inert JSON that charts.js draws, with its caption and its table; an abstention as its reason.

    ``name`` is unique on the page; ``label`` is what a screen reader says.
    """
    if isinstance(drawn, Abstained):
        return {"abstained": drawn.reason}
    if not isinstance(drawn, dict):
        return {"nothing": True}
    layout = dict(drawn["layout"])
    meta = dict(layout.pop("meta", {}))
    about = {"caption": meta.pop("caption", ""), "table": meta.pop("table", None)}
    sent = {"data": drawn["data"], "layout": layout, "meta": meta}
    return about | {"sent": sent, "id": f"figure-{name}", "data_id": f"figure-{name}-data", "label": label}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of static/icons.svg; it says nothing to a screen reader, so a word stands beside it."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name)


@register.filter
def day(value: date | datetime | None, zone: str | None = None) -> str:
    """``Mon 3 May 2027``; a moment in ``zone``."""
    return _dated(value, zone, display.day)


@register.filter
def short_day(value: date | datetime | None, zone: str | None = None) -> str:
    """``Mon 3 May``."""
    return _dated(value, zone, display.short_day)


@register.filter
def moment(value: datetime | None, zone: str | None = None) -> str:
    """``Mon 3 May 2027 14:05``, in ``zone``."""
    return f"{display.day(local)} {local:%H:%M}" if value and (local := _in_zone(value, zone)) else ""


@register.filter
def clock_time(value: datetime | None, zone: str | None = None) -> str:
    """``23:41``, in ``zone``."""
    return f"{_in_zone(value, zone):%H:%M}" if value else ""


@register.filter
def remark(code: str) -> str:
    """A code such as ``partial_wear`` as words."""
    return {"dst": "clock changed"}.get(code, code.replace("_", " "))


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 as ``87 %``; nothing where there is none."""
    return "" if not isinstance(share, int | float) else display.in_words(100 * share, "%")


def _dated(value: date | datetime | None, zone: str | None, write: Any) -> str:
    if not value:
        return ""
    return str(write(_in_zone(value, zone) if isinstance(value, datetime) else value))


def _in_zone(value: datetime, zone: str | ZoneInfo | None) -> datetime:
    """In the patient's zone; without one, as the value itself says."""
    if not zone or value.tzinfo is None:
        return value
    return clock.local(value, zone if isinstance(zone, ZoneInfo) else zone_named(zone))
