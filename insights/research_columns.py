"""The columns of a file for research: what each is, and what may stand in it; see docs/research-export.md."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, Final

from insights.cohort import DAYS, NO_COMMON_UNIT
from insights.rules.series import FEATURES, MEANINGS
from patients.instruments import Instrument, instruments
from patients.models import Patient

#: Daily series of the file: those whose numbers of two persons can be compared.
SERIES: Final = MappingProxyType({name: one for name, one in FEATURES.items() if name not in NO_COMMON_UNIT})
#: 45 CFR 164.514(b)(2)(i)(C): ages over 89 are one category.
OLDEST_TOLD: Final = 89
OLDER: Final = f"{OLDEST_TOLD + 1}+"
#: A person's day 0 lies so many days or fewer before the first of the days, at random.
ORIGIN_DAYS: Final = 365

_HEAD: Final = ("file", "column", "unit", "what_it_is", "worse_is")
_ABOUT: Final = {
    "study_id": ("", "drawn at random for this file and person; the same in all tables"),
    "age_years": ("years", f"age when the file was made; {OLDER} is one group"),
    "sex": ("", "as recorded: " + ", ".join(Patient.Sex.values)),
    "day": ("days", "local day, counted from a random origin of the person's own; not comparable between persons"),
    "instrument": ("", "which questionnaire"),
    "version": ("", "which wording of the questionnaire"),
    "total": ("points", "total of the questionnaire; see its own row for range and direction"),
}
#: What is not said by a series' label.
_MORE: Final = {"midsleep": "hours after midnight, local time; below 0 before midnight"}


def version_of(name: str) -> str | None:
    """Which wording of a questionnaire with a total the library has; ``None`` where it has none."""
    one = instruments().get(name)
    return None if one is None or one.total_range is None else one.version


def _is_id(cell: Any, row: Sequence[Any]) -> bool:
    return isinstance(cell, str) and re.fullmatch(r"[0-9a-f]{16}", cell) is not None


def _is_age(cell: Any, row: Sequence[Any]) -> bool:
    return cell == OLDER or (type(cell) is int and 0 <= cell <= OLDEST_TOLD)


def _is_sex(cell: Any, row: Sequence[Any]) -> bool:
    return cell in Patient.Sex.values


def _is_day(cell: Any, row: Sequence[Any]) -> bool:
    return type(cell) is int and 0 <= cell < ORIGIN_DAYS + DAYS


def _is_value(cell: Any, row: Sequence[Any]) -> bool:
    return cell is None or (type(cell) is float and math.isfinite(cell) and float(f"{cell:.3g}") == cell)


def _is_instrument(cell: Any, row: Sequence[Any]) -> bool:
    return isinstance(cell, str) and version_of(cell) is not None


def _is_version(cell: Any, row: Sequence[Any]) -> bool:
    return _is_instrument(row[2], row) and cell == version_of(row[2])


def _is_total(cell: Any, row: Sequence[Any]) -> bool:
    if not _is_instrument(row[2], row) or type(cell) is not int:
        return False
    low, high = instruments()[row[2]].total_range or (0, -1)
    return low <= cell <= high


Rule = Callable[[Any, Sequence[Any]], bool]
#: Table -> its columns in order, each with what may stand in it.
COLUMNS: Final[MappingProxyType[str, dict[str, Rule]]] = MappingProxyType(
    {
        "people.csv": {"study_id": _is_id, "age_years": _is_age, "sex": _is_sex},
        "days.csv": {"study_id": _is_id, "day": _is_day, **dict.fromkeys(SERIES, _is_value)},
        "questionnaires.csv": {
            "study_id": _is_id, "day": _is_day, "instrument": _is_instrument, "version": _is_version,
            "total": _is_total,
        },
    }
)  # fmt: skip


def misfits(table: str, row: Sequence[Any]) -> int:
    """How many cells of a row hold what their column may not; ``ValueError`` where it has another number of cells."""
    return sum(not may(cell, row) for may, cell in zip(COLUMNS[table].values(), row, strict=True))


def codebook() -> Iterator[tuple[str, ...]]:
    """The rows of ``columns.csv``, its head first: the same in every file of a release."""
    yield _HEAD
    for table, columns in COLUMNS.items():
        for name in columns:
            if name in SERIES:
                said = SERIES[name].label + (f": {_MORE[name]}" if name in _MORE else "")
                yield table, name, SERIES[name].unit, said, MEANINGS[name].worse
            else:
                yield table, name, *_ABOUT[name], ""
    for one in instruments().values():
        if one.total_range is not None:
            low, high = one.total_range
            yield "questionnaires.csv", f"total of {one.id}", f"{low} to {high} points", _told(one), _worse(one)


def _told(one: Instrument) -> str:
    bands = "; ".join(f"{low} to {high} {word}" for low, high, word in one.bands)
    return f"{one.title} ({one.short}), version {one.version}" + (f": {bands}" if bands else "")


def _worse(one: Instrument) -> str:
    """Which total is worse, where the library says so: what a cutoff names begins there."""
    return one.reliable_worse or ("higher" if one.cutoffs else "")
