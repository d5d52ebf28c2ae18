"""Pages of one patient's recordings, under ``/patients/<uuid>/actigraphy/``."""

from django.urls import path

from actigraphy import views

app_name = "actigraphy"
urlpatterns = [
    path("", views.patient, name="patient"),
    path("report/", views.report, name="report"),
    path("report/pdf/", views.take_out, {"form": "pdf"}, name="report-pdf"),
    path("report/csv/", views.take_out, {"form": "csv"}, name="report-csv"),
    path("upload/", views.upload, name="upload"),
    path("recordings/<uuid:recording_id>/status/", views.status, name="status"),
]
