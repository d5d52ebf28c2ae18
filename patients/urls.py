"""Pages about people in care, under ``/patients/``."""

from django.urls import path

from patients import views

app_name = "patients"
urlpatterns = [
    path("", views.patient_list, name="list"),
    path("search/", views.search, name="search"),
    path("new/", views.new, name="new"),
    path("<uuid:patient_id>/", views.home, name="home"),
    path("<uuid:patient_id>/edit/", views.edit, name="edit"),
]
