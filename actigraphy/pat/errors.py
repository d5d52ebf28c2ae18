"""What can go wrong with a provider, by whose fault it is."""

from __future__ import annotations


class ServiceUnavailable(Exception):
    """The model cannot be reached now; another attempt may succeed. The API says 503."""

    code = "service_unavailable"


class InvalidRequest(ValueError):
    """The provider refuses what it was asked; another attempt cannot help. The API says 400."""

    code = "invalid_request"


class InvalidConfiguration(Exception):
    """The settings of a provider do not say what it needs; said at start, by name."""
