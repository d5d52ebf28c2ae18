"""The worklist, the alert rules, the Brief and the notes of one patient."""

from django.urls import include, path

from insights import research_views as research
from insights import views
from insights.alerting import views as rules
from insights.own_charts import views as charts

app_name = "insights"

urlpatterns = [
    path("rules/", rules.rules, name="rules"),
    path("rules/new/", rules.new_rule, name="new-rule"),
    path("rules/<uuid:rule_id>/", rules.change_rule, name="change-rule"),
    path("rules/<uuid:rule_id>/stop/", rules.stop, name="stop-rule"),
    path("rules/trials/<uuid:trial_id>/", rules.trial, name="rule-trial"),
    path("patients/<uuid:patient_id>/rules/new/", rules.new_patient_rule, name="new-patient-rule"),
    path("worklist/", views.worklist, name="worklist"),
    path("clinic/", views.clinic, name="clinic"),
    path("research-exports/", research.research_exports, name="research-exports"),
    path("research-exports/new/", research.new_research_export, name="new-research-export"),
    path("research-exports/<uuid:export_id>/file/", research.research_export_file, name="research-export-file"),
    path("cohort/", views.cohort, name="cohort"),
    path("cohort/csv/", views.cohort_csv, name="cohort-csv"),
    path("cohort/views/", views.keep_view, name="save-view"),
    path("cohort/views/<uuid:view_id>/forget/", views.drop_view, name="forget-view"),
    path("patients/<uuid:patient_id>/brief/", views.brief, name="brief"),
    path("patients/<uuid:patient_id>/brief/report/", views.brief_report, name="brief-report"),
    path("patients/<uuid:patient_id>/brief/report/pdf/", views.take_out, {"what": "pdf"}, name="brief-pdf"),
    path("patients/<uuid:patient_id>/brief/report/csv/", views.take_out, {"what": "csv"}, name="brief-csv"),
    path("patients/<uuid:patient_id>/brief/shared/", views.shared, name="shared"),
    path("patients/<uuid:patient_id>/brief/shared/pdf/", views.take_out, {"what": "shared"}, name="shared-pdf"),
    path("patients/<uuid:patient_id>/brief/<uuid:insight_id>/", views.judge, name="judge"),
    path("charts/", charts.own_charts, name="own-charts"),
    path("charts/<uuid:chart_id>/rename/", charts.rename, name="rename-chart"),
    path("charts/<uuid:chart_id>/delete/", charts.delete, name="delete-chart"),
    path("patients/<uuid:patient_id>/charts/", charts.patient_chart, name="patient-chart"),
    path("patients/<uuid:patient_id>/timeline/", views.timeline, name="timeline"),
    path("", include("insights.notes.urls")),
]
