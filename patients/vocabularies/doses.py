"""Units (UCUM) and frequencies of doses, and what a dose comes to in a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final

#: UCUM code -> as it is written on a page.
UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mg": "mg",
        "ug": "µg",
        "g": "g",
        "mmol": "mmol",
        "meq": "mEq",
        "mL": "mL",
        "[iU]": "IU",
        "[drp]": "drops",
        "{tbl}": "tablets",
        "{patch}": "patches",
    }
)

#: code -> words, and how often in a day; ``None`` where that is not fixed.
FREQUENCIES: Final[Mapping[str, tuple[str, Fraction | None]]] = MappingProxyType(
    {
        "daily": ("once a day", Fraction(1)),
        "night": ("at night", Fraction(1)),
        "twice": ("twice a day", Fraction(2)),
        "three": ("three times a day", Fraction(3)),
        "four": ("four times a day", Fraction(4)),
        "alternate": ("every other day", Fraction(1, 2)),
        "weekly": ("once a week", Fraction(1, 7)),
        "2_weeks": ("every 2 weeks", Fraction(1, 14)),
        "4_weeks": ("every 4 weeks", Fraction(1, 28)),
        "12_weeks": ("every 12 weeks", Fraction(1, 84)),
        "as_needed": ("as needed", None),
        "single": ("a single dose", None),
    }
)


@dataclass(frozen=True, slots=True)
class Dose:
    """An amount each time, its unit (a key of :data:`UNITS`) and how often (a key of :data:`FREQUENCIES`)."""

    amount: Decimal
    unit: str
    frequency: str

    @property
    def words(self) -> str:
        """``50 mg once a day``."""
        return f"{plain(self.amount)} {UNITS[self.unit]} {FREQUENCIES[self.frequency][0]}"

    @property
    def a_day(self) -> float | None:
        """Amount times times a day, in the unit of the dose; ``None`` where how often is not fixed."""
        times = FREQUENCIES[self.frequency][1]
        return None if times is None else float(Fraction(self.amount) * times)


def plain(amount: Decimal) -> str:
    """``0.5``, ``150``: no zeros that say nothing, no exponent."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
