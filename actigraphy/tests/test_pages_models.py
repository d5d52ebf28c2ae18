"""What models say, on a patient's page: weeks against one's own, heads, and a layer with how far to trust it."""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import date

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from actigraphy.models import Recording, WeekExplanation, WeekReading
from actigraphy.pages.layers import Layer
from actigraphy.pat import anomalies, explained, heads, installing
from actigraphy.pat.shipped import install_shipped
from actigraphy.readings import EXPLAIN
from actigraphy.science import pat
from actigraphy.science.heads import head_bytes
from actigraphy.science.pat.explaining import explain, faithfulness
from actigraphy.tests.test_pat_heads import answers, trained
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.jobs.services import enqueue
from novamind.measures import Abstained
from novamind.registry.inference import input_of
from novamind.registry.models import ModelVersion
from novamind.registry.services import move
from novamind.simulator import ALL, Persona, simulate, write_awd
from patients.consent import record_consent
from patients.models import ConsentPurpose, ConsentStream

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.once]


@pytest.fixture
def shipped(clinical_admin, settings):
    settings.PAT_MODEL_ID = "PAT-S"
    return install_shipped(by=clinical_admin, reason="A test.")


@pytest.fixture
def send(signed_in, psychiatrist, patient):
    client = signed_in(psychiatrist)

    def upload(days=15, **persona):
        effects = ALL.without("missing", "episodes", "drift")
        persona = Persona.draw(62_000, zone="Europe/Oslo", kind="none", **persona)
        content = write_awd(simulate(persona, start=date(2026, 1, 5), days=days, effects=effects))
        address = f"/patients/{patient.pk}/actigraphy/upload/"
        file = SimpleUploadedFile("watch.awd", content)
        assert client.post(address, {"file": file, "device_type": "actiwatch"}).status_code == 302
        run_waiting()

        def page(query=""):
            answer = client.get(f"/patients/{patient.pk}/actigraphy/{query}")
            assert answer.status_code == 200
            return html.unescape(answer.content.decode())

        return page

    return upload


def tints(page):
    """The traces of the layer by strength, of the actogram on this page."""
    sent = json.loads(re.search(r'<script id="figure-actogram-data"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))
    return {one["fillcolor"]: one for one in sent["data"] if str(one.get("fillcolor", "")).startswith("var(--model-")}


def test_without_models_the_page_says_of_each_that_there_is_none(send):
    page = send(days=8)()
    assert page.count("no model of this kind is in production") == 2  # own weeks, heads
    assert "no model weights are installed" in page
    assert "What the answer rests on" not in page


def test_the_newest_weeks_are_explained_and_the_layer_is_drawn_with_the_figure_alone(send, shipped, patient):
    page = send(days=15)
    rows = list(WeekExplanation.objects.filter(patient=patient))
    assert len(rows) == 2
    encoder = pat.Encoder.from_file(installing.settings.PAT_WEIGHTS_DIR / shipped[0].weights_file)
    for row in rows:
        week = input_of(row.record)
        own = explain(encoder, week)
        np.testing.assert_allclose(np.array(row.found["occlusion"], float), own.occlusion, atol=1e-6)
        attention = np.array(row.found["attention"], float)
        assert np.nansum(attention) == pytest.approx(1, abs=1e-4)
        np.testing.assert_allclose(np.repeat(attention, 18), encoder.attention(week), atol=1e-7)
        agree = faithfulness(own)
        assert row.found["faithfulness"]["correlation"] == pytest.approx(agree.correlation, abs=1e-6)
    plain = page()
    assert tints(plain) == {}
    for layer in ("attention", "occlusion"):
        drawn = page(f"?layer={layer}")
        assert set(tints(drawn)) == {"var(--model-1)", "var(--model-2)", "var(--model-3)"}
        for row in rows:
            assert f">{row.found['faithfulness']['correlation']:.2f}" in drawn
        assert "the strongest tenth" in drawn
    assert tints(page("?layer=zqx")) == {}
    assert "no prediction" in plain
    assert AuditEvent.objects.filter(object_label="model PAT-S explained", details__status="ok").count() == 2


def test_an_explanation_without_its_figure_is_not_drawn(send, shipped, patient, monkeypatch):
    def none(*_):
        raise Abstained("no_variation")

    monkeypatch.setattr(explained, "faithfulness", none)
    page = send(days=8)("?layer=attention")
    (row,) = WeekExplanation.objects.filter(patient=patient)
    assert (row.found, row.abstention["abstained"]) == (None, "no_variation")
    assert tints(page) == {}
    assert "the signal does not vary" in page


def test_what_was_found_is_sealed(send, shipped, patient):
    send(days=8)
    with connection.cursor() as cursor:
        cursor.execute("SELECT found FROM actigraphy_weekexplanation")
        (stored,) = cursor.fetchone()
    assert b"attention" not in bytes(stored)
    assert WeekExplanation.objects.get().found["attention"]


def test_a_head_that_reads_by_the_encoder_is_what_is_explained(send, shipped, patient, tmp_path):
    path = tmp_path / "head.json"
    path.write_bytes(head_bytes(trained("pat")))
    version, _ = heads.install(path, answers=answers(), promote=True, by="operator:kari", reason="A test.")
    page = send(days=8)
    row = WeekExplanation.objects.filter(patient=patient).latest("created_at")
    assert row.of == str(version)
    loaded = heads.loaded(version)

    def score(embeddings):
        return loaded.head.linear.score(embeddings.astype(float))

    own = explain(loaded.encoder, input_of(row.record), score)
    np.testing.assert_allclose(np.array(row.found["occlusion"], float), own.occlusion, atol=1e-5)
    shown = page()
    reading = WeekReading.objects.get(patient=patient, task="head")
    assert f"Explained is the score of {version}" in shown
    assert f">{100 * reading.record.output['probability']:.0f} <" in shown
    assert "set for 20 alerts in 100 recordings" in shown
    assert "AUC 0.80 (95 % interval 0.70" in shown
    assert f"/models/{version.pk}/" in shown
    assert f"number=head.{reading.record_id}" in shown
    with installing.acting("operator"):
        move(version, to="retired", by="operator", reason="A test.")
    retired = page()
    assert "Explained is the score" not in retired
    assert "no model of this kind is in production" in retired


def test_weeks_against_ones_own_are_shown_with_alarm_line_false_alarms_and_where_they_come_from(send, shipped, patient):
    shown = send(days=7 * 6)()
    readings = WeekReading.objects.filter(patient=patient, task="anomaly")
    assert readings
    detector = ModelVersion.objects.get(name="anomaly:actiwatch")
    alarms = anomalies.false_alarms(detector)
    assert f"{alarms['value']:.2f}" in shown
    assert detector.card["must_not"] in shown
    assert f"/models/{detector.pk}/" in shown
    assert "told from 3.52 up" in shown
    for reading in readings:
        assert f"number=anomaly.{reading.record_id}" in shown


def test_a_models_number_leads_to_its_record(send, shipped, patient, signed_in, psychiatrist):
    send(days=7 * 6)
    reading = WeekReading.objects.filter(patient=patient, task="anomaly").latest("record__window_start")
    address = f"/provenance/{reading.analysis_id}/?number=anomaly.{reading.record_id}"
    told = html.unescape(signed_in(psychiatrist).get(address).content.decode())
    record = reading.record
    for needed in (repr(record.output["highest"]), record.input_hash, record.code_version, str(record.pk),
                   record.model_version.weights_sha256, f"{record.output['earlier_weeks']} earlier weeks"):  # fmt: skip
        assert needed in told
    other = f"/provenance/{reading.analysis_id}/?number=anomaly.{reading.analysis_id}"
    assert "Farthest from" not in signed_in(psychiatrist).get(other).content.decode()


def test_what_a_retired_detector_said_is_not_shown(send, shipped, patient):
    page = send(days=7 * 6)
    assert "as usual" in page() or "than usual;" in page()
    detector = ModelVersion.objects.get(name="anomaly:actiwatch")
    with installing.acting("operator"):
        move(detector, to="retired", by="operator", reason="A test.")
    assert "Farthest from usual" not in page()


def test_what_was_withdrawn_is_neither_explained_nor_shown(send, shipped, patient, psychiatrist):
    page = send(days=8)
    WeekExplanation.objects.get().delete()
    record_consent(patient=patient, purpose=ConsentPurpose.TREATMENT, stream=ConsentStream.ACTIGRAPHY, given=False,
                   how="spoken", by=psychiatrist)  # fmt: skip
    recording = Recording.objects.get(patient=patient)
    enqueue(EXPLAIN, key=f"{EXPLAIN}:{recording.pk}", recording_id=recording.pk)
    run_waiting()
    assert not WeekExplanation.objects.exists()
    assert "What models say" not in page("?layer=attention")
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_a_layer_marks_the_strongest_tenth_quarter_and_half_of_what_is_known():
    values = np.arange(100, dtype=float)
    layer = Layer.of([600], [np.concatenate([values, [np.nan] * 10])])
    levels = layer.levels[0]
    assert [int((levels >= level).sum()) for level in (1, 2, 3)] == [50, 25, 10]
    assert (levels[100:] == 0).all()
    np.testing.assert_array_equal(layer.cut(0, 30), np.concatenate([np.zeros(10), levels[:20]]))
    assert layer.cut(10**6, 5).sum() == 0


def test_packed_positions_of_a_layer_stay_in_their_row(send, shipped, patient):
    drawn = tints(send(days=8)("?layer=occlusion"))
    for one in drawn.values():
        x = np.frombuffer(base64.b64decode(one["x"]["bdata"]), np.float32)
        assert 0 <= np.nanmin(x) <= np.nanmax(x) <= 2880
