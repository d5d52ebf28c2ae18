"""Accounts in Django admin."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, OuterRef

from novamind.accounts.ending import end_access, reset_second_factor
from novamind.accounts.managed import ManagedAdmin, asks_for_second_factor
from novamind.accounts.models import DeviceToken, SignIn, TokenFamily, User
from novamind.accounts.second_factor import PRIMARY
from novamind.admin import ReadOnlyAdmin, refused_if_sent

# What django-allauth brings: addresses are on the account, and an identity provider is a setting, not a row.
for model in (Group, Authenticator, EmailAddress, SocialApp, SocialToken, SocialAccount):
    admin.site.unregister(model)


SET_UP = Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=PRIMARY))


class UserCreationForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "display_name")


class UserChangeForm(DjangoUserChangeForm):
    """An account, and one thing to do to it."""

    reset_second_factor = forms.BooleanField(
        label="Reset the second factor",
        required=False,
        help_text="For a lost phone: signs the person out everywhere; the next sign-in sets up a new one.",
    )

    class Meta(DjangoUserChangeForm.Meta):
        model = User


@admin.register(User)
class UserAdmin(ManagedAdmin, DjangoUserAdmin):
    """Accounts: roles, activity; a leaver is made inactive, never deleted."""

    form = UserChangeForm
    add_form = UserCreationForm
    list_display = ["email", "display_name", "role_names", "is_active", "second_factor", "last_login"]
    list_filter = ["is_active", "groups"]
    search_fields = ["email", "display_name"]
    ordering = ["email"]
    filter_horizontal = ["groups"]
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "password", "display_name"]}),
        ("May", {"fields": ["is_active", "is_staff", "groups"]}),
        ("Second factor", {"fields": ["reset_second_factor"]}),
        ("Dates", {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["email", "display_name", "usable_password", "password1", "password2"]})
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups").annotate(has_second_factor=SET_UP)

    @admin.display(description="roles")
    def role_names(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    @admin.display(description="second factor", boolean=True)
    def second_factor(self, user: User) -> bool:
        return user.has_second_factor

    def save_model(self, request, obj, form, change) -> None:
        """An account made inactive loses every way in, at once and for good."""
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            end_access(obj)
        if change and form.cleaned_data.get("reset_second_factor"):
            reset_second_factor(obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @asks_for_second_factor
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


@admin.register(SocialAccount)
class SignOnAdmin(ManagedAdmin):
    """Which subject of which identity provider is which account."""

    list_display = ["user", "provider", "uid", "date_joined"]
    list_select_related = ["user"]
    search_fields = ["user__email", "uid"]
    fields = ["user", "provider", "uid"]
    autocomplete_fields = ["user"]


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    """Who is signed in with a browser."""

    list_display = ["user", "started_at", "last_active_at", "ended_at", "browser"]
    list_select_related = ["user"]
    search_fields = ["user__email"]


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnlyAdmin):
    """Who is signed in through the API."""

    list_display = ["user", "started_at", "ended_at", "ended_because"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    exclude = ["password_mark"]


@admin.register(DeviceToken)
class DeviceTokenAdmin(ReadOnlyAdmin):
    """Tokens of devices; never the token."""

    list_display = ["user", "scope", "created_at", "expires_at", "revoked_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    exclude = ["digest"]
