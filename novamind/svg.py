"""Drawings of printed reports: the arrays of a page's charts as SVG, in the light theme's colours.

Plain elements with attributes, so that the same drawing stands on a page (whose policy takes no inline style) and in a
PDF. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Point = tuple[float, float]

#: Names of the page's custom properties -> their light values; on paper there is one theme.
COLORS: Final = MappingProxyType(
    {
        "text": "#1a2430", "muted": "#526070", "line": "#d5dbe2", "line-strong": "#838f9c", "sleep": "#4650b8",
        "nap": "#9ba1e2", "activity": "#5b6b7d", "light": "#a86e00", "symptom": "#86377f", "off-wrist": "#8d97a3",
    }
)  # fmt: skip


def drawing(width: int, height: int, parts: Iterable[SafeString], *, label: str) -> SafeString:
    """The whole; ``width`` and ``height`` are those of its own units, and it fills the width that it is given."""
    return format_html(
        '<svg class="drawing" viewBox="0 0 {} {}" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">'
        '<rect width="{}" height="{}" fill="#ffffff"></rect>{}</svg>',
        width, height, label, width, height, format_html_join("", "{}", ((part,) for part in parts)),
    )  # fmt: skip


def box(x: float, y: float, width: float, height: float, color: str, *, opacity: float = 1) -> SafeString:
    """A filled rectangle; ``color`` is a name of :data:`COLORS`."""
    return format_html(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" fill-opacity="{}"></rect>',
        _n(x), _n(y), _n(width), _n(height), COLORS[color], opacity,
    )  # fmt: skip


def line(points: Iterable[Point], color: str, *, width: float = 1, dash: str = "") -> SafeString:
    """A line through the points; where a value is NaN it is broken, never drawn across."""
    return format_html(
        '<path d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-dasharray="{}"></path>',
        _steps(points), COLORS[color], width, dash or "none",
    )  # fmt: skip


def area(points: Iterable[Point], color: str, *, opacity: float = 1) -> SafeString:
    """A filled outline."""
    return format_html(
        '<path d="{}Z" fill="{}" fill-opacity="{}"></path>', _steps(points), COLORS[color], opacity
    )  # fmt: skip


def dots(points: Iterable[Point], color: str, *, radius: float = 2.5) -> SafeString:
    """A dot at each point; none where a value is NaN."""
    known = ((_n(x), _n(y), radius, COLORS[color]) for x, y in points if np.isfinite(x) and np.isfinite(y))
    return format_html_join("", '<circle cx="{}" cy="{}" r="{}" fill="{}"></circle>', known)


def words(x: float, y: float, text: str, *, anchor: str = "start", size: int = 11, color: str = "text") -> SafeString:
    """A line of text whose foot is at ``y``."""
    return format_html(
        '<text x="{}" y="{}" text-anchor="{}" font-size="{}" fill="{}">{}</text>',
        _n(x), _n(y), anchor, size, COLORS[color], text,
    )  # fmt: skip


def _steps(points: Iterable[Point]) -> str:
    steps, pen = [], "M"
    for x, y in points:
        if not (np.isfinite(x) and np.isfinite(y)):
            pen = "M"
            continue
        steps.append(f"{pen}{_n(x)} {_n(y)}")
        pen = "L"
    return "".join(steps)


def _n(value: float) -> str:
    return f"{float(value):.1f}".rstrip("0").rstrip(".")
