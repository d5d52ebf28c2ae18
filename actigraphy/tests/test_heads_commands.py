"""``train_head`` and ``evaluate_head`` on a folder of recordings: what they write, and what they refuse by name."""

import hashlib
import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from actigraphy.labelled import LabelsError, read_labels
from actigraphy.pat.shipped import install_shipped
from actigraphy.science import heads
from actigraphy.science.heads.tuning import Tuned
from actigraphy.science.pat import load_cohort, untrained_weights
from actigraphy.tests.recording_files import depresjon, minutes
from novamind.audit.models import AuditEvent

pytestmark = pytest.mark.once

PEOPLE = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixteen people of eight days; those with the outcome are half as active by day."""
    folder = tmp_path_factory.mktemp("recordings")
    stamps = minutes("2026-03-02 00:00:00", 8 * 1440)
    asleep = np.arange(len(stamps)) % 1440 < 420
    rows = ["file,label,days"]
    for who in range(PEOPLE):
        rng = np.random.default_rng(who)
        level = 120 * (0.5 if who % 2 else 1.0) * rng.uniform(0.8, 1.25)
        counts = np.where(asleep, 60 * (rng.random(len(stamps)) < 0.05), rng.gamma(2, level, len(stamps))).astype(int)
        (folder / f"{who:02d}.csv").write_bytes(depresjon(stamps, counts))
        rows.append(f"{who:02d}.csv,{who % 2},8")
    (folder / "labels.csv").write_text("\n".join([*rows, ""]))
    return folder


@pytest.fixture(scope="module")
def weights(folder):
    path = folder / "encoder.h5"
    path.write_bytes(untrained_weights("S", seed=1))
    return path


def shorten(folder):
    """Two days of somebody."""
    lines = (folder / "01.csv").read_text().splitlines()[:2881]
    (folder / "short.csv").write_text("\n".join([*lines, ""]))


def evaluated(folder, labels="labels.csv", **options):
    out = StringIO()
    call_command("evaluate_head", str(folder), labels=folder / labels, stdout=out, **{"folds": 3} | options)
    return out.getvalue()


@pytest.mark.slow
def test_evaluation_gives_every_figure_of_every_feature_set_as_json(folder, weights):
    said = json.loads(evaluated(folder, encoder=weights, format="json", alert_load=50.0))
    assert (said["people"], said["positives"], said["refused"]) == (16, 8, [])
    assert said["splits"] == "3 stratified folds of people"
    assert said["encoder"]["untrained_control"] is False
    results = said["results"]
    assert set(results) == {"circadian", "pat", "both", "dummy_majority", "dummy_stratified"}
    for kind in heads.FEATURE_SETS:
        for figure in results[kind]["figures"]:
            assert set(figure) == {"metric", "value", "low", "high", "n", "population", "how"}
            assert figure["n"] == 16
        assert len(results[kind]["probabilities"]) == len(said["files"]) == 16
        assert results[kind]["reliability"]
    (auc,) = [figure for figure in results["circadian"]["figures"] if figure["metric"] == "auc"]
    assert auc["value"] > 0.7


def test_without_weights_pat_abstains_and_the_rest_is_judged(folder):
    said = json.loads(evaluated(folder, format="json"))
    assert said["encoder"] is None
    assert said["results"]["pat"]["abstained"] == said["results"]["both"]["abstained"] == "no_weights"
    assert said["results"]["circadian"]["figures"]


@pytest.mark.slow
def test_a_control_is_called_one(folder):
    table = evaluated(folder, untrained_control=3)
    assert "encoder: UNTRAINED CONTROL, PAT-S" in table


def test_each_patient_is_left_out_with_all_their_recordings(folder):
    rows = (folder / "labels.csv").read_text().splitlines()
    doubled = [
        "file,label,patient",
        *(f"{row.split(',')[0]},{at // 2 % 2},p{at // 2}" for at, row in enumerate(rows[1:])),
    ]
    (folder / "pairs.csv").write_text("\n".join(doubled))
    with pytest.raises(CommandError, match="4 people of one label; 5 are needed"):
        evaluated(folder, "pairs.csv")


def test_one_bad_file_is_reported_and_does_not_stop_the_others(folder, capsys):
    (folder / "bad.csv").write_text("nonsense\n")
    shorten(folder)
    more = (folder / "labels.csv").read_text() + "bad.csv,1,8\nnone.csv,0,8\nshort.csv,1,\n"
    (folder / "more.csv").write_text(more)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate_head", str(folder), labels=folder / "more.csv", folds=3, format="json", stdout=out)
    assert ended.value.code == 1
    said = json.loads(out.getvalue())
    assert said["people"] == 16
    refused = {each["file"]: each["code"] for each in said["refused"]}
    assert refused["none.csv"] == "cannot_open"
    assert refused["short.csv"] == "too_few_days"
    assert set(refused) == {"bad.csv", "none.csv", "short.csv"}
    assert "none.csv: The file cannot be opened" in capsys.readouterr().err


def test_a_recording_that_is_only_too_short_is_no_error(folder):
    shorten(folder)
    (folder / "short_too.csv").write_text((folder / "labels.csv").read_text() + "short.csv,1,\n")
    assert "refused or left out: 1" in evaluated(folder, "short_too.csv")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name,label\na.csv,1\n", "the header is file,label"),
        ("file,label,label\na.csv,1,1\n", "the header is file,label"),
        ("", "the header is file,label"),
        ("file,label\na.csv,yes\n", "line 2: a label is 0 or 1, not 'yes'"),
        ("file,label\na.csv,1\nb.csv,\n", "line 3: a label is 0 or 1, not ''"),
        ("file,label\na.csv,1,5\n", "line 2: not one value per column"),
        ("file,label\n,1\n", "line 2: not one value per column"),
        ("file,label,days\na.csv,1,0\n", "line 2: days are a whole number above 0"),
        ("file,label,days\na.csv,1,²\n", "line 2: days are a whole number above 0"),
        ("file,label\n../a.csv,1\n", "line 2: ../a.csv is not inside the folder"),
        ("file,label\n/etc/passwd,1\n", "is not inside the folder"),
        ("file,label\na.csv,1\na.csv,0\n", "a.csv is named more than once"),
        ("file,label\n\xff,1\n", "not a CSV table in UTF-8"),
    ],
)
def test_labels_that_are_wrong_are_refused_with_their_line(content, sentence, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode("latin-1" if "\xff" in content else "utf-8"))
    with pytest.raises(LabelsError, match=sentence):
        read_labels(path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": "none.csv"}, "--labels: cannot be opened"),
        ({"encoder": "labels.csv"}, "--encoder: the weights file is not HDF5"),
        ({"cohort": "labels.csv"}, "--cohort: not a reference cohort"),
        ({"tz": "Europe/Nowhere"}, "Nowhere"),
        ({"columns": "nothing"}, "--columns: Write it as"),
        ({"encoder": "encoder.h5", "untrained_control": 1}, "not both"),
    ],
)
def test_what_is_wrong_with_a_command_is_said(folder, weights, options, sentence):
    files = {name: folder / value if name in ("encoder", "cohort") else value for name, value in options.items()}
    with pytest.raises(CommandError, match=sentence):
        evaluated(folder, **files)


def trained(folder, out, **options):
    said = StringIO()
    call_command(
        "train_head", str(out), str(folder), labels=folder / "labels.csv", outcome="less active", folds=3, stdout=said,
        **options,
    )  # fmt: skip
    return said.getvalue()


@pytest.mark.slow
@pytest.mark.django_db
def test_a_trained_head_is_served_from_its_files_alone(folder, weights, tmp_path):
    said = trained(folder, tmp_path / "head.json", encoder=weights)
    assert "auc: " in said
    head = heads.load_head(tmp_path / "head.json")
    cohort = load_cohort(tmp_path / "head.cohort.json", sha256=head.cohort_sha256)
    assert cohort.people == 16
    assert (head.kind, head.device, head.alert_load) == ("both", "actiwatch", 50.0)
    card = head.card
    assert "less active" in card["does"]
    metrics = [figure["metric"] for figure in card["validity_internal"]]
    assert metrics[0] == "auc"
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in card["validity_internal"])

    from actigraphy.analysis import analyze
    from actigraphy.readers import read_recording
    from actigraphy.science.pat import Encoder
    from novamind.clock import zone

    rest = analyze(read_recording(folder / "03.csv", tz=zone("Europe/Oslo"))).rest
    features = heads.features_of(heads.material_of(rest), "both", Encoder.from_file(weights), cohort)
    assert head.predict(features).probability > 0.5


@pytest.mark.django_db
def test_a_circadian_head_needs_no_encoder_and_writes_no_cohort(folder, tmp_path):
    trained(folder, tmp_path / "head.json", features="circadian", by="operator:kari")
    event = AuditEvent.objects.get(event_type="MODEL_TRAINING", object_label="model head: less active")
    assert (event.actor_label, event.details["status"]) == ("operator:kari", "ok")
    assert event.details["weights_sha256"] == hashlib.sha256((tmp_path / "head.json").read_bytes()).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["head.json"]
    head = heads.load_head(tmp_path / "head.json")
    assert (head.encoder_sha256, head.cohort_sha256) == ("", "")


@pytest.mark.django_db
@pytest.mark.slow
def test_a_head_reads_by_the_encoder_in_production_unless_another_is_named(folder, tmp_path, settings, clinical_admin):
    settings.PAT_MODEL_ID = "PAT-S"
    encoder, *_ = install_shipped(by=clinical_admin, reason="A test.")
    trained(folder, tmp_path / "head.json", features="pat")
    assert heads.load_head(tmp_path / "head.json").encoder_sha256 == encoder.weights_sha256


@pytest.mark.slow
@pytest.mark.django_db
def test_a_tuned_head_names_the_encoder_it_was_tuned_with(folder, weights, tmp_path, monkeypatch):
    """Tuning itself is tested with TensorFlow; here, that its encoder, cohort and other people make the head."""
    tuned_weights = untrained_weights("S", seed=2)

    def tune(weights, recordings, **options):
        return Tuned(tuned_weights, load_cohort(tmp_path / "plain.cohort.json"), recordings)

    trained(folder, tmp_path / "plain.json", encoder=weights)
    monkeypatch.setattr("actigraphy.management.commands.train_head.tune", tune)
    trained(folder, tmp_path / "head.json", encoder=weights, fine_tune=True, features="pat")
    head = heads.load_head(tmp_path / "head.json")
    assert (tmp_path / "head.encoder.h5").read_bytes() == tuned_weights
    assert (tmp_path / "head.cohort.json").read_bytes() == (tmp_path / "plain.cohort.json").read_bytes()
    assert head.encoder_sha256 != heads.load_head(tmp_path / "plain.json").encoder_sha256
    assert "fine-tuned on other people" in head.card["training_criteria"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "No PAT weights: name them with --encoder"),
        ({"features": "circadian", "fine_tune": True}, "only an encoder is fine-tuned"),
    ],
)
def test_a_head_that_cannot_be_trained_is_refused_by_name(folder, options, sentence, tmp_path):
    with pytest.raises(CommandError, match=sentence):
        trained(folder, tmp_path / "head.json", **options)
    with pytest.raises(CommandError, match="no such folder"):
        trained(folder, tmp_path / "none" / "head.json", **options)
