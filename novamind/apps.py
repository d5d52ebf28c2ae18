"""The front door as a Django app: frame, demo command, template tags, admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from novamind.frame import NavItem


class NovamindConfig(AppConfig):
    """Commands, template tags and the parts that belong to no single app."""

    name = "novamind"
    nav = [NavItem("Admin", "admin:index", "admin", 80, "use_admin")]


class NovamindAdminConfig(AdminConfig):
    """Django admin behind Novamind's own sign-in."""

    default_site = "novamind.admin.NovamindAdminSite"
