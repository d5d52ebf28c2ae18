"""What the cohort page shows: one row a patient, a cell a day, of one measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse

from insights.cohort import DAYS, MEASURES, Floats, cohort_values, last_day
from insights.models import SavedView
from insights.rules.series import FEATURES
from insights.science.own_week import LEAST_OF_WEEK, LEAST_OWN, OWN_DAYS, WEEK, usual_median, week_median
from novamind import display
from novamind.audit.recording import aggregates, saw, unseen
from novamind.measures import Abstained
from patients.models import CareTeam, Patient
from twins.departures import amount

#: Patients on one page; each of them is on record as shown.
SHOWN: Final = 500
LEVELS: Final = 5
LEAST: Final = (0, 7, 28, 60)
SORTS: Final = {
    "name": "Name",
    "last": "Last week, lowest first",
    "change": "Change, largest first",
    "known": "Days known",
}
HEAD: Final = ["patient", "name", "mrn", "measure", "unit", "days_known", "last_week_median", "usual_median"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked for, each one of its choices; anything else is the first of them."""

    measure: str
    team: CareTeam | None
    least: int
    sort: str
    page: int = 1

    @property
    def asked(self) -> str:
        """As parameters of an address."""
        team = str(self.team.pk) if self.team else ""
        return urlencode({"measure": self.measure, "team": team, "least": self.least, "sort": self.sort})


@dataclass(frozen=True, slots=True)
class Row:
    """One patient: the days, and what is said of them; ``None`` where too few are known to say it."""

    patient: Patient
    days: Floats
    known: int
    last: float | None
    usual: float | None

    @property
    def change(self) -> float | None:
        return None if self.last is None or self.usual is None else self.last - self.usual


def teams_of(user: Any) -> list[CareTeam]:
    """Those to choose from: the user's own, but no programme, whose name beside a patient's tells (42 CFR 2.13)."""
    return list(CareTeam.objects.filter(memberships__user=user, part2_programme=False).distinct().order_by("name"))


def chosen_of(asked: QueryDict, teams: list[CareTeam]) -> Chosen:
    """What a form or an address asks for."""
    by_id = {str(team.pk): team for team in teams}
    measure, sort, least, page = (asked.get(name, "") for name in ("measure", "sort", "least", "page"))
    return Chosen(
        measure if measure in MEASURES else next(iter(MEASURES)),
        by_id.get(asked.get("team", "")),
        int(least) if least in map(str, LEAST) else LEAST[0],
        sort if sort in SORTS else next(iter(SORTS)),
        int(page) if page.isascii() and page.isdecimal() and 0 < int(page[:6]) == int(page) else 1,
    )


def rows_of(user: Any, chosen: Chosen, *, taken_out: bool = False) -> tuple[list[Row], int, Any]:
    """The rows of one page, how many patients there are, and when the oldest of their days were read.

    What is ``taken_out`` has the people of the page, but no chart that emergency access alone opens.

    Of the patients by name, :data:`SHOWN` are read at once; sorting and the least number of days act on these. The
    number of queries does not depend on how many there are. Whoever is on a row is noted as seen.
    """
    patients = Patient.objects.visible_to(user)
    if chosen.team is not None:
        with aggregates():
            patients = patients.filter(assignments__team=chosen.team)
    with unseen():
        shown, total = patients.page_by_name(chosen.page, SHOWN)
        if taken_out:  # after the page is cut: the file has the people of the page
            pks = [one.pk for one in shown]
            regular = set(
                Patient.objects.changeable_by(user).filter(pk__in=pks).order_by().values_list("pk", flat=True)
            )
            shown = [one for one in shown if one.pk in regular]
        values, read_at = cohort_values([one.pk for one in shown], chosen.measure, last_day())
    nothing = np.full(DAYS, np.nan)
    rows = [_row(one, values.get(one.pk, nothing)) for one in shown]
    kept = [row for row in rows if row.known >= chosen.least]
    for row in kept:
        saw(row.patient.pk)
    return sorted(kept, key=_ORDERS[chosen.sort]), total, read_at


_ORDERS: Final[dict[str, Callable[[Row], Any]]] = {
    "name": lambda row: 0,  # as they come
    "last": lambda row: (row.last is None, row.last or 0.0),
    "change": lambda row: (row.change is None, -abs(row.change or 0.0)),
    "known": lambda row: -row.known,
}


def _row(patient: Patient, days: Floats) -> Row:
    """The medians are those of the Brief, by the same functions."""
    return Row(patient, days, int(np.isfinite(days).sum()), _known(week_median, days), _known(usual_median, days))


def _known(median: Callable[[Floats], float], days: Floats) -> float | None:
    try:
        return median(days)
    except Abstained:
        return None


def cohort_context(user: Any, chosen: Chosen, teams: list[CareTeam]) -> dict[str, Any]:
    """The context of the page."""
    rows, total, read_at = rows_of(user, chosen)
    cuts = cuts_of([row.days for row in rows])
    about, last = MEASURES[chosen.measure], last_day()
    return {
        "rows": [
            {
                "url": reverse("insights:brief", args=[row.patient.pk]),
                "data_url": reverse("data:patient", args=[row.patient.pk]),
                "name": row.patient.listed_name,
                "heat": heat(row.days, cuts),
                "known": row.known,
                "last": _words(chosen.measure, row.last),
                "usual": _words(chosen.measure, row.usual),
            }
            for row in rows
        ],
        "total": total,
        "page": chosen.page,
        "pages": max(1, -(-total // SHOWN)),
        "read_at": read_at,
        "zone": settings.CLINIC_TIME_ZONE,
        "chosen": chosen,
        "about": about,
        "measures": {name: one.label for name, one in MEASURES.items()},
        "teams": teams,
        "leasts": LEAST,
        "sorts": SORTS,
        "cuts": [_words(chosen.measure, float(cut)) for cut in cuts],
        "first": last - timedelta(days=DAYS - 1),
        "last_day": last,
        "days": DAYS,
        "medians": {"week": WEEK, "own_days": OWN_DAYS, "of_week": LEAST_OF_WEEK, "of_own": LEAST_OWN},
        "views": [
            {"id": one.pk, "label": _label(one), "url": f"?{_of_view(one).asked}"}
            for one in views_of(user, teams)
        ],
    }  # fmt: skip


def views_of(user: Any, teams: list[CareTeam]) -> Any:
    """A user's own, but none of a team that the user has left: it would say that team and show everybody."""
    known = Q(team__isnull=True) | Q(team__in=[team.pk for team in teams])
    return SavedView.objects.filter(known, user=user).select_related("team")


def _of_view(one: SavedView) -> Chosen:
    return Chosen(one.measure, one.team, one.least, one.sort)


def _label(one: SavedView) -> str:
    about = MEASURES.get(one.measure)
    parts = [about.label if about else one.measure, str(one.team) if one.team else "all teams"]
    if one.least:
        parts.append(f"at least {one.least} days")
    return ", ".join([*parts, SORTS.get(one.sort, one.sort).lower()])


def cuts_of(rows: list[Floats]) -> Floats:
    """The four values that part all known days of the rows into fifths, ascending; none where nothing is known."""
    every = np.concatenate(rows) if rows else np.empty(0)
    known = every[np.isfinite(every)]
    return np.quantile(known, np.arange(1, LEVELS) / LEVELS) if len(known) else np.empty(0)


def heat(days: Floats, cuts: Floats) -> list[tuple[int, str]]:
    """The cells of a row as one SVG path for each level that occurs, 1 (lowest fifth) to 5; no cell where nothing is
    known."""
    if not len(cuts):
        return []
    levels = np.where(np.isfinite(days), np.searchsorted(cuts, days, side="right") + 1, 0)
    starts = np.flatnonzero(np.diff(levels, prepend=-1))
    ends = np.append(starts[1:], len(levels))
    paths: dict[int, list[str]] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if level := int(levels[start]):
            paths.setdefault(level, []).append(f"M{start} 0h{end - start}v1h-{end - start}z")
    return [(level, "".join(steps)) for level, steps in sorted(paths.items())]


def _words(measure: str, value: float | None) -> str:
    if value is None:
        return ""
    if measure in FEATURES:
        return amount(measure, value)
    return display.in_words(100 * value, "%") if MEASURES[measure].unit == "share" else f"{value:g}"


def cohort_rows(rows: list[Row], measure: str) -> tuple[list[str], list[list[Any]]]:
    """Head and lines of the file: every day in full precision, empty where not known."""
    first = last_day() - timedelta(days=DAYS - 1)
    head = [*HEAD, *(str(first + timedelta(days=n)) for n in range(DAYS))]
    unit = MEASURES[measure].unit
    return head, [
        [
            row.patient.pk, row.patient.listed_name, row.patient.mrn, measure, unit, row.known, row.last, row.usual,
            *(float(value) if np.isfinite(value) else None for value in row.days),
        ]
        for row in rows
    ]  # fmt: skip


def save_view(user: Any, chosen: Chosen) -> SavedView:
    """Keep what is chosen; the same twice is one."""
    return SavedView.objects.get_or_create(
        user=user, measure=chosen.measure, team=chosen.team, least=chosen.least, sort=chosen.sort
    )[0]


def forget_view(user: Any, view_id: UUID) -> bool:
    """Whether there was one of this user's to forget."""
    return bool(SavedView.objects.filter(user=user, pk=view_id).delete()[0])
