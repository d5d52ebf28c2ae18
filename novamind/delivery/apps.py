"""Deliveries as a Django app."""

from django.apps import AppConfig

from novamind.frame import NavItem


class DeliveryConfig(AppConfig):
    name = "novamind.delivery"
    verbose_name = "Deliveries"
    nav = [NavItem("Deliveries", "delivery:list", "jobs", 62, "operate_jobs")]
    compliance = ["novamind.delivery.compliance.checks"]
