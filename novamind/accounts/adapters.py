"""What django-allauth asks of us: nobody signs up, secrets are encrypted, no password replaces a second factor."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from novamind.accounts.second_factor import PRIMARY, is_fresh, is_required_of, is_set_up_by, just_signed_in
from novamind.phi.documents import SealedJSON

logger = logging.getLogger(__name__)
#: What django-allauth lets us encrypt: an app's secret, the seed of recovery codes, codes taken over from elsewhere.
SECRETS = SealedJSON("mfa.Authenticator", "data", ("secret", "seed", "migrated_codes"), "user_id")
_owner: ContextVar[UUID | None] = ContextVar("owner of the second factor", default=None)


@contextmanager
def secrets_of(user: Any) -> Iterator[None]:
    """Whose secrets are read in this block, where the user is not signed in yet."""
    token = _owner.set(user.pk)
    try:
        yield
    finally:
        _owner.reset(token)


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Whoever has a second factor confirms with it; the password is for those who set it up now."""
        methods = super().get_reauthentication_methods(user)
        stronger = [method for method in methods if method["id"] != "reauthenticate"]
        return stronger if user.is_authenticated and is_set_up_by(user) else methods

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ten minutes after the second factor; while there is none, ten minutes after the password."""
        return not (is_fresh if is_set_up_by(context.request.user) else just_signed_in)(context.request)


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes, encrypted under the clinic's key and bound to their user."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": "This is your only second factor: add another before you remove it.",
    }

    def encrypt(self, text: str) -> str:
        return SECRETS.seal(text, _whose())

    def decrypt(self, encrypted_text: str) -> str:
        return SECRETS.open(encrypted_text, _whose())

    def get_totp_issuer(self) -> str:
        return "Novamind (demo)" if settings.DEMO else "Novamind"

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff keep one: another is added first."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=PRIMARY)
        return not is_required_of(authenticator.user) or others.exclude(pk=authenticator.pk).exists()


def _whose() -> UUID:
    return _owner.get() or context.request.user.pk


class SocialAdapter(DefaultSocialAccountAdapter):
    """Single sign-on finds an account by issuer and subject, never by its address, and makes none."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(self, request: HttpRequest | None, provider: str | None = None, client_id: str | None = None) -> Any:
        """Those of the settings alone: a row in the database is not to add an issuer."""
        return [app for app in super().list_apps(request, provider, client_id) if app.pk is None]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Whom the provider knows and we let in nowhere: on record as a sign-in that failed."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        if not sociallogin.is_existing or not sociallogin.user.is_active:
            _failed(request, sociallogin.user.email if sociallogin.is_existing else "")

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Said in the log, without what the provider answered; on record, unless somebody turned round."""
        if error == AuthError.CANCELLED:
            return
        kind = type(exception.__cause__ or exception).__name__ if exception else error
        logger.warning("sign-on with %s failed: %s", provider.app.provider_id, kind)
        if not request.user.is_authenticated:
            _failed(request, "")


def _failed(request: HttpRequest, address: str) -> None:
    user_login_failed.send(sender=__name__, credentials={"username": address}, request=request)
