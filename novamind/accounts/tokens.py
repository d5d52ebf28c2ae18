"""Tokens of the API: five-minute access tokens, single-use refresh tokens in families, tokens of devices.

A refresh token's successor is derived from it and not drawn at random. So of one token there is one successor, whoever
asks how often, and a client whose answer got lost on the way can be given the same pair again without keeping it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from rest_framework_simplejwt.tokens import AccessToken

from novamind.accounts.models import DeviceToken, RefreshToken, TokenFamily, User
from novamind.accounts.models.tokens import DEVICE_TOKEN_LIFE
from novamind.clock import now
from novamind.phi.keys import derive

GRACE = timedelta(seconds=10)
FAMILY_CLAIM = "fam"
DEVICE_PREFIX = "nvd_"


class RefreshRefused(Exception):
    """The token is unknown, its family ended, or it was used before (which ends the family)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a client gets."""

    access: str
    refresh: str
    expires_in: int


def begin(user: User) -> Pair:
    """A new family for somebody who has just shown who they are."""
    family = TokenFamily.objects.create(user=user, started_at=now(), password_mark=digest(user.password))
    refresh = secrets.token_urlsafe(32)
    first = RefreshToken.objects.create(family=family, digest=digest(refresh))
    return Pair(_access(family, first.pk, family.started_at), refresh, _life_s())


def redeem(presented: str, client: str) -> tuple[User, Pair]:
    """Exchange a refresh token for its one successor. ``client`` tells callers apart (see :func:`client_digest`).

    Raises
    ------
    RefreshRefused
    """
    token = RefreshToken.objects.filter(digest=digest(presented)).select_related("family__user").first()
    if token is None or not _lives(token.family):
        raise RefreshRefused
    moment = now()
    with transaction.atomic():
        # The one statement that decides: of many at once, one sees a row.
        if RefreshToken.objects.filter(pk=token.pk, used_at__isnull=True).update(used_at=moment, used_by=client):
            RefreshToken.objects.create(
                id=_successor_id(token), family=token.family, digest=digest(_successor(presented))
            )
            return token.family.user, _pair(token, presented, moment)
    token.refresh_from_db(fields=["used_at", "used_by"])
    if token.used_at is not None and token.used_by == client and moment - token.used_at <= GRACE:
        return token.family.user, _pair(token, presented, token.used_at)
    TokenFamily.objects.filter(pk=token.family_id).end(TokenFamily.Because.REUSE)
    raise RefreshRefused


def end_family_of(presented: str) -> None:
    """Sign a client out by its refresh token, used or not; an unknown one changes nothing."""
    TokenFamily.objects.filter(refresh_tokens__digest=digest(presented)).end(TokenFamily.Because.LOGOUT)


def digest(token: str) -> str:
    """What is kept of a token; it has 256 random bits, so no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def client_digest(ip: str | None, browser: str) -> str:
    """Tells clients apart, without keeping where they are."""
    return digest(f"{ip}|{browser}")


def issue_device_token(user: User) -> str:
    """A device's token, shown once; an earlier one of this device ends."""
    DeviceToken.objects.filter(user=user).revoke()
    token = DEVICE_PREFIX + secrets.token_urlsafe(32)
    DeviceToken.objects.create(user=user, digest=digest(token), expires_at=now() + DEVICE_TOKEN_LIFE)
    return token


def _lives(family: TokenFamily) -> bool:
    user = family.user
    same_password = hmac.compare_digest(family.password_mark, digest(user.password))
    return user.is_active and same_password and TokenFamily.objects.alive().filter(pk=family.pk).exists()


def _pair(token: RefreshToken, presented: str, at: datetime) -> Pair:
    return Pair(_access(token.family, _successor_id(token), at), _successor(presented), _life_s())


def _successor(presented: str) -> str:
    key = derive(settings.JWT_SECRET_KEY.encode(), "refresh token successor")
    return hmac.new(key, presented.encode(), hashlib.sha256).hexdigest()


def _successor_id(token: RefreshToken) -> UUID:
    key = derive(settings.JWT_SECRET_KEY.encode(), "refresh token id")
    return UUID(bytes=hmac.new(key, token.pk.bytes, hashlib.sha256).digest()[:16])


def _access(family: TokenFamily, refresh_id: UUID, at: datetime) -> str:
    """Made of what is stored, so that it can be made again."""
    token: Any = AccessToken.for_user(family.user)
    token[FAMILY_CLAIM] = str(family.pk)
    token["jti"] = refresh_id.hex
    token.set_iat(at_time=at)
    token.set_exp(from_time=at)
    return str(token)


def _life_s() -> int:
    return int(AccessToken.lifetime.total_seconds())
