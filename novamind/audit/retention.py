"""How long what the trail and its differences say is kept: six years at least (45 CFR 164.316(b)(2)(i))."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from novamind.clock import now

KEPT = timedelta(days=6 * 366)


class TooYoung(ValueError):
    """Something was about to be removed that must still be kept."""


def require_kept(before: date | datetime | None) -> None:
    """Whatever removes records of activity asks this first; ``None`` means all of them.

    Raises
    ------
    TooYoung
        Records younger than six years would go.
    """
    last = (now() - KEPT).date()
    day = before.date() if isinstance(before, datetime) else before
    if day is None or day > last:
        raise TooYoung(f"records of activity are kept for six years: nothing after {last} can be removed")
