"""Anomaly detectors as versions of models: our masked autoencoder, its cohort and its threshold, by device."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from actigraphy.pat.cards import ALARMS, anomaly_card
from actigraphy.pat.installing import acting
from actigraphy.pat.parts import keep_parts
from actigraphy.science.devices import DEVICES, DeviceProfile
from actigraphy.science.pat.anomaly import Rule, RuleError, load_rule
from actigraphy.science.pat.decoder import load_decoder
from actigraphy.science.pat.reconstruction import Reconstructor
from actigraphy.science.pat.reference import CohortError, ReferenceCohort, load_cohort
from actigraphy.science.pat.weights import WeightsError, load_weights
from novamind.accounts.models import User
from novamind.measures import Abstained
from novamind.registry.code import in_production
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version

RULE: Final = "anomaly.json"
FILES: Final = (RULE, "encoder.h5", "decoder.h5", "cohort.json")


@dataclass(frozen=True, eq=False)
class Detector:
    """A loaded detector: an autoencoder, the scale its weeks are on, and from which score on something is told."""

    model: Reconstructor
    cohort: ReferenceCohort
    rule: Rule


def name_of(device_key: str) -> str:
    """The name under which the detectors of a device are versions of one another."""
    return f"anomaly:{device_key}"


def install(folder: Path, *, by: User | str, reason: str, within: str = "") -> tuple[ModelVersion, bool]:
    """Check what ``pretrain_pat`` and ``calibrate_anomaly`` left in a folder, keep a copy, register it and put it into
    production.

    Returns the version and whether it is new; ``within`` names a folder of the models folder to keep it in.

    Raises
    ------
    WeightsError, CohortError, RuleError
        A file is missing or damaged, or they do not belong together; nothing is kept.
    MoveRefused
        No reason was given, or the figures of ``calibrate_anomaly`` are missing; nothing is kept.
    """
    files = {name: _read(folder / name) for name in FILES}
    sha256 = hashlib.sha256(files[RULE]).hexdigest()
    loaded = _made(files, sha256, threads=1)
    device = loaded.cohort.device
    if device not in DEVICES:
        raise CohortError(f"of a device that is not known: {device[:40]}")
    card = anomaly_card(json.loads(files[RULE]).get("card", {}), loaded.cohort, DEVICES[device].label)
    name = f"{name_of(device).replace(':', '-')}_{sha256[:12]}"
    with keep_parts(f"{within}/{name}" if within else name, files) as kept, transaction.atomic(), acting(by):
        version, created = register_version(
            name=name_of(device),
            version=sha256[:12],
            kind=ModelVersion.Kind.ANOMALY,
            card=card,
            weights_sha256=sha256,
            weights_file=(kept / RULE).as_posix(),
            training_data=f"PAT-{loaded.model.size.name} masked autoencoder on the scale of: {loaded.cohort.label}",
            by=by,
            reason=reason,
            reference_statistics=loaded.cohort.expected,
        )
        if created:
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=by, reason=reason)
    return version, created


def serving(device: DeviceProfile) -> ModelVersion:
    """The detector in production for a device; ``Abstained`` (not_promoted) where there is none."""
    return in_production(name_of(device.key))


def detector_of(version: ModelVersion) -> Detector:
    """The version's detector, loaded once per process and kept.

    Raises
    ------
    Abstained
        no_weights or weights_mismatch: a file of it is gone, damaged, or not the registered one.
    """
    try:
        return _loaded(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256)
    except WeightsError as error:
        raise error.as_abstention() from error
    except (CohortError, RuleError) as error:
        raise Abstained("weights_mismatch") from error


@lru_cache(maxsize=2)
def _loaded(path: Path, sha256: str) -> Detector:
    return _made({name: _read(path.parent / name) for name in FILES}, sha256, threads=settings.PAT_THREADS)


def _made(files: dict[str, bytes], sha256: str, *, threads: int) -> Detector:
    rule = load_rule(files[RULE], sha256=sha256)
    encoder = load_weights(files["encoder.h5"], sha256=rule.encoder_sha256)
    decoder = load_decoder(files["decoder.h5"], encoder, sha256=rule.decoder_sha256)
    cohort = load_cohort(files["cohort.json"], sha256=rule.cohort_sha256)
    return Detector(Reconstructor(encoder, decoder, threads), cohort, rule)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError("missing_file", f"{path.name}: {error.strerror}") from None


def false_alarms(version: ModelVersion) -> dict[str, Any]:
    """The figure of false alarms on the version's card: metric, value, low, high, n, population, how."""
    return next(dict(row) for row in version.card["validity_internal"] if row["metric"] == ALARMS)
