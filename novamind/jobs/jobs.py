"""Work of the platform itself that recurs."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings

from novamind.accounts.pruning import prune
from novamind.audit import keys
from novamind.audit.attempts import forget_old
from novamind.audit.reconciling import reconcile
from novamind.audit.verifying import verify
from novamind.jobs.attempts import alert
from novamind.jobs.finish import Finish
from novamind.jobs.idempotency import prune_keys
from novamind.jobs.kinds import periodic
from novamind.jobs.models import Job
from novamind.jobs.work import current_work


@periodic("audit.verify", every=timedelta(days=1), offset=timedelta(hours=3))
def verify_audit() -> Finish:
    """Walk the audit trail's chain every night; administrators are alerted to anything found."""
    check, found = verify()
    if found:
        logging.getLogger(settings.ADMINS_ALERT_LOGGER).critical(
            "the audit trail is not what it was: %d findings, first at seal %s", len(found), check.first_broken,
            extra={"severity": "HIGH"},
        )  # fmt: skip
    return Finish()


@periodic("phi.keys", every=timedelta(days=1), offset=timedelta(hours=4))
def finish_rotations() -> Finish:
    """Destroy every night the keys that a rotation has retired and nothing names, and erase files left behind."""
    keys.destroy_retired(by="phi.keys")
    return Finish()


@periodic("audit.reconcile", every=timedelta(days=1), offset=timedelta(hours=4))
def reconcile_changes() -> Finish:
    """Compare the writes that the database noted with the trail every night; a write that nobody stands for is told."""
    done, work = reconcile(), current_work()
    if not done.unaudited or work is None:
        return Finish()
    job = Job.objects.get(pk=work.job_id)
    return Finish(save=lambda: alert(job, "unaudited_writes"))


@periodic("accounts.prune", every=timedelta(days=1), offset=timedelta(hours=5))
def prune_sign_ins() -> Finish:
    """Delete every night what sign-ins of last month left behind, and tries that count no more."""
    prune()
    forget_old()
    return Finish()


@periodic("jobs.prune_keys", every=timedelta(days=1), offset=timedelta(hours=5))
def forget_keys() -> Finish:
    """Delete every night the idempotency keys of yesterday."""
    prune_keys()
    return Finish()
