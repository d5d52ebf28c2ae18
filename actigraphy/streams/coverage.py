"""Which days a patient's data cover, and why the others are empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import TruncDate

from actigraphy.catalogue import DeviceStatus
from actigraphy.models import PointReading, Sync
from novamind import clock
from novamind.accounts.models import DeviceToken
from novamind.audit.recording import aggregates
from patients.models import Patient

#: A day that is covered less than this has its reason shown.
ENOUGH: Final = 0.5


class GapReason(models.TextChoices):
    """Why a day has no data, or few."""

    STUDY_ENDED = "study_ended", "the device was ended"
    PERMISSION = "permission", "permission withdrawn on the device"
    BATTERY = "battery", "battery empty"
    OFF_WRIST = "off_wrist", "not worn"
    NO_SYNC = "no_sync", "nothing received since"
    UNKNOWN = "unknown", "received, but little or nothing of this kind"


@dataclass(frozen=True)
class Facts:
    """What is known of the sources of a patient, for telling why a day is empty.

    ``states``: (moment, state) by source, of each state the newest of each local day. ``received``: when each source's
    newest batch came. ``ended``: when the last way in of whoever sent for a source was closed.
    """

    states: dict[UUID, list[tuple[datetime, str]]]
    received: dict[UUID, datetime]
    ended: dict[UUID, datetime]


def facts_of(patient: Patient) -> Facts:
    """Three queries, grouped by the database; the caller has the patient on record and their consent."""
    states: dict[UUID, list[tuple[datetime, str]]] = {}
    received: dict[UUID, datetime] = {}
    senders: dict[UUID, set[UUID]] = {}
    with aggregates():
        for source, state, at in _newest_states(patient):
            states.setdefault(source, []).append((at, state))
        for sources, sent_by, at in _newest_by_senders(patient):
            for source in map(UUID, sources):
                received[source] = max(at, received.get(source, at))
                senders.setdefault(source, set()).add(sent_by)
    return Facts(states, received, ended_of(senders))


def _newest_states(patient: Patient) -> Any:
    """(source, state, when last on that local day): what a day's reason is told from, however often it was said."""
    said = PointReading.objects.filter(patient=patient, data_type="device_status").order_by()
    groups = said.values("source", state=KT("values__state"), day=TruncDate("at", tzinfo=patient.tz))
    return groups.annotate(newest=models.Max("at")).values_list("source", "state", "newest")


def _newest_by_senders(patient: Patient) -> Any:
    """(sources, who sent, when last): a row for those who send together, however often they have sent."""
    groups = Sync.objects.filter(patient=patient).order_by().values_list("sources", "sent_by")
    return groups.annotate(newest=models.Max("created_at"))


def ended_of(senders: dict[UUID, set[UUID]]) -> dict[UUID, datetime]:
    """When each source's devices were ended; absent where one still may send, or where people send for it."""
    tokens: dict[UUID, list[DeviceToken]] = {}
    for token in DeviceToken.objects.filter(user__in={one for them in senders.values() for one in them}):
        tokens.setdefault(token.user_id, []).append(token)
    found = {}
    for source, them in senders.items():
        ends = [_end_of(token) for one in them for token in tokens.get(one, ())]
        if ends and all(one in tokens for one in them) and max(ends) <= clock.now():
            found[source] = max(ends)
    return found


def _end_of(token: DeviceToken) -> datetime:
    return min(token.revoked_at or token.expires_at, token.expires_at)


def reason_for(
    sources: Iterable[UUID], facts: Facts, start: datetime, end: datetime, *, measured: datetime | None
) -> GapReason:
    """Why the day [start, end) is empty of what these sources measure: the most certain reason first.

    ``measured`` is when they last measured it before that day: what a device said of itself earlier was over by then.
    """
    them = list(sources)
    if them and all(source in facts.ended and facts.ended[source] <= start for source in them):
        return GapReason.STUDY_ENDED
    states = sorted(
        (at, state)
        for source in them
        for at, state in facts.states.get(source, ())
        if at < end and (measured is None or at >= measured)
    )
    if _newest(states, DeviceStatus.PERMISSION_WITHDRAWN, DeviceStatus.PERMISSION_GIVEN):
        return GapReason.PERMISSION
    if any(at >= start for at, state in states if state == DeviceStatus.BATTERY_EMPTY) or (
        states and states[-1][1] == DeviceStatus.BATTERY_EMPTY
    ):
        return GapReason.BATTERY
    if _newest(states, DeviceStatus.OFF_WRIST, DeviceStatus.WORN):
        return GapReason.OFF_WRIST
    if not any(facts.received.get(source, start) >= end for source in them):
        return GapReason.NO_SYNC
    return GapReason.UNKNOWN


def _newest(states: list[tuple[datetime, str]], this: str, other: str) -> bool:
    """Whether of the two states the newest one is ``this``."""
    found = [state for _, state in states if state in (this, other)]
    return bool(found) and found[-1] == this
