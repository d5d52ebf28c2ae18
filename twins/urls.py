"""Pages of one patient's twin, under ``/patients/<uuid>/twin/``."""

from django.urls import path

from twins import views
from twins.medication import views as medication_views
from twins.response import views as response_views
from twins.whatif import views as what_if_views

app_name = "twins"

urlpatterns = [
    path("", views.twin, name="twin"),
    path("create/", views.create, name="create"),
    path("refresh/", views.refresh, name="refresh"),
    path("what-if/", what_if_views.what_if, name="what-if"),
    path("medication/", medication_views.medication, name="medication"),
    path("medication/report/", medication_views.genes, name="genes"),
    path("medication/report/pdf/", medication_views.take_out, {"form": "pdf"}, name="genes-pdf"),
    path("medication/report/csv/", medication_views.take_out, {"form": "csv"}, name="genes-csv"),
    path("medication/starts/", medication_views.starts, name="medication-starts"),
    path("medication/axis/", medication_views.axis, name="medication-axis"),
    path("medication/response/", response_views.compute, name="medication-response"),
]
