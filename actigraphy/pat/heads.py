"""Heads as versions of models: installed with all they need and a complete card, and asked about recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils.text import slugify
from numpy.typing import NDArray

from actigraphy.analysis import OF_HEADS, code_version
from actigraphy.models import Analysis
from actigraphy.pat.cards import SHIPPED
from actigraphy.pat.cohorts import SUFFIX
from actigraphy.pat.installing import acting, weights_files
from actigraphy.pat.parts import keep_parts
from actigraphy.pat.runs import Runs, answered
from actigraphy.science.heads import Features, Head, HeadError, features_of, load_head, material_of
from actigraphy.science.pat.embedding import Encoder
from actigraphy.science.pat.reference import CohortError, ReferenceCohort, load_cohort
from actigraphy.science.pat.weights import WeightsError
from actigraphy.science.pipeline import RestActivity
from novamind.accounts.models import User
from novamind.measures import Abstained, Window
from novamind.registry import cards
from novamind.registry.inference import runs_in_shadow
from novamind.registry.models import ModelVersion
from novamind.registry.services import MoveRefused, move, register_version

HEAD: Final = "head.json"
_ENCODER, _COHORT = "encoder.h5", "cohort.json"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A head, and the encoder and the cohort it reads by; ``None`` where PAT has no part."""

    head: Head
    encoder: Encoder | None
    cohort: ReferenceCohort | None


def name_of(head: Head) -> str:
    """The name under which heads for an outcome and a device are versions of one another."""
    return f"head:{slugify(head.outcome)[:40]}:{head.device}"


def install(
    path: Path,
    *,
    answers: Mapping[str, Any],
    beside: Iterable[Path] = (),
    promote: bool = False,
    by: User | str,
    reason: str,
) -> tuple[ModelVersion, bool]:
    """Check a head, complete its card by a person's answers, keep it with what it needs and register it.

    A draft, for somebody to promote on the Models page; in production at once with ``promote``. Returns the version and
    whether it is new.

    Parameters
    ----------
    path : Path
        From ``train_head``.
    answers : mapping
        Attributes of the card (:data:`novamind.registry.cards.ATTRIBUTES`) that training cannot know.
    beside : iterable of Path
        Where its encoder and cohort may be; else beside it, in the models folder, or among what is shipped.

    Raises
    ------
    HeadError, WeightsError, CohortError
        The head is none, or its encoder or cohort is not found; nothing is kept.
    MoveRefused
        No reason, or ``card_incomplete`` with what is missing; nothing is kept.
    """
    content = _read(path)
    head = load_head(content)
    if not slugify(head.outcome):
        raise HeadError("its outcome has no name")
    card = head.card | dict(answers)
    if missing := cards.problems(card):
        raise MoveRefused("card_incomplete", f"Its card leaves {len(missing)} things unsaid.", missing)
    files = {HEAD: content} | _parts(head, [*beside, *_near(path)])
    _made(files, head.sha256)
    folder = f"{name_of(head).replace(':', '-')}_{head.sha256[:12]}"
    with keep_parts(folder, files) as kept, transaction.atomic(), acting(by):
        version, created = register_version(
            name=name_of(head),
            version=head.sha256[:12],
            kind=ModelVersion.Kind.HEAD,
            card=card,
            weights_sha256=head.sha256,
            weights_file=(kept / HEAD).as_posix(),
            training_data=str(card["training_criteria"])[:1000],
            by=by,
            reason=reason,
        )
        if promote and version.stage != ModelVersion.Stage.PRODUCTION:
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=by, reason=reason)
    return version, created


def _near(path: Path) -> list[Path]:
    """Where ``train_head`` leaves what a head needs, and where else it may be."""
    own = [path.with_suffix(".encoder.h5"), path.with_suffix(".cohort.json")]
    folder = settings.PAT_WEIGHTS_DIR
    return [*own, *weights_files(), *sorted(folder.glob(f"*{SUFFIX}")), SHIPPED / _ENCODER, SHIPPED / _COHORT]


def _parts(head: Head, places: list[Path]) -> dict[str, bytes]:
    wanted = {_ENCODER: head.encoder_sha256, _COHORT: head.cohort_sha256}
    found: dict[str, bytes] = {}
    for name, sha256 in wanted.items():
        for place in places if sha256 else ():
            if place.suffix == Path(name).suffix and place.is_file():
                content = place.read_bytes()
                if hashlib.sha256(content).hexdigest() == sha256:
                    found[name] = content
                    break
        if sha256 and name not in found:
            what = "encoder" if name == _ENCODER else "reference cohort"
            raise HeadError(f"the {what} it was trained with is not here (sha256 {sha256})")
    return found


def serving(device_key: str) -> list[ModelVersion]:
    """The heads in production for a device."""
    heads = ModelVersion.objects.filter(kind=ModelVersion.Kind.HEAD, stage=ModelVersion.Stage.PRODUCTION)
    return list(heads.filter(name__endswith=f":{device_key}").order_by("name"))


def loaded(version: ModelVersion) -> Loaded:
    """The version's head with what it needs, loaded once per process and kept.

    Raises
    ------
    Abstained
        no_weights or weights_mismatch: a file of it is gone, damaged, or not the registered one.
    """
    try:
        return _loaded(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256)
    except WeightsError as error:
        raise error.as_abstention() from error
    except (HeadError, CohortError) as error:
        raise Abstained("weights_mismatch") from error


def score(analysis: Analysis, rest: RestActivity, version: ModelVersion) -> Runs:
    """What a head says of a recording, from the features it was trained on.

    Raises
    ------
    Abstained
        What is missing in the recording (too_few_days, too_little_wear, indeterminate, unsupported_device); no_weights
        or weights_mismatch; not_promoted.
    """
    shadow, by = runs_in_shadow(version), loaded(version)
    features = features_of(material_of(rest), by.head.kind, by.encoder, by.cohort)
    run = answered(
        version,
        analysis.patient_id,
        features.values.astype(np.float32),
        Window(analysis.window_start, analysis.window_end),
        lambda values: said(by.head, features, values),
    )
    return Runs(version, analysis.patient_id, shadow, code_version(OF_HEADS), [run])


def said(head: Head, features: Features, values: NDArray[np.float32]) -> dict[str, Any]:
    """What is kept of an answer; ``values`` in place of the features' own. Raises as :meth:`Head.predict`."""
    answer = head.predict(replace(features, values=values.astype(np.float64)))
    return {
        "probability": answer.probability,
        "alert": bool(answer.alert),
        "imputed": answer.imputed,
        "features": len(values),
        "threshold": head.linear.threshold,
        "alert_load": head.alert_load,
    }


def features_like(head: Head, values: NDArray[np.float32]) -> Features:
    """A head's features from a record's input, to replay it."""
    return Features(values.astype(np.float64), head.kind, head.device, head.encoder_sha256, head.cohort_sha256)


@lru_cache(maxsize=8)
def _loaded(path: Path, sha256: str) -> Loaded:
    files = {HEAD: _read(path)}
    for name in (_ENCODER, _COHORT):
        if (path.parent / name).is_file():
            files[name] = (path.parent / name).read_bytes()
    return _made(files, sha256)


def _made(files: Mapping[str, bytes], sha256: str) -> Loaded:
    head = load_head(files[HEAD], sha256=sha256)
    if not head.encoder_sha256:
        return Loaded(head, None, None)
    if _ENCODER not in files or _COHORT not in files:
        raise WeightsError("missing_file", "a part of the head is not there")
    encoder = Encoder.from_file(files[_ENCODER], sha256=head.encoder_sha256, threads=settings.PAT_THREADS)
    return Loaded(head, encoder, load_cohort(files[_COHORT], sha256=head.cohort_sha256))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HeadError(f"cannot be read: {error.strerror}") from None
