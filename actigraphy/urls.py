"""Pages of one patient's recordings, under ``/patients/<uuid>/actigraphy/``."""

from django.urls import path

from actigraphy import views

app_name = "actigraphy"
urlpatterns = [
    path("", views.patient, name="patient"),
    path("upload/", views.upload, name="upload"),
    path("recordings/<uuid:recording_id>/status/", views.status, name="status"),
]
