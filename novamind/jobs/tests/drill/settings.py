"""Novamind with the drill jobs installed."""

from novamind.settings import *  # noqa: F403
from novamind.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "novamind.jobs.tests.drill"]
