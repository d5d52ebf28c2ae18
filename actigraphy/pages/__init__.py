"""What the Actigraphy page shows of one analysis. Reads stored results; computes none that is not a plain median."""

from __future__ import annotations

from typing import Any

from actigraphy.minutes import Minutes
from actigraphy.models import Analysis, Night
from actigraphy.pages.explanations import explanations
from actigraphy.pages.figures import figures
from actigraphy.pages.heads import head_rows
from actigraphy.pages.layers import Layer
from actigraphy.pages.models import embedded_weeks
from actigraphy.pages.own_weeks import own_weeks
from actigraphy.pages.tables import night_row, quality, rhythm_rows
from actigraphy.pages.words import cautions, headline, window_in_words

SHOWN_DAYS = 28  # of the actogram and the table of nights, newest; the trends and numbers are of the whole window


def analysis_context(analysis: Analysis, days: int | None, layer: str = "") -> dict[str, Any]:
    """Everything below the recording list: figures, nights, rhythm, quality, models; ``days`` is how many to draw,
    ``layer`` what a model says behind them."""
    explained = explanations(analysis, layer)
    found = shown(analysis, list(analysis.nights.all()), Minutes.of(analysis), days, explained.get("layer"))
    said = {"own_weeks": own_weeks(analysis), "heads": head_rows(analysis), "explained": explained}
    return found | {"pat": embedded_weeks(analysis), "models": said}


def shown(
    analysis: Analysis, nights: list[Night], minutes: Minutes, days: int | None, layer: Layer | None = None
) -> dict[str, Any]:
    """The same for an analysis that is not stored."""
    recent = nights[-days:] if days else nights
    return {
        "analysis": {
            "record_id": analysis.pk,
            "headline": headline(analysis, nights),
            "cautions": cautions(analysis, nights),
            "window": window_in_words(analysis),
            "method_lines": [f"{name.replace('_', ' ')}: {method}" for name, method in analysis.methods.items()],
        },
        "figures": figures(analysis, nights, minutes, recent[0].date if recent else None, layer),
        "nights": [night_row(night, analysis) for night in reversed(recent)],
        "drawn": len(recent),
        "measured": len(nights),
        "rhythm": rhythm_rows(analysis),
        "quality": quality(analysis),
    }
