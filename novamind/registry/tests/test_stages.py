"""Versions move by one road: with a right, a reason and a complete card, and leave a row and an event."""

from __future__ import annotations

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction

from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.audit.runs import NobodyActs
from novamind.registry.models import ModelVersion, StageChange
from novamind.registry.services import NEXT, MoveRefused, move, register_version

pytestmark = pytest.mark.django_db
WHY = "Better on held-out weeks."


def history(version):
    return [(change.from_stage, change.to_stage) for change in version.changes.order_by("pk")]


def refused(version, to="production", by="operator:kari", reason=WHY):
    before = ModelVersion.objects.get(pk=version.pk).stage
    with pytest.raises(MoveRefused) as refusal:
        move(version, to=to, by=by, reason=reason)
    assert ModelVersion.objects.get(pk=version.pk).stage == before
    assert StageChange.objects.filter(version=version, to_stage="production").count() == (before == "production")
    return refusal.value


def test_a_version_begins_as_a_draft_with_a_row_and_an_event(register):
    version = register("1")
    change = version.changes.get()
    assert (version.stage, change.by, change.reason) == ("draft", "operator:kari", "Trained.")
    event = AuditEvent.objects.get(event_type="MODEL_PROMOTION")
    assert event.details == {"model": "Head", "version": "1", "status": "ok", "to": "draft"}


def test_a_version_is_registered_once_and_stays_as_it_was(register, card):
    first = register("1")
    again = register("1", card=card | {"does": "Something else."})
    assert again.pk == first.pk
    assert again.card["does"] == "Says does."
    assert StageChange.objects.count() == 1


def test_the_whole_way_and_back(register, clinical_admin):
    version = register("1")
    for to in ("shadow", "production", "retired", "production"):
        version = move(version, to=to, by=clinical_admin, reason=WHY)
    assert history(version) == [
        ("", "draft"), ("draft", "shadow"), ("shadow", "production"), ("production", "retired"),
        ("retired", "production"),
    ]  # fmt: skip
    last = version.changes.first()
    assert (last.by, last.by_user, last.reason) == ("admin", clinical_admin, WHY)
    event = AuditEvent.objects.filter(event_type="MODEL_PROMOTION").order_by("-at").first()
    assert event.details == {
        "model": "Head", "version": "1", "status": "ok", "from": "retired", "to": "production",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "to"),
    [(stage, to) for stage in NEXT for to in ModelVersion.Stage if to not in NEXT[stage]],
)
def test_there_is_no_other_way(register, stage, to):
    assert refused(register("1", stage), to=to).code == "no_such_way"


def test_an_unknown_stage_is_no_way(register):
    assert refused(register("1"), to="everywhere").code == "no_such_way"


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_moves_and_nothing_is_registered(register, card, reason):
    assert refused(register("1"), reason=reason).code == "no_reason"
    with pytest.raises(MoveRefused):
        register_version(
            name="Other", version="1", kind="head", card=card, weights_sha256="", weights_file="", training_data="",
            by="operator:kari", reason=reason,
        )  # fmt: skip
    assert not ModelVersion.objects.filter(name="Other").exists()


@pytest.mark.parametrize("who", ["psychiatrist", "researcher", "superuser", "outsider"])
@pytest.mark.parametrize("to", ["shadow", "production", "retired"])
def test_only_who_may_promote_moves_anything(register, request, who, to):
    version = register("1")
    with pytest.raises(PermissionDenied):
        move(version, to=to, by=request.getfixturevalue(who), reason=WHY)
    assert history(version) == [("", "draft")]


def test_an_inactive_administrator_moves_nothing(register, clinical_admin):
    clinical_admin.is_active = False
    with pytest.raises(PermissionDenied):
        move(register("1"), to="shadow", by=clinical_admin, reason=WHY)


def test_an_incomplete_card_keeps_a_version_from_serving_and_says_what_is_missing(register, card):
    version = register("1", card=card | {"licence": ""})
    refusal = refused(version)
    assert (refusal.code, refusal.missing) == ("card_incomplete", ["Licence: not answered."])
    assert move(version, to="shadow", by="operator:kari", reason=WHY).stage == "shadow"


def test_the_older_retires_when_the_newer_serves(register):
    first, second = register("1", "production"), register("2", "production")
    assert {(row.version, row.stage) for row in ModelVersion.objects.all()} == {("1", "retired"), ("2", "production")}
    retired = first.changes.first()
    assert (retired.from_stage, retired.to_stage, retired.reason) == (
        "production", "retired", "Replaced by 2: To be used.",
    )  # fmt: skip
    assert ModelVersion.objects.serving("Head").get() == second


def test_another_model_goes_on_serving(register):
    other = register("1", "production", name="Encoder")
    register("1", "production")
    assert ModelVersion.objects.serving("Encoder").get() == other


def test_who_decided_on_an_older_stage_decides_again(register):
    seen = register("1")
    move(ModelVersion.objects.get(pk=seen.pk), to="shadow", by="operator:ola", reason=WHY)
    assert refused(seen).code == "stage_changed"


def test_nobody_moves_a_version_unseen(db, register):
    version = register("1")
    from novamind.audit import recording

    token = recording._current.set(None)
    try:
        with pytest.raises(NobodyActs):
            move(version, to="shadow", by="operator:kari", reason=WHY)
    finally:
        recording._current.reset(token)
    assert ModelVersion.objects.get().stage == "draft"


@pytest.mark.parametrize("statistics", [[{"name": "x"}], [{"name": "x", "edges": [1], "shares": [0.5], "n": 3}]])
def test_reference_statistics_that_are_none_are_refused(register, statistics):
    with pytest.raises(ValueError, match="reference statistics"):
        register("1", reference_statistics=statistics)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", ["UPDATE registry_stagechange SET reason = 'x'", "DELETE FROM registry_stagechange"])
def test_history_cannot_be_written_anew(register, audit_triggers, sql):
    version = register("1")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert version.changes.get().reason == "Trained."


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_of_many_who_promote_at_once_one_serves_and_every_step_is_in_the_history(register):
    versions = [register(str(number)) for number in range(6)]
    errors, start = [], threading.Barrier(len(versions))

    def promote(version):
        try:
            start.wait(60)
            with recorded(actor_label="operator:kari", request_id="r"):
                move(version, to="production", by="operator:kari", reason=WHY)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=promote, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    stages = sorted(ModelVersion.objects.values_list("stage", flat=True))
    assert stages == ["production"] + ["retired"] * 5
    assert StageChange.objects.filter(to_stage="production").count() == 6
    assert StageChange.objects.filter(to_stage="retired").count() == 5


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_of_two_who_promote_the_same_version_one_is_told_that_it_was_done(register):
    version = register("1")
    told, start = [], threading.Barrier(2)

    def promote():
        try:
            start.wait(60)
            with recorded(actor_label="operator:kari", request_id="r"):
                seen = ModelVersion(pk=version.pk, name=version.name, stage="draft")
                move(seen, to="production", by="operator:kari", reason=WHY)
            told.append("done")
        except MoveRefused as refusal:
            told.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=promote) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["done", "stage_changed"]
    assert history(version) == [("", "draft"), ("draft", "production")]
