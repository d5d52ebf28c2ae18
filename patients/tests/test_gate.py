"""What leaves for a model outside, and what does not."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import pytest

from novamind.clock import now
from novamind.phi import gate, vault
from novamind.phi.cipher import Altered
from novamind.phi.detection import LAYERS, Identifiers, Kind
from novamind.phi.detection.known import squeezed
from novamind.phi.models import PhiToken
from novamind.phi.sanitizing import Action, open_sealed, sanitize
from patients import identifiers
from patients.models import Patient

pytestmark = pytest.mark.django_db
NOTE = "{first} {last} slept badly. Her brother Torvald rang on 3 March 2024; {first} is worried."


@pytest.fixture
def note(patient):
    return NOTE.format(first=patient.first_name, last=patient.last_name)


def test_redacted_texts_name_the_kind_only(patient, note):
    clean = sanitize(note, known=identifiers.of(patient), patient_id=None)
    assert clean.text == "[NAME] slept badly. Her brother [NAME] rang on [DATE]; [NAME] is worried."
    assert patient.first_name not in clean.text
    assert clean.layers_run == ("known", "patterns", "names")


def test_the_level_is_the_settings_unless_said(settings):
    text = "She lives in Bergen"
    assert sanitize(text, known=Identifiers(), patient_id=None).text == "She lives in [PLACE]"
    settings.HIPAA_PHI_DETECTION_LEVEL = "moderate"
    assert sanitize(text, known=Identifiers(), patient_id=None).text == text


def test_a_tokenised_text_comes_back_for_who_may_see_the_patient_only(patient, note, psychiatrist, outsider):
    sent = identifiers.outbound(note, patient=patient, purpose="note")
    assert not any(word in sent for word in (patient.first_name, patient.last_name, "Torvald", "2024"))
    assert identifiers.restore(sent, patient=patient, by=psychiatrist) == note
    with pytest.raises(Patient.DoesNotExist):
        identifiers.restore(sent, patient=patient, by=outsider)


def test_a_token_is_stable_sealed_and_ends(patient, note):
    first, again = (identifiers.outbound(note, patient=patient, purpose="note") for _ in range(2))
    assert first == again
    assert all(b"Torvald" not in bytes(row.sealed) for row in PhiToken.objects.all())
    PhiToken.objects.update(expires_at=now() - timedelta(seconds=1))
    assert vault.restore(first, patient.pk) == first
    assert vault.forget_expired() > 0
    assert not any(row.sealed for row in PhiToken.objects.all())


def test_the_number_of_a_forgotten_token_names_nobody_else_later(patient):
    old = vault.token_for("Torvald", Kind.NAME, patient.pk)
    PhiToken.objects.update(expires_at=now() - timedelta(seconds=1))
    vault.forget_expired()
    assert vault.token_for("Selma", Kind.NAME, patient.pk) != old
    assert vault.restore(old, patient.pk) == old


def test_an_encrypted_span_opens_with_the_patients_key_only(patient, make_patient):
    clean = sanitize("Her brother Torvald", known=Identifiers(), patient_id=patient.pk, action=Action.ENCRYPT)
    token = clean.text.removeprefix("Her brother ")
    assert open_sealed(token, patient.pk) == "Torvald"
    with pytest.raises(Altered):
        open_sealed(token, make_patient().pk)


def blocked(text, patient, known) -> str:
    with pytest.raises(gate.Blocked) as caught:
        gate.outbound(text, patient_id=patient.pk, known=known, purpose="note")
    return caught.value.reason


def test_nothing_leaves_when_a_layer_is_missing_or_fails(patient, note, monkeypatch):
    known = identifiers.of(patient)
    monkeypatch.setitem(LAYERS, "names", lambda folded, known: 1 / 0)
    assert blocked(note, patient, known) == "layer_failed"
    monkeypatch.delitem(LAYERS, "names")
    assert blocked(note, patient, known) == "layer_missing"


def test_nothing_leaves_without_the_switch_the_identifiers_or_a_purpose(patient, note, settings):
    assert blocked(note, patient, None) == "no_identifiers"
    with pytest.raises(gate.Blocked, match="no_purpose"):
        identifiers.outbound(note, patient=patient, purpose="")
    settings.PHI_SANITIZATION_ENABLED = False
    assert blocked(note, patient, identifiers.of(patient)) == "sanitization_off"


def test_a_name_spelled_letter_by_letter_is_blocked(patient):
    known = identifiers.of(patient)
    assert squeezed(known)
    spelled = "_".join(f"{patient.first_name}{patient.last_name}".lower())
    assert blocked(f"the word {spelled} again", patient, known) == "found_again"


OUTSIDE = {
    "openai", "anthropic", "requests", "httpx", "urllib3", "aiohttp", "boto3", "botocore", "urllib.request",
    "http.client", "socket", "smtplib", "ftplib", "websockets",
}  # fmt: skip
#: Where the network is spoken to, and why no patient's text goes that way.
ALLOWED = {
    "novamind/phi/master.py": "KMS wraps and unwraps the master key",
    "actigraphy/pat/bedrock.py": "weeks in standard deviations: no text, no name, no date, no id",
    "novamind/delivery/providers.py": "fixed texts, and the address of whoever gets them",
    "insights/notes/openai.py": "facts that went through the gate: insights/notes/drafting.py",
    "insights/notes/bedrock.py": "facts that went through the gate: insights/notes/drafting.py",
    "novamind/accounts/sign_on.py": "an identity provider is asked for its address and keys; nothing of a patient",
    "novamind/accounts/identity.py": "the keys of an identity provider are fetched; nothing is sent",
    "novamind/jobs/attempts.py": "the name of this machine",
    "novamind/supervisor.py": "asks the web server of this machine whether it is ready, and for a free port",
    "novamind/audit/anchors.py": "the newest seal, a number and a digest, goes to a bucket",
}


def imports(source: str) -> set[str]:
    """Every module that is imported, with those it stands in: ``urllib.request``, ``urllib``."""
    named = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[:length]) for name in named for length in range(1, name.count(".") + 2)}


@pytest.mark.parametrize(
    "planted",
    [
        "import requests", "from requests import post", "import requests.adapters as a", "import urllib.request",
        "from urllib import request", "from urllib.request import urlopen", "import http.client as c",
        "from http import client", "def send():\n    import socket",
    ],
)  # fmt: skip
def test_a_client_is_seen_however_it_is_imported(planted):
    assert imports(planted) & OUTSIDE


@pytest.mark.parametrize("harmless", ["from urllib.parse import urlencode", "from http import HTTPStatus"])
def test_what_parses_addresses_is_no_client(harmless):
    assert not imports(harmless) & OUTSIDE


def test_no_module_reaches_a_model_outside_except_where_listed():
    root = Path(__file__).resolve().parents[2]
    files = [
        path
        for app in ("novamind", "patients", "actigraphy", "twins", "insights")
        for path in (root / app).rglob("*.py")
        if "tests" not in path.parts
    ]
    assert len(files) > 100
    clients = {str(path.relative_to(root)) for path in files if imports(path.read_text()) & OUTSIDE}
    assert clients == set(ALLOWED)
