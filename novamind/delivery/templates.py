"""The words that leave. A message says that something waits and where, never what and never about whom.

It is read on locked screens, by families and by providers of mail: so a text takes the address of the site and nothing
else, whoever calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Template:
    """A text with the one variable ``{site}``; ``urgent``: also in quiet hours. ``of_alert``: it must arrive."""

    subject: str
    text: str
    urgent: bool = False
    of_alert: bool = False


TEMPLATES: Final = MappingProxyType(
    {
        "reminder": Template(
            "Something waits for you",
            "Something waits for you. It takes a few minutes: {site}\n",
        ),
        "appointment": Template(
            "You have an appointment soon",
            "You have an appointment soon. If you are not sure when, sign in and ask: {site}\n",
        ),
        "message": Template(
            "You have a message",
            "You have a message. Sign in to read it: {site}\n",
        ),
        "alert": Template(
            "Your attention is needed",
            "Somebody needs your attention now. Sign in and look under Alerts: {site}\n",
            urgent=True,
            of_alert=True,
        ),
        "alert_escalated": Template(
            "Still not answered or done",
            "Something that needs you now is not answered or done yet. Sign in and look under Alerts: {site}\n",
            urgent=True,
            of_alert=True,
        ),
        "alert_unanswerable": Template(
            "An alert has nobody to answer it",
            "An alert needs somebody now, and nobody may answer it. Sign in and look under Compliance: {site}\n",
            urgent=True,
            of_alert=True,
        ),
        "emergency_access": Template(
            "Emergency access waits for your review",
            "Somebody has opened a record by emergency access. Sign in and look under Emergency reviews: {site}\n",
        ),
        "notice": Template(
            "Something waits under Alerts",
            "Something waits for you that can wait until you are at work. Sign in and look under Alerts: {site}\n",
            of_alert=True,
        ),
        "notice_held": Template(
            "More waited under Alerts yesterday",
            "Yesterday more came than you are told of in a day. Sign in and look under Alerts: {site}\n",
            of_alert=True,
        ),
        "notice_unanswerable": Template(
            "An alert has nobody to answer it",
            "An alert waits that is not urgent, and nobody may answer it. Sign in and look under Compliance: {site}\n",
            of_alert=True,
        ),
    }
)


def text_of(name: str) -> str:
    """The text of a template, as it leaves; ``KeyError`` where there is no such template."""
    return TEMPLATES[name].text.format(site=settings.SITE_URL)
