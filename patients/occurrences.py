"""When a schedule falls due: local dates and times of a patient's zone, as moments. No database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from novamind import clock

#: A zone change can turn the calendar back by a day, and a window lasts a week at most.
_LOOK_BACK = timedelta(days=9)
_LOOK_AHEAD_DAYS = 2 * 366  # the rarest schedule: every 366 days, on one weekday only


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time of a schedule: its local date, and from when until when it can be done."""

    local_date: date
    due_at: datetime
    expires_at: datetime

    def is_open(self, moment: datetime) -> bool:
        """Whether it can be done at this moment."""
        return self.due_at <= moment < self.expires_at


def falls_on(schedule: Any, day: date) -> bool:
    """Whether the schedule has a time on this local date."""
    if day < schedule.starts_on or (schedule.ends_on is not None and day > schedule.ends_on):
        return False
    on_weekday = not schedule.weekdays or day.weekday() in schedule.weekdays
    return on_weekday and (day - schedule.starts_on).days % schedule.every_days == 0


def on(schedule: Any, day: date, tz: ZoneInfo) -> Occurrence:
    """The schedule's time on this local date.

    A time in a double hour is its first pass; one that the clocks skip is the instant it would have been
    (:func:`novamind.clock.resolve_local`). The window is so many minutes of real time.
    """
    due_at = clock.resolve_local(datetime.combine(day, schedule.local_time), tz)
    return Occurrence(day, due_at, due_at + timedelta(minutes=schedule.window_min))


def due_by(schedule: Any, moment: datetime, tz: ZoneInfo, *, since: datetime | None = None) -> Iterator[Occurrence]:
    """What fell due up to this moment (inclusive), oldest first: from nine days before ``since`` or the moment on.

    Nothing that fell due before the schedule was made or last edited is among them: an edit holds from then on.
    """
    today = moment.astimezone(tz).date()
    day = max(schedule.starts_on, (min(since or moment, moment) - _LOOK_BACK).astimezone(tz).date())
    while day <= today:
        if falls_on(schedule, day):
            found = on(schedule, day, tz)
            if schedule.planned_from <= found.due_at <= moment:
                yield found
        day += timedelta(days=1)


def next_after(schedule: Any, moment: datetime, tz: ZoneInfo) -> Occurrence | None:
    """The first that falls due after this moment; ``None`` where there is none within two years."""
    first = max(moment.astimezone(tz).date(), schedule.starts_on)
    for ahead in range(_LOOK_AHEAD_DAYS):
        day = first + timedelta(days=ahead)
        if schedule.ends_on is not None and day > schedule.ends_on:
            return None
        if falls_on(schedule, day) and (found := on(schedule, day, tz)).due_at > moment:
            return found
    return None
