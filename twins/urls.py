"""Pages of one patient's twin, under ``/patients/<uuid>/twin/``."""

from django.urls import path

from twins import views
from twins.medication import views as medication_views

app_name = "twins"

urlpatterns = [
    path("", views.twin, name="twin"),
    path("create/", views.create, name="create"),
    path("refresh/", views.refresh, name="refresh"),
    path("medication/", medication_views.medication, name="medication"),
]
