"""PAT's view of a recording, as far as it can be given: installed weights, checked, and a reference cohort.

Weights are an operator's file in the folder ``PAT_WEIGHTS_DIR``, registered as a :class:`ModelVersion`; they are
loaded only if their SHA-256 is the registered one. Without weights, or without a cohort to normalize this device's
counts by, the answer is an abstention.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from actigraphy.pat_card import card_of, training_of
from actigraphy.science.devices import DeviceProfile
from actigraphy.science.pat.weights import WeightsError, WeightsFile, load_weights
from novamind.audit.recording import current, recorded
from novamind.measures import Abstained
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version

MOUNTED = "Its file was mounted into the models folder; it serves where nothing of its name does."


@dataclass(frozen=True)
class Installed:
    """Weights somebody installed: a file, and the hash it must have."""

    path: Path
    sha256: str


def view(device: DeviceProfile, weights: Installed | None) -> Abstained:
    """Why there is no embedding of this recording: no weights, wrong weights, or no cohort for the device."""
    if weights is None:
        return Abstained("no_weights")
    try:
        load_weights(weights.path, sha256=weights.sha256)
    except WeightsError as error:
        return error.as_abstention()
    return Abstained("no_reference_cohort", what=device.label)  # there is no road yet by which one is installed


def in_production() -> Installed | None:
    """The encoder that serves: the registered, promoted version of ``PAT_MODEL_ID``."""
    version = ModelVersion.objects.serving(settings.PAT_MODEL_ID).first()
    if version is None:
        return None
    return Installed(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256)


def mounted() -> Installed | None:
    """The encoder of ``PAT_MODEL_ID`` in the models folder, for use without a database."""
    for path in weights_files():
        try:
            weights = load_weights(path)
        except WeightsError:
            continue
        if _name(weights) == settings.PAT_MODEL_ID:
            return Installed(path, weights.sha256)
    return None


def weights_files() -> list[Path]:
    """Every ``.h5`` file of the models folder."""
    return sorted(settings.PAT_WEIGHTS_DIR.glob("*.h5"))


def install(path: Path, *, by: str, reason: str) -> tuple[ModelVersion, bool]:
    """Check an operator's weights file, keep a copy in the models folder, register it and put it into production.

    Returns the version and whether it is new. Installing the same bytes again changes nothing. The version that served
    before retires: an operator who names a file has decided.

    Raises
    ------
    WeightsError
        The file is missing, damaged or not a PAT encoder; nothing is kept.
    MoveRefused
        No reason was given; nothing is kept.
    """
    weights = load_weights(path)
    target = settings.PAT_WEIGHTS_DIR / f"{_name(weights)}_{weights.sha256[:12]}.h5"
    new = path.resolve() != target.resolve() and not target.exists()
    try:
        if new:
            _copy(path, target)
        return _register(weights, target.name, by=by, reason=reason, replace=True)
    except Exception:
        if new:
            target.unlink(missing_ok=True)
        raise


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    shutil.copyfile(path, partial)
    partial.replace(target)


def register_mounted(*, by: str) -> list[tuple[Path, ModelVersion | WeightsError]]:
    """Register the files found in the models folder; a bad file is reported and does not stop the others.

    A mounted file serves only where nothing of its name serves yet: it never replaces what a person installed.
    """
    found: list[tuple[Path, ModelVersion | WeightsError]] = []
    for path in weights_files():
        try:
            found.append((path, _register(load_weights(path), path.name, by=by, reason=MOUNTED, replace=False)[0]))
        except WeightsError as error:
            found.append((path, error))
    return found


def register_at_start(say: Callable[[str], object]) -> None:
    """Register the weights that were mounted since the last start, and say what was found."""
    for path, found in register_mounted(by="system:start"):
        said = f"refused, {found.detail}" if isinstance(found, WeightsError) else f"{found.name}, {found.stage}"
        say(f"PAT weights {path.name}: {said}")


def _register(
    weights: WeightsFile, file_name: str, *, by: str, reason: str, replace: bool
) -> tuple[ModelVersion, bool]:
    """One row per weights."""
    with transaction.atomic(), _acting(by):
        version, created = register_version(
            name=_name(weights),
            version=weights.sha256[:12],
            kind=ModelVersion.Kind.ENCODER,
            card=card_of(weights),
            weights_sha256=weights.sha256,
            weights_file=file_name,
            training_data=training_of(weights),
            by=by,
            reason=reason,
        )
        if created and (replace or not ModelVersion.objects.serving(version.name).exists()):
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=by, reason=reason)
    return version, created


def _acting(by: str) -> AbstractContextManager[Any]:
    """Who stands in the trail for what a command or a start does."""
    return nullcontext() if current() else recorded(actor_label=by, request_id=str(uuid4()))


def _name(weights: WeightsFile) -> str:
    return f"PAT-{weights.size.name}"
