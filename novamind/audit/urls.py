"""The audit page, under ``/audit/``."""

from django.urls import path

from novamind.audit import views

app_name = "audit"
urlpatterns = [path("", views.event_list, name="list")]
