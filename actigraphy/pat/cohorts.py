"""Reference cohorts as versions of models: installed, promoted, and found by device."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from actigraphy.pat.cards import cohort_card
from actigraphy.pat.installing import acting, keep_copy
from actigraphy.science.devices import DEVICES, DeviceProfile
from actigraphy.science.pat.reference import CohortError, ReferenceCohort, load_cohort
from novamind.accounts.models import User
from novamind.measures import Abstained
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version

SUFFIX = ".cohort.json"


def name_of(device_key: str) -> str:
    """The name under which the cohorts of a device are versions of one another."""
    return f"cohort:{device_key}"


def install(path: Path, *, by: User | str, reason: str, folder: str = "") -> tuple[ModelVersion, bool]:
    """Check a cohort's file, keep a copy in the models folder, register it and put it into production.

    Returns the version and whether it is new; ``folder`` as in :func:`actigraphy.pat.installing.install`.

    Raises
    ------
    CohortError
        The file is damaged, or of a device that is not known.
    MoveRefused
        No reason was given; nothing is kept.
    """
    content = path.read_bytes()
    cohort = load_cohort(content)
    if cohort.device not in DEVICES:
        raise CohortError(f"of a device that is not known: {cohort.device[:40]}")
    target = settings.PAT_WEIGHTS_DIR / folder / f"{cohort.device}_{cohort.sha256[:12]}{SUFFIX}"
    with keep_copy(path, target), transaction.atomic(), acting(by):
        version, created = register_version(
            name=name_of(cohort.device),
            version=cohort.sha256[:12],
            kind=ModelVersion.Kind.COHORT,
            card=cohort_card(cohort),
            weights_sha256=hashlib.sha256(content).hexdigest(),
            weights_file=str(target.relative_to(settings.PAT_WEIGHTS_DIR)),
            training_data=cohort.label,
            by=by,
            reason=reason,
            reference_statistics=cohort.expected,
        )
        if created:
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=by, reason=reason)
    return version, created


def serving(device: DeviceProfile) -> tuple[ReferenceCohort, ModelVersion]:
    """The cohort in production for a device, and its version.

    Raises
    ------
    Abstained
        no_reference_cohort: there is none, or its file is not the registered one.
    """
    version = ModelVersion.objects.serving(name_of(device.key)).first()
    if version is None:
        raise Abstained("no_reference_cohort", what=device.label)
    try:
        return _loaded(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256), version
    except CohortError as error:
        raise Abstained("no_reference_cohort", what=device.label) from error


def mounted(device: DeviceProfile) -> ReferenceCohort:
    """The cohort for a device in the models folder, for use without a database; raises as :func:`serving`."""
    for path in sorted(settings.PAT_WEIGHTS_DIR.glob(f"*{SUFFIX}")):
        try:
            cohort = load_cohort(path)
        except CohortError:
            continue
        if cohort.device == device.key:
            return cohort
    raise Abstained("no_reference_cohort", what=device.label)


@lru_cache(maxsize=8)
def _loaded(path: Path, sha256: str) -> ReferenceCohort:
    return load_cohort(path, sha256=sha256)
