"""Patients as a Django app; changes to charts and teams are kept as field diffs."""

from django.apps import AppConfig

from novamind.frame import NavItem


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Patients"
    nav = [NavItem("Patients", "patients:list", "patients", 20, "see_patients")]
    demo = ["patients.demo.seed"]

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from patients.models import CareTeam, Membership, Patient

        # The diffs are listed for every administrator: what changed stands in the chart, that it changed stands there.
        auditlog.register(Patient, include_fields=["version"])
        auditlog.register(CareTeam)
        auditlog.register(Membership)
