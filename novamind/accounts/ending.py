"""Ending somebody's access: one action, and every way in is shut."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from novamind.accounts.models import DeviceToken, SignIn, TokenFamily, UsedCode, User
from novamind.clock import now

#: Where the addresses of accounts lead whose owner is not to be known any more (RFC 2606).
NOBODY = "disposed.invalid"


@transaction.atomic
def end_access(user: User) -> None:
    """Make the account inactive and end its sign-ins, token families and device tokens; none comes back with it.

    Each is asked for at every request, so the next one of any kind is refused.
    """
    user.is_active = False
    user.save(update_fields=["is_active"])
    sign_out_everywhere(user)


@transaction.atomic
def forget_person(user: User) -> None:
    """End the account and leave nothing in it that says whose it was; the row stays, so that its id is used once."""
    end_access(user)
    for model in (Authenticator, SocialAccount, EmailAddress, UsedCode):
        model.objects.filter(user=user).delete()
    user.email, user.display_name, user.phone = f"{user.pk}@{NOBODY}", "", None
    user.set_unusable_password()
    user.save()


def sign_out_everywhere(user: User) -> None:
    """End every sign-in and token, those that an identity provider signed among them; the account stays open."""
    user.signed_out_at = now()
    user.save(update_fields=["signed_out_at"])
    SignIn.objects.filter(user=user).end()
    TokenFamily.objects.filter(user=user).end(TokenFamily.Because.TERMINATED)
    DeviceToken.objects.filter(user=user).revoke()


@transaction.atomic
def reset_second_factor(user: User) -> None:
    """For somebody who lost it: the next sign-in sets up a new one."""
    Authenticator.objects.filter(user=user).delete()
    sign_out_everywhere(user)
