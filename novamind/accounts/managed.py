"""Pages of Django admin that change accounts and teams."""

from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from novamind.accounts.second_factor import ask_for_it, is_fresh
from novamind.admin import Page, refused_if_sent


def asks_for_second_factor(page: Any) -> Any:
    """A method of an admin page that gives away much: a fresh second factor comes first."""

    @wraps(page)
    def checked(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.has_view_permission(request) and not is_fresh(request):
            return ask_for_it(request)
        return page(self, request, *args, **kwargs)

    return checked


class ManagedAdmin(Page):
    """A page to work on, for whoever may manage accounts and teams and has shown the second factor moments ago.

    What is done here the audit row names (``novamind.audit.receivers.note_administered``), so things are deleted one at
    a time.
    """

    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.may("manage_accounts")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.may("manage_accounts")

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    changeform_view = asks_for_second_factor(admin.ModelAdmin.changeform_view)
    delete_view = asks_for_second_factor(admin.ModelAdmin.delete_view)

    def render_change_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return refused_if_sent(request, super().render_change_form(request, *args, **kwargs))

    def render_delete_form(self, request: HttpRequest, context: Any) -> HttpResponse:
        return refused_if_sent(request, super().render_delete_form(request, context))
