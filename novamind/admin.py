"""Django admin, in order: who may open it, and pages to look at (those to work on: novamind.accounts.managed)."""

import re
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


class NovamindAdminSite(admin.AdminSite):
    """For whoever has the right ``use_admin``; signs in through the same page as everybody."""

    site_header = "Novamind administration"
    site_title = "Novamind"
    index_title = "Administration"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_authenticated and user.may("use_admin")

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied("use_admin")
        return redirect_to_login(request.GET.get("next", reverse("admin:index")))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """One's own password: logged as a change of the account, which Django leaves out."""
        response = super().password_change(request, extra_context)
        if response.status_code != 302:
            return refused_if_sent(request, response)
        from django.contrib.admin.models import CHANGE, LogEntry

        LogEntry.objects.log_actions(request.user.pk, [request.user], CHANGE, "Own password.", single_object=True)
        return response

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """For the fields that our pages complete. Django completes any relation of any model that has a page."""
        parts = [part for page in self._registry.values() for part in (page, *page.inlines)]
        offered = {(part.model._meta.app_label, part.model._meta.model_name, name)
                   for part in parts for name in part.autocomplete_fields}  # fmt: skip
        if tuple(request.GET.get(name) for name in ("app_label", "model_name", "field_name")) not in offered:
            raise PermissionDenied("autocomplete")
        return super().autocomplete_view(request)


class Page(admin.ModelAdmin):
    """A list takes from its address the filters it offers, and no others.

    Django takes any lookup on any field of the model, and many of them end in an error of the database.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if "\x00" in value or not super().lookup_allowed(lookup, value, request):
            return False
        if self.date_hierarchy and lookup.startswith(f"{self.date_hierarchy}__"):
            return _is_part_of_a_date(lookup.removeprefix(f"{self.date_hierarchy}__"), value)
        return re.sub(r"(__id)?__exact$|__isnull$", "", lookup) in self.list_filter

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """As ever; autocompletion, unlike a list, does not look for NUL, which PostgreSQL refuses."""
        return super().get_search_results(request, queryset, search_term.replace("\x00", ""))


def _is_part_of_a_date(part: str, value: str) -> bool:
    limits = {"year": (1900, 2200), "month": (1, 12), "day": (1, 31)}
    low, high = limits.get(part, (1, 0))
    return bool(re.fullmatch(r"\d{1,4}", value, re.ASCII)) and low <= int(value) <= high


class ReadOnlyAdmin(Page):
    """A page to look at: what it shows is written elsewhere, or never changes."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.may("use_admin")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def refused_if_sent(request: HttpRequest, form: HttpResponse) -> HttpResponse:
    """A form that comes back changed nothing. Django says 200, and the trail would call it done."""
    if request.method == "POST":
        form.status_code = 422
    return form
