"""Django admin, in order: who may open it and the two kinds of page it has."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
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
        from django.core.exceptions import PermissionDenied

        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied("use_admin")
        return redirect_to_login(request.GET.get("next", reverse("admin:index")))


class ReadOnlyAdmin(admin.ModelAdmin):
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


class ManagedAdmin(admin.ModelAdmin):
    """A page to work on, for whoever may manage accounts and teams."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.may("manage_accounts")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.may("manage_accounts")

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission
