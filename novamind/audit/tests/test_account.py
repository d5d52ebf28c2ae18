"""What an account saw: the page, and the file that is itself on record."""

from __future__ import annotations

import csv
import io
from datetime import date
from hashlib import sha256
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from novamind.audit.exporting import csv_line
from novamind.audit.models import AuditEvent, AuditEventPatient
from novamind.audit.questions import HEAD, Days, Narrowed, what_they_did, who_saw
from novamind.audit.recording import patient_tables, recorded, saw, write_event
from novamind.clock import zone

pytestmark = pytest.mark.django_db
PAGE, EXPORT = "/audit/account/", "/audit/account/export/"


def seen_by(user, *patients, **facts):
    with recorded(actor_label=user.email, actor_id=user.pk, role=user.role_label, request_id="r") as ledger:
        for pk in patients:
            saw(pk)
        return write_event(ledger, event_type="DATA_ACCESS", action="test", **facts)


def table(answer):
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def ends():
    return AuditEvent.objects.filter(action="export")


@pytest.fixture
def admin(signed_in, clinical_admin):
    return signed_in(clinical_admin)


def test_the_page_counts_charts_and_events_of_this_account_alone(admin, nurse, psychiatrist):
    one, other, strange = uuid4(), uuid4(), uuid4()
    seen_by(nurse, one, other)
    seen_by(nurse, one)
    seen_by(psychiatrist, strange)
    answer = admin.get(PAGE, {"account": nurse.pk})
    sight = answer.context["sight"]
    assert (sight.events, sight.patients) == (2, 2)
    assert [(chart.patient_id, chart.events) for chart in sight.charts] == [(one, 2), (other, 1)]
    assert str(strange)[:8] not in answer.content.decode()


def test_days_are_the_clinics(admin, nurse, settings):
    settings.CLINIC_TIME_ZONE = "Europe/Oslo"
    late = seen_by(nurse, uuid4())
    AuditEvent.objects.filter(pk=late.pk).update(at="2027-03-01T23:30:00Z")  # the second of March in Oslo
    assert admin.get(PAGE, {"account": nurse.pk, "last": "2027-03-01"}).context["sight"].events == 0
    found = admin.get(PAGE, {"account": nurse.pk, "first": "2027-03-02", "last": "2027-03-02"})
    assert found.context["sight"].events == 1


def test_a_patients_account_is_not_offered_by_its_address(admin, make_user, nurse):
    own = make_user("zqx7781@mail.test", "patient")
    page = admin.get(PAGE).content.decode()
    assert own.email not in page
    assert str(nurse.pk) in page


def test_the_page_asks_no_more_for_more_events(admin, nurse):
    counts = []
    for _ in range(2):
        for _ in range(30):
            seen_by(nurse, uuid4(), uuid4())
        with CaptureQueriesContext(connection) as queries:
            admin.get(PAGE, {"account": nurse.pk})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_file_holds_every_event_with_every_patient_and_its_hash_is_on_record(admin, nurse, clinical_admin):
    patients = [uuid4() for _ in range(3)]
    seen_by(nurse, *patients[:2])
    seen_by(nurse)
    seen_by(nurse, patients[2])
    answer = admin.post(EXPORT, {"account": nurse.pk})
    content = b"".join(answer.streaming_content)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert list(rows[0]) == HEAD
    assert {row["patient_id"] for row in rows} == {str(pk) for pk in patients} | {""}
    end = ends().get()
    assert end.details == {"rows": 4, "sha256": sha256(content).hexdigest()}
    assert (end.actor_id, end.outcome, end.object_id) == (clinical_admin.pk, "success", str(nurse.pk))
    begin = AuditEvent.objects.get(action="audit:export-account")
    assert (begin.event_type, begin.request_id) == ("EXPORT", end.request_id)
    assert end.request_id == answer["X-Request-ID"]


def test_a_download_that_breaks_off_is_on_record_as_failed(admin, nurse):
    for _ in range(5):
        seen_by(nurse, uuid4())
    answer = admin.post(EXPORT, {"account": nurse.pk})
    lines = iter(answer.streaming_content)
    next(lines), next(lines)
    for closer in answer._resource_closers:  # what close() does, but for the test's own connection
        closer()
    assert (ends().get().outcome, ends().get().details["rows"]) == ("failed", 1)


def test_without_the_record_of_its_end_the_file_is_not_whole(admin, nurse, monkeypatch):
    seen_by(nurse, uuid4())
    answer = admin.post(EXPORT, {"account": nurse.pk})

    def refused(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("novamind.audit.exporting.write_event", refused)
    got = []
    with pytest.raises(OSError, match="disk full"):
        got.extend(answer.streaming_content)
    assert len(got) == 1  # the head


def test_the_file_reads_no_chart_while_it_streams(admin, nurse, patient):
    seen_by(nurse, patient.pk)
    answer = admin.post(EXPORT, {"account": nurse.pk})
    with CaptureQueriesContext(connection) as queries:
        assert len(table(answer)) == 1
    assert [query["sql"] for query in queries if patient_tables().search(query["sql"])] == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＠"])  # noqa: RUF001
def test_no_cell_is_a_formula(admin, nurse, start):
    seen_by(nurse, user_agent=f'{start}HYPERLINK("http://x")')
    assert table(admin.post(EXPORT, {"account": nurse.pk}))[0]["user_agent"].startswith(f"'{start}")
    assert csv_line([None, 5, "a=b"]) == b",5,a=b\r\n"


def test_the_file_is_for_whoever_may_take_out_and_asks_again_for_the_second_factor(signed_in, superuser, nurse):
    from novamind.audit.views import export_account

    assert export_account.fresh_second_factor
    assert export_account.own_transaction
    client = signed_in(superuser)
    assert client.get(PAGE, {"account": nurse.pk}).status_code == 200
    assert client.post(EXPORT, {"account": nurse.pk}).status_code == 403
    assert not AuditEventPatient.objects.exists()


def test_what_cannot_be_read_is_answered_with_the_form(admin):
    answer = admin.post(EXPORT, {"account": uuid4(), "first": "2027-03-02", "last": "2027-03-01"})
    assert answer.status_code == 422
    assert "after the last" in answer.content.decode()


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the plans of PostgreSQL")
def test_each_question_is_answered_by_its_index(nurse):
    """With sequential scans off, the plan shows whether an index can answer at all, however few the rows here."""
    one = uuid4()
    seen_by(nurse, one)
    days = Days(date(2020, 1, 1), date(2199, 1, 1), zone("Europe/Oslo"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    saw_chart = who_saw(one, Narrowed(days)).explain()
    assert "audit_by_patient" in saw_chart
    assert "audit_by_actor" in what_they_did(nurse.pk, days).explain()
    touched = AuditEventPatient.objects.filter(event__in=what_they_did(nurse.pk, days).order_by()).explain()
    assert "audit_by_actor" in touched
    assert "Seq Scan" not in saw_chart + touched


def test_what_the_trail_is_narrowed_by_may_be_any_text(admin, nurse):
    seen_by(nurse)
    for text in ("a\x00b", "n\x00urse@", "%'; --"):
        for name in ("actor", "patient", "kind"):
            assert admin.get("/audit/", {name: text}).status_code == 200


def test_a_number_below_zero_stays_a_number():
    assert csv_line([-1.5, -3, "-1.5", "-3+4"]) == b"-1.5,-3,'-1.5,'-3+4\r\n"
