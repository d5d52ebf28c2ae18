"""Novamind with the accidents installed."""

from novamind.settings import *  # noqa: F403
from novamind.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.accidents"]
MIDDLEWARE = [*MIDDLEWARE, "tests.accidents.middleware.accident"]
