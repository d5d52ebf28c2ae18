"""The drill jobs. Each notes its start and its process in ``DATA_DIR/started``, so that a test can strike then."""

import os
import signal
import time
from functools import partial

from django.conf import settings

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job
from novamind.jobs.tests.drill.models import Result
from novamind.jobs.work import step


def _note(number: int) -> None:
    with (settings.DATA_DIR / "started").open("a", encoding="ascii") as file:
        file.write(f"{number} {os.getpid()}\n")


@job("drill.work")
def work(number: int, milliseconds: int) -> Finish:
    """Takes a while, in steps, and leaves one result."""
    _note(number)
    for _ in range(5):
        with step("sleep"):
            time.sleep(milliseconds / 5000)
    return Finish(save=partial(Result.objects.create, number=number))


@job("drill.poison")
def poison(number: int) -> None:
    """Kills the process that runs it, as the kernel does when memory is short."""
    _note(number)
    os.kill(os.getpid(), signal.SIGKILL)


@job("drill.endless", time_limit_s=4)
def endless(number: int) -> None:
    """Does not end by itself."""
    _note(number)
    while True:
        time.sleep(0.1)
