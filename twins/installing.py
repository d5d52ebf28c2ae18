"""Methods that come with Novamind as registered versions: code is their weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.utils.crypto import get_random_string

from novamind.audit.recording import current, recorded
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version
from twins import changes, correlations, forecasts
from twins.training import registry_card

SHIPPED: Final = Path(__file__).parent / "shipped"
FORECASTER: Final = "forecaster.npz"
BY: Final = "system:start"
REASON: Final = "It comes with this release, and replaces the code of the one before, which is not there any more."
SHIPS: Final = "It comes with this release; its card says on whom it was judged."


def register_at_start(say: Callable[[str], object]) -> None:
    """Put what comes with this release to work; once."""
    act = nullcontext() if current() else recorded(actor_label=BY, request_id=f"start-{get_random_string(12)}")
    with act:
        for version, new in (install_correlation(), install_change(), install_forecaster()):
            if new:
                say(f"{version.name} {version.version}: {version.stage}")


def install_correlation() -> tuple[ModelVersion, bool]:
    """The lagged correlation, at work; and whether it was new."""
    return _install_code(correlations, ModelVersion.Kind.CORRELATION, "lagged_correlation.json")


def install_change() -> tuple[ModelVersion, bool]:
    """What tells changes of a patient's own days, at work; and whether it was new."""
    return _install_code(changes, ModelVersion.Kind.CHANGE, "own_change.json")


def _install_code(method: Any, kind: str, card: str) -> tuple[ModelVersion, bool]:
    """A method of no weights, registered and in production, for older code is not there."""
    with transaction.atomic():
        version, created = register_version(
            name=method.NAME,
            version=method.code_version(),
            kind=kind,
            card=json.loads((SHIPPED / card).read_text()),
            weights_sha256=method.code_digest(),
            weights_file="",
            training_data="None: a statistical test. Its figures are of simulated people.",
            by=BY,
            reason=REASON,
        )
        if created:
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=BY, reason=REASON)
    return version, created


def install_forecaster() -> tuple[ModelVersion, bool]:
    """The shipped forecaster, registered; in production where nothing of its name serves. And whether it was new."""
    said = json.loads((SHIPPED / FORECASTER).with_suffix(".card.json").read_text())
    with transaction.atomic():
        version, created = register_version(
            name=forecasts.NAME,
            version=said["sha256"][:12],
            kind=ModelVersion.Kind.FORECASTER,
            card=registry_card(said),
            weights_sha256=said["sha256"],
            weights_file=FORECASTER,
            training_data=f"{said['data']['who']}; {said['data']['trained_people']} trained on",
            by=BY,
            reason=SHIPS,
        )
        if created and not ModelVersion.objects.serving(forecasts.NAME).exists():
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=BY, reason=SHIPS)
    return version, created
