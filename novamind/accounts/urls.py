"""Signing in and one's own account, under ``/accounts/``; the names are django-allauth's, which looks them up."""

from allauth.account.views import account_inactive, reauthenticate
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as social
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from novamind.accounts import sign_on, views

for again in (reauthenticate, mfa.reauthenticate, passkeys.reauthenticate_webauthn):
    # A code that was taken stays taken, whatever the answer is: it may be that of a request which waited for the code.
    again.own_transaction = True

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("logout/", LogoutView.as_view(), name="account_logout"),
    path("inactive/", account_inactive, name="account_inactive"),
    path("password/", views.own_password, name="account_change_password"),
    path("confirm/", reauthenticate, name="account_reauthenticate"),
    path("code/", mfa.authenticate, name="mfa_authenticate"),
    path("passkey/", login_not_required(passkeys.login_webauthn), name="mfa_login_webauthn"),
    path("confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("confirm/passkey/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("security/", views.OwnAccountView.as_view(), name="mfa_index"),
    path("security/phone/", views.own_phone, name="own_phone"),
    path("security/end-others/", views.end_other_sign_ins, name="end_other_sign_ins"),
    path("security/app/", totp.activate_totp, name="mfa_activate_totp"),
    path("security/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("security/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("security/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("security/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("security/passkeys/new/", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path("security/passkeys/<int:pk>/remove/", passkeys.remove_webauthn, name="mfa_remove_webauthn"),
    path("security/passkeys/<int:pk>/name/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    path("sso/", social.connections, name="socialaccount_connections"),
    path("sso/failed/", login_not_required(social.login_error), name="socialaccount_login_error"),
    path("sso/cancelled/", login_not_required(social.login_cancelled), name="socialaccount_login_cancelled"),
    path("sso/<slug:provider_id>/", sign_on.begin, name="openid_connect_login"),
    path("sso/<slug:provider_id>/callback/", sign_on.come_back, name="openid_connect_callback"),
]
