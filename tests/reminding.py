"""A console for the test of reminders: patients whose schedules fall due within seconds, and what became of them."""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from novamind import clock  # noqa: E402
from novamind.accounts.models import User  # noqa: E402
from novamind.audit.recording import recorded  # noqa: E402
from novamind.delivery.models import Delivery  # noqa: E402
from patients import alerts  # noqa: E402
from patients.models import Alert, AlertEvent, AlertSeverity, CareTeam, Reminder  # noqa: E402
from patients.schedules import plan_schedule  # noqa: E402
from patients.services import create_patient, join_team  # noqa: E402


def _plan(number: int, within_s: float) -> int:
    """So many patients, each asked once within these seconds, and one alert whose time to answer is over then."""
    moment = clock.now()
    zone = f"Etc/GMT{moment.hour - 12:+d}"  # where it is about noon, so that no day ends meanwhile
    with recorded(actor_label="system:test", request_id="test"), transaction.atomic():
        team = CareTeam.objects.create(name="North")
        join_team(team=team, user=_clinician())
        for n in range(number):
            patient = create_patient(
                by=None, teams=[team], first_name="A", last_name="B", date_of_birth=moment.date(), zone=zone,
                phone=f"+1555{n:04d}",
            )  # fmt: skip
            due = moment + timedelta(seconds=2 + within_s * n / number)
            fields = {"local_time": due.astimezone(patient.tz).time().replace(tzinfo=None), "window_min": 60}
            plan_schedule(patient=patient, by=None, what="check-in", channel="sms", **fields)
        alerts.ACKNOWLEDGE_WITHIN = {AlertSeverity.HIGH: timedelta(seconds=within_s / 2)}
        alerts.raise_alert(patient=patient, kind="silent_stream", severity="high", key="a")
    return number


def _clinician() -> User:
    from django.contrib.auth.models import Group

    user = User.objects.create_user("a@clinic.test")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    return user


def _look() -> dict[str, object]:
    """Everything the test asserts on."""
    with recorded(actor_label="system:test", request_id="test"):
        texts = Delivery.objects.filter(channel="sms")
        return {
            "outcomes": sorted(row.outcome for row in Reminder.objects.all()),
            "sent": texts.filter(state="sent").count(),
            "texts": texts.count(),
            "repeated": sum("may_repeat" in line for row in texts for line in row.log),
            "levels": [alert.level for alert in Alert.objects.all()],
            "escalations": sum(event.what == "escalated" for event in AlertEvent.objects.all()),
        }


COMMANDS = {"plan": _plan, "look": _look}

settings.ENVIRONMENT = "test"  # an incomplete record of this console is an error
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(COMMANDS[command.pop("do")](**command)), flush=True)
