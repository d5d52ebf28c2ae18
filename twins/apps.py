"""Twins as a Django app: what it declares for the frame, start and demo."""

from django.apps import AppConfig

from novamind.frame import PatientTab


class TwinsConfig(AppConfig):
    name = "twins"
    verbose_name = "Twins"
    patient_tabs = [
        PatientTab("Twin", "twins:twin", 40),
        PatientTab("Genes", "twins:medication", 52, "advise_medication"),
    ]
    provenance = ["twins.provenance.provenance_of"]
    at_start = ["twins.installing.register_at_start"]
    demo = ["twins.demo.seed"]
