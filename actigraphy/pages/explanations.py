"""What the encoder looked at and what its answer rests on: shown with how far the two agree, or not at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.models import Analysis, WeekExplanation
from actigraphy.pages.layers import Layer
from actigraphy.pages.models import embedded_weeks, state_of
from actigraphy.pat import heads
from actigraphy.readings import EXPLAIN
from actigraphy.science.pat.explaining import BLOCK_MIN
from novamind import clock, display
from novamind.measures import Abstained, Measure, Shown, Window

ATTENTION, OCCLUSION = "attention", "occlusion"
#: The layers by their name in the address: what they are called, and what is told of them.
LAYERS: Final = {
    ATTENTION: ("Where the model looked", "attention that each stretch of 9 or 18 minutes receives in its last block"),
    OCCLUSION: ("What the answer rests on", "how far the answer moves when each stretch of 90 minutes is left out"),
}
_TOLD: Final = 3


def explanations(analysis: Analysis, wanted: str) -> dict[str, Any]:
    """The newest weeks explained, oldest first, and the layer that was asked for.

    ``why`` stands in place of all of it where there is none; ``layer`` is None unless asked for and to be drawn.
    """
    ids = [row.record_id for row in analysis.week_readings.all() if row.record_id and not row.withheld]
    newest: dict[Any, WeekExplanation] = {}
    serving = [str(head) for head in heads.serving(analysis.device_type)]
    rows = WeekExplanation.objects.filter(record__in=ids, of__in=["", *serving]).select_related("record__model_version")
    for row in rows.defer("record__input_array", "record__output").order_by("record__window_start", "created_at"):
        newest[row.record_id] = row
    found = list(newest.values())
    if not found:
        read = embedded_weeks(analysis)
        return {"why": read if isinstance(read, Abstained) else Abstained(state_of(analysis, EXPLAIN))}
    drawn = [row for row in found if row.found is not None]
    chosen = wanted if wanted in LAYERS and drawn else ""
    layer = Layer.of([_start_s(row) for row in drawn], [_minutes(row, chosen) for row in drawn]) if chosen else None
    return {
        "weeks": [_week(row, analysis) for row in found],
        "of": found[-1].of,
        "version": found[-1].record.model_version,
        "layers": [{"key": key, "name": name, "what": what} for key, (name, what) in LAYERS.items()] if drawn else [],
        "chosen": chosen,
        "layer": layer,
    }


def agreement(row: WeekExplanation) -> Shown:
    """How far attention stands for what the answer rests on."""
    if row.found is None:
        return Abstained.from_json(row.abstention)
    kept = row.found["faithfulness"]
    return Measure(
        round(kept["correlation"], 2),
        "",
        "Spearman's correlation, over blocks of 90 min, of attention with the size of the block's effect; 95 % "
        "interval by drawing the week's days",
        Window(row.record.window_start, row.record.window_end),
        n=kept["n"],
        low=round(kept["low"], 2),
        high=round(kept["high"], 2),
    )


def _week(row: WeekExplanation, analysis: Analysis) -> dict[str, Any]:
    tz = clock.zone(analysis.zone)
    start = row.record.window_start.astimezone(tz)
    last = (row.record.window_end - timedelta(minutes=1)).astimezone(tz)
    told = [] if row.found is None else _strongest(row, tz)
    return {"first": start.date(), "last": last.date(), "agreement": agreement(row), "rests_on": told}


def _strongest(row: WeekExplanation, tz: Any) -> list[str]:
    """The blocks that the answer rests on most, in words."""
    effect = np.abs(np.array([np.nan if value is None else value for value in row.found["occlusion"]], dtype=float))
    known = np.flatnonzero(np.isfinite(effect))
    words = []
    for block in sorted(known[np.argsort(-effect[known])[:_TOLD]].tolist()):
        start = (row.record.window_start + timedelta(minutes=BLOCK_MIN * block)).astimezone(tz)
        end = (row.record.window_start + timedelta(minutes=BLOCK_MIN * (block + 1))).astimezone(tz)
        words.append(f"{display.short_day(start)} {start:%H:%M}{display.DASH}{end:%H:%M}")
    return words


def _start_s(row: WeekExplanation) -> int:
    return int(row.record.window_start.timestamp())


def _minutes(row: WeekExplanation, layer: str) -> NDArray[np.float64]:
    values = np.array([np.nan if value is None else value for value in row.found[layer]], dtype=float)
    return np.repeat(values, row.found["patch_min"]) if layer == ATTENTION else np.repeat(np.abs(values), BLOCK_MIN)
