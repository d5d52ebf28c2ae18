"""One delivery, sent: the attempt is noted before the provider is asked, and what it said after.

A worker that is killed between the two leaves it unknown whether the message has left. It is sent again then: at least
once and not at most once, because an alert that arrives twice does less harm than one that never does. The log of the
delivery says that it may have arrived twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import F

from novamind import clock
from novamind.delivery.contacts import Contact, Unwanted, contact_of
from novamind.delivery.models import Delivery
from novamind.delivery.providers import NotNow, Refused, provider_of
from novamind.delivery.quiet import end_of_quiet, hours_of
from novamind.delivery.services import plan
from novamind.delivery.templates import TEMPLATES
from novamind.jobs.attempts import alert
from novamind.jobs.finish import Finish
from novamind.jobs.models import Job
from novamind.jobs.work import current_work

State = Delivery.State
#: After a provider that could not be reached; then the delivery has failed and the administrators are told.
PAUSES: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))


def send(delivery_id: UUID) -> Finish:
    """Send it if it is still to be sent; what is to be written is written when the job ends."""
    delivery = Delivery.objects.filter(pk=delivery_id).first()
    if delivery is None or not delivery.is_open:
        return Finish()
    moment = clock.now()
    if delivery.due_at > moment:
        return Finish(save=partial(plan, delivery))
    if delivery.is_too_late(moment):
        return Finish(save=partial(_end, delivery, State.EXPIRED, "expired"))
    try:
        contact = contact_of(delivery)
    except Unwanted as error:
        return Finish(save=partial(_end, delivery, State.UNREACHABLE, error.code))
    address = contact.at(delivery.channel) if contact else None
    if contact is None or not address:
        # An alert that reaches nobody is a failure; a reminder is not.
        lost = _fail if TEMPLATES[delivery.template].of_alert else partial(_end, state=State.UNREACHABLE)
        return Finish(save=partial(lost, delivery, what="no_contact"))
    if later := _when_quiet_ends(delivery, contact, moment):
        return Finish(save=partial(_put_off, delivery, later, "quiet_hours"))
    return _hand_over(delivery, address)


def _when_quiet_ends(delivery: Delivery, contact: Contact, moment: datetime) -> datetime | None:
    if TEMPLATES[delivery.template].urgent:
        return None
    own = (delivery.quiet_from, delivery.quiet_to) if delivery.quiet_from and delivery.quiet_to else None
    return end_of_quiet(moment, own or hours_of(settings.QUIET_HOURS), clock.zone(contact.zone))


def _hand_over(delivery: Delivery, address: str) -> Finish:
    name, carry = provider_of(delivery.channel)
    if not _begin(delivery, name):
        return Finish()  # called off, or another attempt has it
    try:
        sent = carry(delivery_id=delivery.pk, address=address, template=delivery.template)
    except Refused as refusal:
        return Finish(save=partial(_fail, delivery, refusal.code))
    except NotNow as trouble:
        if delivery.attempts > len(PAUSES):
            return Finish(save=partial(_fail, delivery, trouble.code))
        later = clock.now() + PAUSES[delivery.attempts - 1]
        return Finish(save=partial(_put_off, delivery, later, trouble.code))
    return Finish(save=partial(_end, delivery, State.SENT, "sent", provider_id=sent[:200], sent_at=clock.now()))


def _begin(delivery: Delivery, provider: str) -> bool:
    """Note the attempt, committed before the provider is asked."""
    repeated = {"may_repeat": True} if delivery.state == State.SENDING else {}
    delivery.note("sending", provider=provider, attempt=delivery.attempts + 1, **repeated)
    same = Delivery.objects.open().filter(pk=delivery.pk, attempts=delivery.attempts)
    if not same.update(state=State.SENDING, attempts=F("attempts") + 1, log=delivery.log):
        return False
    delivery.attempts += 1
    return True


def _end(delivery: Delivery, state: str, what: str, **changes: Any) -> bool:
    """Whether it ended so: what was called off meanwhile stays so unless it has left."""
    delivery.note(what)
    from_states = (*Delivery.OPEN, State.CANCELLED) if state == State.SENT else Delivery.OPEN
    ended = Delivery.objects.filter(pk=delivery.pk, state__in=from_states)
    return bool(ended.update(state=state, log=delivery.log, **changes))


def _put_off(delivery: Delivery, until: datetime, why: str) -> None:
    if delivery.is_too_late(until):
        _end(delivery, State.EXPIRED, "expired")
        return
    delivery.note("put_off", why=why, until=until.isoformat(timespec="seconds"))
    delivery.due_at = until
    still = Delivery.objects.open().filter(pk=delivery.pk)
    if still.update(state=State.WAITING, due_at=until, log=delivery.log):
        plan(delivery)


def _fail(delivery: Delivery, what: str) -> None:
    """Told to the administrators: somebody was not reached."""
    if _end(delivery, State.FAILED, what) and (work := current_work()) is not None:
        alert(Job.objects.get(pk=work.job_id), "delivery_failed")
