"""Bearer tokens of people."""

from rest_framework_simplejwt.authentication import JWTAuthentication


class TokenAuthentication(JWTAuthentication):
    """A short-lived access token; refused once its user is inactive or has a new password."""
