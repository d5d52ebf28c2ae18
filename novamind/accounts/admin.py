"""Accounts in Django admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group, Permission

from novamind.accounts.models import User
from novamind.admin import ManagedAdmin, ReadOnlyAdmin, refused_if_sent

admin.site.unregister(Group)


class UserCreationForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "display_name")


@admin.register(User)
class UserAdmin(ManagedAdmin, DjangoUserAdmin):
    """Accounts: roles, activity; a leaver is made inactive, never deleted."""

    add_form = UserCreationForm
    list_display = ["email", "display_name", "role_names", "is_active", "last_login"]
    list_filter = ["is_active", "groups"]
    search_fields = ["email", "display_name"]
    ordering = ["email"]
    filter_horizontal = ["groups"]
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "password", "display_name"]}),
        ("May", {"fields": ["is_active", "is_staff", "groups"]}),
        ("Dates", {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["email", "display_name", "usable_password", "password1", "password2"]})
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="roles")
    def role_names(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def user_change_password(self, request, id, form_url=""):
        response = super().user_change_password(request, id, form_url)
        return response if response.status_code == 302 else refused_if_sent(request, response)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """Roles; what each may do stands in code (docs/roles.md)."""

    search_fields = ["name"]
    fields = ["name"]


@admin.register(Permission)
class PermissionAdmin(ReadOnlyAdmin):
    """Django's own permissions; only ``patients.view_patient`` is used, by grants."""

    list_display = ["codename", "name", "content_type"]
    list_select_related = ["content_type"]
    search_fields = ["codename", "name"]
