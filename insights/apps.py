"""Insights as a Django app: what it declares for the frame."""

from django.apps import AppConfig

from novamind.frame import NavItem, PatientTab


class InsightsConfig(AppConfig):
    name = "insights"
    verbose_name = "Insights"
    nav = [NavItem("Worklist", "insights:worklist", "worklist", 5, "see_patients")]
    patient_tabs = [PatientTab("Brief", "insights:brief", 10)]
    provenance = ["insights.provenance.provenance_of"]
