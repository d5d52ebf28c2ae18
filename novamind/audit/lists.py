"""Django admin's list of patients' records, as the audit trail wants it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from novamind.admin import ReadOnlyAdmin
from novamind.audit.recording import aggregates


class RecordedList(ReadOnlyAdmin):
    """Its list counts and offers filters, which are nobody's record; the rows on it note whose they are."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        with aggregates():
            response = super().changelist_view(request, extra_context)
            # Now, and not after this block: the page asks for its rows while it is written.
            return response.render() if hasattr(response, "render") else response
