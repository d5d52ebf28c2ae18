"""What apps declare for the frame around every page: navigation, patient tabs, demo parts, compliance checks.

An app names them on its AppConfig (``nav``, ``patient_tabs``, ``demo``, ``compliance``); the frame collects them, so
that no lower app knows a higher one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the left rail, shown to whoever may open it.

    ``right`` is the name of a right in :mod:`novamind.accounts.roles`.
    """

    label: str
    url_name: str
    icon: str
    order: int
    right: str


@dataclass(frozen=True, slots=True)
class PatientTab:
    """A tab of the patient's pages; its URL takes ``patient_id``. ``right`` hides it from who may not open it.

    ``in_care``: not for emergency access alone.
    """

    label: str
    url_name: str
    order: int
    right: str = "see_patients"
    in_care: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the compliance page: computed now, never asserted.

    ``state`` is ``holds``, ``fails`` or ``not configured``; ``fact`` says what was counted, with its numbers; ``owner``
    is the role that acts; ``due_days`` counts from when the check was first seen failing.
    """

    key: str
    title: str
    state: str
    fact: str
    remedy: str
    owner: str
    due_days: int = 30


def _declared(attribute: str) -> Iterator[Any]:
    for config in apps.get_app_configs():
        yield from getattr(config, attribute, ())


def patient_tabs(patient_id: object, user: Any, *, in_care: bool = True) -> list[dict[str, str]]:
    """The tabs this user may open, in order, each with label, url_name and url."""
    tabs: list[PatientTab] = sorted(_declared("patient_tabs"), key=lambda tab: tab.order)
    return [
        {
            "label": tab.label,
            "url_name": tab.url_name,
            "url": reverse(tab.url_name, kwargs={"patient_id": patient_id}),
        }
        for tab in tabs
        if user.may(tab.right) and (in_care or not tab.in_care)
    ]


def last_signals(patient_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each patient was last measured, as the apps above know it (``last_signal`` on their AppConfig)."""
    found: dict[UUID, datetime] = {}
    wanted = list(patient_ids)
    for name in _declared("last_signal"):
        for patient_id, at in import_string(name)(wanted).items():
            found[patient_id] = max(at, found.get(patient_id, at))
    return found


def provenance_of(record_id: UUID, user: Any, number: str = "") -> dict[str, Any] | None:
    """Asks each app (``provenance`` on its AppConfig) for the record behind a number; ``None`` if nobody shows it."""
    for name in _declared("provenance"):
        if (record := import_string(name)(record_id, user, number)) is not None:
            return record
    return None


def audit_purposes(actor_id: UUID, patients: Iterable[UUID]) -> dict[UUID, str]:
    """Why this actor touches the charts of which an app (``audit_purposes`` on its AppConfig) knows it."""
    wanted = list(patients)
    found: dict[UUID, str] = {}
    for name in _declared("audit_purposes"):
        found = import_string(name)(actor_id, wanted) | found
    return found


def patient_contacts() -> list[str]:
    """Dotted names of the functions that know where a patient is reached (``patient_contact`` on an AppConfig)."""
    return list(_declared("patient_contact"))


def sealed_json() -> list[str]:
    """Dotted names of what the apps seal inside JSON columns (``sealed_json`` on an AppConfig)."""
    return list(_declared("sealed_json"))


def start_parts() -> list[str]:
    """Dotted names of the functions run once at every start, after the migrations (``at_start`` on an AppConfig)."""
    return list(_declared("at_start"))


def compliance_checks() -> Iterator[Check]:
    """What each app can say of its own safety (``compliance`` on its AppConfig: functions that yield checks)."""
    for name in compliance_parts():
        yield from import_string(name)()


def activity_rules() -> list[str]:
    """Dotted names of rules for the weekly review of activity that only an app can compute (``activity``)."""
    return list(_declared("activity"))


def drug_checks() -> list[str]:
    """Dotted names of the functions that know what speaks against a drug for a patient (``drug_checks``)."""
    return list(_declared("drug_checks"))


def withheld_alerts(alerts: Iterable[Any]) -> set[UUID]:
    """Of these alerts those whose reason rests on what the patient withholds now, as each app that raises some knows it
    (``withheld_alerts`` on its AppConfig)."""
    wanted = list(alerts)
    return {pk for name in _declared("withheld_alerts") for pk in import_string(name)(wanted)}


def compliance_parts() -> list[str]:
    """Dotted names of the functions that yield checks, lowest app first."""
    return list(_declared("compliance"))


def demo_parts() -> list[str]:
    """Dotted names of the functions that fill the demo clinic, lowest app first."""
    return list(_declared("demo"))


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context of every page: ``nav`` (what this user may open), ``searches`` (whether for patients), ``demo``,
    ``version``, and ``zone``, the clinic's, where a page is not about a place of its own."""
    user = getattr(request, "user", None)
    nav, searches = [], False
    if user is not None and user.is_authenticated:
        items: list[NavItem] = sorted(_declared("nav"), key=lambda item: item.order)
        nav = [{"item": item, "url": reverse(item.url_name)} for item in items if user.may(item.right)]
        searches = user.may("see_patients")
    return {
        "nav": nav,
        "searches": searches,
        "demo": settings.DEMO,
        "version": settings.VERSION,
        "zone": settings.CLINIC_TIME_ZONE,
    }
