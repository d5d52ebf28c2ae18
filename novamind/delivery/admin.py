"""Deliveries in Django admin: to be looked at, without their recipients; one acts on the page of deliveries."""

from django.contrib import admin

from novamind.admin import ReadOnlyAdmin
from novamind.delivery.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["short_id", "channel", "template", "state", "attempts", "due_at", "sent_at"]
    list_filter = ["state", "channel", "template"]
    search_fields = ["=id"]
    fields = ["id", "channel", "template", "about_label", "state", "attempts", "due_at", "expires_at", "sent_at", "log"]
    show_full_result_count = False

    @admin.display(description="delivery")
    def short_id(self, delivery: Delivery) -> str:
        return str(delivery)
