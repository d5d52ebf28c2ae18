"""Secrets as a Django app."""

from django.apps import AppConfig


class PhiConfig(AppConfig):
    name = "novamind.phi"
    verbose_name = "Secrets"
    compliance = ["novamind.phi.compliance.phi_scan"]

    def ready(self) -> None:
        from django.conf import settings

        from novamind.phi import checks  # noqa: F401  (registers the system checks)

        if settings.SENTRY_DSN:
            from novamind.phi import errors

            errors.start(settings.SENTRY_DSN, environment=settings.ENVIRONMENT, release=settings.VERSION)
