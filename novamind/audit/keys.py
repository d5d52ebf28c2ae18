"""Keys, on record: each transaction that changes keys writes whose they are into the trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from novamind.audit.models import EventType, Purpose
from novamind.audit.recording import aggregates, recorded, saw, write_event
from novamind.frame import Check
from novamind.phi import compliance, rotation
from novamind.phi.models import DataKey
from novamind.phi.rotation import Counts


def rotate(owners: Any, *, by: str) -> int:
    """Retire the living keys among these for new ones; how many. What they encrypted waits for :func:`reencrypt`."""
    return rotation.retire(owners, _noting("keys:retire", EventType.MODIFICATION, by))


def reencrypt(patient_id: Any = None) -> Counts:
    """Encrypt anew what retired keys encrypted; shows nobody's record to anybody."""
    with aggregates():
        return rotation.reencrypt(patient_id)


def destroy_retired(*, by: str) -> tuple[int, Counts]:
    """Destroy retired keys that are due and that nothing names; how many."""
    with aggregates():
        return rotation.destroy_retired(_noting("keys:destroy", EventType.DELETION, by))


def rewrap_all(*, by: str) -> tuple[int, int]:
    """Wrap all data keys by the current master key; how many were, how many could not be opened."""
    return rotation.rewrap_all(_noting("keys:rewrap", EventType.MODIFICATION, by))


def checks() -> Iterator[Check]:
    """What keys and ciphertext can say of themselves; a sample of every table is opened and shown to nobody."""
    with aggregates():
        found = list(compliance.keys())
    yield from found


def _noting(action: str, event_type: str, by: str) -> Callable[[list[DataKey]], None]:
    def note(keys: list[DataKey]) -> None:
        with recorded(actor_label=by, request_id=str(uuid4())) as ledger:
            ledger.purpose = Purpose.OPERATIONS
            for key in keys:
                saw(key.patient_id)
            numbers = f"{keys[0].number}-{keys[-1].number}, {len(keys)} keys"
            write_event(ledger, event_type=event_type, action=action, object_label="phi.DataKey", object_id=numbers)

    return note
