"""What the page of the clinic's numbers shows."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from insights.clinic import LATELY, Table, clinic_numbers
from insights.cohort import DAYS
from insights.rules.series import FEATURES
from insights.science.suppression import FEWEST_FOR_MEDIAN, SMALLEST
from novamind import display
from patients.models import ConsentPurpose
from twins.departures import amount

#: Group -> its title, and what its numbers are.
GROUPS: Final = {
    "series": (
        "Measured and rated by day",
        f"One number a patient: the median of the last {LATELY} days, where more than half of them are known.",
    ),
    "scores": ("Questionnaires", f"The newest total of each patient in {DAYS} days, by its published bands."),
    "engagement": ("Engagement", f"Of the questions that fell due in {LATELY} days and are over, the share answered."),
    "alerts": (
        "What became of alerts",
        f"Patients by what became of their alerts of {DAYS} days; alerts of the clinic's own rules are not counted.",
    ),
}


def clinic_context(user: Any) -> dict[str, Any]:
    """The context of the page."""
    found = clinic_numbers(user)
    return {
        "found": found,
        "why": found.abstentions.get("people"),
        "purposes": [ConsentPurpose(one).label.lower() for one in found.purposes],
        "smallest": SMALLEST,
        "fewest_for_median": FEWEST_FOR_MEDIAN,
        "groups": [
            {"title": GROUPS[name][0], "about": GROUPS[name][1], "tables": [_shown(one) for one in tables]}
            for name, tables in groupby(found.tables, key=lambda table: table.group)
        ],
    }


def _shown(table: Table) -> dict[str, Any]:
    return {"label": table.label, "unit": table.unit, "cells": table.cells, "median": _words(table)}


def _words(table: Table) -> str:
    if table.median is None:
        return ""
    if table.group == "scores":
        return f"{table.median:g} {table.unit}"
    return amount(table.name, table.median) if table.name in FEATURES else display.in_words(table.median, table.unit)
