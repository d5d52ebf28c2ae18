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

    Hours may run over midnight; from and to alike are none. The clock on the wall decides, also in a night in which it
    is changed: a time that is skipped is the instant it would have been.
    """
    if hours is None or hours[0] == hours[1]:
        return None
    begins, ends = hours
    local = moment.astimezone(tz)
    wall = local.time().replace(tzinfo=None)
    over_midnight = begins > ends
    quiet = wall >= begins or wall < ends if over_midnight else begins <= wall < ends
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and wall >= begins else 0)
    end = clock.resolve_local(datetime.combine(day, ends), tz)
    if end <= moment:  # the second pass of a double hour
        end = clock.resolve_local(datetime.combine(day, ends), tz, fold=1)
    return end if end > moment else None
