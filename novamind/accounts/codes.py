"""Codes of authenticator apps and recovery codes, checked as one of Django's authentication backends.

So they are counted, limited and recorded like passwords: ``authenticate(request, second_factor_of=user, code=…)``.
"""

from __future__ import annotations

import hmac
import time
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from novamind.accounts.adapters import secrets_of
from novamind.accounts.models import UsedCode

STEP_S = app_settings.TOTP_PERIOD
KEPT_STEPS = 10


class SecondFactorBackend:
    """Takes a code once. It signs nobody in: it has no ``get_user``."""

    def authenticate(self, request: HttpRequest | None, second_factor_of: Any, code: str) -> Any:
        """The authenticator the code is of, not the user: nobody is signed in by this; ``None`` for a wrong code."""
        typed = "".join(code.split())
        with secrets_of(second_factor_of):
            for authenticator in Authenticator.objects.filter(user=second_factor_of).order_by("-type"):
                if _takes(authenticator, typed):
                    authenticator.user = second_factor_of
                    return authenticator
        return None


def _takes(authenticator: Authenticator, typed: str) -> bool:
    if authenticator.type == Authenticator.Type.TOTP:
        return _takes_totp(authenticator, typed)
    return authenticator.type == Authenticator.Type.RECOVERY_CODES and authenticator.wrap().validate_code(typed)


def _takes_totp(authenticator: Authenticator, typed: str) -> bool:
    """RFC 6238 with one step to either side; a step counts once, whichever process takes it."""
    secret, current = decrypt(authenticator.data["secret"]), int(time.time()) // STEP_S
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), typed.encode()):
            return _first_use(authenticator.user_id, step)
    return False


def _first_use(user_id: Any, step: int) -> bool:
    try:
        with transaction.atomic():
            UsedCode.objects.create(user_id=user_id, step=step)
    except IntegrityError:
        return False
    UsedCode.objects.filter(user_id=user_id, step__lt=step - KEPT_STEPS).delete()
    return True


def code_at(secret: str, step: int) -> str:
    """The six digits an authenticator app shows in this time step."""
    return format_hotp_value(hotp_value(secret, step))
