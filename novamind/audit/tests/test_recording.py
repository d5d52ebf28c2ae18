"""The ledger: whatever is read of a patient is either noted or said to be incomplete."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.models import Count, Exists, OuterRef

from novamind.audit.models import AuditEvent, AuditEventPatient, Outcome, Purpose
from novamind.audit.recording import (
    IncompleteAudit,
    aggregates,
    patient_tables,
    recorded,
    saw,
    unseen,
    write_event,
)
from novamind.audit.records import PatientRecord, PatientRecordQuerySet

pytestmark = pytest.mark.django_db


def model(label: str):
    return apps.get_model(label)


@pytest.fixture
def charts(patient, make_patient, team):
    """Two patients, each with a source."""
    other = make_patient(team, first_name="Other", last_name="Person", mrn="O-1")
    sources = [
        model("actigraphy.Source").objects.create(patient=chart, kind="recording", device_type="actiwatch")
        for chart in (patient, other)
    ]
    return [patient, other], sources


def run(query):
    """The ledger after a query, its event written."""
    with recorded(actor_label="test", request_id="r") as ledger:
        query()
        write_event(ledger, event_type="API_ACCESS", action="test")
    return ledger


NOTED = {
    "list": lambda: list(model("patients.Patient").objects.all()),
    "get": lambda: [model("patients.Patient").objects.get(mrn_index=mrn) for mrn in ("zqx-mrn-7781", "o-1")],
    "first": lambda: [model("patients.Patient").objects.order_by(order).first() for order in ("pk", "-pk")],
    "iterator": lambda: list(model("patients.Patient").objects.iterator(chunk_size=1)),
    "only": lambda: list(model("patients.Patient").objects.only("sex")),
    "defer": lambda: list(model("patients.Patient").objects.defer("first_name")),
    "in_bulk": lambda: model("patients.Patient").objects.in_bulk(),
    "union": lambda: list(
        model("patients.Patient").objects.order_by().union(model("patients.Patient").objects.order_by())
    ),
    "slice": lambda: list(model("patients.Patient").objects.all()[:5]),
    "annotate": lambda: list(model("patients.Patient").objects.annotate(n=Count("sources"))),
    "exists inside": lambda: list(
        model("patients.Patient").objects.filter(
            Exists(model("actigraphy.Source").objects.filter(patient=OuterRef("pk")))
        )
    ),
    "select_related": lambda: list(model("actigraphy.Source").objects.select_related("patient")),
    "prefetch_related": lambda: list(model("patients.Patient").objects.prefetch_related("sources")),
    "foreign key": lambda: [source.patient for source in model("actigraphy.Source").objects.all()],
    "reverse": lambda: [list(chart.sources.all()) for chart in model("patients.Patient").objects.all()],
    "earliest": lambda: [
        model("patients.Patient").objects.earliest("created_at"),
        model("patients.Patient").objects.latest("created_at"),
    ],
}

UNNOTED = {
    "values": lambda: list(model("patients.Patient").objects.values("sex")),
    "values_list": lambda: list(model("patients.Patient").objects.values_list("pk", flat=True)),
    "values after select_related": lambda: list(
        model("actigraphy.Source").objects.select_related("patient").values("patient__sex")
    ),
    "aggregate": lambda: model("patients.Patient").objects.aggregate(n=Count("pk")),
    "count": lambda: model("patients.Patient").objects.count(),
    "exists": lambda: model("patients.Patient").objects.filter(mrn_index="o-1").exists(),
    "contains": lambda: model("patients.Patient").objects.filter(sex="unknown").exists(),
    "dates": lambda: list(model("patients.Patient").objects.dates("created_at", "day")),
    "values through another model": lambda: list(
        model("patients.CareTeam").objects.values("assignments__patient__sex")
    ),
    "values union": lambda: list(
        model("patients.Patient")
        .objects.order_by()
        .values("pk")
        .union(model("patients.Patient").objects.order_by().values("pk"))
    ),
    "only without the patient": lambda: list(model("actigraphy.Source").objects.only("kind")),
    "defer of the patient": lambda: list(model("actigraphy.Source").objects.defer("patient")),
    "update": lambda: model("patients.Patient").objects.update(sex="other"),
    "delete": lambda: model("actigraphy.Night").objects.all().delete(),
    "cursor": lambda: connection.cursor().execute("SELECT sex FROM patients_patient"),
    "cursor, quoted and joined": lambda: connection.cursor().execute(
        'SELECT count(*) FROM actigraphy_source s JOIN "patients_patient" p ON p.id = s.patient_id'
    ),
    "executemany": lambda: connection.cursor().executemany(
        "UPDATE patients_patient SET sex = %s", [["other"], ["male"]]
    ),
    "aggregate of another": lambda: list(model("patients.CareTeam").objects.annotate(n=Count("assignments"))),
}


@pytest.mark.parametrize("name", NOTED)
def test_rows_that_are_loaded_note_whose_they_are(charts, name):
    patients, _ = charts
    assert run(NOTED[name]).patients == {chart.pk for chart in patients}
    noted = AuditEventPatient.objects.values_list("patient_id", flat=True)
    assert set(noted) == {chart.pk for chart in patients}


@pytest.mark.parametrize("name", UNNOTED)
def test_what_notes_nobody_is_incomplete(charts, name):
    with pytest.raises(IncompleteAudit):
        run(UNNOTED[name])


@pytest.mark.parametrize("name", UNNOTED)
def test_a_patient_who_was_noted_does_not_cover_for_the_others(charts, name):
    patients, _ = charts

    def query():
        saw(patients[0].pk)
        UNNOTED[name]()

    with pytest.raises(IncompleteAudit):
        run(query)


def test_a_deferred_field_is_fetched_for_the_patient_who_was_noted(charts):
    patients, _ = charts
    ledger = run(lambda: [source.kind for source in model("actigraphy.Source").objects.defer("kind")])
    assert ledger.patients == {chart.pk for chart in patients}


def test_raw_sql_is_declared_even_where_its_rows_note_themselves(charts):
    patients, _ = charts

    def query():
        return list(model("patients.Patient").objects.raw("SELECT * FROM patients_patient"))

    def declared():
        with aggregates():
            query()

    with pytest.raises(IncompleteAudit):
        run(query)
    assert run(declared).patients == {chart.pk for chart in patients}


def test_many_rows_at_once_note_whose_they_are(charts):
    patients, sources = charts
    source = model("actigraphy.Source")
    rows = [source(patient=chart, kind="stream", device_type="actiwatch") for chart in patients]
    assert run(lambda: source.objects.bulk_create(rows)).patients == {chart.pk for chart in patients}
    assert run(lambda: source.objects.bulk_update(sources[:1], ["kind"])).patients == {patients[0].pk}


@pytest.mark.parametrize("name", sorted(set(UNNOTED) - {"delete"}))
def test_what_is_declared_an_aggregate_is_complete(charts, name):
    def query():
        with aggregates():
            UNNOTED[name]()

    if "patient" in name and name.startswith(("only", "defer")):
        with pytest.raises(IncompleteAudit):
            run(query)
    else:
        assert run(query).patients == set()


def test_an_incomplete_record_is_an_alert_in_production_and_not_a_closed_clinic(charts, settings, caplog):
    settings.ENVIRONMENT = "production"
    run(UNNOTED["count"])
    assert [record.levelname for record in caplog.records if record.name == settings.ADMINS_ALERT_LOGGER] == [
        "CRITICAL"
    ]
    assert "SELECT" not in caplog.text


def test_rows_of_nobody_are_fine():
    run(lambda: list(model("patients.Patient").objects.all()))
    run(lambda: list(model("actigraphy.Source").objects.iterator()))
    run(lambda: list(model("patients.Patient").objects.none().values("pk")))


def test_what_is_sifted_in_memory_is_noted_only_where_it_is_shown(charts):
    patients, _ = charts

    def query():
        with unseen():
            found = list(model("patients.Patient").objects.select_related())
        saw(found[0].pk)

    assert len(run(query).patients) == 1
    assert len(patients) == 2


def test_saving_and_deleting_note_the_patient(charts):
    patients, sources = charts
    assert run(patients[0].save).patients == {patients[0].pk}
    assert run(sources[1].delete).patients == {patients[1].pk}


def test_a_ledger_inside_another_keeps_its_own_patients(charts):
    patients, _ = charts
    with recorded(actor_label="outer", request_id="o") as outer:
        inner = run(NOTED["list"])
    assert outer.patients == set()
    assert len(inner.patients) == len(patients)


def test_an_event_says_why_it_looked(charts):
    run(NOTED["list"])
    run(lambda: None)
    assert set(AuditEvent.objects.values_list("purpose", "outcome")) == {
        (Purpose.TREATMENT, Outcome.SUCCESS),
        (Purpose.OPERATIONS, Outcome.SUCCESS),
    }


#: Models that point at a patient and are no part of a chart.
NOT_A_CHART = {
    "patients.Grant": "says who may see whom; read by visible_to in every query",
    "audit.AuditEventPatient": "the trail itself",
    "audit.Change": "the trail's safety net: ids and names of columns",
    "compliance.Affected": "a list of ids out of the trail, frozen",
    "delivery.Delivery": "that a message left, which says nothing clinical; its page names no recipient",
    "phi.DataKey": "a wrapped key; opens only what a noted row holds",
    "phi.PhiToken": "a sealed value; opened by patients.identifiers.restore, which notes the patient",
}


def _points_at_a_patient(candidate: type[models.Model], seen: frozenset = frozenset()) -> bool:
    if candidate is model("patients.Patient"):
        return True
    for field in candidate._meta.get_fields():
        if getattr(field, "attname", field.name) == "patient_id":
            return True
        # Users and teams are nobody's chart, however many ways lead from them to one.
        target = field.related_model if (field.many_to_one or field.one_to_one) and field.concrete else None
        if target is not None and target not in seen and _points_at_a_patient(target, seen | {candidate}):
            return True
    return False


def test_every_model_that_points_at_a_patient_is_a_patient_record():
    pointing = {candidate._meta.label for candidate in apps.get_models() if _points_at_a_patient(candidate)}
    records = {candidate._meta.label for candidate in apps.get_models() if issubclass(candidate, PatientRecord)}
    assert pointing - records == set(NOT_A_CHART)
    assert {"patients.Patient", "actigraphy.Recording", "actigraphy.Night", "registry.InferenceRecord"} <= records


@pytest.mark.parametrize(
    "label", [found._meta.label for found in apps.get_models() if issubclass(found, PatientRecord)]
)
def test_no_manager_of_a_patient_record_is_unwatched(label):
    record = model(label)
    assert record.patient_attribute in {field.attname for field in record._meta.concrete_fields}
    managers = [*record._meta.managers, record._base_manager, record._default_manager]
    assert all(isinstance(manager.get_queryset(), PatientRecordQuerySet) for manager in managers)
    assert patient_tables().search(f'SELECT 1 FROM "{record._meta.db_table}"')


@pytest.mark.django_db(transaction=True)
def test_an_event_is_there_with_its_patients_or_not_at_all(monkeypatch):
    """Also where nobody has opened a transaction: a sealer in between would seal the event without them."""

    def fail(*args, **kwargs):
        raise OSError("away")

    monkeypatch.setattr(AuditEventPatient.objects, "bulk_create", fail)
    with recorded(actor_label="system:test", request_id="r") as ledger:
        saw(uuid4())
        with pytest.raises(OSError, match="away"):
            write_event(ledger, event_type="DATA_ACCESS", action="test")
    assert not AuditEvent.objects.exists()
