"""Sign-ins, what was done in Django admin, and who stands behind a field diff of django-auditlog."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from auditlog.models import LogEntry
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.models import LogEntry as AdminEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from novamind.audit import persons
from novamind.audit.models import EventType, Outcome
from novamind.audit.origin import kept_path, plain, session_hash
from novamind.audit.recording import Ledger, current, note_object, on_rollback, write_event
from novamind.audit.throttle import count_failure, digest_of
from novamind.origin import client_ip

#: In the details of what somebody did to their own account (:func:`novamind.audit.activity.own_accounts`).
OWN_ACCOUNT = "own_account"
ADMIN_EVENTS = {ADDITION: EventType.CREATION, CHANGE: EventType.MODIFICATION, DELETION: EventType.DELETION}


def _write(request: HttpRequest | None, ledger: Ledger, event_type: str, outcome: str, **facts: Any) -> None:
    if request is not None:
        facts |= {
            "ip": client_ip(request),
            "user_agent": plain(request.headers.get("User-Agent", ""), 200),
            "path": kept_path(request),
            "session_hash": session_hash(request),
        }
    write_event(ledger, event_type=event_type, action=event_type.lower(), outcome=outcome, **facts)


def _ledger(user: Any) -> Ledger:
    return Ledger(actor_label=user.trail_label, actor_id=user.pk, role=user.role_label, request_id=str(uuid4()))


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    _write(request, _ledger(user), EventType.SIGN_IN, Outcome.SUCCESS)


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        _write(request, _ledger(user), EventType.SIGN_OUT, Outcome.SUCCESS)


@receiver(user_login_failed)
def sign_in_failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Names the account if there is one; a typed address that is nobody's may be a patient's and is not kept.

    Its digest is, for :mod:`novamind.audit.throttle`. It stays where the request around it is rolled back.
    """
    user = credentials.get("second_factor_of")
    if user is None:
        address = str(credentials.get("username") or "").strip().lower()
        user = get_user_model().objects.filter(email=address).first()
    ledger = _ledger(user) if user else Ledger(actor_label="unknown address", role="", request_id=str(uuid4()))
    facts = {"event_type": EventType.SIGN_IN_FAILED, "outcome": Outcome.REFUSED}
    write = partial(_write, request, ledger, **facts, object_id=digest_of(credentials, request))
    write()
    on_rollback(write)
    count_failure(request)


@receiver([authenticator_added, authenticator_removed, authenticator_reset])
def second_factor_changed(
    sender: Any, request: HttpRequest, user: Any, authenticator: Any, signal: Any, **kwargs: Any
) -> None:
    """Who can sign in with what is as telling as who did."""
    what = {authenticator_added: EventType.CREATION, authenticator_removed: EventType.DELETION}
    action = f"second_factor.{authenticator.type}"
    write_event(
        _ledger(user),
        event_type=what.get(signal, EventType.MODIFICATION),
        action=action,
        object_label="mfa.Authenticator",
        object_id=str(authenticator.pk),
        ip=client_ip(request),
        session_hash=session_hash(request),
    )


@receiver(pre_save, sender=AdminEntry)
def name_no_patient(sender: Any, instance: AdminEntry, **kwargs: Any) -> None:
    """What Django admin notes of an account of a patient is its id."""
    persons.hide_in_admin(instance)


@receiver(post_save, sender=AdminEntry)
def note_administered(sender: Any, instance: AdminEntry, **kwargs: Any) -> None:
    """What Django admin logs of itself, the audit row names too: which account or team, and what was done to it."""
    model = instance.content_type.model_class()
    note_object(ADMIN_EVENTS[instance.action_flag], model._meta.label, instance.object_id)
    ledger = current()
    if ledger is not None and _is_of(instance.get_edited_object(), instance.user_id):
        ledger.details[OWN_ACCOUNT] = True


def _is_of(administered: Any, user_id: Any) -> bool:
    """Whether this is the account of whoever administers, or says how that account signs in."""
    owner = administered.pk if isinstance(administered, get_user_model()) else getattr(administered, "user_id", None)
    return owner == user_id


@receiver(pre_save, sender=LogEntry)
def attribute_field_diff(sender: Any, instance: LogEntry, **kwargs: Any) -> None:
    """The actor of this request or job, also where a token signed in after the middleware ran; no patient's name."""
    persons.hide(instance)
    ledger = current()
    if ledger is None:
        return
    ledger.identify()
    if ledger.actor_id is not None:
        instance.actor_id = ledger.actor_id
    instance.cid = ledger.request_id
