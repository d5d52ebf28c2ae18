"""Sign-in for API clients: a pair of tokens for password and second factor, refreshed, and ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts import tokens
from novamind.accounts.forms import TOO_MANY_ATTEMPTS
from novamind.accounts.models import User
from novamind.accounts.second_factor import is_required_of, is_set_up_by
from novamind.origin import client_ip


class LoginSerializer(serializers.Serializer):
    """Address, password, and the second factor's code."""

    email = serializers.EmailField()
    password = serializers.CharField(trim_whitespace=False, write_only=True, max_length=256)
    code = serializers.CharField(write_only=True, max_length=20, required=False, allow_blank=True)


class RefreshSerializer(serializers.Serializer):
    """The refresh token."""

    refresh = serializers.CharField(write_only=True, max_length=200)


class TokenSerializer(serializers.Serializer):
    """An access token, the seconds it lives, and the token that gets the next pair, once."""

    access = serializers.CharField()
    expires_in = serializers.IntegerField()
    refresh = serializers.CharField()


class TooManyAttempts(APIException):
    """429; ``wait`` becomes the header Retry-After."""

    status_code = 429
    default_code = "too_many_attempts"
    default_detail = TOO_MANY_ATTEMPTS
    wait = 15 * 60


class NotSetUp(APIException):
    """403: an account without a second factor, which staff must have."""

    status_code = 403
    default_code = "second_factor_not_set_up"
    default_detail = "Sign in on the web first and set up a second factor."


class _Door(APIView):
    """Open to callers without a token. What it changes it commits itself: a refusal may end a family."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        view: Any = super().as_view(**initkwargs)
        view.own_transaction = True
        return view

    def get_authenticate_header(self, request: Request) -> str:
        """A failed sign-in is 401; without a scheme to name, Django REST framework would make it 403."""
        return 'Bearer realm="api"'


class LoginView(_Door):
    """Exchange an e-mail address, a password and a second factor's code for a pair of tokens."""

    serializer_class = LoginSerializer

    @extend_schema(request=LoginSerializer, responses={200: TokenSerializer})
    def post(self, request: Request) -> Response:
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            user = _whoever_shows(request, **form.validated_data)
        except (AuthenticationFailed, NotSetUp):
            if getattr(request._request, "judged_whole", False):  # not which of the two it was
                raise TooManyAttempts from None
            raise
        user_logged_in.send(sender=type(user), request=request._request, user=user)
        return _answer(tokens.begin(user))


class RefreshView(_Door):
    """Exchange a refresh token for the next pair. It works once; one that comes back ends every token of the family.

    A repeat by the same client within ten seconds is given the same pair: its first answer may have been lost.
    """

    serializer_class = RefreshSerializer

    @extend_schema(request=RefreshSerializer, responses={200: TokenSerializer})
    def post(self, request: Request) -> Response:
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        client = tokens.client_digest(client_ip(request._request), request.headers.get("User-Agent", ""))
        try:
            request.user, pair = tokens.redeem(form.validated_data["refresh"], client)
        except tokens.RefreshRefused:
            raise AuthenticationFailed("This token does not count any more. Sign in again.", "token_ended") from None
        return _answer(pair)


class LogoutView(_Door):
    """End every token of this sign-in, access tokens included."""

    serializer_class = RefreshSerializer

    @extend_schema(request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        tokens.end_family_of(form.validated_data["refresh"])
        return Response(status=204)


def _whoever_shows(request: Request, email: str, password: str, code: str = "") -> User:
    user = _authenticated(request, username=email, password=password, code=code)
    if is_set_up_by(user):
        if not code:
            raise AuthenticationFailed("The second factor's code is needed too.", "second_factor_required")
        _authenticated(request, second_factor_of=user, code=code)
    elif is_required_of(user) or getattr(request._request, "judged_whole", False):
        raise NotSetUp
    return user


def _authenticated(request: Request, **credentials: Any) -> User:
    user = authenticate(request._request, **credentials)
    if user is None and getattr(request._request, "too_many_attempts", False):
        raise TooManyAttempts
    if user is None:
        raise AuthenticationFailed(
            "The code is wrong or was used."
            if "second_factor_of" in credentials
            else "The address or the password is wrong."
        )
    return user  # type: ignore[return-value]


def _answer(pair: tokens.Pair) -> Response:
    return Response({"access": pair.access, "expires_in": pair.expires_in, "refresh": pair.refresh})
