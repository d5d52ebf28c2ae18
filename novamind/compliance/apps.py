"""Compliance as a Django app."""

from django.apps import AppConfig

from novamind.frame import NavItem


class ComplianceConfig(AppConfig):
    name = "novamind.compliance"
    verbose_name = "Compliance"
    nav = [NavItem("Compliance", "compliance:list", "check", 66, "see_compliance")]
    demo = ["novamind.compliance.demo.seed"]
    compliance = [
        "novamind.compliance.checks.of_secrets",
        "novamind.compliance.checks.of_the_wire",
        "novamind.compliance.checks.of_the_house",
        "novamind.compliance.checks.of_incidents",
    ]
