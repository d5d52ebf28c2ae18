"""Models in use, under ``/models/``."""

from django.urls import path

from novamind.registry import views

app_name = "models"
urlpatterns = [
    path("", views.list_page, name="list"),
    path("<uuid:version_id>/", views.version_page, name="version"),
    path("<uuid:version_id>/move/", views.move_page, name="move"),
]
