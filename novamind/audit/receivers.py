"""Sign-ins, and who stands behind a field diff of django-auditlog."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from auditlog.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from novamind.audit.models import EventType, Outcome
from novamind.audit.origin import client_ip, plain, session_hash
from novamind.audit.recording import Ledger, current, write_event


def _write(request: HttpRequest | None, ledger: Ledger, event_type: str, outcome: str) -> None:
    facts = {}
    if request is not None:
        facts = {
            "ip": client_ip(request),
            "user_agent": plain(request.headers.get("User-Agent", ""), 200),
            "path": plain(request.path, 300),
            "session_hash": session_hash(request),
        }
    write_event(ledger, event_type=event_type, action=event_type.lower(), outcome=outcome, **facts)


def _ledger(user: Any) -> Ledger:
    return Ledger(actor_label=str(user.email), actor_id=user.pk, role=user.role_label, request_id=str(uuid4()))


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    _write(request, _ledger(user), EventType.SIGN_IN, Outcome.SUCCESS)


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        _write(request, _ledger(user), EventType.SIGN_OUT, Outcome.SUCCESS)


@receiver(user_login_failed)
def sign_in_failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Names the account if there is one; a typed address that is nobody's may be a patient's and is not kept."""
    address = str(credentials.get("username") or "").strip().lower()
    user = get_user_model().objects.filter(email=address).first()
    ledger = _ledger(user) if user else Ledger(actor_label="unknown address", role="", request_id=str(uuid4()))
    _write(request, ledger, EventType.SIGN_IN_FAILED, Outcome.REFUSED)


@receiver(pre_save, sender=LogEntry)
def attribute_field_diff(sender: Any, instance: LogEntry, **kwargs: Any) -> None:
    """The actor of this request or job, also where a token signed in after the middleware ran."""
    ledger = current()
    if ledger is None:
        return
    ledger.identify()
    if ledger.actor_id is not None:
        instance.actor_id = ledger.actor_id
    instance.cid = ledger.request_id
