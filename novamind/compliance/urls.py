"""Compliance, under ``/compliance/``."""

from django.urls import path

from novamind.compliance import views

app_name = "compliance"
urlpatterns = [
    path("", views.list_page, name="list"),
    path("run/", views.run, name="run"),
    path("findings/<uuid:finding_id>/acknowledge/", views.acknowledge_finding, name="acknowledge"),
    path("incidents/", views.incident_list, name="incidents"),
    path("incidents/new/", views.new_incident, name="new-incident"),
    path("incidents/<uuid:incident_id>/", views.incident, name="incident"),
]
