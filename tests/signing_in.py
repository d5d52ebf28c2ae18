"""Signing in as a person does: address and password, then a code."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.utils import decrypt

from novamind.accounts.adapters import secrets_of
from novamind.accounts.codes import STEP_S, code_at
from novamind.accounts.models import UsedCode

PASSWORD = "correct horse battery staple"  # noqa: S105  (make_user's)


def code_of(user: Any, steps: int = 0) -> str:
    """A code that counts now, as if none had been used; sets an authenticator app up first, where there is none."""
    with secrets_of(user):
        app = Authenticator.objects.filter(user=user, type="totp").first()
        app = app or TOTP.activate(user, generate_totp_secret()).instance
        secret = decrypt(app.data["secret"])
    UsedCode.objects.filter(user=user).delete()
    return code_at(secret, int(time.time()) // STEP_S + steps)


def sign_in(client: Any, user: Any, password: str = PASSWORD) -> Any:
    """Both steps on the page; the last answer."""
    code = code_of(user)
    client.post("/accounts/login/", {"username": user.email, "password": password})
    return client.post("/accounts/code/", {"code": code})


def tokens_of(client: Any, user: Any, password: str = PASSWORD, **headers: Any) -> dict[str, Any]:
    """The pair the API gives."""
    body = {"email": user.email, "password": password, "code": code_of(user)}
    answer = client.post("/api/v1/auth/login", body, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()
