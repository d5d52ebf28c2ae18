"""The audit trail as a Django app."""

from django.apps import AppConfig

from novamind.frame import NavItem


class AuditConfig(AppConfig):
    name = "novamind.audit"
    verbose_name = "Audit"
    nav = [NavItem("Audit", "audit:list", "audit", 70, "read_audit")]

    def ready(self) -> None:
        from novamind.audit import receivers  # noqa: F401  (connects sign-in and field-diff receivers)
