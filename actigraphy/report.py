"""One analyzed recording as JSON or as a page of its own, for people with a folder of files and no patient."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from actigraphy import pages
from actigraphy.analysis import Analyzed, acceleration, code_version, plain_rhythm, results, rhythm, stored
from actigraphy.minutes import Minutes, per_minute
from actigraphy.models import Analysis, Recording, Source
from actigraphy.numbers import NIGHT
from actigraphy.pat import offline
from actigraphy.services import night_rows
from novamind import clock
from novamind.audit.exporting import text_cell
from novamind.measures import Abstained


def as_json(analyzed: Analyzed, *, file: str) -> dict[str, Any]:
    """The analysis as plain JSON; an abstained number is null and its reason stands in ``abstentions`` by its path."""
    abstentions: dict[str, str] = {}
    rest = analyzed.rest
    body = {
        "file": file,
        "recording": {
            "format": analyzed.read.format,
            "device": analyzed.device.key,
            "start": _local(analyzed.start, analyzed.read.zone),
            "epoch_s": analyzed.read.epoch_s,
            "minutes": len(analyzed.read) * analyzed.read.epoch_s // 60,
            "worn_minutes": int(np.count_nonzero(rest.worn)) * rest.epoch_s // 60,
            "time_zone": analyzed.read.zone,
            **({"acceleration": acceleration(analyzed.read.raw, rest)} if analyzed.read.raw else {}),
        },
        "nights": [_night(night, n, analyzed.read.zone, abstentions) for n, night in enumerate(rest.nights)],
        "rhythm": _rhythm(analyzed, abstentions),
        "pat": _pat(analyzed, abstentions),
        "provenance": provenance(analyzed),
        "abstentions": abstentions,
    }
    return body


def _pat(analyzed: Analyzed, abstentions: dict[str, str]) -> dict[str, Any]:
    rest = analyzed.rest
    try:
        return offline.embed(
            _minutes(analyzed), zone_name=analyzed.read.zone, epoch_s=rest.epoch_s, device=analyzed.device
        )
    except Abstained as why:
        abstentions["pat"] = why.reason
        return {"abstained": why.reason, "code": why.code}


def _minutes(analyzed: Analyzed) -> Minutes:
    rest = analyzed.rest
    worn = np.repeat(rest.worn, rest.epoch_s // 60)
    return Minutes(int(rest.times.utc_s[0]), per_minute(rest.counts, rest.epoch_s), worn)


def provenance(analyzed: Analyzed) -> dict[str, Any]:
    """How the numbers came about: methods, versions, the hash of the input, what the reader noticed."""
    return {
        "methods": dict(analyzed.rest.methods),
        "code_version": code_version(),
        "input_hash": analyzed.input_hash,
        "window": [analyzed.start.isoformat(), analyzed.end.isoformat()],
        "zone_evidence": analyzed.read.zone_evidence,
        "notices": [{"code": notice.code, "detail": notice.detail} for notice in analyzed.read.notices],
    }


def _rhythm(analyzed: Analyzed, abstentions: dict[str, str]) -> dict[str, Any]:
    kept = {name: stored(value) for name, value in rhythm(analyzed.rest).items()}
    abstentions |= {f"rhythm.{name}": value["reason"] for name, value in kept.items() if isinstance(value, dict)}
    return plain_rhythm(kept, analyzed.rest.valid_days)


def _night(night: Any, index: int, zone: str, abstentions: dict[str, str]) -> dict[str, Any]:
    def given(column: str, value: Any, convert: Any = stored) -> Any:
        if isinstance(value, Abstained):
            abstentions[f"nights.{index}.{column}"] = value.reason
            return None
        return convert(value)

    numbers = {column: given(column, getattr(night, name)) for column, (name, _, _) in NIGHT.items()}
    if numbers["awakenings"] is not None:
        numbers["awakenings"] = round(numbers["awakenings"])
    return {
        "date": night.evening.isoformat(),
        "onset": given("onset", night.onset, lambda value: _local(clock.from_epoch(value), zone)),
        "offset": given("offset", night.offset, lambda value: _local(clock.from_epoch(value), zone)),
        **numbers,
        "method": night.method,
        "flags": list(night.flags),
    }


def _local(moment: datetime, zone: str) -> str:
    return moment.astimezone(clock.zone(zone)).isoformat()


def as_html(analyzed: Analyzed, *, file: str) -> str:
    """The recording as one page that needs nothing else, drawn by the same code as a patient's page (about 5 MB)."""
    from plotly.offline import get_plotlyjs

    analysis, minutes = unsaved(analyzed), _minutes(analyzed)
    context = pages.shown(analysis, night_rows(analysis, analyzed), minutes, None)
    style = _static("vendor/modern-normalize/modern-normalize.css") + _static("css/novamind.css")
    drawings = [(title, _drawn(context["figures"][name], style)) for name, title in DRAWINGS.items()]
    context |= {
        "file": file,
        "patient": {"zone": analysis.zone},
        "style": mark_safe(style),  # noqa: S308  # nosec B308 B703  (our own files)
        "script": mark_safe(get_plotlyjs()),  # noqa: S308  # nosec B308 B703
        "drawings": drawings,
        "record": {"Input hash (SHA-256)": analysis.input_hash, "Code version": analysis.code_version},
    }
    return render_to_string("actigraphy/report.html", context)


DRAWINGS = {
    "actogram": "Days and nights",
    "trend_sleep": "Sleep from night to night",
    "trend_timing": "Timing of sleep",
    "profile": "The mean day",
}


def _static(name: str) -> str:
    return (settings.BASE_DIR / "static" / name).read_text(encoding="utf-8")


def _drawn(figure: dict[str, Any] | Abstained, style: str) -> str:
    """A figure as a piece of HTML; its colours, which are names on our pages, as the values of the light theme."""
    from plotly.io import to_html

    if isinstance(figure, Abstained):
        return format_html('<p class="abstained">Not drawn: {}.</p>', figure.reason)
    caption = format_html('<p class="small muted">{}</p>', figure["layout"]["meta"]["caption"])
    if not figure["data"]:
        return caption
    light: dict[str, str] = {}
    for name, value in re.findall(r"(--[\w-]+):\s*([^;}]+)", style):
        light.setdefault(name, value.strip())  # the dark theme repeats the names further down
    drawn = _colored({"data": figure["data"], "layout": figure["layout"]}, light)
    drawn["layout"].pop("meta", None)
    options = {"displaylogo": False, "responsive": True}
    html = to_html(drawn, full_html=False, include_plotlyjs=False, validate=False, config=options)
    # Plotly escapes what stands in a figure; the caption escapes itself.
    return mark_safe(html) + caption  # noqa: S308  # nosec B308 B703


def _colored(value: Any, colors: dict[str, str]) -> Any:
    if isinstance(value, str):
        name = re.fullmatch(r"var\((--[\w-]+)\)", value)
        return colors.get(name[1], value) if name else value
    if isinstance(value, list):
        return [_colored(one, colors) for one in value]
    if isinstance(value, dict):
        return {key: _colored(one, colors) for key, one in value.items()}
    return value


def nights_table(bodies: list[dict[str, Any]]) -> str:
    """Every night of every recording as CSV, for a statistics program; an abstained number is empty."""
    import pandas as pd

    rows = [{"file": text_cell(body["file"]), **night} for body in bodies for night in body.get("nights", [])]
    table = pd.DataFrame(rows, columns=["file", "date", "onset", "offset", *NIGHT, "method", "flags"])
    table["flags"] = table["flags"].map(" ".join)
    return str(table.to_csv(index=False))


def unsaved(analyzed: Analyzed) -> Analysis:
    """An :class:`Analysis` that belongs to nobody and is never stored."""
    nobody = uuid.UUID(int=0)
    source = Source(patient_id=nobody, kind=Source.Kind.RECORDING, device_type=analyzed.device.key)
    source.recording = Recording(
        patient_id=nobody,
        zone=analyzed.read.zone,
        start=analyzed.start,
        notices=[{"code": notice.code, "detail": notice.detail} for notice in analyzed.read.notices],
    )
    return Analysis(
        patient_id=nobody,
        source=source,
        window_start=analyzed.start,
        window_end=analyzed.end,
        zone=analyzed.read.zone,
        device_type=analyzed.device.key,
        methods=dict(analyzed.rest.methods),
        results=results(analyzed),
        input_hash=analyzed.input_hash,
        code_version=code_version(),
    )
