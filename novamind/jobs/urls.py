"""Pages about work, under ``/jobs/``."""

from django.urls import path

from novamind.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.list_page, name="list"),
    path("<uuid:job_id>/retry/", views.retry, name="retry"),
    path("alerts/<uuid:alert_id>/acknowledge/", views.acknowledge, name="acknowledge"),
]
