"""Where a person is reached: read at the moment a message leaves, kept nowhere here, logged nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from novamind import frame
from novamind.accounts.models import User
from novamind.delivery.models import Channel, Delivery


@dataclass(frozen=True, slots=True)
class Contact:
    """A person's addresses; ``zone`` is where quiet hours are counted. Nothing of it is printed by accident."""

    zone: str
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)

    def at(self, channel: str) -> str | None:
        """The address of a channel."""
        return self.email if channel == Channel.EMAIL else self.phone


class Unwanted(Exception):
    """The person is not to be sent this; the code says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def contact_of(delivery: Delivery) -> Contact | None:
    """Where the recipient is reached; ``None`` for somebody who has left or is unknown.

    Raises
    ------
    Unwanted
        The patient does not allow it now.
    """
    if delivery.user_id is not None:
        user = User.objects.filter(pk=delivery.user_id, is_active=True).first()
        return None if user is None else Contact(settings.CLINIC_TIME_ZONE, email=user.email, phone=user.phone)
    return patient_contact(delivery.patient_id, delivery.template)


def patient_contact(patient_id: UUID, template: str) -> Contact | None:
    """Asks the app that knows patients (``patient_contact`` on its AppConfig)."""
    for name in frame.patient_contacts():
        if (found := import_string(name)(patient_id, template)) is not None:
            return found
    return None
