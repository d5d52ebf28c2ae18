"""200 drafts by way of each provider outside: what is planted in its answers is thrown away, no canary reaches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from insights.models import EncounterNote, NoteDraft
from insights.notes import bedrock, providers
from insights.notes.checking import Fact
from insights.notes.drafting import _fill
from insights.notes.facts import Gathered
from insights.notes.formats import format_of
from insights.notes.providers import provider_for
from insights.notes.tests.test_checking import FACTS, NEEDS, drafts
from insights.notes.tests.test_drafting import MODELS
from insights.notes.writing import start_note
from novamind import clock
from novamind.audit.recording import recorded
from novamind.delivery.tests.stub import Stub, answering
from novamind.phi.tests.scanning import find_in_bytes
from tests.test_leaks import CANARIES

pytestmark = pytest.mark.django_db
NAMES = ["Zqxfirst", "Zqxlast", "99977810"]
#: What patients write, with who they are in it: such texts are among the facts.
TEXTS = [
    Fact("F18", "text", "The patient wrote on Sun 2 May 2027: “It is Zqxfirst Zqxlast writing, call 99977810.”", NEEDS,
         trusted=False),
    Fact("F19", "text", "The patient wrote on Sat 1 May 2027: “My name is Zqxlast, zqx7781@mail.test.”", NEEDS,
         trusted=False),
]  # fmt: skip


@pytest.fixture(params=["openai", "bedrock"])
def outside(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stub of the provider, and what it answers with a text."""
    settings.NOTES_PROVIDER, settings.MENTALLAMA_MODEL_MAPPINGS = request.param, json.dumps(MODELS)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    bedrock._client.cache_clear()
    providers.breaker.cache_clear()
    with answering((500, {})) as stub:
        settings.NOTES_OPENAI_URL, settings.OPENAI_API_KEY = f"{stub.url}/v1", "key-1"
        settings.AWS_REGION, settings.NOTES_BEDROCK_ENDPOINT = "eu-north-1", stub.url
        yield stub, {"openai": _of_openai, "bedrock": _of_bedrock}[request.param]
    bedrock._client.cache_clear()
    providers.breaker.cache_clear()


def _of_openai(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}}]}


def _of_bedrock(text: str) -> dict[str, Any]:
    return {"output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}  # fmt: skip


def test_of_200_drafts_nothing_planted_is_taken_and_no_canary_leaves(outside: Any, patient: Any, psychiatrist: Any):
    stub, answer = outside
    note = start_note(patient=patient, author=psychiatrist, form=format_of("soap"), encounter_on=clock.now().date())
    caught, passed = 0, 0
    for true, planted in drafts(200):
        stub.answers = [(200, answer("\n".join([*planted, *true])))]
        taken = _drafted(note, psychiatrist).found["taken"]
        said = {f"{one['text'].rstrip('.')} [{one['fact']}]" for one in taken}
        assert not [line for line in planted if line.replace(". [", " [") in said]
        assert [line for line in true if line.replace(". [", " [") not in said] == []
        caught, passed = caught + len(planted), passed + len(true)
    assert (caught >= 200, passed, len(stub.got)) == (True, 1000, 200)
    bodies = _sent(stub)
    assert bodies.count(b"I lie awake for hours.") == 200
    assert find_in_bytes(bodies, [*CANARIES, *NAMES, str(patient.pk)]) == []
    assert find_in_bytes(TEXTS[0].words.encode(), NAMES)  # the search finds what is there


def _drafted(note: EncounterNote, by: Any) -> NoteDraft:
    row = NoteDraft(patient=note.patient, note=note, asked_by=by)
    with recorded(actor_label="test", request_id="test"):
        _fill(row, provider_for("psychiatry"), Gathered((*FACTS, *TEXTS), 0), by)
    return row


def _sent(stub: Stub) -> bytes:
    return b"\n".join(f"{path} {heads}\n".encode() + body for path, heads, body in stub.got)
