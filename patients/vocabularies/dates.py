"""A date of which the day, or the month too, may not be known: written as ISO 8601 (and FHIR) writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

DAY, MONTH, YEAR = "day", "month", "year"
PRECISIONS: Final = {DAY: "the day", MONTH: "the month", YEAR: "the year"}
FIRST_YEAR: Final = 1900
_FORM: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


class WrongDate(ValueError):
    """The text is no date, in words fit for a page."""


@dataclass(frozen=True, slots=True)
class PartialDate:
    """``on`` is the first day it can have been; ``precision`` says how much of it is known."""

    on: date
    precision: str = DAY

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """``2027-03-05``, ``2027-03`` or ``2027``; ``WrongDate`` for anything else."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise WrongDate("Write it as 2027-03-05, or 2027-03 or 2027 where only that is known.")
        year, month, day = found.groups()
        try:
            on = date(int(year), int(month or 1), int(day or 1))
        except ValueError:
            raise WrongDate("There is no such day.") from None
        if on.year < FIRST_YEAR:
            raise WrongDate(f"Years begin with {FIRST_YEAR}.")
        return cls(on, DAY if day else MONTH if month else YEAR)

    def __str__(self) -> str:
        """As it is sent."""
        return {DAY: f"{self.on:%Y-%m-%d}", MONTH: f"{self.on:%Y-%m}", YEAR: f"{self.on:%Y}"}[self.precision]

    @property
    def last(self) -> date:
        """The last day it can have been."""
        if self.precision == DAY:
            return self.on
        if self.precision == YEAR:
            return date(self.on.year, 12, 31)
        later = date(self.on.year + self.on.month // 12, self.on.month % 12 + 1, 1)
        return later - timedelta(days=1)

    @property
    def words(self) -> str:
        """``5 Mar 2027``, ``Mar 2027`` or ``2027``."""
        if self.precision == DAY:
            return f"{self.on.day} {self.on:%b %Y}"
        return f"{self.on:%b %Y}" if self.precision == MONTH else f"{self.on:%Y}"
