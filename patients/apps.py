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

        auditlog.register(Patient, include_fields=["sex", "pronouns", "zone", "version"])
        auditlog.register(CareTeam)
        auditlog.register(Membership)
