"""A web process that takes readings, waits, and serves their results loads none of what computes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[1]
COMPUTES = ("tensorflow", "keras", "onnxruntime", "sklearn", "scipy", "numba", "xgboost")

WORKER = """
import django; django.setup()
from novamind.jobs.runner import run_waiting
print(run_waiting())
"""

WEB = """
import json, subprocess, sys
from datetime import date
import novamind.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
from django.contrib.auth.models import Group
from django.test import Client
from actigraphy import analyzing
from novamind.accounts.models import User
from novamind.accounts.second_factor import record
from novamind.audit.recording import recorded
from patients.models import CareTeam
from patients.services import create_patient, join_team

with recorded(actor_label="system:test", request_id="test"):
    user = User.objects.create_user("psychiatrist@clinic.test")
    user.groups.set([Group.objects.get(name="psychiatrist")])
    team = CareTeam.objects.create(name="North")
    join_team(team=team, user=user)
    head = {"first_name": "Ada", "last_name": "Berg", "date_of_birth": date(1980, 1, 1)}
    patient = create_patient(by=None, teams=[team], **head)
client = Client()
client.force_login(user)
session = client.session
record(session, user, "totp")
session.save()

def worker(seconds):
    subprocess.run([sys.executable, "-W", "ignore", "-c", sys.argv[1]], check=True, capture_output=True)

analyzing.pause = worker
counts = {"counts": [(at * 37) % 400 for at in range(2880)]}
moving = {axis: [(at % 30) / 30 for at in range(30 * 180)] for axis in "xyz"}
said = []
for readings, rate in ((counts, 1 / 60), (moving, 30)):
    body = {"patient_id": str(patient.pk), "readings": readings, "sampling_rate_hz": rate,
            "start_time": "2026-02-02T11:00:00Z",
            "options": {"include_raw_metrics": True, "generate_visualizations": True}}
    answer = client.post("/api/v1/actigraphy/analyze", json.dumps(body), content_type="application/json")
    said.append([answer.status_code, sorted(answer.json().get("results", answer.json()))])
    said.append([client.get(answer.json()["results_url"]).status_code, []])
from django.core.files.uploadedfile import SimpleUploadedFile
from actigraphy.tests.recording_files import gt3x, gt3x_plain, gt3x_record

second = gt3x_plain([[n % 300, 20, 256] for n in range(30)])
log = b"".join(gt3x_record(26, 1_767_960_000 + at, second[at % 7 * 6:] + second[:at % 7 * 6]) for at in range(300))
whole = {"patient_id": str(patient.pk), "file": SimpleUploadedFile("MOS2.gt3x", gt3x(log)), "device_type": ""}
answer = client.post("/api/v1/actigraphy/upload", whole)
worker(0)
said.append([answer.status_code, client.get(answer.json()["status_url"]).json()["status"]])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"said": said, "loaded": loaded}))
"""


@pytest.mark.slow
def test_a_web_process_that_serves_an_analysis_never_loads_what_computes(tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "ENVIRONMENT": "test",
                   "DJANGO_SETTINGS_MODULE": "novamind.settings", "ANALYZE_WAIT_S": "300"}  # fmt: skip
    run = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "timeout": 600, "check": False}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], **run)
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", WEB, WORKER], **run)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    types = ["activity", "anomaly_detection", "digital_twin_integration", "mood", "sleep"]
    assert found["said"] == [*[[200, types], [200, []]] * 2, [201, "analyzed"]]
    assert "django" in found["loaded"]
    assert [name for name in COMPUTES if name in found["loaded"]] == []
