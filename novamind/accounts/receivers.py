"""What follows from events of django-allauth."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.socialaccount.models import SocialAccount
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from novamind.accounts.second_factor import PRIMARY


@receiver(authenticator_added)
def used_while_set_up(request: HttpRequest, user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    """Whoever just set a second factor up has shown it."""
    if authenticator.type in PRIMARY:
        facts = {"id": authenticator.pk, "type": authenticator.type, "reauthenticated": True}
        record_authentication(request, user, "mfa", **facts)


@receiver(pre_save, sender=SocialAccount)
def keep_no_profile(instance: SocialAccount, **kwargs: Any) -> None:
    """Issuer and subject are enough to know somebody by."""
    instance.extra_data = {}
