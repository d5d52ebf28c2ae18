"""Quiet hours: when a message that can wait does."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from novamind import clock


def hours_of(text: str) -> tuple[time, time] | None:
    """``21:00-08:00`` as two times, ``None`` for an empty text (no quiet hours).

    Raises
    ------
    ValueError
        Anything else.
    """
    if not text:
        return None
    first, _, last = text.partition("-")
    return time.fromisoformat(first.strip()), time.fromisoformat(last.strip())


def end_of_quiet(moment: datetime, hours: tuple[time, time] | None, tz: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold at this moment end, UTC; ``None`` outside them.

    Hours may run over midnight; from and to alike are none. In a night in which the clock is changed they are one
    stretch too: of a double hour they begin with the first pass and end with the second, so that nobody who sleeps is
    woken between; a time that is skipped is the instant it would have been.
    """
    if hours is None or hours[0] == hours[1]:
        return None
    begins, ends = hours
    today = moment.astimezone(tz).date()
    for day in (today - timedelta(days=1), today):
        last = datetime.combine(day + timedelta(days=begins > ends), ends)
        end = max(clock.resolve_local(last, tz, fold=fold) for fold in (0, 1))
        if clock.resolve_local(datetime.combine(day, begins), tz) <= moment < end:
            return end
    return None
