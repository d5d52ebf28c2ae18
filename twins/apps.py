"""Twins as a Django app: what it declares for the frame, start and demo."""

from importlib import import_module

from django.apps import AppConfig

from novamind.frame import NavItem, PatientTab


class TwinsConfig(AppConfig):
    name = "twins"
    verbose_name = "Twins"
    nav = [NavItem("Drug rules", "medication-rules:list", "check", 57, "manage_medication_rules")]
    patient_tabs = [
        PatientTab("Twin", "twins:twin", 40),
        PatientTab("Genes", "twins:medication", 52, "advise_medication"),
    ]
    drug_checks = ["twins.medication.entering.words_of"]
    provenance = ["twins.provenance.provenance_of"]
    at_start = ["twins.installing.register_at_start", "twins.response.installing.register_at_start"]
    demo = ["twins.demo.seed"]

    def ready(self) -> None:
        """Jobs and checks of a part of the app: those of the app itself are found by its name."""
        import_module("twins.medication.jobs")
        import_module("twins.rules_in_use")
