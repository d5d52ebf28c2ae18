"""A console for the tests: one JSON command a line in, one JSON answer out. Speaks for whatever database is set."""

import json
import sys
from collections import Counter

import django

django.setup()

from novamind.jobs.models import AdminAlert, Job  # noqa: E402
from novamind.jobs.sending import send  # noqa: E402
from novamind.jobs.services import enqueue  # noqa: E402
from novamind.jobs.tests.drill.models import Result  # noqa: E402


def _ask(kind: str, number: int, messages: int = 1, **args: int) -> str:
    job = enqueue(kind, key=f"{kind}:{number}", number=number, **args)
    for _ in range(messages - 1):
        send(job.pk, kind=job.kind, queue=job.queue)
    return str(job.pk)


def _look() -> dict[str, object]:
    """Everything a test asserts on."""
    jobs = Job.objects.filter(kind__startswith="drill.")
    return {
        "states": {str(job.args["number"]): [job.state, job.attempts, job.error_code] for job in jobs},
        "results": {str(number): n for number, n in Counter(Result.objects.values_list("number", flat=True)).items()},
        "alerts": AdminAlert.objects.count(),
    }


COMMANDS = {"ask": _ask, "look": _look}

print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(COMMANDS[command.pop("do")](**command)), flush=True)
