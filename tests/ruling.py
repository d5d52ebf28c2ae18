"""A console for the test of alert rules: patients whom every rule finds, asked again and again, and what was raised."""

import json
import sys
from collections import Counter
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from insights.jobs import RULES_KEY  # noqa: E402
from insights.models import AlertRule  # noqa: E402
from novamind import clock  # noqa: E402
from novamind.audit.recording import recorded  # noqa: E402
from novamind.delivery.models import Delivery  # noqa: E402
from novamind.jobs.models import Job  # noqa: E402
from novamind.jobs.services import enqueue  # noqa: E402
from patients.models import Alert, AlertEvent, CareTeam, CheckIn, Patient  # noqa: E402
from patients.services import create_patient  # noqa: E402

SCALES = ("mood", "energy", "sleep_quality")


def _plan(number: int) -> int:
    """So many patients who rate everything 1, and rules of the clinic that find that; how many rules."""
    moment = clock.now()
    with recorded(actor_label="system:test", request_id="test"), transaction.atomic():
        team = CareTeam.objects.create(name="North")
        for n in range(number):
            patient = create_patient(
                by=None, teams=[team], first_name="A", last_name=f"B{n}", date_of_birth=moment.date()
            )
            for back in range(3):
                at = moment - timedelta(days=back)
                day = at.astimezone(patient.tz).date()
                CheckIn.objects.create(patient=patient, at=at, day=day, by_patient=True, **dict.fromkeys(SCALES, 1))
        for name in SCALES:
            definition = {"kind": "threshold", "series": name, "way": "below", "value": 3, "days": 2}
            AlertRule.objects.create(definition=definition, severity="low", version=1, active=True, why="new")
    return len(SCALES)


def _ask() -> int:
    """Have the rules asked of everybody, as after a nightly run; what waits already is not asked for twice."""
    with recorded(actor_label="system:test", request_id="test"), transaction.atomic():
        patients = list(Patient.objects.order_by().values_list("pk", flat=True))
        for pk in patients:
            enqueue("insights.alert_rules", key=RULES_KEY.format(patient_id=pk), patient_id=pk)
    return len(patients)


def _look() -> dict[str, object]:
    """Everything the test asserts on."""
    with recorded(actor_label="system:test", request_id="test"):
        jobs = Job.objects.filter(kind="insights.alert_rules")
        raised = Counter((row.patient_id, row.about_id) for row in Alert.objects.all())
        return {
            "left": jobs.exclude(state=Job.State.DONE).count(),
            "repeated": jobs.filter(attempts__gt=1).count(),
            "pairs": len(raised),
            "alerts": raised.total(),
            "raised": sum(event.what == "raised" for event in AlertEvent.objects.all()),
            "deliveries": Delivery.objects.filter(about_label="patients.Alert").count(),
        }


COMMANDS = {"plan": _plan, "ask": _ask, "look": _look}

settings.ENVIRONMENT = "test"  # an incomplete record of this console is an error
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(COMMANDS[command.pop("do")](**command)), flush=True)
