"""Versions are registered and moved here and nowhere else; each time leaves a row and an audit event."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction

from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.runs import model_run
from novamind.registry import cards
from novamind.registry.models import ModelVersion, StageChange
from novamind.registry.science import is_reference

_STAGES = ModelVersion.Stage

#: Where a version may go. Straight from draft to production where there is nothing to run beside.
NEXT: Final = MappingProxyType(
    {
        _STAGES.DRAFT: (_STAGES.SHADOW, _STAGES.PRODUCTION, _STAGES.RETIRED),
        _STAGES.SHADOW: (_STAGES.PRODUCTION, _STAGES.RETIRED),
        _STAGES.PRODUCTION: (_STAGES.RETIRED,),
        _STAGES.RETIRED: (_STAGES.SHADOW, _STAGES.PRODUCTION),
    }
)
RIGHT: Final = "promote_models"


class MoveRefused(Exception):
    """A version stays where it is: ``no_reason``, ``no_such_way``, ``stage_changed`` or ``card_incomplete``.

    ``missing`` says what the card does not.
    """

    def __init__(self, code: str, detail: str, missing: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.code, self.detail, self.missing = code, detail, list(missing)


def register_version(
    *,
    name: str,
    version: str,
    kind: str,
    card: cards.Card,
    weights_sha256: str,
    weights_file: str,
    training_data: str,
    by: User | str,
    reason: str,
    reference_statistics: Sequence[dict[str, Any]] = (),
) -> tuple[ModelVersion, bool]:
    """A new version as a draft, and whether it is new; one that is registered already is given back as it is.

    Raises
    ------
    MoveRefused
        no_reason.
    ValueError
        The reference statistics are none.
    """
    if not all(is_reference(entry) for entry in reference_statistics):
        raise ValueError("reference statistics are name, edges, shares that sum to 1, and n")
    _require_reason(reason)
    with transaction.atomic():
        made, created = ModelVersion.objects.get_or_create(
            name=name,
            version=version,
            defaults={
                "kind": kind,
                "card": card,
                "weights_sha256": weights_sha256,
                "weights_file": weights_file,
                "training_data": training_data,
                "reference_statistics": list(reference_statistics),
                "code_version": settings.VERSION,
                "created_by": str(by)[:160],
            },
        )
        if created:
            _record(made, "", by, reason)
    return made, created


def move(version: ModelVersion, *, to: str, by: User | str, reason: str) -> ModelVersion:
    """Move a version to another stage; into production it replaces the one that served, in the same transaction.

    ``version.stage`` is what the person who decided had seen: if it changed meanwhile, they decide again. ``by`` is a
    person with the right to promote, or who acts at the command line (``operator:kari``), which is no less.

    Raises
    ------
    PermissionDenied
        The person has not the right.
    MoveRefused
        No reason, no way from this stage to that, a stage that changed meanwhile, or a card with something missing.
    """
    if isinstance(by, User) and not by.may(RIGHT):
        raise PermissionDenied(RIGHT)
    _require_reason(reason)
    with transaction.atomic():
        # All versions of the name, in one order: two promotions of two versions follow each other.
        rows = ModelVersion.objects.select_for_update().filter(name=version.name).order_by("pk")
        named = {row.pk: row for row in rows}
        moved = named[version.pk]
        _require_way(moved, seen=version.stage, to=to)
        if to == _STAGES.PRODUCTION:
            _require_complete(moved)
            for other in named.values():
                if other.stage == _STAGES.PRODUCTION:
                    _put(other, _STAGES.RETIRED, by, f"Replaced by {moved.version}: {reason}")
        _put(moved, to, by, reason)
    return moved


def _put(version: ModelVersion, stage: str, by: User | str, reason: str) -> None:
    before, version.stage = version.stage, stage
    version.save(update_fields=["stage"])
    _record(version, before, by, reason)


def _record(version: ModelVersion, before: str, by: User | str, reason: str) -> None:
    with model_run(model=version.name, version=version.version, kind=EventType.MODEL_PROMOTION) as run:
        run.more = {"from": before, "to": version.stage}
        StageChange.objects.create(
            version=version,
            from_stage=before,
            to_stage=version.stage,
            by=str(by)[:160],
            by_user=by if isinstance(by, User) else None,
            reason=reason.strip()[:1000],
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise MoveRefused("no_reason", "Say why: whoever asks later finds it in the history.")


def _require_way(version: ModelVersion, *, seen: str, to: str) -> None:
    if version.stage != seen:
        detail = f"Somebody else has moved it meanwhile: it is in {version.get_stage_display().lower()} now."
        raise MoveRefused("stage_changed", detail)
    if to not in NEXT[_STAGES(version.stage)]:
        raise MoveRefused("no_such_way", f"From {version.stage} there is no way to {to}.")


def _require_complete(version: ModelVersion) -> None:
    if missing := cards.problems(version.card):
        what = f"Its card leaves {len(missing)} thing{'s' if len(missing) > 1 else ''} unsaid."
        raise MoveRefused("card_incomplete", what, missing)
