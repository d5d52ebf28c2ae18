"""Jobs that ask: several are answered at once, each under its own record, and one bad question spoils no others."""

import logging
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Value
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from novamind.audit.models import AuditEvent
from novamind.audit.recording import current, saw
from novamind.clock import now
from novamind.jobs import attempts
from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job
from novamind.jobs.models import Job
from novamind.jobs.runner import run_job, run_waiting
from novamind.jobs.services import enqueue
from novamind.jobs.work import current_work

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked():
    """The batches that were answered, and a kind of job that asks for the square of its number."""
    batches, stored = [], {}

    def squares(numbers):
        batches.append(list(numbers))
        if 13 in numbers:
            raise ZeroDivisionError
        return [number * number for number in numbers]

    @job("square", together=squares, most=4)
    def square(number: int):
        if number == 99:
            raise ValueError
        if number == 0:
            return Finish()
        square = yield number
        return Finish(save=lambda: stored.update({number: square}))

    return batches, stored


def ask(*numbers: int) -> list[Job]:
    return [enqueue("square", key=f"k{number}", number=number) for number in numbers]


def run_elsewhere(key: str) -> None:
    """An earlier job of this key, which another machine holds."""
    held = {"state": "running", "attempts": 1, "held_by": "elsewhere/0/1", "lease_until": now() + timedelta(minutes=1)}
    Job.objects.create(kind="square", key=key, queue="default", pipeline_id=uuid4(), **held)


def states_of(*jobs: Job) -> list[str]:
    return [Job.objects.get(pk=job.pk).state for job in jobs]


def states() -> dict[int, tuple[str, int]]:
    return {row.args["number"]: (row.state, row.attempts) for row in Job.objects.all()}


def test_those_that_wait_are_answered_at_once_and_no_more_than_stated(asked):
    batches, stored = asked
    ask(1, 2, 3, 4, 5, 6)
    assert run_waiting() == 2
    assert batches == [[1, 2, 3, 4], [5, 6]]
    assert stored == {1: 1, 2: 4, 3: 9, 4: 16, 5: 25, 6: 36}
    assert set(states().values()) == {("done", 1)}


def test_a_job_that_fails_before_it_asks_or_need_not_ask_stops_no_other(asked, caplog):
    batches, stored = asked
    ask(1, 99, 0, 2)
    with caplog.at_level(logging.CRITICAL):
        run_waiting()
    assert batches == [[1, 2]]
    assert stored == {1: 1, 2: 4}
    assert states() == {1: ("done", 1), 2: ("done", 1), 0: ("done", 1), 99: ("pending", 1)}


def test_a_question_that_cannot_be_answered_is_asked_alone_the_next_time(asked, caplog):
    batches, stored = asked
    ask(1, 13, 2)
    with caplog.at_level(logging.CRITICAL):
        run_waiting()
        assert stored == {}
        Job.objects.update(due_at=now())
        run_waiting()
    assert batches == [[1, 13, 2], [1], [13], [2]]
    assert stored == {1: 1, 2: 4}
    assert states() == {1: ("done", 2), 2: ("done", 2), 13: ("pending", 2)}


def test_jobs_that_are_held_not_due_or_of_another_kind_are_left_alone(asked):
    batches, _ = asked

    @job("other")
    def other() -> None:
        pass

    first, held, later = ask(1, 2, 3)
    enqueue("other", key="o")
    Job.objects.filter(pk=held.pk).update(state="running", attempts=1, held_by="elsewhere/0/1", lease_until=now())
    Job.objects.filter(pk=later.pk).update(due_at=now().replace(year=now().year + 1))
    run_job(first.pk)
    assert batches == [[1]]
    assert Job.objects.get(kind="other").state == "pending"


def test_those_that_wait_are_taken_in_one_statement_each_with_its_own_attempt_and_lease(asked):
    ask(*range(1, 9))
    lead, *others = Job.objects.order_by("created_at")
    assert attempts.claim(lead)
    with CaptureQueriesContext(connection) as statements:
        taken = attempts.claim_untried(lead, most=5)
    assert len([said for said in statements.captured_queries if said["sql"].startswith("UPDATE")]) == 1
    assert taken == others[:5]
    for one in taken:  # the instance says what the row says
        assert model_to_dict(one) == model_to_dict(Job.objects.get(pk=one.pk))
        assert (one.state, one.attempts, one.held_by) == ("running", 1, attempts.holder())
        assert attempts.renew(one)
    assert set(states_of(*others[5:])) == {"pending"}


def test_a_job_whose_key_runs_is_not_taken_along_and_costs_the_others_nothing(asked):
    batches, _ = asked
    first, second, third = ask(1, 2, 3)
    run_elsewhere(second.key)
    run_job(first.pk)
    assert batches == [[1, 3]]
    assert states_of(second, third) == ["pending", "done"]


def test_those_of_which_a_key_begins_meanwhile_are_left_to_their_own_messages(asked, monkeypatch):
    first, second, _ = ask(1, 2, 3)
    assert attempts.claim(first)
    monkeypatch.setattr(attempts, "Exists", lambda query: Value(False))  # the other begins after we looked
    run_elsewhere(second.key)
    assert attempts.claim_untried(first, most=5) == []
    assert Job.objects.filter(state="pending", attempts=0).count() == 2


def test_the_message_of_a_job_that_is_taken_or_done_costs_one_statement(asked, django_assert_num_queries):
    first, second = ask(1, 99)
    assert attempts.claim(Job.objects.get(pk=second.pk))
    run_job(first.pk)
    for one in (first, second):
        with django_assert_num_queries(1):
            assert not run_job(one.pk)


def test_each_job_is_on_record_with_its_own_patient_and_work():
    seen = []

    @job("look", together=lambda questions: questions, most=9)
    def look(number: int):
        patient = uuid4()
        saw(patient)
        before = current(), current_work()
        yield number
        assert (current(), current_work()) == before
        seen.append((str(current_work().job_id), patient))

    for number in range(3):
        enqueue("look", key=f"k{number}", number=number)
    run_waiting()
    for pk, patient in seen:
        (event,) = AuditEvent.objects.filter(object_id=pk)
        assert [row.patient_id for row in event.patients.all()] == [patient]
    assert len(seen) == 3
    assert current() is None


def test_an_attempt_that_cannot_be_ended_keeps_no_lease_alive(asked, monkeypatch):
    import threading

    def away(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr("novamind.jobs.attempts.finish", away)
    monkeypatch.setattr("novamind.jobs.attempts.fail", away)
    ask(1, 2)
    with pytest.raises(ConnectionError):
        run_job(Job.objects.order_by("created_at").first().pk)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease-")]


def test_who_asks_where_nothing_answers_fails(caplog):
    @job("lonely")
    def lonely():
        yield 1

    queued = enqueue("lonely", key="k")
    with caplog.at_level(logging.CRITICAL):
        run_job(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.error_detail.split()[0]) == ("pending", "TypeError")
