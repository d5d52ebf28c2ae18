"""Bearer tokens of people."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework_simplejwt.authentication import JWTAuthentication


class TokenAuthentication(JWTAuthentication):
    """A short-lived access token; refused once its user is inactive or has a new password."""


class TokenScheme(OpenApiAuthenticationExtension):
    """How the API's description names the token."""

    target_class = TokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return build_bearer_security_scheme_object("Authorization", "Bearer", "JWT")
