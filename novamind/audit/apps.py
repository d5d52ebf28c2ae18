"""The audit trail as a Django app."""

from django.apps import AppConfig

from novamind.frame import NavItem


class AuditConfig(AppConfig):
    name = "novamind.audit"
    verbose_name = "Audit"
    nav = [NavItem("Audit", "audit:list", "audit", 70, "read_audit")]
    compliance = ["novamind.audit.compliance.checks", "novamind.audit.keys.checks"]

    def ready(self) -> None:
        from django.db.backends.signals import connection_created
        from django.db.models.signals import post_migrate

        from novamind.audit.changes import install_after_migrations
        from novamind.audit.recording import watch

        connection_created.connect(watch, dispatch_uid="audit.oracle")
        post_migrate.connect(install_after_migrations, dispatch_uid="audit.changes")
        from novamind.audit import receivers  # noqa: F401  (connects sign-in and field-diff receivers)
