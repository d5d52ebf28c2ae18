"""The forms of signing in: address and password, then a code or a passkey."""

from __future__ import annotations

import re
from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError

TOO_MANY_ATTEMPTS = "Too many attempts. Try again in 15 minutes."
WRONG_CODE = "This code is wrong or was used. Wait for the next one."


class SignInForm(AuthenticationForm):
    """Address and password; one message for every failure, whether or not there is such an account."""

    username = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username webauthn"})
    )
    error_messages = {
        "invalid_login": "The e-mail address or the password is wrong.",
        "inactive": "The e-mail address or the password is wrong.",
    }

    def get_invalid_login_error(self) -> ValidationError:
        if getattr(self.request, "too_many_attempts", False):
            return ValidationError(TOO_MANY_ATTEMPTS, code="too_many_attempts")
        return super().get_invalid_login_error()


def code_field() -> forms.CharField:
    """Six digits of the app, or a recovery code."""
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
    return forms.CharField(label="Code", max_length=20, widget=forms.TextInput(attrs=attributes))


def checked_code(user: Any, code: str) -> Any:
    """The authenticator the code is of; too many wrong ones, and none is looked at."""
    request = context.request
    known = authenticate(request, second_factor_of=user, code=code)
    if known is None:
        too_many = getattr(request, "too_many_attempts", False)
        raise ValidationError(TOO_MANY_ATTEMPTS if too_many else WRONG_CODE, code="wrong_code")
    return known


class CodeForm(AuthenticateForm):
    """The second step of signing in."""

    code = code_field()

    def clean_code(self) -> str:
        self.authenticator = checked_code(self.user, self.cleaned_data["code"])
        return self.cleaned_data["code"]


class CodeAgainForm(ReauthenticateForm):
    """Before what reveals or gives away much."""

    code = code_field()

    def clean_code(self) -> str:
        self.authenticator = checked_code(self.user, self.cleaned_data["code"])
        return self.cleaned_data["code"]


class SetUpAppForm(ActivateTOTPForm):
    """Shows that the app has the secret."""

    code = code_field()

    def clean_code(self) -> str:
        if not validate_totp_code(self.secret, "".join(self.cleaned_data["code"].split())):
            raise ValidationError(WRONG_CODE, code="wrong_code")
        return self.cleaned_data["code"]


class OwnPasswordForm(PasswordChangeForm):
    """A new password of one's own; guesses at the old one count and are on record like those of a sign-in."""

    def clean_old_password(self) -> str:
        request, given = context.request, self.cleaned_data["old_password"]
        if authenticate(request, username=self.user.email, password=given) is None:
            too_many = getattr(request, "too_many_attempts", False)
            said = TOO_MANY_ATTEMPTS if too_many else self.error_messages["password_incorrect"]
            raise ValidationError(said, code="password_incorrect")
        return given


class OwnPhoneForm(forms.Form):
    """The number to which one's alerts are sent as text messages; empty: by e-mail alone."""

    phone = forms.CharField(
        label="Mobile number",
        required=False,
        max_length=24,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        help_text="with the country's code: +47 …; empty: by e-mail alone",
    )

    def clean_phone(self) -> str:
        number = re.sub(r"[\s().-]", "", self.cleaned_data["phone"])
        if number and not re.fullmatch(r"\+[1-9]\d{6,14}", number, re.ASCII):
            raise ValidationError("A number begins with + and the country's code, and has 7 to 15 digits.")
        return number


class AddPasskeyForm(AddWebAuthnForm):
    """A name to tell passkeys apart; each of ours asks for a fingerprint, a face or a PIN."""

    name = forms.CharField(label="Name", max_length=60, required=False, help_text="For example: work laptop")
    passwordless = forms.BooleanField(
        label="Sign in with it alone",
        required=False,
        initial=True,
        help_text="Without typing address and password: the passkey and the fingerprint, face or PIN that opens it.",
    )
