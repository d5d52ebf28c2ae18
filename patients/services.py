"""Writing about people in care: the chart's head, teams, and the grants that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.models import F

from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object, recorded, saw, unseen, write_event
from novamind.phi.columns import Columns
from novamind.phi.fields import normalized
from novamind.phi.keys import destroy_key
from patients.models import CareAssignment, CareTeam, Grant, Membership, Patient
from patients.models.search import Query
from patients.planning import plan_all
from patients.record_numbers import MrnTaken, count_try, note_taken, require_tries_left


class StaleEdit(Exception):
    """The form was filled in from an older version of the row."""


EDITABLE = frozenset({"first_name", "last_name", "date_of_birth", "mrn", "phone", "email", "sex", "pronouns", "zone"})


def create_patient(*, by: User | None, teams: Iterable[CareTeam] = (), **fields: Any) -> Patient:
    """A new chart, in the care of these teams (by default, of every team of whoever creates it).

    Raises
    ------
    MrnTaken
        Also when the patient who has the number is hidden from this user.
    TooMany
        Too many of those numbers today (:mod:`patients.record_numbers`).
    """
    patient = Patient(**fields)
    chosen = list(teams) or ([] if by is None else list(CareTeam.objects.filter(memberships__user=by)))
    with transaction.atomic():
        _save(patient, by)
        for team in chosen:
            assign_patient(team=team, patient=patient)
        if by is not None and not any(team.memberships.filter(user=by).exists() for team in chosen):
            share_patient(patient=patient, user=by)
    note_object(EventType.CREATION, "patients.Patient", patient.pk)
    return patient


def update_patient(patient: Patient, *, version: int, by: User | None = None, **changes: Any) -> Patient:
    """Change the chart's head if it is still the version the changes were made from; else ``StaleEdit``.

    ``MrnTaken`` and ``TooMany`` as in :func:`create_patient`; a number that stays as it is is no try.
    """
    unknown = set(changes) - EDITABLE
    if unknown:
        raise TypeError(f"not editable: {', '.join(sorted(unknown))}")
    moves = changes.get("zone", patient.zone) != patient.zone
    typed = by if normalized(changes.get("mrn") or "") != normalized(patient.mrn or "") else None
    with transaction.atomic():
        with aggregates():
            current = Patient.objects.filter(pk=patient.pk, version=version).update(version=F("version") + 1)
        if not current:
            raise StaleEdit
        for name, value in changes.items():
            setattr(patient, name, value)
        patient.version = version + 1
        _save(patient, typed)
        if typed is not None:
            count_try(typed)
        if moves:
            plan_all(patient)
    note_object(EventType.MODIFICATION, "patients.Patient", patient.pk)
    return patient


def _save(patient: Patient, typed_by: User | None) -> None:
    """Empty numbers are stored as NULL, so that any number of patients may have none."""
    for name in ("mrn", "phone", "email"):
        if not getattr(patient, name):
            setattr(patient, name, None)
    if typed_by is not None and patient.mrn:
        require_tries_left(typed_by)
    try:
        with transaction.atomic():
            patient.save()
    except IntegrityError as error:
        if "mrn_index" not in str(error):
            raise
        if typed_by is not None:
            note_taken(typed_by, patient.mrn)
        raise MrnTaken from None


def find_patients(user: User, query: str, *, at_most: int) -> tuple[list[Patient], int]:
    """The user's own patients of that name or record number, and how many there are; the returned are noted as seen.

    Each word of the query begins a word of the name, in any order, accents aside.

    Decrypts one short text of each visible patient in memory: about 10 microseconds each, measured.
    """
    wanted = Query(query)
    if not wanted:
        return [], 0
    with unseen():
        visible = Patient.objects.visible_to(user)
        texts = visible.search_texts()
        found = sorted((text, pk) for pk, text in texts.items() if text is not None and wanted.matches(text))
        shown = visible.in_order([pk for _, pk in found[:at_most]])
    for patient in shown:
        saw(patient.pk)
    return shown, len(found)


def fill_search_texts(say: Callable[[str], object]) -> None:
    """Give patients from before there was a search text theirs; at every start, so that a search stays quick."""
    with aggregates():
        without = Columns(Patient).rows.filter(search_text__isnull=True, disposed_at=None)
        keys = list(without.values_list("pk", flat=True))
    if filled := sum(map(_fill_search_text, keys)):
        say(f"{filled} patients can be searched for quickly now.")


def _fill_search_text(pk: UUID) -> bool:
    with recorded(actor_label="system:start", request_id=str(uuid4())) as ledger, transaction.atomic():
        patient = Patient.objects.select_for_update().get(pk=pk)
        if readable := patient.own_search_text is not None:
            patient.save(update_fields=["search_text"])
        write_event(ledger, event_type=EventType.MODIFICATION, action="fill_search_texts")
        return readable


def join_team(*, team: CareTeam, user: User) -> None:
    """Make a user a member; grants follow."""
    with transaction.atomic():
        Membership.objects.get_or_create(team=team, user=user)
        sync_team_grants(users=[user.pk])


def leave_team(*, team: CareTeam, user: User) -> None:
    """End a membership; grants it alone gave end with it."""
    with transaction.atomic():
        Membership.objects.filter(team=team, user=user).delete()
        sync_team_grants(users=[user.pk])


def assign_patient(*, team: CareTeam, patient: Patient) -> None:
    """Put a patient into a team's care; grants follow."""
    with transaction.atomic():
        CareAssignment.objects.get_or_create(team=team, patient=patient)
        sync_team_grants(patients=[patient.pk])


def unassign_patient(*, team: CareTeam, patient: Patient) -> None:
    """End a team's care of a patient; grants it alone gave end with it."""
    with transaction.atomic():
        for assignment in CareAssignment.objects.filter(team=team, patient=patient):
            assignment.delete()
        sync_team_grants(patients=[patient.pk])


def assign_among(patient: Patient, *, own: Iterable[CareTeam], chosen: Iterable[CareTeam]) -> None:
    """Of these teams, exactly the chosen ones care for the patient from now on; other teams are left alone."""
    kept = set(chosen)
    for team in own:
        (assign_patient if team in kept else unassign_patient)(team=team, patient=patient)


def share_patient(*, patient: Patient, user: User) -> None:
    """Let one named user see one patient."""
    Grant.objects.get_or_create(
        user=user, content_object=patient, permission=view_permission(), reason=Grant.Reason.SHARE
    )


def link_own_account(*, patient: Patient, user: User) -> None:
    """Let a patient who signs in see the pages of their own chart."""
    Grant.objects.get_or_create(
        user=user, content_object=patient, permission=view_permission(), reason=Grant.Reason.SELF
    )


def view_permission() -> Permission:
    """The one permission grants carry."""
    return Permission.objects.get(content_type__app_label="patients", codename="view_patient")


def sync_team_grants(*, users: Iterable[UUID] | None = None, patients: Iterable[UUID] | None = None) -> None:
    """Make the ``team`` grants of these users or patients (by default, all) what memberships and assignments say."""
    grants = Grant.objects.filter(reason=Grant.Reason.TEAM)
    pairs = CareAssignment.objects.filter(team__memberships__user__is_active=True)
    if users is not None:
        users = list(users)
        grants, pairs = grants.filter(user__in=users), pairs.filter(team__memberships__user__in=users)
    if patients is not None:
        patients = list(patients)
        grants, pairs = grants.filter(content_object__in=patients), pairs.filter(patient__in=patients)
    with transaction.atomic(), aggregates():
        due = set(pairs.values_list("team__memberships__user", "patient"))
        held = {(grant.user_id, grant.content_object_id): grant.pk for grant in grants}
        for _, patient in due ^ set(held):  # whose circle changes
            saw(patient)
        Grant.objects.filter(pk__in=[pk for pair, pk in held.items() if pair not in due]).delete()
        permission = view_permission()
        Grant.objects.bulk_create(
            [
                Grant(user_id=user, content_object_id=patient, permission=permission, reason=Grant.Reason.TEAM)
                for user, patient in sorted(due - set(held))
            ],
            ignore_conflicts=True,
        )


def delete_patient(patient: Patient) -> None:
    """Delete an empty chart and destroy its key; ``ProtectedError`` when it holds anything measured or written."""
    patient_id = patient.pk
    with transaction.atomic():
        patient.delete()
        destroy_key(patient_id)
    note_object(EventType.DELETION, "patients.Patient", patient_id)
