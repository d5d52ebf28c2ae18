"""Django admin in order: every model is there, searchable, quick, and read-only where it must be."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from novamind.accounts.models import User
from novamind.admin import ReadOnlyAdmin
from novamind.audit.models import AuditEvent, AuditEventPatient
from novamind.audit.recording import IncompleteAudit
from patients.models import CareTeam, Grant, Patient
from patients.services import share_patient, update_patient
from tests.one_of_everything import CANARIES, fill_chart

OURS = {
    "phi", "accounts", "audit", "jobs", "registry", "patients", "actigraphy", "twins", "insights", "guardian",
    "auditlog", "auth",
}  # fmt: skip
#: Models without a page of their own, and why.
LEFT_OUT = {
    "accounts.RefreshToken": "a digest; its family has a page",
    "accounts.UsedCode": "a number that only says not again",
    "patients.PsychotherapyNote": "their author's alone (45 CFR 164.501)",
    "patients.PsychotherapyAuthorization": "tells who may read a psychotherapy note",
    "patients.MessageThread": "read by the patient and the care team, on pages that ask 42 CFR Part 2",
    "patients.Message": "read by the patient and the care team, on pages that ask 42 CFR Part 2",
    "patients.MessageMark": "read by the patient and the care team, on pages that ask 42 CFR Part 2",
    "patients.ReplyTemplate": "kept on a page of its own",
    "guardian.GroupObjectPermission": "grants are to users, in patients.Grant",
    "guardian.UserObjectPermission": "replaced by patients.Grant, which knows reasons and ends",
}
MANAGED = {"accounts.User", "patients.CareTeam", "socialaccount.SocialAccount"}


def model_admins() -> dict[str, admin.ModelAdmin]:
    return {model._meta.label: page for model, page in admin.site._registry.items()}


def url(page: admin.ModelAdmin, view: str, *args: Any) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{view}", args=args)


@pytest.fixture
def root(chart, clinical_admin) -> Client:
    """The clinical administrator, who may also see the cast's patient, so that its rows are listed."""
    share_patient(patient=chart.patient, user=clinical_admin)
    client = Client()
    client.force_login(clinical_admin)
    return client


def test_every_model_has_a_page_or_a_reason():
    labels = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in OURS and not model._meta.auto_created
    }
    assert labels - set(model_admins()) - set(LEFT_OUT) == set(), "register it in its app's admin.py"
    assert set(LEFT_OUT) <= labels


def test_every_page_can_be_searched():
    assert [label for label, page in model_admins().items() if not page.search_fields] == []


def test_only_accounts_and_teams_are_edited_here():
    editable = {label for label, page in model_admins().items() if not isinstance(page, ReadOnlyAdmin)}
    assert editable == MANAGED


def test_every_list_and_every_object_opens_and_can_be_searched(root, chart):
    for label, page in model_admins().items():
        assert root.get(url(page, "changelist")).status_code == 200, label
        assert root.get(url(page, "changelist"), {"q": "x"}).status_code == 200, label
        row = page.model._default_manager.first()
        assert row is not None, f"{label}: nothing to look at"
        assert root.get(url(page, "change", row.pk)).status_code == 200, label


@pytest.mark.exhaustive
def test_every_filter_and_every_order_of_a_list_opens(root):
    for label, page in model_admins().items():
        for number, _ in enumerate(page.list_display, start=1):
            for sign in ("", "-"):
                assert root.get(url(page, "changelist"), {"o": f"{sign}{number}"}).status_code == 200, label


def test_pages_that_are_read_only_refuse_every_change(root, chart):
    for label, page in model_admins().items():
        if label in MANAGED:
            continue
        row = page.model._default_manager.first()
        assert root.get(url(page, "add")).status_code == 403, label
        assert root.post(url(page, "add"), {}).status_code == 403, label
        assert root.post(url(page, "change", row.pk), {}).status_code == 403, label
        assert root.post(url(page, "delete", row.pk), {"post": "yes"}).status_code == 403, label
        chosen = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
        root.post(url(page, "changelist"), chosen)
        assert page.model._default_manager.filter(pk=row.pk).exists(), label


def queries(client: Client, address: str) -> int:
    client.get(address)  # content types and keys are remembered
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


@pytest.mark.exhaustive
def test_no_list_asks_more_questions_when_it_has_more_rows(root, chart, make_patient, team, make_user, clinical_admin):
    lists = [url(page, "changelist") for page in model_admins().values()]
    few = {address: queries(root, address) for address in lists}
    for number in range(8):
        user = make_user(f"more{number}@clinic.test", "therapist")
        patient = make_patient(CareTeam.objects.create(name=f"team {number}"), team)
        team.memberships.create(user=user)
        share_patient(patient=patient, user=clinical_admin)
        fill_chart(patient)
    assert {address: queries(root, address) for address in lists} == few


def test_a_list_records_whose_rows_it_showed_and_only_those(root, chart, make_patient, other_team):
    hidden = make_patient(other_team)
    fill_chart(hidden)
    seen_before = set(AuditEventPatient.objects.values_list("pk", flat=True))
    for name in ("actigraphy_recording", "actigraphy_night", "patients_patient", "patients_careassignment"):
        root.get(reverse(f"admin:{name}_changelist"))
    noted = AuditEventPatient.objects.exclude(pk__in=seen_before)
    assert {row.patient_id for row in noted} == {chart.patient.pk}
    assert noted.count() == 4


def test_an_administrator_without_patients_opens_every_list_without_touching_a_chart(chart, superuser):
    client = Client()
    client.force_login(superuser)
    for label, page in model_admins().items():
        try:
            response = client.get(url(page, "changelist"))
        except IncompleteAudit as error:
            pytest.fail(f"{label}: {error}")
        assert response.status_code == 200, label
        assert not CANARIES.search(response.content), label


def test_a_patient_is_found_by_id_among_ones_own_and_by_nothing_that_names_them(root, chart, make_patient, other_team):
    hidden = make_patient(other_team, mrn="SECRET-1", last_name="Hiddenname")
    address = reverse("admin:patients_patient_changelist")
    assert str(chart.patient.pk) in root.get(address, {"q": str(chart.patient.pk)}).content.decode()
    for words in ("ZQX-MRN-7781", "zqxlast"):
        assert f"/patient/{chart.patient.pk}/" not in root.get(address, {"q": words}).content.decode(), words
    assert f"/patient/{hidden.pk}/" not in root.get(address, {"q": str(hidden.pk)}).content.decode()


def members(team: CareTeam, *users: User, without: User | None = None) -> dict[str, Any]:
    """What the team's page sends: the present members, new ones, and one to be removed."""
    sent: dict[str, Any] = {"name": team.name}
    present = list(team.memberships.all())
    for number, membership in enumerate(present):
        sent |= {f"memberships-{number}-{k}": v for k, v in
                 {"id": membership.pk, "team": team.pk, "user": membership.user_id}.items()}  # fmt: skip
        if membership.user_id == getattr(without, "pk", None):
            sent[f"memberships-{number}-DELETE"] = "on"
    for number, user in enumerate(users, start=len(present)):
        sent |= {f"memberships-{number}-team": team.pk, f"memberships-{number}-user": user.pk}
    total = len(present) + len(users)
    sent |= {
        "coverage-TOTAL_FORMS": 0,
        "coverage-INITIAL_FORMS": 0,
        "holidays-TOTAL_FORMS": 0,
        "holidays-INITIAL_FORMS": 0,
    }
    return sent | {"memberships-TOTAL_FORMS": total, "memberships-INITIAL_FORMS": len(present)}


def test_who_joins_a_team_on_its_page_sees_its_patients_and_who_leaves_does_not(root, chart, team, nurse):
    address = reverse("admin:patients_careteam_change", args=[team.pk])
    assert root.post(address, members(team, nurse)).status_code == 302
    assert Patient.objects.visible_to(nurse).filter(pk=chart.patient.pk).exists()
    assert root.post(address, members(team, without=nurse)).status_code == 302
    assert not Patient.objects.visible_to(nurse).filter(pk=chart.patient.pk).exists()


def test_deleting_a_team_ends_the_grants_it_gave(root, chart, team, psychiatrist):
    assert Patient.objects.visible_to(psychiatrist).exists()
    address = reverse("admin:patients_careteam_delete", args=[team.pk])
    assert root.post(address, {"post": "yes"}).status_code == 302
    assert not Patient.objects.visible_to(psychiatrist).exists()


def account(user: User, **changes: Any) -> dict[str, Any]:
    sent = {"email": user.email, "display_name": user.display_name, "groups": [g.pk for g in user.groups.all()]}
    flags = {name: "on" for name in ("is_active", "is_staff") if getattr(user, name)}
    return {name: value for name, value in (sent | flags | changes).items() if value is not None}


def test_an_account_made_inactive_on_its_page_sees_nothing(root, chart, psychiatrist):
    address = reverse("admin:accounts_user_change", args=[psychiatrist.pk])
    assert root.post(address, account(psychiatrist, is_active=None)).status_code == 302
    psychiatrist.refresh_from_db()
    assert not psychiatrist.is_active
    assert not Patient.objects.visible_to(psychiatrist).exists()


def test_a_role_given_on_the_account_page_counts_at_the_next_request(root, outsider):
    address = reverse("admin:accounts_user_change", args=[outsider.pk])
    therapist = Group.objects.get(name="therapist")
    assert not outsider.may("see_patients")
    assert root.post(address, account(outsider, groups=[therapist.pk])).status_code == 302
    assert User.objects.get(pk=outsider.pk).may("see_patients")


def test_a_new_account_needs_a_good_password_and_has_no_role(root):
    address = reverse("admin:accounts_user_add")
    new = {"email": "New@Clinic.test", "display_name": "New", "usable_password": "true"}
    assert root.post(address, new | {"password1": "short", "password2": "short"}).status_code == 422
    good = {"password1": "a long enough phrase 7", "password2": "a long enough phrase 7"}
    assert root.post(address, new | good).status_code == 302
    created = User.objects.get(email="new@clinic.test")
    assert created.roles == frozenset()
    assert not created.is_staff


def test_nobody_makes_himself_a_superuser_on_the_account_page(root, clinical_admin):
    address = reverse("admin:accounts_user_change", args=[clinical_admin.pk])
    root.post(address, account(clinical_admin, is_superuser="on"))
    clinical_admin.refresh_from_db()
    assert not clinical_admin.is_superuser


def test_the_administrators_pages_are_on_record(root):
    root.get(reverse("admin:jobs_job_changelist"))
    event = AuditEvent.objects.filter(action="admin:jobs_job_changelist").get()
    assert event.actor_label == "admin@clinic.test"
    assert Grant.objects.exists()


def last_event() -> AuditEvent:
    return AuditEvent.objects.latest("at")


def named(event: AuditEvent) -> tuple[str, str, str, str]:
    return event.event_type, event.object_label, event.object_id, event.outcome


def test_what_is_done_to_an_account_is_on_record_with_its_name(root, outsider):
    address = reverse("admin:accounts_user_change", args=[outsider.pk])
    changed = ("MODIFICATION", "accounts.User", str(outsider.pk), "success")
    phrase = {"password1": "a long enough phrase 7", "password2": "a long enough phrase 7", "usable_password": "true"}
    steps = [
        (address, account(outsider, groups=[Group.objects.get(name="therapist").pk])),
        (address, account(outsider, is_active=None)),
        (reverse("admin:auth_user_password_change", args=[outsider.pk]), phrase | {"set-password": "x"}),
    ]
    for path, sent in steps:
        assert root.post(path, sent).status_code == 302
        assert named(last_event()) == changed, path
    new = {"email": "new@clinic.test", "display_name": "New"} | phrase
    assert root.post(reverse("admin:accounts_user_add"), new).status_code == 302
    created = User.objects.get(email="new@clinic.test")
    assert named(last_event()) == ("CREATION", "accounts.User", str(created.pk), "success")


def test_ones_own_new_password_is_on_record_too(root, clinical_admin):
    address = reverse("account_change_password")
    assert root.get(reverse("admin:password_change"))["Location"] == address
    new = {"new_password1": "a long enough phrase 7", "new_password2": "a long enough phrase 7"}
    assert root.post(address, new | {"old_password": "wrong"}).status_code == 422
    assert last_event().outcome == "refused"
    assert root.post(address, new | {"old_password": "correct horse battery staple"}).status_code == 302
    assert named(last_event()) == ("MODIFICATION", "accounts.User", str(clinical_admin.pk), "success")


def test_what_is_done_to_a_team_is_on_record_with_its_name(root, chart, team, nurse):
    root.post(reverse("admin:patients_careteam_change", args=[team.pk]), members(team, nurse))
    assert named(last_event()) == ("MODIFICATION", "patients.CareTeam", str(team.pk), "success")
    root.post(reverse("admin:patients_careteam_delete", args=[team.pk]), {"post": "yes"})
    assert named(last_event()) == ("DELETION", "patients.CareTeam", str(team.pk), "success")


def test_several_things_are_not_deleted_in_one_row(root, chart, team, other_team):
    chosen = {"action": "delete_selected", "_selected_action": [str(team.pk), str(other_team.pk)], "post": "yes"}
    root.post(reverse("admin:patients_careteam_changelist"), chosen)
    assert CareTeam.objects.count() == 2


@pytest.mark.parametrize("page", ["accounts_user_change", "auth_user_password_change", "patients_careteam_change"])
def test_a_form_with_mistakes_changes_nothing_and_is_recorded_as_refused(root, team, outsider, page):
    of = team if "team" in page else outsider
    assert root.post(reverse(f"admin:{page}", args=[of.pk]), {"email": "no address"}).status_code == 422
    assert last_event().outcome == "refused"


def test_an_administrator_reads_nothing_of_patients_who_are_not_theirs(chart, clinical_admin):
    update_patient(chart.patient, version=1, pronouns="zqxfirst/zqxlast", sex="other", zone="Africa/Lagos")
    client = Client()
    client.force_login(clinical_admin)
    for name, page in model_admins().items():
        if name in {"patients.Grant", "phi.DataKey", "registry.InferenceRecord", "auditlog.LogEntry"}:
            rows = list(page.model._default_manager.all())
            addresses = [url(page, "changelist"), *(url(page, "change", row.pk) for row in rows)]
            shown = b"".join(client.get(address).content for address in addresses)
            assert rows, name
            assert not CANARIES.search(shown), name
            assert b"Africa/Lagos" not in shown, name
            if name != "auditlog.LogEntry":
                assert str(chart.patient.pk).encode() not in shown, name


@pytest.mark.exhaustive
def test_every_filter_that_a_list_offers_opens(root):
    with_filters = set()
    for label, page in model_admins().items():
        address = url(page, "changelist")
        content = root.get(address).content.decode()
        offered = {link for link in re.findall(r'<a href="(\?[^"]+)"', content) if "__" in link}
        for link in offered:
            assert root.get(address + link.replace("&amp;", "&")).status_code == 200, (label, link)
        with_filters |= {label} if offered else set()
    assert with_filters >= {
        "audit.AuditEvent",
        "auditlog.LogEntry",
        "accounts.User",
        "jobs.Job",
        "registry.InferenceRecord",
    }


@pytest.mark.parametrize(
    "address",
    [
        "audit/auditevent/?at__year=99999999999",
        "audit/auditevent/?at__year=9999&at__month=12",
        "audit/auditevent/?at__range=a",
        "audit/auditevent/?event_type__exact=%00",
        "audit/auditevent/?event_type__regex=(",
        "audit/auditevent/?query_params__contains=1",
        "jobs/job/?args__contains=1",
        "actigraphy/signal/?samples__exact=a",
        "patients/patient/?grants__user__email=a",
        "accounts/user/?password__startswith=a",
    ],
)
def test_a_lookup_that_no_list_offers_is_a_wrong_request(root, address):
    assert root.get(f"/admin/{address}").status_code == 400


def test_autocompletion_takes_any_text(root):
    asked = {"app_label": "patients", "model_name": "membership", "field_name": "user", "term": "a\x00"}
    assert root.get(reverse("admin:autocomplete"), asked).status_code == 200


def test_autocompletion_is_for_the_fields_that_pages_complete_and_shows_no_chart(root):
    asked, opened = 0, set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if not field.is_relation:
                continue
            names = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
            answer = root.get(reverse("admin:autocomplete"), names | {"term": ""})
            asked += 1
            if answer.status_code != 403:
                opened.add((answer.status_code, model._meta.label, field.name))
    assert asked > 50
    assert opened == {
        (200, "patients.Membership", "user"),
        (200, "patients.CoverageHours", "user"),
        (200, "socialaccount.SocialAccount", "user"),
    }
