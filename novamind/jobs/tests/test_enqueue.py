"""A job is written with the data it serves, once per key, and carries ids only."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from novamind.celery import app
from novamind.clock import now
from novamind.jobs.kinds import UnknownKind, job, periodic, subscribes
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.jobs.services import enqueue, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def greeted() -> list[object]:
    """A job ``greet`` that notes whom it was run for."""
    seen: list[object] = []

    @job("greet")
    def greet(who: object) -> None:
        seen.append(who)

    return seen


def test_an_unknown_kind_is_refused_where_it_is_asked_for(greeted):
    with pytest.raises(UnknownKind, match="known: greet"):
        enqueue("meet", key="k")


def test_arguments_the_function_does_not_take_are_refused_before_a_row_is_written(greeted):
    with pytest.raises(TypeError):
        enqueue("greet", key="k", whom=1)
    assert not Job.objects.exists()


@pytest.mark.parametrize("value", [1.5, True, None, ["a"], {"a": 1}, b"x"])
def test_arguments_that_are_no_ids_are_refused(greeted, value):
    with pytest.raises(TypeError, match="UUID, str or int"):
        enqueue("greet", key="k", who=value)


@pytest.mark.parametrize("text", ["Ada Lovelace", "ada@example.org", "", "x" * 201, "born\n1815", "Åse"])
def test_free_text_does_not_pass_as_an_id_and_is_not_quoted_back(greeted, text):
    with pytest.raises(ValueError, match="does not look like one") as refusal:
        enqueue("greet", key="k", who=text)
    assert not text or text not in str(refusal.value)


def test_free_text_does_not_pass_as_a_key(greeted):
    with pytest.raises(ValueError, match="a key is made of ids"):
        enqueue("greet", key="Ada Lovelace", who=1)


def test_a_uuid_arrives_as_a_uuid_and_a_number_as_a_number(greeted):
    patient = uuid4()
    for number, who in enumerate([patient, 7, "2027-05-03"]):
        enqueue("greet", key=f"k{number}", who=who)
    run_waiting()
    assert set(greeted) == {patient, 7, "2027-05-03"}
    assert {type(who) for who in greeted} == {UUID, int, str}


def test_a_key_that_waits_is_not_queued_again(greeted):
    first = enqueue("greet", key="k", who=1)
    assert enqueue("greet", key="k", who=1) == first
    assert Job.objects.count() == 1


def test_a_key_that_runs_can_be_queued_again_because_the_running_job_may_have_read_old_data():
    @job("again")
    def again() -> None:
        if Job.objects.count() == 1:
            enqueue("again", key="k")

    enqueue("again", key="k")
    assert run_waiting() == 2
    assert [done.state for done in Job.objects.all()] == ["done", "done"]


def test_a_key_whose_job_waits_for_its_second_attempt_is_not_queued_again(greeted):
    first = enqueue("greet", key="k", who=1)
    Job.objects.filter(pk=first.pk).update(attempts=1)
    assert enqueue("greet", key="k", who=1) == first


@pytest.mark.django_db(transaction=True)
def test_the_message_leaves_on_commit_and_not_before(greeted, messages):
    with transaction.atomic():
        queued = enqueue("greet", key="k", who=1)
        assert messages == []
    assert messages == [str(queued.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_leaves_neither_row_nor_message(greeted, messages):
    with transaction.atomic():
        enqueue("greet", key="k", who=1)
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert messages == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_fails_no_request_and_is_left_alone_for_a_while(greeted, monkeypatch):
    tries = []

    def down(*args: object, **options: object) -> None:
        tries.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr(app, "send_task", down)
    for number in range(5):
        enqueue("greet", key=f"k{number}", who=number)
    assert Job.objects.filter(state="pending").count() == 5
    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_for_later_is_neither_sent_nor_run_before_it_is_due(greeted, messages):
    enqueue("greet", key="k", who=1, due_at=now() + timedelta(hours=1))
    assert run_waiting() == 0
    assert messages == []


def test_a_job_queued_by_a_job_inherits_who_asked_and_the_pipeline():
    @job("first")
    def first() -> None:
        enqueue("second", key="s")

    @job("second")
    def second() -> None: ...

    actor = uuid4()
    root = enqueue("first", key="f", actor=actor)
    run_waiting()
    child = Job.objects.get(kind="second")
    assert (child.actor, child.pipeline_id) == (actor, root.pk)
    assert root.pipeline_id == root.pk


def test_an_event_queues_one_job_for_each_listener_with_the_ids_it_takes():
    heard = []

    @subscribes("recording.analyzed", key="twin:{patient_id}")
    @job("twin.refresh")
    def refresh(patient_id: UUID) -> None:
        heard.append(("twin", patient_id))

    @subscribes("recording.analyzed")
    @job("rules.run")
    def rules(recording_id: UUID, **ids: UUID) -> None:
        heard.append(("rules", recording_id))

    patient, recording = uuid4(), uuid4()
    jobs = publish("recording.analyzed", recording_id=recording, patient_id=patient)
    run_waiting()
    assert sorted(queued.kind for queued in jobs) == ["rules.run", "twin.refresh"]
    assert set(heard) == {("twin", patient), ("rules", recording)}
    assert f"twin:{patient}" in {queued.key for queued in jobs}


def test_a_job_of_a_new_key_is_not_looked_for_and_one_that_waits_is_still_found(django_assert_num_queries):
    @subscribes("batch.kept", key="batch.read:{batch_id}", once=True)
    @job("batch.read")
    def read(batch_id: UUID) -> None: ...

    batch = uuid4()
    with django_assert_num_queries(1):
        (first,) = publish("batch.kept", batch_id=batch)
    (again,) = publish("batch.kept", batch_id=batch)
    assert (again.pk, Job.objects.count()) == (first.pk, 1)


def test_an_event_nobody_listens_to_is_no_error():
    assert publish("nothing.happened", patient_id=uuid4()) == []


def test_one_name_is_one_function(greeted):
    with pytest.raises(ValueError, match="already"):
        job("greet")(lambda: None)


def test_a_queue_nobody_serves_is_refused():
    with pytest.raises(ValueError, match="no queue"):
        job("x", queue="gpu")


def test_a_limit_beyond_the_workers_limit_is_refused(settings):
    with pytest.raises(ValueError, match="JOB_TIME_LIMIT_S"):
        job("x", time_limit_s=settings.JOB_TIME_LIMIT_S + 1)
    with pytest.raises(ValueError, match="positive"):
        periodic("x", every=timedelta())
