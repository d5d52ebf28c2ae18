"""The clinic's own part of the rules about drugs, under ``/medication-rules/``."""

from django.urls import path

from twins.medication import rule_views

app_name = "medication-rules"
urlpatterns = [
    path("", rule_views.rules_page, name="list"),
    path("new/", rule_views.new_rule, name="new"),
    path("<uuid:own_rule_id>/", rule_views.change_rule, name="change"),
    path("multipliers/", rule_views.multipliers, name="multipliers"),
]
