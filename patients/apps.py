"""Patients as a Django app; changes to charts and teams are kept as field diffs."""

from django.apps import AppConfig

from novamind.frame import NavItem, PatientTab


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Patients"
    nav = [
        NavItem("Alerts", "patients:alerts", "alerts", 15, "see_patients"),
        NavItem("Messages", "patients:messages", "messages", 16, "answer_messages"),
        NavItem("Patients", "patients:list", "patients", 20, "see_patients"),
        NavItem("My check-ins", "patients:mine", "check", 10, "own_chart"),
        NavItem("My messages", "patients:my-messages", "messages", 12, "own_chart"),
        NavItem("Who saw my chart", "patients:my-trail", "audit", 25, "own_chart"),
        NavItem("Emergencies", "patients:reviews", "warning", 65, "review_break_glass"),
        NavItem("Replies", "patients:reply-templates", "messages", 58, "keep_reply_templates"),
        NavItem("No clinician", "patients:unattended", "patients", 67, "see_compliance"),
    ]
    patient_tabs = [
        PatientTab("Symptoms", "patients:reports", 30),
        PatientTab("Medication", "patients:treatment", 50),
        PatientTab("Private notes", "patients:psychotherapy", 65, "psychotherapy_notes"),
        PatientTab("Messages", "patients:patient-messages", 68, "answer_messages"),
        PatientTab("Alerts", "patients:patient-alerts", 70),
        PatientTab("Schedules", "patients:schedules", 75, "manage_schedules"),
        PatientTab("Devices", "patients:devices", 80, "manage_devices"),
        PatientTab("Consent", "patients:consents", 85),
        PatientTab("Access", "patients:trail", 90, in_care=True),
    ]
    activity = ["patients.namesakes.SAME_SURNAME", "patients.record_numbers.HIDDEN_NUMBERS"]
    audit_purposes = ["patients.access.purposes_of"]
    patient_contact = ["patients.contacts.contact_of"]
    provenance = ["patients.reports.provenance.provenance_of"]
    compliance = ["patients.compliance.checks"]
    at_start = ["patients.services.fill_search_texts"]
    demo = [
        "patients.demo.seed",
        "patients.reports.demo.seed",
        "patients.treatment.demo.seed",
        "patients.messaging.demo.seed",
    ]

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from patients import receivers  # noqa: F401
        from patients.models import CareTeam, Membership, Patient

        # The diffs are listed for every administrator: what changed stands in the chart, that it changed stands there.
        auditlog.register(Patient, include_fields=["version"])
        auditlog.register(CareTeam)
        auditlog.register(Membership)
