"""The nightly run."""

from __future__ import annotations

from datetime import timedelta

from novamind.compliance.running import run_checks
from novamind.jobs.finish import Finish
from novamind.jobs.kinds import periodic


@periodic("compliance.run", every=timedelta(days=1), offset=timedelta(hours=4))
def run() -> Finish:
    """After the searches and the walk along the chain that it reports on."""
    return Finish(save=run_checks)
