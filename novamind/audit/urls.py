"""The audit page, under ``/audit/``."""

from django.urls import path

from novamind.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.event_list, name="list"),
    path("account/", views.account, name="account"),
    path("activity/", views.activity_page, name="activity"),
    path("activity/review/", views.review_activity, name="review-activity"),
    path("account/export/", views.export_account, name="export-account"),
]
