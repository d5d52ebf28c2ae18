"""What all charts share: one template, typed arrays, axes, bands. Data in, plain Plotly figure dicts out.

Figures are plain dicts, validated against Plotly's schema in the tests, so that no web process imports the library.
Colours are names of the page's custom properties (``var(--sleep)``); charts.js puts in what they mean in the light or
the dark theme. ``layout.meta`` carries what the page shows around the plot: ``caption``, ``table``, ``linked``.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Figure = dict[str, Any]

FONT = {"family": "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif", "size": 13}
_AXIS = {
    "gridcolor": "var(--grid)",
    "linecolor": "var(--line-strong)",
    "tickcolor": "var(--line-strong)",
    "tickfont": {"color": "var(--muted)"},
    "title": {"font": {"color": "var(--muted)", "size": 13}, "standoff": 8},
    "zeroline": False,
    "automargin": True,
}
TEMPLATE: Figure = {
    "layout": {
        "font": FONT | {"color": "var(--text)"},
        "paper_bgcolor": "var(--nothing)",
        "plot_bgcolor": "var(--nothing)",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8, "pad": 0},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "var(--surface)",
            "bordercolor": "var(--line-strong)",
            "font": FONT | {"color": "var(--text)"},
            "align": "left",
        },
        "dragmode": False,
        "modebar": {"bgcolor": "var(--surface)", "color": "var(--muted)", "activecolor": "var(--accent)"},
    }
}

_CODES = {"int16": "i2", "int32": "i4", "uint8": "u1", "uint16": "u2", "float32": "f4", "float64": "f8"}


def packed(array: NDArray[Any]) -> dict[str, str]:
    """An array as Plotly's typed array, in the type it has; NaN stays a gap in float types.

    Raises
    ------
    KeyError
        A type that Plotly does not know, such as int64.
    """
    code = _CODES[array.dtype.name]
    raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    typed = {"dtype": code, "bdata": base64.b64encode(raw.tobytes()).decode("ascii")}
    if array.ndim > 1:
        typed["shape"] = ", ".join(str(size) for size in array.shape)
    return typed


def figure(
    traces: Sequence[Figure],
    *,
    height: int,
    caption: str,
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None,
    linked: str | None = None,
    **layout: Any,
) -> Figure:
    """A figure in the one template.

    Parameters
    ----------
    traces : sequence of dict
        Plotly traces.
    height : int
        Pixels; the width is the card's.
    caption : str
        What the plot shows and how it was scaled, in words.
    table : (head, rows), optional
        The same numbers for screen readers and for copying.
    linked : str, optional
        Charts of one page that share this name share their x-range.
    **layout
        Plotly layout entries.
    """
    meta: dict[str, Any] = {"caption": caption}
    if table is not None:
        meta["table"] = {"head": list(table[0]), "rows": [list(row) for row in table[1]]}
    if linked:
        meta["linked"] = linked
    return {"data": list(traces), "layout": layout | {"template": TEMPLATE, "height": height, "meta": meta}}


def vertical_line(x: float | str, *, color: str = "var(--line-strong)", dash: str = "solid", **place: Any) -> Figure:
    """A line across the whole height, beneath the data, unless ``place`` says otherwise."""
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "layer": "below", "line": line} | place


def horizontal_line(y: float, *, color: str = "var(--line-strong)", dash: str = "solid") -> Figure:
    """A line across the whole width, above the grid, which would hide it at a tick."""
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "layer": "above", "line": line}


def horizontal_band(low: float, high: float, *, color: str) -> Figure:
    """A shaded range of values over the whole width, beneath the data."""
    return _shade(color) | {"xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high}


def vertical_band(start: float, end: float, *, color: str) -> Figure:
    """A shaded stretch of the x-axis over the whole height, beneath the data."""
    return _shade(color) | {"yref": "paper", "y0": 0, "y1": 1, "x0": start, "x1": end}


def _shade(color: str) -> Figure:
    return {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": color}


def free_text(text: str) -> str:
    """What somebody typed, for Plotly to show as it is: its texts are a kind of HTML, with links and formats."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def label(text: str, *, x: float | str, y: float, color: str, **place: Any) -> Figure:
    """Words directly at the data, instead of a legend."""
    return {"text": text, "x": x, "y": y, "showarrow": False, "font": {"color": color, "size": 13}} | place


def rectangles(
    x0: NDArray[Any], x1: NDArray[Any], y0: NDArray[Any], y1: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Outlines of boxes as one path with gaps, shape (6 n,) each: one trace draws them all."""
    gap = np.full(len(x0), np.nan)
    x = np.column_stack([x0, x1, x1, x0, x0, gap]).astype(np.float32).ravel()
    y = np.column_stack([y0, y0, y1, y1, y0, gap]).astype(np.float32).ravel()
    return x, y


def days_axis(first: date, last: date) -> Figure:
    """A calendar axis; its ticks are days and never clock times."""
    days = (last - first).days
    axis: Figure = {"type": "date", "tickformat": "%-d %b", "hoverformat": "%a %-d %b %Y", "showgrid": False}
    axis["range"] = [f"{date.fromordinal(max(1, first.toordinal() - 1))} 12:00", f"{last} 12:00"]
    if days < 14:
        axis["dtick"] = 86_400_000 * (1 if days < 8 else 2)
    return axis
