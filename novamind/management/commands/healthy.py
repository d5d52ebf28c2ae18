"""``manage.py healthy worker QUEUES | beat``: for container health checks; exit status 0 says yes."""

from datetime import datetime, timedelta

from django.core.management.base import CommandError

from novamind.audit.commands import WatchedCommand
from novamind.clock import now
from novamind.jobs.kinds import PERIODIC
from novamind.jobs.models import MAX_ATTEMPTS, Job

PATIENCE = timedelta(minutes=2)


class Command(WatchedCommand):
    """Judges by rows, not by a ping: a worker that lost its broker answers pings and does nothing."""

    help = "Say whether the worker of some queues, or the scheduler, does its work."
    requires_system_checks = ()  # asked every minute

    def add_arguments(self, parser):
        parser.add_argument("part", choices=["worker", "beat"])
        parser.add_argument("queues", nargs="?", default="notify,default,ml,batch", help="separated by commas")

    def handle(self, *args, **options):
        if options["part"] == "beat":
            missing = slots_missing(now() - PATIENCE)
            if missing:
                raise CommandError(f"not scheduled: {', '.join(missing)}")
        elif stalled(options["queues"].split(","), now()):
            raise CommandError("jobs wait and none is taken")


def stalled(queues: list[str], moment: datetime) -> bool:
    """Whether jobs of these queues have waited for `PATIENCE` in which none ran or ended."""
    jobs = Job.objects.filter(queue__in=queues)
    waiting = jobs.claimable(moment - PATIENCE).filter(attempts__lt=MAX_ATTEMPTS)
    running = jobs.filter(state=Job.State.RUNNING, lease_until__gt=moment)
    return waiting.exists() and not running.exists() and not jobs.filter(finished_at__gt=moment - PATIENCE).exists()


def slots_missing(moment: datetime) -> list[str]:
    """Periodic jobs whose slot at this moment has no row, by name."""
    keys = {f"{name}:{periodic.slot(moment):%Y-%m-%dT%H:%M:%SZ}": name for name, periodic in PERIODIC.items()}
    known = set(Job.objects.filter(key__in=keys).values_list("key", flat=True))
    return sorted(name for key, name in keys.items() if key not in known)
