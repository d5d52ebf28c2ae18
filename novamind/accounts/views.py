"""Signing in and out, and the page of one's own account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.base.views import IndexView
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_POST

from novamind.accounts.forms import OwnPasswordForm, OwnPhoneForm, SignInForm
from novamind.accounts.models import SignIn
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor, is_required_of
from novamind.accounts.sessions import sign_in_of


class SignInView(LoginView):
    """The first step of signing in; who is signed in goes at once where they wanted to go."""

    template_name = "account/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_redirect_url(self) -> str:
        """Never back to this page: that would go round for ever."""
        wanted = super().get_redirect_url()
        return "" if urlsplit(wanted).path == self.request.path else wanted

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(providers=settings.OIDC_PROVIDERS, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """On to the second factor, or in, for a patient who has none."""
        user = form.get_user()
        login = Login(user=user, email_verification="none", redirect_url=self.get_redirect_url() or None)
        return perform_password_login(self.request, {}, login)  # an address here would be kept in the session

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, code="too_many_attempts"):
            response.status_code = 429
        return response


class OwnAccountView(IndexView):
    """Second factor, password, and where else one is signed in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        return super().get_context_data(
            sign_ins=SignIn.objects.alive().filter(user=user),
            this_sign_in=sign_in_of(self.request),
            must_set_up=is_required_of(user),
            providers=settings.OIDC_PROVIDERS,
            zone=settings.CLINIC_TIME_ZONE,
            answers_alerts=user.may("answer_alerts"),  # type: ignore[union-attr]
            **kwargs,
        )


class OwnPasswordView(PasswordChangeView):
    """A new password; every other sign-in of this person ends."""

    template_name = "account/password_change.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        user = self.request.user
        SignIn.objects.filter(user=user).exclude(pk=sign_in_of(self.request)).end()
        LogEntry.objects.log_actions(user.pk, [user], CHANGE, "Own password.", single_object=True)  # type: ignore[arg-type]
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


own_password = fresh_second_factor(OwnPasswordView.as_view())


@require_http_methods(["GET", "POST"])
@requires("answer_alerts")
@fresh_second_factor
def own_phone(request: HttpRequest) -> HttpResponse:
    """Where one's alerts go as text messages. The number is nobody's but its owner's word: the page says so."""
    user: Any = request.user
    form = OwnPhoneForm(request.POST if request.method == "POST" else None, initial={"phone": user.phone})
    if form.is_bound and form.is_valid():
        user.phone = form.cleaned_data["phone"] or None
        user.save(update_fields=["phone"])
        LogEntry.objects.log_actions(user.pk, [user], CHANGE, "Own phone number.", single_object=True)
        return redirect("mfa_index")
    return render(request, "account/phone.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
def end_other_sign_ins(request: HttpRequest) -> HttpResponse:
    """Sign this person out everywhere but here."""
    SignIn.objects.filter(user=request.user).exclude(pk=sign_in_of(request)).end()
    return redirect("mfa_index")
