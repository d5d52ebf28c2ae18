"""How numbers, durations, clock times and dates are written on pages and in charts."""

from __future__ import annotations

from datetime import date

MINUS = "\u2212"
DASH = "\u2013"
CLOCK = "clock"  # unit of a clock time: hours from a midnight, may be negative or exceed 24


def duration(minutes: float) -> str:
    """``7 h 12 min``; whole minutes."""
    whole = round(abs(minutes))
    hours, rest = divmod(whole, 60)
    sign = MINUS if minutes < 0 and whole else ""
    return f"{sign}{hours} h {rest:02d} min" if hours else f"{sign}{rest} min"


def clock_time(hours: float) -> str:
    """``23:41`` for hours from a midnight, before it or after it: -0.5 is 23:30."""
    whole = round(hours * 60) % 1440
    return f"{whole // 60:02d}:{whole % 60:02d}"


def significant(value: float) -> str:
    """Three significant digits (two below 1), no exponent, thin spaces between thousands."""
    magnitude = abs(value)
    if magnitude >= 100:
        text = f"{round(magnitude):,}".replace(",", "\u202f")
    elif magnitude >= 10:
        text = f"{magnitude:.1f}"
    elif magnitude >= 0.1 or not magnitude:
        text = f"{magnitude:.2f}"
    else:
        text = f"{magnitude:.4f}".rstrip("0").rstrip(".") if magnitude >= 0.001 else f"{magnitude:.1e}"
    return (MINUS if value < 0 and text.strip("0.") else "") + text


def number(value: float, unit: str) -> tuple[str, str]:
    """A value of a unit as ``(digits, unit to print after them)``; empty where the digits already say it."""
    if unit == "min":
        return duration(value), ""
    if unit == CLOCK:
        return clock_time(value), ""
    if unit == "%":
        digits = f"{abs(value):.0f}" if abs(value) >= 10 or value == 0 else f"{abs(value):.1f}"
        return (MINUS if value < 0 else "") + digits, "%"
    if unit in {"count", "nights", "days", "weeks", "epochs", "points", "steps"} and value == round(value):
        return f"{value:,.0f}".replace(",", "\u202f").replace("-", MINUS), "" if unit == "count" else unit
    return significant(value), unit


def in_words(value: float, unit: str) -> str:
    """A value with its unit in one string: ``312 counts/min``."""
    return " ".join(part for part in number(value, unit) if part)


def day(on: date) -> str:
    """``Mon 3 May 2027``."""
    return f"{on:%a} {on.day} {on:%b %Y}"


def short_day(on: date) -> str:
    """``Mon 3 May``, where the year is plain from its place."""
    return f"{on:%a} {on.day} {on:%b}"
