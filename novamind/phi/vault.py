"""The reversible vault: in all texts tokenised for a patient ``[NAME-1]`` stands for the same, until it expires."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from novamind.clock import now
from novamind.phi import cipher
from novamind.phi.detection import Kind
from novamind.phi.keys import living_key
from novamind.phi.models import DataKey, PhiToken

_TOKEN = re.compile(rf"\[({'|'.join(Kind)})-(\d{{1,6}})\]")


def _place(row: PhiToken) -> dict[str, object]:
    return {"table": PhiToken._meta.db_table, "column": "sealed", "row": row.id}


def _open(row: PhiToken) -> str:
    return cipher.decrypt(bytes(row.sealed), **_place(row)).decode()  # type: ignore[arg-type]


def token_for(value: str, kind: Kind, patient_id: UUID) -> str:
    """The token of a value; the same one as long as it lives, whatever the case and spacing of the value."""
    living_key(patient_id)  # makes the key row that is locked below
    with transaction.atomic():
        # Two workers must not hand out one number twice: the patient's key row is the lock.
        DataKey.objects.select_for_update().filter(patient_id=patient_id).first()
        rows = list(PhiToken.objects.filter(patient_id=patient_id, kind=kind))
        expires_at = now() + timedelta(hours=settings.PHI_TOKEN_HOURS)
        for row in rows:
            if row.expires_at > now() and _same(_open(row), value):
                PhiToken.objects.filter(pk=row.pk).update(expires_at=expires_at)
                return f"[{kind}-{row.number}]"
        number = max((row.number for row in rows), default=0) + 1
        row = PhiToken(patient_id=patient_id, kind=kind, number=number, expires_at=expires_at)
        row.sealed = cipher.encrypt(value.encode(), owner=patient_id, **_place(row))  # type: ignore[arg-type]
        row.save(force_insert=True)
    return f"[{kind}-{number}]"


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def restore(text: str, patient_id: UUID) -> str:
    """The text with this patient's living tokens opened; others stay as they are.

    Who may ask is decided above: call ``patients.identifiers.restore``.
    """
    living = PhiToken.objects.filter(patient_id=patient_id, expires_at__gt=now())
    values = {(row.kind, str(row.number)): row for row in living}

    def opened(match: re.Match[str]) -> str:
        row = values.get((match[1], match[2]))
        return match[0] if row is None else _open(row)

    return _TOKEN.sub(opened, text)


def forget_expired() -> int:
    """Empty what has expired; how many. Its number stays taken: an old text must not name somebody else."""
    return PhiToken.objects.filter(expires_at__lte=now()).exclude(sealed=b"").update(sealed=b"")
