"""What the printed report of a recording shows: the numbers of the Actigraphy page, and where they come from."""

from __future__ import annotations

from typing import Any, Final

from actigraphy.charts.printed import printed_actogram, printed_trend
from actigraphy.minutes import Minutes
from actigraphy.models import Analysis, Night
from actigraphy.numbers import NIGHT
from actigraphy.pages.figures import column_of, day_rows
from actigraphy.pages.tables import night_row, quality, rhythm_rows
from actigraphy.pages.words import cautions, headline, window_in_words
from actigraphy.science.baseline import own_baseline
from actigraphy.science.devices import DEVICES
from novamind.measures import Abstained

HEAD: Final = [
    "part", "name", "onset", "offset", *NIGHT, "value", "unit", "abstained", "method", "remarks", "analysis",
    "input_hash", "code_version",
]  # fmt: skip


def report_of(analysis: Analysis, days: int) -> dict[str, Any]:
    """The context of the report; actogram and nights of the newest ``days``, everything else of the whole window."""
    nights = list(analysis.nights.all())
    recent = nights[-days:]
    rows = day_rows(analysis, Minutes.of(analysis), recent[0].date if recent else None)
    drawn, caption = printed_actogram(rows, zone=analysis.zone)
    return {
        "analysis": {
            "record_id": analysis.pk,
            "headline": headline(analysis, nights),
            "cautions": cautions(analysis, nights),
            "window": window_in_words(analysis),
            "methods": analysis.methods,
            "input_hash": analysis.input_hash,
            "code_version": analysis.code_version,
            "computed_at": analysis.created_at,
            "device": DEVICES[analysis.device_type].label,
            "source_id": analysis.source_id,
        },
        "actogram": drawn,
        "actogram_caption": caption,
        "trend": _trend(nights),
        "nights": [night_row(night, analysis) for night in recent],
        "drawn": len(recent),
        "measured": len(nights),
        "rhythm": rhythm_rows(analysis),
        "quality": quality(analysis),
    }


def _trend(nights: list[Night]) -> Any:
    minutes = column_of(nights, "tst_min")
    try:
        baseline = own_baseline(minutes)
    except Abstained:
        baseline = None
    try:
        return printed_trend([night.date for night in nights], minutes, baseline)
    except Abstained as why:
        return why


def report_rows(analysis: Analysis) -> list[list[Any]]:
    """Its numbers in full precision: every night and every number of the rhythm, with where they come from."""
    ends = [str(analysis.pk), analysis.input_hash, analysis.code_version]
    rows: list[list[Any]] = []
    for night in analysis.nights.all():
        why = "; ".join(f"{name}: {Abstained.from_json(said).reason}" for name, said in night.abstentions.items())
        rows.append([
            "night", night.date, *(moment and moment.isoformat() for moment in (night.onset, night.offset)),
            *(getattr(night, column) for column in NIGHT), None, "", why, night.method, " ".join(night.flags), *ends,
        ])  # fmt: skip
    empty = [None] * (2 + len(NIGHT))
    for row in rhythm_rows(analysis):
        shown = row["measure"]
        said = (
            [None, "", shown.reason, ""]
            if isinstance(shown, Abstained)
            else [shown.value, shown.unit, "", shown.method]
        )
        rows.append(["rhythm", row["label"], *empty, *said, "", *ends])
    return rows
