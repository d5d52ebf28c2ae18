"""Sign-in for API clients."""

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from novamind.accounts.forms import TOO_MANY_ATTEMPTS


class LoginSerializer(serializers.Serializer):
    """Address and password."""

    email = serializers.EmailField()
    password = serializers.CharField(trim_whitespace=False, write_only=True, max_length=256)


class TokenSerializer(serializers.Serializer):
    """An access token and the seconds it lives."""

    access = serializers.CharField()
    expires_in = serializers.IntegerField()


class TooManyAttempts(APIException):
    """429; ``wait`` becomes the header Retry-After."""

    status_code = 429
    default_code = "too_many_attempts"
    default_detail = TOO_MANY_ATTEMPTS
    wait = 15 * 60


class LoginView(APIView):
    """Exchange an e-mail address and a password for a five-minute access token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = LoginSerializer

    def get_authenticate_header(self, request: Request) -> str:
        """A failed sign-in is 401; without a scheme to name, Django REST framework would make it 403."""
        return 'Bearer realm="api"'

    @extend_schema(request=LoginSerializer, responses={200: TokenSerializer})
    def post(self, request: Request) -> Response:
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        credentials = {"username": form.validated_data["email"], "password": form.validated_data["password"]}
        user = authenticate(request._request, **credentials)
        if user is None and getattr(request._request, "too_many_attempts", False):
            raise TooManyAttempts
        if user is None:
            raise AuthenticationFailed("The address or the password is wrong.")
        user_logged_in.send(sender=type(user), request=request._request, user=user)
        token = AccessToken.for_user(user)
        return Response({"access": str(token), "expires_in": int(token.lifetime.total_seconds())})
