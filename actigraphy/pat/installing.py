"""Weights files: an operator's, in the folder ``PAT_WEIGHTS_DIR``, registered as versions of a model and promoted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from actigraphy.pat.cards import card_of, trained_here, training_of
from actigraphy.science.pat.weights import WeightsError, WeightsFile, load_weights
from novamind.accounts.models import User
from novamind.audit.recording import current, recorded
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version

MOUNTED = "Its file was mounted into the models folder; it serves where nothing of its name does."


def weights_files() -> list[Path]:
    """Every ``.h5`` file of the models folder."""
    return sorted(settings.PAT_WEIGHTS_DIR.glob("*.h5"))


def install(path: Path, *, by: User | str, reason: str, folder: str = "") -> tuple[ModelVersion, bool]:
    """Check an operator's weights file, keep a copy in the models folder, register it and put it into production.

    Returns the version and whether it is new. Installing the same bytes again changes nothing. The version that served
    before retires: an operator who names a file has decided. ``folder`` within the models folder is not looked into at
    start, so that what lies there is never taken for mounted.

    Raises
    ------
    WeightsError
        The file is missing, damaged or not a PAT encoder; nothing is kept.
    MoveRefused
        No reason was given; nothing is kept.
    """
    weights = load_weights(path)
    target = settings.PAT_WEIGHTS_DIR / folder / f"{name_of(weights)}_{weights.sha256[:12]}.h5"
    with keep_copy(path, target):
        return _register(weights, target, path.parent, by=by, reason=reason, replace=True)


def file_in_production() -> Path | None:
    """The file of the encoder that serves (``PAT_MODEL_ID``), if one does and its file is there."""
    version = ModelVersion.objects.serving(settings.PAT_MODEL_ID).first()
    path = settings.PAT_WEIGHTS_DIR / version.weights_file if version else None
    return path if path is not None and path.is_file() else None


@contextmanager
def keep_copy(path: Path, target: Path) -> Iterator[None]:
    """A copy of the file at its place in the models folder; taken back when what follows fails."""
    new = path.resolve() != target.resolve() and not target.exists()
    try:
        if new:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".part")
            shutil.copyfile(path, partial)
            partial.replace(target)
        yield
    except Exception:
        if new:
            target.unlink(missing_ok=True)
        raise


def register_mounted(*, by: str) -> list[tuple[Path, ModelVersion | WeightsError]]:
    """Register the files found in the models folder; a bad file is reported and does not stop the others.

    A mounted file serves only where nothing of its name serves yet: it never replaces what a person installed.
    """
    found: list[tuple[Path, ModelVersion | WeightsError]] = []
    for path in weights_files():
        try:
            weights = load_weights(path)
            found.append((path, _register(weights, path, path.parent, by=by, reason=MOUNTED, replace=False)[0]))
        except WeightsError as error:
            found.append((path, error))
    return found


def register_at_start(say: Callable[[str], object]) -> None:
    """Register the weights that were mounted since the last start, and say what was found."""
    for path, found in register_mounted(by="system:start"):
        said = f"refused, {found.detail}" if isinstance(found, WeightsError) else f"{found.name}, {found.stage}"
        say(f"PAT weights {path.name}: {said}")


def _register(
    weights: WeightsFile, file: Path, card_folder: Path, *, by: User | str, reason: str, replace: bool
) -> tuple[ModelVersion, bool]:
    """One row per weights."""
    trained = trained_here(weights.sha256, card_folder)
    with transaction.atomic(), acting(by):
        version, created = register_version(
            name=name_of(weights),
            version=weights.sha256[:12],
            kind=ModelVersion.Kind.ENCODER,
            card=card_of(weights, trained),
            weights_sha256=weights.sha256,
            weights_file=str(file.relative_to(settings.PAT_WEIGHTS_DIR)),
            training_data=training_of(weights, trained),
            by=by,
            reason=reason,
        )
        if created and (replace or not ModelVersion.objects.serving(version.name).exists()):
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=by, reason=reason)
    return version, created


def acting(by: User | str) -> AbstractContextManager[Any]:
    """Who stands in the trail for what a command or a start does."""
    return nullcontext() if current() else recorded(actor_label=str(by), request_id=str(uuid4()))


def name_of(weights: WeightsFile) -> str:
    return f"PAT-{weights.size.name}"
