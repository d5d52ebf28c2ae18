"""Attempts in Django admin, to be read."""

from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.throttle.models import Attempts


@admin.register(Attempts)
class AttemptsAdmin(ReadOnlyAdmin):
    """Who is being tried, without saying who: keys are digests."""

    list_display = ["since", "kind", "count"]
    list_filter = ["kind"]
    search_fields = ["=key"]
    show_full_result_count = False
