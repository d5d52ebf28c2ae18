"""Rows inserted where they are absent: which of them were new."""

from __future__ import annotations

from datetime import timedelta

import pytest

from novamind.clock import now
from novamind.inserts import insert_absent
from novamind.jobs.models import Job

pytestmark = pytest.mark.django_db


def job(key):
    return Job(kind="tests.nothing", key=key, queue="default", args={"n": 1}, pipeline_id="0" * 32)


def test_it_tells_which_rows_were_new_and_leaves_the_others_as_they_were():
    held = job("b")
    held.save()
    assert insert_absent([job("a"), job("b"), job("c")], ["key"]) == {("a",), ("c",)}
    assert Job.objects.get(key="b").pk == held.pk
    assert insert_absent([job("a"), job("b")], ["key"]) == set()
    assert insert_absent([], ["key"]) == set()


def test_the_keys_come_back_as_the_model_has_them():
    moment = now() + timedelta(hours=1)
    row = job("a")
    row.due_at = moment
    assert insert_absent([row], ["id", "due_at", "sent_at"]) == {(row.pk, moment, None)}


def test_more_rows_than_one_statement_holds_are_all_inserted():
    rows = [job(f"k{n}") for n in range(3000)]
    assert len(insert_absent(rows, ["key"])) == 3000
    assert Job.objects.count() == 3000
