"""ID tokens of the identity providers of ``OIDC_PROVIDERS``, Firebase Authentication among them.

A provider's keys come from its discovery document and are kept for an hour; a key nobody knows is looked for once a
minute at most, so that made-up tokens cannot make us ask on their behalf.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings

ALGORITHMS = ["RS256", "ES256", "EdDSA"]  # never HS256: our own keys are not theirs
KEPT_S = 3600
ASK_AGAIN_S = 60
REST_S = 10  # after a provider that did not answer: whoever waits for it occupies a thread
PATIENCE_S = 5
LARGEST_DOCUMENT = 512 * 1024


class NotValid(Exception):
    """Forged, for somebody else, too old, or no ID token at all."""


class Unavailable(Exception):
    """The provider's keys cannot be read now."""


def provider_of(token: str) -> dict[str, Any] | None:
    """The provider the token claims to come from, if the API takes that one's; nothing is verified yet."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return next((one for one in settings.OIDC_PROVIDERS if one.get("api") and one["issuer"] == issuer), None)


def verified(token: str, provider: dict[str, Any]) -> dict[str, Any]:
    """The claims of a token that its provider signed for us.

    Raises
    ------
    NotValid
    Unavailable
    """
    try:
        key = _keys.key(provider["issuer"], jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=provider["client_id"],
            issuer=provider["issuer"],
            leeway=30,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
        raise NotValid from error
    if not _is_for(provider["client_id"], claims):
        raise NotValid
    return claims


def _is_for(client_id: str, claims: dict[str, Any]) -> bool:
    """OpenID Connect Core 3.1.3.7 (3-5): of several audiences the token says which asked for it, and that is us."""
    many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    return claims["azp"] == client_id if "azp" in claims else not many


def is_older_than(claims: dict[str, Any], moment: datetime | None) -> bool:
    """Whether the person signed on there (else, the token was signed) before this moment; in case of doubt, yes."""
    if moment is None:
        return False
    at = claims.get("auth_time", claims["iat"])
    return not isinstance(at, int | float) or at <= moment.timestamp()


def shows_second_factor(claims: dict[str, Any]) -> bool:
    """Whether the provider says it asked for one: ``amr`` (RFC 8176), or Firebase's own claim."""
    firebase = claims.get("firebase")
    if isinstance(firebase, dict) and firebase.get("sign_in_second_factor"):
        return True
    methods = claims.get("amr")
    return isinstance(methods, list) and "mfa" in methods


class _Keys:
    """Signing keys per issuer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, dict[str | None, Any]]] = {}
        self._failed_at: dict[str, float] = {}

    def key(self, issuer: str, key_id: str | None) -> Any:
        with self._lock:  # one asks, the others wait for its answer
            asked_at, keys = self._known.get(issuer, (float("-inf"), {}))
            age = time.monotonic() - asked_at
            if age > KEPT_S or (key_id not in keys and age > ASK_AGAIN_S):
                keys = self._read(issuer)
                self._known[issuer] = (time.monotonic(), keys)
            return keys[key_id]

    def _read(self, issuer: str) -> dict[str | None, Any]:
        if time.monotonic() - self._failed_at.get(issuer, float("-inf")) < REST_S:
            raise Unavailable("it did not answer a moment ago")
        try:
            return _read_keys(issuer)
        except Unavailable:
            self._failed_at[issuer] = time.monotonic()
            raise

    def forget(self) -> None:
        with self._lock:
            self._known.clear()
            self._failed_at.clear()


_keys = _Keys()


def forget_keys() -> None:
    """Drop every provider's keys (tests)."""
    _keys.forget()


def _read_keys(issuer: str) -> dict[str | None, Any]:
    try:
        discovery = _read(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if discovery.get("issuer") != issuer:
            raise Unavailable("the discovery document is another issuer's")
        found = jwt.PyJWKSet.from_dict(_read(discovery["jwks_uri"]))
    except (OSError, ValueError, KeyError, AttributeError, jwt.PyJWTError) as error:
        raise Unavailable from error
    return {key.key_id: key for key in found.keys}


def _read(url: str) -> dict[str, Any]:
    if not url.startswith(("https://", "http://")) or (settings.HARDENED and not url.startswith("https://")):
        raise Unavailable("not an address of the web")
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310  # nosec B310  (checked above)
        return json.loads(answer.read(LARGEST_DOCUMENT))
