"""The worklist, and the Brief of one patient."""

from django.urls import path

from insights import views

app_name = "insights"

urlpatterns = [
    path("worklist/", views.worklist, name="worklist"),
    path("patients/<uuid:patient_id>/brief/", views.brief, name="brief"),
    path("patients/<uuid:patient_id>/brief/<uuid:insight_id>/", views.judge, name="judge"),
]
