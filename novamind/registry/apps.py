"""The model registry as a Django app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "novamind.registry"
    verbose_name = "Model registry"
