"""Alive, ready, and how busy: what load balancers and Prometheus are told, and what strangers are not."""

from __future__ import annotations

import hmac

import numpy as np
import pytest
from django.db import DatabaseError

from novamind import health
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.clock import now
from novamind.measures import Abstained, Window
from novamind.phi.keys import KeyUnavailable
from novamind.phi.models import DataKey
from novamind.registry.inference import infer_or_recall
from novamind.registry.models import ModelVersion
from novamind.registry.science import reference_of, stability_index

TOKEN = "a-token-for-the-scraper"  # noqa: S105

pytestmark = pytest.mark.django_db


def test_live_says_so_without_asking_anything(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "alive"}


def test_ready_when_database_keys_and_trail_work_and_nothing_stays_behind(client):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": True, "keys": True, "audit": True}
    assert not AuditEvent.objects.exists()


@pytest.fixture
def broken(monkeypatch):
    """Make one part fail with this error."""

    def break_(name: str, error: Exception) -> None:
        def fail(*args: object, **kwargs: object) -> None:
            raise error

        monkeypatch.setattr(health, name, fail) if "." not in name else monkeypatch.setattr(name, fail)

    return break_


@pytest.mark.parametrize(
    ("name", "error", "check"),
    [
        ("novamind.health.connection.cursor", DatabaseError("gone"), "database"),
        ("living_key", KeyUnavailable("gone"), "keys"),
        ("living_key", DatabaseError("gone"), "keys"),
        ("novamind.health.AuditEvent.objects.create", DatabaseError("disk full"), "audit"),
    ],
)
def test_not_ready_when_a_part_it_needs_is_gone(client, broken, name, error, check):
    broken(name, error)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"][check] is False
    assert "gone" not in response.content.decode()


def test_not_ready_when_the_master_key_is_not_the_one_the_keys_were_wrapped_with(client, settings, tmp_path):
    from novamind.phi.keys import forget_keys

    client.get("/health/ready")
    assert DataKey.objects.exists()
    settings.MASTER_KEY_FILE = tmp_path / "other.key"
    settings.MASTER_KEY_FILE.write_bytes(b"k" * 32)
    forget_keys()
    assert client.get("/health/ready").json()["checks"]["keys"] is False


def test_without_redis_it_is_ready_and_degraded(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["degraded"] == ["redis"]


@pytest.mark.parametrize(
    "sent", [None, "Bearer ", "Bearer wrong", "Basic x", "Bearer é", f"Bearer {TOKEN}x", "Bearer \x00"]
)
def test_metrics_are_closed_without_the_token(client, settings, sent):
    settings.METRICS_TOKEN = TOKEN
    headers = {} if sent is None else {"Authorization": sent}
    assert client.get("/metrics", headers=headers).status_code == 401


def test_metrics_are_closed_where_no_token_is_set(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_the_token_is_compared_in_constant_time(client, settings, monkeypatch):
    settings.METRICS_TOKEN, compared = TOKEN, []
    monkeypatch.setattr(hmac, "compare_digest", lambda *both: compared.append(both) or True)
    client.get("/metrics", headers={"Authorization": "Bearer x"})
    assert len(compared) == 1


def test_metrics_tell_runs_of_models_abstentions_time_and_batches(client, settings, patient):
    settings.METRICS_TOKEN, window = TOKEN, Window(now(), now())
    version = ModelVersion.objects.create(
        name='He"ad', version="1", kind="head", stage="production", weights_sha256="0" * 64, weights_file="w"
    )

    def abstains(array):
        raise Abstained("too_few_days")

    with recorded(actor_label="system:test", request_id="r"):
        for number, run in enumerate((np.sum, np.sum, abstains)):
            infer_or_recall(
                version=version, patient_id=patient.pk, array=np.array([number]), window=window,
                run=lambda array, run=run: float(run(array)),
            )  # fmt: skip
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    of = 'model="He\\"ad",version="1"'
    assert f'novamind_inferences_1d{{{of},status="ok"}} 2\n' in text
    assert f'novamind_inferences_1d{{{of},status="abstained"}} 1\n' in text
    assert f'novamind_inference_abstentions_1d{{{of},reason="too_few_days"}} 1\n' in text
    assert text.count("novamind_inference_abstentions_1d{") == 1
    assert f'novamind_inference_batch_1d{{{of},quantile="0.95"}} 1.0\n' in text
    assert f'novamind_inference_seconds_1d{{{of},quantile="0.5"}} ' in text
    assert f'novamind_inference_inputs_1d{{{of},from="computed"}} 3.0\n' in text
    assert f'novamind_inference_inputs_1d{{{of},from="recalled"}} 0.0\n' in text
    assert str(patient.pk) not in text


def test_metrics_tell_recalled_inputs_and_how_far_inputs_have_drifted(client, settings, patient):
    settings.METRICS_TOKEN, window = TOKEN, Window(now(), now())
    expected = reference_of("level", np.arange(1000.0))
    version = ModelVersion.objects.create(
        name="cohort", version="1", kind="head", stage="production", weights_sha256="0" * 64, weights_file="w",
        reference_statistics=[expected],
    )  # fmt: skip
    with recorded(actor_label="system:test", request_id="r"):
        for number in [*range(250), 0]:
            infer_or_recall(
                version=version, patient_id=patient.pk, array=np.array([number]), window=window,
                run=lambda array: float(array.sum()), summary=[2000.0 + number],
            )  # fmt: skip
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    of = 'model="cohort",version="1"'
    assert f'novamind_inference_inputs_1d{{{of},from="recalled"}} 1.0\n' in text
    (line,) = [line for line in text.splitlines() if line.startswith("novamind_model_input_drift_30d{")]
    value, n = stability_index(2000.0 + np.arange(250), expected)
    assert line == f'novamind_model_input_drift_30d{{{of},input="level"}} {value}'
    assert (n, value > 0.25) == (250, True)


def test_metrics_count_rows_and_name_nobody(client, settings, patient):
    settings.METRICS_TOKEN = TOKEN
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    for name in (
        "novamind_jobs",
        "novamind_jobs_oldest_pending_seconds",
        "novamind_admin_alerts_open",
        "novamind_audit_events",
    ):
        assert f"# TYPE {name} " in text
    assert str(patient.pk) not in text
    assert "zqx" not in text.lower()
