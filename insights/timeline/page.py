"""One page of a timeline: the newest lines of every kind together, from a place on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q

from insights.timeline.sources import KINDS, SOURCES, Asked, Kind, Told
from novamind import clock
from novamind.measures import Abstained
from patients.consent import allowed_pairs
from patients.models import Patient
from patients.models.part2 import REDISCLOSURE_NOTICE

SHOWN: Final = 50  # lines of one page
_YEARS: Final = range(1900, 2200)  # of a place; beyond them a database has no such moment


@dataclass(frozen=True, slots=True)
class Place:
    """After which line a page begins: its moment, its source, its row."""

    at: datetime
    source: int
    pk: UUID

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.pk}"

    @classmethod
    def of(cls, text: str) -> Place | None:
        """What an address says; ``None`` where it says none."""
        try:
            at, source, pk = text.split("~")
            found = cls(datetime.fromisoformat(at), int(source), UUID(pk))
        except ValueError:
            return None
        known = found.at.tzinfo is not None and found.at.year in _YEARS and 0 <= found.source < len(SOURCES)
        return found if known else None

    def beyond(self, source: int, field: str) -> Q:
        """Rows of a source that come after this place: earlier ones, and of the same moment those that sort later."""
        if source < self.source:
            return Q(**{f"{field}__lt": self.at})
        if source > self.source:
            return Q(**{f"{field}__lte": self.at})
        return Q(**{f"{field}__lt": self.at}) | Q(**{field: self.at, "pk__lt": self.pk})


@dataclass(frozen=True, slots=True)
class Line:
    """A row at its place; ``told`` is ``None`` where it may not be told now."""

    place: Place
    kind: str
    told: Told | None


def timeline_of(patient: Patient, user: Any, *, kind: str = "", after: Place | None = None) -> dict[str, Any]:
    """The context of a page; the number of queries does not depend on how many rows there are."""
    asked = Asked(patient, user, frozenset(allowed_pairs(patient)))
    kind = kind if kind in KINDS else ""
    open_kinds = {name for name, one in KINDS.items() if _why_not(one, asked) is None}
    found = _lines(asked, open_kinds & ({kind} if kind else set(KINDS)), after)
    shown = [line for line in found[:SHOWN] if line.told is not None]
    more = str(found[SHOWN - 1].place) if len(found) > SHOWN else ""
    return {
        "kinds": {name: one.label for name, one in KINDS.items() if user.may(one.right)},
        "kind": kind,
        "days": _by_day(shown, patient),
        "shown": SHOWN,
        "untold": len(found[:SHOWN]) - len(shown),
        "withheld": [(one.label, why) for one in KINDS.values() if (why := _why_not(one, asked))],
        "older": f"?{urlencode({'kind': kind, 'after': more})}" if more else "",
        "is_first": after is None,
        "notice": REDISCLOSURE_NOTICE if any(line.told and line.told.part2 for line in shown) else None,
    }


def _why_not(kind: Kind, asked: Asked) -> str | None:
    """Why a kind is not listed; ``None`` where it is."""
    if not asked.user.may(kind.right):
        return "your role does not open them"
    if kind.needs is not None and kind.needs not in asked.allowed:
        return Abstained("consent_withheld").reason
    return None


def _lines(asked: Asked, kinds: set[str], after: Place | None) -> list[Line]:
    """One line more than a page has, of these kinds, the newest first."""
    found: list[tuple[Place, Any]] = []
    for number, source in enumerate(SOURCES):
        if source.kind not in kinds:
            continue
        rows = source.rows(asked)
        if after is not None:
            rows = rows.filter(after.beyond(number, source.at))
        newest = rows.order_by(f"-{source.at}", "-pk")[: SHOWN + 1]
        found += [(Place(getattr(row, source.at), number, row.pk), row) for row in newest]
    found.sort(key=lambda one: one[0].pk, reverse=True)
    found.sort(key=lambda one: one[0].source)
    found.sort(key=lambda one: one[0].at, reverse=True)
    return _told(asked, found[: SHOWN + 1])


def _told(asked: Asked, found: list[tuple[Place, Any]]) -> list[Line]:
    words: dict[Place, Told | None] = {}
    for number, source in enumerate(SOURCES):
        mine = [(place, row) for place, row in found if place.source == number]
        if mine:
            told = source.told(asked, [row for _, row in mine])
            words |= dict(zip([place for place, _ in mine], told, strict=True))
    return [Line(place, SOURCES[place.source].kind, words[place]) for place, _ in found]


def _by_day(lines: list[Line], patient: Patient) -> list[tuple[Any, list[dict[str, Any]]]]:
    told = [
        {"at": clock.local(line.place.at, patient.tz), "kind": KINDS[line.kind].label, "told": line.told}
        for line in lines
    ]
    return [(day, list(group)) for day, group in groupby(told, lambda one: one["at"].date())]
