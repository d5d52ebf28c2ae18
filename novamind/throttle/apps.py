"""Rate limits as a Django app."""

from django.apps import AppConfig


class ThrottleConfig(AppConfig):
    name = "novamind.throttle"
    verbose_name = "Rate limits"
