"""Who carries a message: chosen by settings, one Protocol. Errors carry codes, never an address or an answer's text."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Protocol
from uuid import UUID

import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailCancelSend,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
)
from django.conf import settings
from django.core.mail import EmailMessage
from requests.exceptions import RequestException

from novamind.delivery.models import Channel
from novamind.delivery.templates import TEMPLATES, text_of

logger = logging.getLogger(__name__)
TIMEOUT_S: Final = 20
_TOO_MANY, _SERVER = 429, 500


class NotNow(Exception):
    """The provider cannot be reached or is busy: another try may help."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Refused(Exception):
    """The provider does not take it: another try cannot help."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Provider(Protocol):
    """Hands one message over; returns the provider's id of it, or raises :class:`NotNow` or :class:`Refused`."""

    def __call__(self, *, delivery_id: UUID, address: str, template: str) -> str: ...


def console(*, delivery_id: UUID, address: str, template: str) -> str:
    """Sends nothing: a line in the log says what would have left, without the address."""
    logger.info("delivery %s (%s) would have left now; no provider is configured", delivery_id, template)
    return ""


def email(*, delivery_id: UUID, address: str, template: str) -> str:
    """By the e-mail provider of django-anymail that is configured.

    No provider of it takes an idempotency key. The Message-ID is the delivery's own, so that of two copies a mailbox
    that looks at it keeps one.
    """
    message = EmailMessage(
        TEMPLATES[template].subject,
        text_of(template),
        settings.EMAIL_FROM,
        [address],
        headers={"Message-ID": f"<{delivery_id}@novamind>", "Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (AnymailRecipientsRefused, AnymailInvalidAddress):
        raise Refused("address_refused") from None
    except (AnymailCancelSend, AnymailAPIError, RequestException) as error:
        raise _by_status(getattr(error, "status_code", None)) from None
    except AnymailError:
        raise Refused("not_accepted") from None
    return str(message.anymail_status.message_id or "")


def twilio(*, delivery_id: UUID, address: str, template: str) -> str:
    """By Twilio's Messages resource, which takes no idempotency key."""
    sender = "MessagingServiceSid" if settings.TWILIO_FROM.startswith("MG") else "From"
    try:
        answer = requests.post(
            f"{settings.TWILIO_URL}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json",
            auth=(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN),
            data={"To": address, sender: settings.TWILIO_FROM, "Body": text_of(template)},
            timeout=TIMEOUT_S,
            allow_redirects=False,
        )
    except RequestException:
        raise NotNow("no_connection") from None
    if answer.status_code != 201:
        raise _by_status(answer.status_code)
    try:
        return str(answer.json()["sid"])
    except (ValueError, KeyError, TypeError):  # taken, all the same
        return ""


def _by_status(status: int | None) -> NotNow | Refused:
    if status is None:
        return NotNow("no_connection")
    if status == _TOO_MANY or status >= _SERVER:
        return NotNow(f"http_{status}")
    return Refused(f"http_{status}")


def provider_of(channel: str) -> tuple[str, Provider]:
    """The name and the function that carries this channel's messages."""
    name = settings.EMAIL_PROVIDER if channel == Channel.EMAIL else settings.SMS_PROVIDER
    if name == "console":
        return name, console
    return name, _CARRIERS[Channel(channel)]


_CARRIERS: Final = MappingProxyType[Channel, Callable[..., str]]({Channel.EMAIL: email, Channel.SMS: twilio})
