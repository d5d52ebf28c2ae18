"""What a device has stopped measuring, whatever else still comes from it: somebody should ask before a week is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Subquery

from actigraphy.catalogue import CHANNEL_STREAMS, MOVEMENT, TYPE_OF_CHANNEL, TYPES, Form, label_of
from actigraphy.days import opened
from actigraphy.models import PointReading, Signal, SleepSession, Source, Sync
from actigraphy.streams.coverage import ended_of
from actigraphy.streams.stretches import sent_by
from novamind import clock, display
from novamind.audit.recording import aggregates
from novamind.clock import from_epoch
from patients import consent
from patients.alerts import raise_alert
from patients.models import Alert, AlertKind, AlertSeverity, ConsentPurpose, Patient

#: Nothing measured for so long, of what was measured within LONG_AGO.
SILENT_AFTER: Final = timedelta(days=2)
LONG_AGO: Final = timedelta(days=14)
SLEEP: Final = "sleep"
#: What comes without anybody's doing. A scale is silent until somebody steps on it, and naps are rare.
WATCHED: Final = {channel: CHANNEL_STREAMS[channel] for channel in TYPE_OF_CHANNEL} | {SLEEP: MOVEMENT}
_BY_HAND: Final = [kind.name for kind in TYPES.values() if kind.form is Form.POINT]


@dataclass(frozen=True)
class Silence:
    """What one source stopped measuring together: on one UTC day, or on days next to each other.

    ``last_on`` is the last of these days, ``None`` where nothing was ever measured; ``going_on`` is what still comes.
    """

    source: Source
    what: tuple[str, ...]
    last_on: date | None
    going_on: tuple[str, ...]

    @property
    def about(self) -> str:
        """What makes it the same silence, whatever else is sent and whatever falls silent later."""
        return f"silent:{self.source.pk}:{self.last_on or 'never'}:"

    @property
    def key(self) -> str:
        """The key of its alert, which says whose consent its words rest on."""
        return self.about + "+".join(sorted({WATCHED[one] for one in self.what} or {MOVEMENT}))


def raise_silent() -> int:
    """An alert for each silence that has none yet; how many were raised.

    Not for devices that were ended, files, or what the patient has withdrawn from treatment. For a job: it touches
    many charts. Each channel's newest day is looked up in its index, so the cost does not grow with what is kept;
    samples are opened of new silences alone.
    """
    senders, since = _recent_senders()
    ended = ended_of(senders)
    found = [one for one in _silences(senders, since) if one.source.pk not in ended]
    with aggregates():
        patients = {one.source.patient_id for one in found}
        keys = Alert.objects.filter(patient__in=patients, kind=AlertKind.SILENT_STREAM).order_by()
        told = keys.order_by("raised_at").values_list("key", "raised_at")
        raised = {key.rpartition(":")[0] + ":": at for key, at in told}
    return sum(_tell(one, since) for one in found if one.about not in raised and not _told_before(one, raised))


def _told_before(one: Silence, raised: Mapping[str, datetime]) -> bool:
    """Whether an alert of a release that named a source and no day has told of it."""
    at = raised.get(f"silent:{one.source.pk}:")
    return at is not None and one.last_on is not None and at.date() > one.last_on


def withheld_alerts(alerts: Iterable[Alert]) -> set[UUID]:
    """Of these alerts those of a silence whose words name what the patient withholds now."""
    found = set()
    for one in alerts:
        streams = one.key.rpartition(":")[2].split("+") if one.kind == AlertKind.SILENT_STREAM else []
        known = [stream for stream in streams if stream in WATCHED.values()]
        if not all(consent.allows(one.patient_id, ConsentPurpose.TREATMENT, stream) for stream in known):
            found.add(one.pk)
    return found


def _recent_senders() -> tuple[dict[UUID, set[UUID]], dict[UUID, datetime]]:
    """Of the last two weeks: who sent for each source, and since when. A file sends once and is left out."""
    senders: dict[UUID, set[UUID]] = {}
    since: dict[UUID, datetime] = {}
    with aggregates():
        recent = Sync.objects.filter(created_at__gt=clock.now() - LONG_AGO, export=None).order_by()
        groups = recent.values_list("sources", "sent_by").annotate(first=models.Min("created_at"))
        for sources, sent_by_id, first in groups:
            for source in map(UUID, sources):
                senders.setdefault(source, set()).add(sent_by_id)
                since[source] = min(first, since.get(source, first))
    return senders, since


def _silences(senders: dict[UUID, set[UUID]], since: dict[UUID, datetime]) -> Iterator[Silence]:
    """What may be silent, by days alone: the last moment is looked at when an alert is raised."""
    today = clock.now().astimezone(UTC).date()
    rows = [row for row in _newest_days() if row["pk"] in senders]
    patients = {row["patient"] for row in rows}
    allowing = {
        stream: consent.allowing(patients, ConsentPurpose.TREATMENT, stream) for stream in sorted({*WATCHED.values()})
    }
    measuring = {one for row in rows if row["by_hand"] or any(map(row.get, WATCHED)) for one in senders[row["pk"]]}
    for row in rows:
        source = Source(pk=row["pk"], patient_id=row["patient"], device_type=row["device_type"])
        days = {name: row[name] for name, stream in WATCHED.items() if row[name] and row["patient"] in allowing[stream]}
        for what in _together(days):
            last_on = max(days[name] for name in what)
            if today - LONG_AGO <= last_on <= today - SILENT_AFTER:
                going_on = tuple(name for name, day in days.items() if day > last_on)
                yield Silence(source, what, last_on, going_on)
        long_enough = since[row["pk"]] <= clock.now() - SILENT_AFTER
        if long_enough and not measuring & senders[row["pk"]] and row["patient"] in allowing[MOVEMENT]:
            yield Silence(source, (), None, ())


def _newest_days() -> Any:
    """Each streaming source with the newest UTC day of what it measured. One query."""
    mine = {"patient": OuterRef("patient"), "source": OuterRef("pk")}
    newest: dict[str, Any] = {
        channel: Subquery(
            Signal.objects.filter(**mine, channel=channel, valid__gt=0).order_by("-day").values("day")[:1]
        )
        for channel in TYPE_OF_CHANNEL
    }
    sleeps = SleepSession.objects.filter(**mine, kind=SLEEP).order_by("-start")
    newest[SLEEP] = Subquery(sleeps.values("end__date")[:1])
    newest["by_hand"] = Exists(PointReading.objects.filter(**mine, data_type__in=_BY_HAND))
    with aggregates():
        streams = Source.objects.filter(kind=Source.Kind.STREAM, stream=None).order_by("patient", "pk")
        return list(streams.annotate(**newest).values("pk", "patient", "device_type", *newest))


def _together(days: dict[str, date]) -> Iterator[tuple[str, ...]]:
    """What stopped on one day or on neighbouring ones is one silence: a watch that died names all it measured once."""
    group: list[str] = []
    for name in sorted(days, key=lambda one: (days[one], one)):
        if group and days[name] - days[group[-1]] > timedelta(days=1):
            yield tuple(group)
            group = []
        group.append(name)
    if group:
        yield tuple(group)


def _tell(silence: Silence, since: dict[UUID, datetime]) -> bool:
    """Raise its alert if it has lasted long enough, to the minute."""
    patient = Patient.objects.get(pk=silence.source.patient_id)
    at = _last_moment(silence) if silence.last_on else since[silence.source.pk]
    if not clock.now() - LONG_AGO < at <= clock.now() - SILENT_AFTER:
        return False
    raise_alert(
        patient=patient, kind=AlertKind.SILENT_STREAM, severity=AlertSeverity.LOW, key=silence.key,
        note=_words(silence, at.astimezone(patient.tz), patient.zone),
    )  # fmt: skip
    return True


def _last_moment(silence: Silence) -> datetime:
    """When any of it was last measured."""
    source = silence.source
    rows = Signal.objects.filter(
        patient=source.patient_id, source=source.pk, channel__in=silence.what, day=silence.last_on, valid__gt=0
    )
    moments = [from_epoch(int(opened(row).at_s[-1])) for row in rows]
    if SLEEP in silence.what:
        nights = SleepSession.objects.filter(patient=source.patient_id, source=source.pk, kind=SLEEP)
        moments += [one.end for one in nights.order_by("-start")[:1]]
    return max(moments)


def _words(silence: Silence, local: datetime, zone: str) -> str:
    device, when = sent_by(silence.source), f"{display.day(local.date())} {local:%H:%M} ({zone})"
    if silence.last_on is None:
        return f"{device}: tells of its own state since {when} or longer, and has measured nothing."
    said = f"{device}: {_listed(silence.what)}, last measured {when}."
    return said + (f" Still measured: {_listed(silence.going_on)}." if silence.going_on else "")


def _listed(names: Collection[str]) -> str:
    labels = [_label(name) for name in WATCHED if name in names]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _label(name: str) -> str:
    """Within a sentence, and in a list."""
    kind = TYPE_OF_CHANNEL.get(name, TYPES[SLEEP])
    label = next((label_of(kind, key) for key in kind.keys if key.channel == name), kind.label)
    return (label[0].lower() + label[1:]).replace(",", "")
