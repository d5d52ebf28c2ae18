"""The model registry as a Django app."""

from django.apps import AppConfig

from novamind.frame import NavItem


class RegistryConfig(AppConfig):
    name = "novamind.registry"
    verbose_name = "Model registry"
    nav = [NavItem("Models", "models:list", "models", order=55, right="see_models")]
