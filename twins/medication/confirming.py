"""Whether a person has confirmed at their source how much of CYP2D6 an inhibitor leaves, and who."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.db import transaction

from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.jobs.services import publish
from twins.models import MultiplierConfirmation
from twins.science.pgx import Conversions, shipped_conversions

RIGHT: Final = "manage_medication_rules"
#: What is made of the rules is to be looked at anew.
CHANGED: Final = "medication_rules.changed"


class AlreadySo(Exception):
    """Somebody has said the same meanwhile."""


def conversions() -> Conversions:
    """What is known of inhibitors, with who confirmed the multipliers of exactly these data here. One query."""
    shipped = shipped_conversions()
    newest = newest_of(shipped)
    if newest is None:
        return shipped
    said = {"by": str(newest.by), "on": newest.at.date().isoformat(), "source": newest.reason}
    return replace(shipped, confirmed=said if newest.confirmed else None)


def newest_of(known: Conversions) -> MultiplierConfirmation | None:
    """The decision that holds of these data; ``None`` where there was none."""
    rows = MultiplierConfirmation.objects.filter(data_version=known.version, sha256=known.sha256)
    return rows.select_related("by").first()


def say(*, confirmed: bool, reason: str, by: User) -> MultiplierConfirmation:
    """Confirm the multipliers of the data that are here, or take that back.

    Raises
    ------
    AlreadySo
    """
    shipped = shipped_conversions()
    with transaction.atomic():
        newest = newest_of(shipped)
        if confirmed == (newest is not None and newest.confirmed):
            raise AlreadySo
        row = MultiplierConfirmation.objects.create(
            data_version=shipped.version, sha256=shipped.sha256, confirmed=confirmed, reason=reason, by=by
        )
        publish(CHANGED, actor=by.pk)
    note_object(EventType.CREATION, "twins.MultiplierConfirmation", row.pk)
    return row
