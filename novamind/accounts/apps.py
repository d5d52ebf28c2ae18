"""Accounts as a Django app; changes to them are kept as field diffs."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "novamind.accounts"
    verbose_name = "Accounts"
    demo = ["novamind.accounts.demo.seed"]
    compliance = ["novamind.accounts.compliance.checks"]
    sealed_json = ["novamind.accounts.adapters.SECRETS"]

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from novamind.accounts import receivers, sessions  # noqa: F401
        from novamind.accounts.models import User

        auditlog.register(User, exclude_fields=["password", "last_login"], m2m_fields={"groups"})
