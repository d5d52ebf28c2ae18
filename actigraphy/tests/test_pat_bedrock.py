"""PAT behind Bedrock, against a stub of the three services on this machine: the wire, the faults, what never leaves."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from actigraphy.pat import bedrock
from actigraphy.pat.breaker import Breaker
from actigraphy.pat.errors import InvalidConfiguration, InvalidRequest, ServiceUnavailable
from actigraphy.pat.providers import require_configured
from actigraphy.science.pat import WEEK_MIN, WeightsError

SHA = "a" * 64
MAPPING = json.dumps({"digital_twin_integration": "arn:pat-s"})


def unchunked(body):
    """What S3 reads of a body in chunks: ``size\\r\\ndata\\r\\n`` each, the last of size 0."""
    content = b""
    while True:
        size, body = body.split(b"\r\n", 1)
        length = int(size.split(b";")[0], 16)
        if not length:
            return content
        content, body = content + body[:length], body[length + 2 :]


class Stub(BaseHTTPRequestHandler):
    """Bedrock's runtime, S3 and DynamoDB, as far as they are called."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        world = self.server.world
        if "X-Amz-Target" in self.headers:
            world.lines.append(json.loads(body))
            return self.say(200, {})
        world.calls.append((self.path, body))
        if world.status != 200:
            return self.say(world.status, {"message": "no"}, world.error)
        sent = json.loads(body)
        if "s3" in sent:
            sent = json.loads(world.objects[sent["s3"]["key"]])
        weeks = np.frombuffer(base64.b64decode(sent["weeks"]), "<f4").reshape(sent["shape"])
        means = np.nan_to_num(np.nanmean(weeks, axis=1))
        return self.say(
            200, world.answer or {"embeddings": [[float(mean)] * 96 for mean in means], "weights_sha256": SHA}
        )

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            body = unchunked(body)
        key = self.path.split("/", 2)[2].split("?")[0]
        self.server.world.objects[key] = body
        self.server.world.sealed_with = self.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        self.say(200, None)

    def do_DELETE(self):
        self.server.world.objects.pop(self.path.split("/", 2)[2].split("?")[0])
        self.server.world.removed += 1
        self.say(204, None)

    def say(self, status, body, error=""):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def world(settings, monkeypatch):
    settings.PAT_MODEL_PROVIDER = "bedrock"
    settings.PAT_BEDROCK_MODEL_MAPPING, settings.PAT_AWS_REGION = MAPPING, "eu-north-1"
    settings.PAT_BEDROCK_BUCKET, settings.PAT_BEDROCK_TABLE = "clinic", "calls"
    settings.PAT_BEDROCK_KMS_KEY_ID = "alias/clinic"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.world = SimpleNamespace(
        calls=[], lines=[], objects={}, removed=0, status=200, error="", answer=None, sealed_with=None
    )
    Thread(target=server.serve_forever, daemon=True).start()
    settings.PAT_BEDROCK_ENDPOINT = f"http://127.0.0.1:{server.server_port}"
    bedrock._client.cache_clear()
    bedrock._breaker.cache_clear()
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *args, **kwargs: 0)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *args: 0)
    yield server.world
    server.shutdown()
    server.server_close()
    bedrock._client.cache_clear()
    bedrock._breaker.cache_clear()


def weeks(count=2):
    minutes = np.random.default_rng(0).normal(size=(count, WEEK_MIN)).astype(np.float32)
    minutes[0, 5] = np.nan
    return minutes


def test_weeks_arrive_as_they_are_and_come_back_as_embeddings(world):
    sent = weeks()
    found = bedrock.BedrockPat(SHA).embed(sent)
    assert found.shape == (2, 96)
    np.testing.assert_allclose(found[:, 0], np.nanmean(sent, axis=1), rtol=1e-6)
    ((path, body),) = world.calls
    assert path == "/model/arn%3Apat-s/invoke"
    assert set(json.loads(body)) == {"analysis_type", "shape", "weeks"}  # nobody's name, date or id
    (line,) = world.lines
    assert line["TableName"] == "calls"
    assert line["Item"]["status"] == {"S": "ok"}
    assert set(line["Item"]) == {"id", "at", "model_id", "input_sha256", "weeks", "status", "duration_ms"}


def test_a_large_input_waits_in_the_bucket_under_the_clinics_key_and_is_removed(world, monkeypatch):
    monkeypatch.setattr(bedrock, "INLINE_BYTES", 1000)
    sent = weeks()
    np.testing.assert_allclose(bedrock.BedrockPat(SHA).embed(sent)[:, 0], np.nanmean(sent, axis=1), rtol=1e-6)
    assert (world.sealed_with, world.removed, world.objects) == ("alias/clinic", 1, {})
    world.status, world.error = 400, "ValidationException"
    with pytest.raises(InvalidRequest):
        bedrock.BedrockPat(SHA).embed(sent)
    assert (world.removed, world.objects) == (2, {})  # also when the call fails


def test_what_is_refused_is_not_tried_again_and_what_is_throttled_is(world):
    world.status, world.error = 400, "ValidationException"
    with pytest.raises(InvalidRequest, match="ValidationException"):
        bedrock.BedrockPat(SHA).embed(weeks())
    assert len(world.calls) == 1
    world.status, world.error = 429, "ThrottlingException"
    with pytest.raises(ServiceUnavailable, match="ThrottlingException"):
        bedrock.BedrockPat(SHA).embed(weeks())
    assert len(world.calls) == 1 + 3
    assert [line["Item"]["status"]["S"] for line in world.lines] == ["refused", "failed"]


def test_what_goes_on_failing_is_left_alone(world):
    world.status, world.error = 503, "ServiceUnavailableException"
    for _ in range(5):
        with pytest.raises(ServiceUnavailable):
            bedrock.BedrockPat(SHA).embed(weeks())
    before = len(world.calls)
    with pytest.raises(ServiceUnavailable, match="in a while"):
        bedrock.BedrockPat(SHA).embed(weeks())
    assert len(world.calls) == before


def test_nobody_there_is_unavailable(world, settings):
    settings.PAT_BEDROCK_ENDPOINT = "http://127.0.0.1:9"
    bedrock._client.cache_clear()
    with pytest.raises(ServiceUnavailable, match="EndpointConnectionError"):
        bedrock.BedrockPat(SHA).embed(weeks())


def test_other_weights_than_the_registered_ones_are_an_abstention(world):
    with pytest.raises(WeightsError) as caught:
        bedrock.BedrockPat("b" * 64).embed(weeks())
    assert caught.value.as_abstention().code == "weights_mismatch"


@pytest.mark.parametrize(
    "answer",
    [
        {"weights_sha256": SHA, "embeddings": [[0.0] * 96]},
        {"weights_sha256": SHA, "embeddings": [[0.0] * 95] * 2},
        {"weights_sha256": SHA},
        {"weights_sha256": SHA, "embeddings": [[float("nan")] * 96] * 2},
        ["not an object"],
    ],
)
def test_an_answer_that_is_not_an_embedding_per_week_is_none(world, answer):
    world.answer = answer
    with pytest.raises(ServiceUnavailable):
        bedrock.BedrockPat(SHA).embed(weeks())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PAT_BEDROCK_BUCKET", "", "bucket_name"),
        ("PAT_BEDROCK_TABLE", "", "table_name"),
        ("PAT_BEDROCK_KMS_KEY_ID", "", "kms_key_id"),
        ("PAT_AWS_REGION", "", "region"),
        ("PAT_BEDROCK_MODEL_MAPPING", "", "model_mapping"),
        ("PAT_BEDROCK_MODEL_MAPPING", "{", "not JSON"),
        ("PAT_BEDROCK_MODEL_MAPPING", '{"sleep": "a"}', "no model for digital_twin_integration"),
        ("PAT_BEDROCK_MODEL_MAPPING", '{"digital_twin_integration": "a", "dreams": "b"}', "dreams"),
        ("PAT_BEDROCK_MODEL_MAPPING", '{"digital_twin_integration": 7}', "maps analysis types"),
        ("PAT_MODEL_PROVIDER", "oracle", "local or bedrock"),
        ("PAT_ENGINE", "abacus", "onnx or tensorflow"),
        ("PAT_MAX_SEQUENCE_LENGTH", 1024, "PAT-L reads 1,120 patches of a week, and PAT_MAX_SEQUENCE_LENGTH is 1,024"),
    ],
)
def test_what_is_not_configured_is_said_at_start_by_name(world, settings, name, value, says):
    require_configured()
    setattr(settings, name, value)
    with pytest.raises(InvalidConfiguration, match=says):
        require_configured()


def test_a_breaker_opens_tries_once_after_each_pause_and_closes_when_answered():
    at = [0.0]
    breaker = Breaker(failures=2, pause_s=10, clock=lambda: at[0])
    assert breaker.lets_through()
    breaker.failed()
    assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()
    at[0] = 11
    assert breaker.lets_through()
    assert not breaker.lets_through()  # one tries; the others wait for what comes of it
    breaker.failed()
    at[0] = 22
    assert breaker.lets_through()
    breaker.succeeded()
    assert breaker.lets_through()
    assert breaker.lets_through()
