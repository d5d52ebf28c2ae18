"""The work queue as a Django app; every process that starts Django learns every kind of job."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from novamind.frame import NavItem


class JobsConfig(AppConfig):
    name = "novamind.jobs"
    verbose_name = "Jobs"
    nav = [NavItem("Jobs", "jobs:list", "jobs", order=60, right="operate_jobs")]

    def ready(self) -> None:
        autodiscover_modules("jobs")
