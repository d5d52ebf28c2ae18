"""The sign-in form."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

TOO_MANY_ATTEMPTS = "Too many attempts. Try again in 15 minutes."


class SignInForm(AuthenticationForm):
    """Address and password; one message for every failure, whether or not there is such an account."""

    username = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": "The e-mail address or the password is wrong.",
        "inactive": "The e-mail address or the password is wrong.",
    }

    def get_invalid_login_error(self) -> ValidationError:
        if getattr(self.request, "too_many_attempts", False):
            return ValidationError(TOO_MANY_ATTEMPTS, code="too_many_attempts")
        return super().get_invalid_login_error()
