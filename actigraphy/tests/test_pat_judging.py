"""Weeks against a person's own, from an upload to the record: judged, recalled, replayed, silent for a named reason."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from actigraphy.models import Analysis, Recording, WeekReading
from actigraphy.pat import anomalies, judging
from actigraphy.pat.cards import SHIPPED
from actigraphy.readings import JUDGE, read_again
from actigraphy.science import pat
from actigraphy.science.pat.anomaly import judge_week
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.registry.cards import problems
from novamind.registry.inference import input_of, replay
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.services import move
from novamind.simulator import ALL, Persona, simulate, write_awd
from patients.consent import record_consent
from patients.models import ConsentPurpose, ConsentStream

pytestmark = [pytest.mark.django_db, pytest.mark.once]
WHOLE = ALL.without("missing", "episodes", "drift")
FIRST = date(2026, 1, 5)


@pytest.fixture
def detector():
    return anomalies.install(SHIPPED, by="operator:kari", reason="A test.")[0]


@pytest.fixture
def send(signed_in, psychiatrist):
    client = signed_in(psychiatrist)

    def upload(patient, *, days, start=FIRST, **persona):
        lived = simulate(Persona.draw(60_000, zone="Europe/Oslo", kind="none", **persona), start=start, days=days,
                         effects=WHOLE)  # fmt: skip
        file = SimpleUploadedFile(f"{start}.awd", write_awd(lived))
        address = f"/patients/{patient.pk}/actigraphy/upload/"
        assert client.post(address, {"file": file, "device_type": "actiwatch"}).status_code == 302
        run_waiting()
        return Recording.objects.filter(patient=patient).latest("created_at")

    return upload


def told(recording):
    rows = WeekReading.objects.filter(analysis__source=recording.source_id, task="anomaly")
    return list(rows.order_by("record__window_start"))


def test_each_week_is_held_against_those_before_it_and_replays(send, detector, patient):
    recording = send(patient, days=7 * 7)
    found = told(recording)
    assert 2 <= len(found) <= 3
    serving = anomalies.detector_of(detector)
    for reading in found:
        record = reading.record
        weeks = input_of(record)
        assert 5 <= len(weeks) <= 9
        assert record.output["earlier_weeks"] == len(weeks) - 1
        judged = judge_week(serving.model, serving.rule, weeks[:-1], weeks[-1])
        assert record.output["highest"] == pytest.approx(judged.highest, abs=1e-6)
        assert replay(record, lambda given: judging.said(serving, given)).same
        assert (record.model_version, record.shadow, len(record.input_summary)) == (detector, False, 3)
    last = Analysis.objects.get(source=recording.source_id).window_end
    assert last - found[-1].record.window_end < timedelta(days=2)  # the newest week is always judged
    ends = [reading.record.window_end for reading in found]
    starts = [reading.record.window_start for reading in found]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    event = AuditEvent.objects.get(event_type="MODEL_INFERENCE", object_label="model anomaly:actiwatch")
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_an_earlier_recording_is_part_of_what_is_usual_whichever_comes_first(send, detector, patient):
    second = send(patient, days=14, start=FIRST + timedelta(days=35))
    assert [row.abstention["abstained"] for row in told(second)] == ["too_few_days"]
    first = send(patient, days=34)
    assert [row.abstention["abstained"] for row in told(first)] == ["too_few_days"]
    judged = told(second)
    assert [reading.record.output["earlier_weeks"] for reading in judged] == [4, 5]


def test_too_short_a_history_is_named_with_its_days(send, detector, patient):
    (reading,) = told(send(patient, days=22))
    assert (reading.abstention["needed"], reading.abstention["got"]) == (35, 21)
    assert reading.model == "anomaly:actiwatch"
    assert not InferenceRecord.objects.filter(model_version=detector).exists()


def test_what_was_judged_before_is_recalled(send, detector, patient, monkeypatch):
    recording = send(patient, days=7 * 6)
    before = [reading.record_id for reading in told(recording)]
    monkeypatch.setattr(pat.Reconstructor, "errors", lambda *_: pytest.fail("computed again"))
    assert read_again(JUDGE) == 1
    run_waiting()
    assert [reading.record_id for reading in told(recording)] == before
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert AuditEvent.objects.filter(object_label="model anomaly:actiwatch", details__status="recalled").exists()


@pytest.mark.parametrize(
    ("name", "code"),
    [("encoder.h5", "no_weights"), ("decoder.h5", "no_weights"), ("cohort.json", "no_weights")],
)
@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_missing_or_changed_part_silences_the_detector_and_nothing_else(send, detector, patient, settings, name,
                                                                          code, harm):  # fmt: skip
    anomalies._loaded.cache_clear()
    part = (settings.PAT_WEIGHTS_DIR / detector.weights_file).parent / name
    if harm == "gone":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-9] + b"123456789")
        code = "weights_mismatch"
    recording = send(patient, days=36)
    assert [row.abstention["abstained"] for row in told(recording)] == [code]
    assert Analysis.objects.get(patient=patient).nights.filter(tst_min__isnull=False).exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_without_a_detector_for_the_device_it_says_so(send, patient):
    (reading,) = told(send(patient, days=8))
    assert reading.abstention["abstained"] == "not_promoted"


def test_a_detector_on_trial_is_shown_to_nobody_and_one_that_begins_to_serve_reads_again(send, detector, patient):
    with anomalies.acting("operator"):
        move(detector, to="retired", by="operator", reason="A test.")
        detector.refresh_from_db()
        move(detector, to="shadow", by="operator", reason="A test.")
    recording = send(patient, days=36)
    assert [row.abstention["abstained"] for row in told(recording)] == ["not_promoted"]
    with anomalies.acting("operator"):
        detector.refresh_from_db()
        move(detector, to="production", by="operator", reason="A test.")
    run_waiting()
    assert all(reading.record for reading in told(recording))


def test_what_was_withdrawn_while_it_was_judged_is_not_kept(send, detector, patient, psychiatrist, monkeypatch):
    errors = pat.Reconstructor.errors

    def withdrawn(self, weeks):
        record_consent(patient=patient, purpose=ConsentPurpose.TREATMENT, stream=ConsentStream.ACTIGRAPHY, given=False,
                       how="spoken", by=psychiatrist)  # fmt: skip
        return errors(self, weeks)

    monkeypatch.setattr(pat.Reconstructor, "errors", withdrawn)
    recording = send(patient, days=36)
    assert not told(recording)
    assert not InferenceRecord.objects.exists()


def test_the_command_installs_and_the_card_quotes_what_was_measured(tmp_path, capsys):
    call_command("install_anomaly_model", str(SHIPPED), reason="To be tried.", by="operator:kari")
    version = ModelVersion.objects.get()
    assert (version.kind, version.stage, version.created_by) == ("anomaly", "production", "operator:kari")
    assert problems(version.card) == []
    measured = json.loads((SHIPPED / "anomaly.json").read_text())["card"]["measured"]
    alarms = anomalies.false_alarms(version)
    assert (alarms["value"], alarms["low"], alarms["high"]) == tuple(
        measured["alarms_per_quarter"][name] for name in ("value", "low", "high")
    )
    assert "not known" in version.card["must_not"]
    call_command("install_anomaly_model", str(SHIPPED), reason="Again.")
    assert ModelVersion.objects.count() == 1


@pytest.mark.parametrize("fault", ["no reason", "no decoder", "no figures", "other cohort"])
def test_what_cannot_serve_is_refused_and_nothing_is_kept(tmp_path, settings, fault):
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    rule = json.loads((folder / "anomaly.json").read_text())
    if fault == "no decoder":
        (folder / "decoder.h5").unlink()
    elif fault == "no figures":
        del rule["card"]["measured"]
    elif fault == "other cohort":
        rule["cohort_sha256"] = "0" * 64
    (folder / "anomaly.json").write_text(json.dumps(rule))
    with pytest.raises(CommandError):
        call_command("install_anomaly_model", str(folder), reason="" if fault == "no reason" else "A test.")
    assert not ModelVersion.objects.exists()
    assert not settings.PAT_WEIGHTS_DIR.exists() or not list(settings.PAT_WEIGHTS_DIR.iterdir())


def test_a_week_is_held_against_the_latest_that_share_no_minute():
    from actigraphy.science.pat.anomaly import WEEK_S, earlier_weeks

    day = 86_400
    starts = np.arange(0, 80) * day
    found = starts[earlier_weeks(starts, 79 * day)]
    assert len(found) == 8
    assert found[-1] == 72 * day
    assert (np.diff(found) == WEEK_S).all()
    assert len(earlier_weeks(starts[:6], 5 * day)) == 0
