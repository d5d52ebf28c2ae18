"""The dates that follow from an incident (45 CFR 164.404 to 164.408). Pure: an incident in, dates out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings

from novamind import clock

DAYS = timedelta(days=60)
MANY = 500


@dataclass(frozen=True, slots=True)
class Deadline:
    """Who is to be told, until when, and when they were; ``field`` is the incident's own."""

    field: str
    who: str
    due_on: date
    told_on: date | None
    rule: str

    @property
    def is_overdue(self) -> bool:
        """Whether the day has passed and nobody was told."""
        return self.told_on is None and today() > self.due_on

    @property
    def days_left(self) -> int:
        """Days until it is due; negative once it has passed."""
        return (self.due_on - today()).days


def today() -> date:
    """The clinic's calendar day."""
    return clock.now().astimezone(clock.zone(settings.CLINIC_TIME_ZONE)).date()


def discovered_on(incident: Any) -> date:
    """The clinic's calendar day of the discovery, from which all dates count."""
    return incident.discovered_at.astimezone(clock.zone(settings.CLINIC_TIME_ZONE)).date()


def deadlines(incident: Any) -> list[Deadline]:
    """Whom the law wants told; nobody, where the information was probably not compromised or nobody is affected.

    From 500 people on HHS and the media are told together with them; below, HHS within 60 days after the year's end.
    The dates are the last ones: "without unreasonable delay" is earlier.
    """
    people = incident.people
    if incident.judgement != "presumed" or not people:
        return []
    found = discovered_on(incident)
    soon, year_end = found + DAYS, date(found.year, 12, 31) + DAYS
    many = people >= MANY
    told = [
        Deadline("individuals_told_on", "everybody affected", soon, incident.individuals_told_on, "164.404(b)"),
        Deadline(
            "hhs_told_on",
            "HHS",
            soon if many else year_end,
            incident.hhs_told_on,
            "164.408(b)" if many else "164.408(c)",
        ),
    ]
    if many:
        told.append(Deadline("media_told_on", "the media", soon, incident.media_told_on, "164.406(b)"))
    return told


def overdue(incident: Any) -> bool:
    """Whether somebody should have been told by now."""
    return any(deadline.is_overdue for deadline in deadlines(incident))


def may_close(incident: Any) -> bool:
    """Whether everybody was told; where nobody is to be, whether the reasons are written down."""
    dates = deadlines(incident)
    return all(deadline.told_on for deadline in dates) if dates else bool(incident.reasons)
