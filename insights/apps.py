"""Insights as a Django app: what it declares for the frame."""

from django.apps import AppConfig

from novamind.frame import NavItem, PatientTab


class InsightsConfig(AppConfig):
    name = "insights"
    verbose_name = "Insights"
    nav = [
        NavItem("Worklist", "insights:worklist", "worklist", 5, "see_patients"),
        NavItem("Alert rules", "insights:rules", "edit", 35, "compose_rules"),
        NavItem("Cohort", "insights:cohort", "cohort", 18, "see_patients"),
        NavItem("Clinic", "insights:clinic", "cohort", 19, "see_clinic_numbers"),
        NavItem("Research export", "insights:research-exports", "upload", 56, "export_research"),
    ]
    patient_tabs = [
        PatientTab("Brief", "insights:brief", 10),
        PatientTab("Timeline", "insights:timeline", 15),
        PatientTab("Own charts", "insights:patient-chart", 16),
        PatientTab("Notes", "insights:notes", 60, "read_notes"),
    ]
    demo = ["insights.notes.demo.seed"]
    withheld_alerts = ["insights.alerting.services.withheld_alerts"]
    provenance = ["insights.provenance.provenance_of"]
