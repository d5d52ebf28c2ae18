"""Secrets as a Django app."""

from django.apps import AppConfig


class PhiConfig(AppConfig):
    name = "novamind.phi"
    verbose_name = "Secrets"

    def ready(self) -> None:
        from novamind.phi import checks  # noqa: F401  (registers the system checks)
