"""``allow("mfa", user.pk)``: attempts at a secret, counted in the database. Whatever fails there refuses."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from novamind.clock import now
from novamind.throttle.models import Attempts
from novamind.throttle.rates import ATTEMPTS

KEPT = timedelta(days=1)


def allow(kind: str, key: object) -> bool:
    """Count one attempt, and say whether it may be made; asked **before** the secret is compared.

    The count must stay whatever becomes of the request, so this commits at once: the view that calls it is marked
    ``own_transaction``, and inside a transaction it raises. Error of the database: raised, and nothing was allowed.
    """
    rate = ATTEMPTS[kind]
    if not settings.RATE_LIMITING_ENABLED:
        return True
    digest = _digest(kind, key)
    with transaction.atomic(durable=True):
        moment = now()
        window = Attempts.objects.select_for_update().filter(kind=kind, key=digest)
        mine, _ = Attempts.objects.get_or_create(kind=kind, key=digest, defaults={"since": moment, "count": 0})
        mine = window.get()  # locked: two attempts at once do not both count the fifth
        if mine.since <= moment - timedelta(seconds=rate.window_s):
            window.update(since=moment, count=1)
            Attempts.objects.filter(since__lt=moment - KEPT).delete()
            return True
        window.update(count=F("count") + 1)
        return mine.count < rate.limit


def forget(kind: str, key: object) -> None:
    """The secret was right: earlier attempts count no more."""
    Attempts.objects.filter(kind=kind, key=_digest(kind, key)).delete()


def _digest(kind: str, key: object) -> str:
    return salted_hmac(f"novamind.throttle.{kind}", str(key), algorithm="sha256").hexdigest()[:32]
