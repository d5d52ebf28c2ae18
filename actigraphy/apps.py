"""Actigraphy as a Django app: what it declares for the frame, provenance, start and demo."""

from django.apps import AppConfig

from novamind.frame import PatientTab


class ActigraphyConfig(AppConfig):
    name = "actigraphy"
    verbose_name = "Actigraphy"
    patient_tabs = [
        PatientTab("Actigraphy", "actigraphy:patient", 20),
        PatientTab("Data", "data:patient", 70),
    ]
    last_signal = ["actigraphy.services.last_signal_at", "actigraphy.streams.held.last_sent_at"]
    provenance = ["actigraphy.pages.provenance.provenance_of"]
    withheld_alerts = ["actigraphy.streams.silence.withheld_alerts"]
    at_start = ["actigraphy.pat.installing.register_at_start"]
    demo = ["actigraphy.demo.seed"]

    def ready(self) -> None:
        from actigraphy.pat.providers import require_configured

        require_configured()
