"""Who calls the API: a person with an access token or an ID token of the clinic's identity provider, or a device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings

from novamind.accounts import identity
from novamind.accounts.models import DeviceToken, TokenFamily
from novamind.accounts.roles import DEVICE
from novamind.accounts.second_factor import is_required_of
from novamind.accounts.tokens import DEVICE_PREFIX, FAMILY_CLAIM, digest
from novamind.clock import now

#: How exactly it is kept when a device last sent: a write for every batch would make batches wait for each other.
USE_KEPT_TO: Final = timedelta(minutes=1)


class TokenAuthentication(JWTAuthentication):
    """A short-lived access token; refused once its family ended, its user is inactive or has a new password."""

    def get_user(self, validated_token: Any) -> Any:
        if _uuid(validated_token.get(api_settings.USER_ID_CLAIM)) is None:
            raise InvalidToken("This token names nobody.")
        user = super().get_user(validated_token)
        if not TokenFamily.objects.alive().filter(pk=_uuid(validated_token.get(FAMILY_CLAIM)), user=user).exists():
            raise InvalidToken("This sign-in has ended.")
        return user

    def authenticate(self, request: Any) -> Any:
        presented = _bearer(request)
        if presented.startswith(DEVICE_PREFIX) or identity.provider_of(presented) is not None:
            return None
        return super().authenticate(request)


class IdentityAuthentication(BaseAuthentication):
    """An ID token of an identity provider named in ``OIDC_PROVIDERS`` with ``"api": true``.

    Whom it is of says the connection of that provider's subject with an account, never an address.
    """

    def authenticate(self, request: Any) -> Any:
        presented = _bearer(request)
        provider = identity.provider_of(presented)
        if provider is None:
            return None
        try:
            claims = identity.verified(presented, provider)
        except identity.Unavailable:
            raise ProviderUnavailable from None
        except identity.NotValid:
            raise InvalidToken("This ID token is not valid here.") from None
        account = (
            SocialAccount.objects.filter(provider=provider["id"], uid=claims["sub"]).select_related("user").first()
        )
        if account is None or not account.user.is_active:
            raise AuthenticationFailed("Nobody here is connected with this sign-on.")
        if identity.is_older_than(claims, account.user.signed_out_at):
            raise InvalidToken("This sign-on has ended.")
        if is_required_of(account.user) and not identity.shows_second_factor(claims):
            raise AuthenticationFailed("The sign-on did not ask for a second factor.", "second_factor_required")
        return account.user, claims

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="api"'


class ProviderUnavailable(APIException):
    """503: the identity provider's keys cannot be read now."""

    status_code = 503
    default_code = "provider_unavailable"
    default_detail = "The clinic's sign-on cannot be reached now. Please try again."


class DeviceAuthentication(JWTAuthentication):
    """A device's own token: opaque, revocable, for sending alone."""

    def authenticate(self, request: Any) -> Any:
        presented = _bearer(request)
        if not presented.startswith(DEVICE_PREFIX):
            return None
        token = DeviceToken.objects.alive().filter(digest=digest(presented)).select_related("user").first()
        if token is None or not token.user.is_active or token.user.roles != {DEVICE}:
            raise InvalidToken("This device's token is unknown, revoked or too old.")
        if token.last_used_at is None or now() - token.last_used_at > USE_KEPT_TO:
            DeviceToken.objects.filter(pk=token.pk).update(last_used_at=now())
        return token.user, token


def proves_somebody(request: HttpRequest) -> bool:
    """Whether the header's token is one that this endpoint takes; nothing of the body is read. Pages take none."""
    endpoint = getattr(request.resolver_match and request.resolver_match.func, "cls", None)
    for kind in getattr(endpoint, "authentication_classes", ()):
        if issubclass(kind, SessionAuthentication):  # its check against forgery reads the form
            continue
        try:
            if kind().authenticate(request) is not None:
                return True
        except APIException:
            return False
    return False


def _bearer(request: Any) -> str:
    scheme, _, token = get_authorization_header(request).decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _uuid(text: object) -> Any:
    try:
        return UUID(str(text))
    except ValueError:
        return None


class TokenScheme(OpenApiAuthenticationExtension):
    """How the API's description names the token."""

    target_class = TokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object("Authorization", "Bearer", "JWT")


class DeviceScheme(OpenApiAuthenticationExtension):
    """How the API's description names a device's token."""

    target_class = DeviceAuthentication
    name = "deviceToken"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object("Authorization", "Bearer", "opaque")


class IdentityScheme(OpenApiAuthenticationExtension):
    """How the API's description names an ID token."""

    target_class = IdentityAuthentication
    name = "idToken"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object("Authorization", "Bearer", "JWT")
