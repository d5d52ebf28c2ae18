"""Data sets of the clinic's own people to train on: those who allow models to use it now, under pseudonyms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.utils.crypto import salted_hmac

from actigraphy.channels import CHANNELS
from novamind import clock
from novamind.audit.recording import aggregates
from novamind.registry.code import Code
from patients.consent import allowing
from patients.models import MOST, ConsentPurpose, Patient
from twins.correlations import WINDOW_DAYS
from twins.features import BIOMETRICS, SYMPTOMS, Feature, daily_of
from twins.forecasts import HORIZON, LEAST_DAYS
from twins.science.datasets import (
    PARTS,
    Dataset,
    DatasetError,
    Gates,
    Person,
    Spec,
    build,
    dataset_bytes,
    parsed_dataset,
)

DATA: Final = "dataset.npz"
MANIFEST: Final = "manifest.json"
#: Days looked back on; a year holds every season once.
LOOKBACK: Final = 365
#: What is asked of every person, of what is to be told: nobody is in a data set without it.
PURPOSES: Final = (ConsentPurpose.TREATMENT, ConsentPurpose.MODELS)
#: People by part, in per cent.
SHARES: Final = MappingProxyType({"train": 70, "validation": 15, "test": 15})
assert tuple(SHARES) == PARTS
_DAY_MIN: Final = 24 * 60
_HISTORY_DAYS: Final = 28  # as the forecaster's transformer reads
_MOST_FAILED: Final = 0.2


@dataclass(frozen=True)
class Built:
    """A data set, and what is said of it."""

    dataset: Dataset
    manifest: dict[str, Any]


def plausible(name: str, feature: Feature) -> tuple[float, float]:
    """Bounds of a day's number that can be true."""
    if name in SYMPTOMS:
        return 0.0, float(MOST)
    if feature.channel:
        channel = CHANNELS[feature.channel]
        minutes = _DAY_MIN if channel.daily == "sum" else 1
        return float(channel.low), float(channel.high * minutes)
    return {"share": (0.0, 1.0), "h": (-12.0, 12.0)}.get(feature.unit, (0.0, float(_DAY_MIN)))


def _spec(purpose: str, features: tuple[str, ...], targets: tuple[str, ...], **windows: int) -> Spec:
    every = BIOMETRICS | SYMPTOMS
    gates = Gates(
        plausible={name: plausible(name, every[name]) for name in features},
        fenced=tuple(name for name in features if name in BIOMETRICS),
        least_days=windows["history"] if not windows["horizon"] else LEAST_DAYS + HORIZON,
        most_failed=_MOST_FAILED,
    )
    return Spec(purpose, features, targets, gates=gates, **windows)


#: What a data set may be built for.
SPECS: Final = MappingProxyType(
    {
        "symptom-forecast": _spec(
            "symptom-forecast", ("mood",), ("mood",), history=_HISTORY_DAYS, horizon=HORIZON, every=1,
            least_known=LEAST_DAYS,
        ),
        "biometric-symptom": _spec(
            "biometric-symptom", (*BIOMETRICS, *SYMPTOMS), tuple(SYMPTOMS), history=WINDOW_DAYS, horizon=0, every=7,
            least_known=WINDOW_DAYS // 3,
        ),
    }
)  # fmt: skip


_HERE: Final = Path(__file__).parent
CODE: Final = Code(_HERE / "features.py", _HERE / "datasets.py", _HERE / "science" / "datasets")


def build_dataset(purpose: str, *, salt: str, days: int = LOOKBACK, cut: date | None = None) -> Built:
    """The days of everybody who allows it now.

    Parameters
    ----------
    purpose : str
        One of :data:`SPECS`.
    salt : str
        Names the line of data sets: under the same one a person has the same pseudonym and part in every version, so
        that nobody moves from those who are learnt from to those who judge. Without this clinic's secret key it names
        nobody.
    days : int
        Looked back on.
    cut : date, optional
        What is to be told from this local day on is *later*.

    Raises
    ------
    DatasetError
        Nobody is left.
    """
    spec = SPECS[purpose]
    asked, allowed = _who(spec)
    dataset = build(spec, _people(spec, allowed, salt, days, cut))
    if not len(dataset.windows):
        raise DatasetError(f"no window is left of {len(allowed)} people who allow it: {json.dumps(dataset.left_out)}")
    return Built(dataset, _manifest(dataset, asked, len(allowed), days=days, cut=cut is not None))


def _who(spec: Spec) -> tuple[int, list[UUID]]:
    """How many charts there are, and whose patients allow models what is to be told, now."""
    with aggregates():
        everybody = set(Patient.objects.filter(disposed_at=None).values_list("pk", flat=True))
    allowed = everybody
    for stream in {SYMPTOMS[name].stream for name in spec.targets}:
        for purpose in PURPOSES:
            allowed = allowing(allowed, purpose, stream)
    return len(everybody), sorted(allowed)


def _people(spec: Spec, ids: list[UUID], salt: str, days: int, cut: date | None) -> Iterator[Person]:
    """Days one person after another; each stream as :func:`twins.features.daily_of` may read it, at this moment."""
    rows = [[*BIOMETRICS, *SYMPTOMS].index(name) for name in spec.features]
    for pk in ids:
        daily = daily_of(Patient.objects.get(pk=pk), days=days)
        later = min(max((cut - daily.first).days, 0), days) if cut else days
        yield Person(pseudonym_of(salt, pk), part_of(salt, pk), daily.values[rows].T, later)


def pseudonym_of(salt: str, patient_id: UUID) -> str:
    """Sixteen digits that name the person within one line of data sets, and only to who has the secret key."""
    return _digest("pseudonym", salt, patient_id)[:16]


def part_of(salt: str, patient_id: UUID) -> str:
    """The part a person always has in one line of data sets."""
    place = int(_digest("part", salt, patient_id)[:8], 16) % 100
    for part, share in SHARES.items():
        if place < share:
            return part
        place -= share
    raise AssertionError("shares sum to 100")


def _digest(what: str, salt: str, patient_id: UUID) -> str:
    return salted_hmac(f"twins.datasets.{what}:{salt}", str(patient_id), algorithm="sha256").hexdigest()


def _manifest(dataset: Dataset, asked: int, allowed: int, *, days: int, cut: bool) -> dict[str, Any]:
    """What stands beside the file. No date but the year: with day numbers a nearer one would date a person's days."""
    spec = dataset.spec
    return {
        "sha256": dataset.sha256,
        "purpose": spec.purpose,
        "features": list(spec.features),
        "targets": list(spec.targets),
        "looked_back_days": days,
        "windows": {
            "history_days": spec.history, "horizon_days": spec.horizon, "every_days": spec.every,
            "least_known_days": spec.least_known,
        },
        "gates": {
            "plausible": {name: list(ends) for name, ends in spec.gates.plausible.items()},
            "outliers": {"features": list(spec.gates.fenced), "how": "Tukey's outer fences, within the person"},
            "least_days": spec.gates.least_days,
            "most_failed_share": spec.gates.most_failed,
        },
        "consent": {
            "asked": "of every person for what is to be told, and of every stream, while this was built",
            "purposes": [str(purpose) for purpose in PURPOSES],
            "charts": asked,
            "allowed": allowed,
        },
        "shares_percent": dict(SHARES),
        "cut_by_time": cut,
        "counts": dataset.counts(),
        "code_version": CODE.version,
        "built_in": clock.now().year,
    }  # fmt: skip


def write(built: Built, folder: Path) -> None:
    """Both files, readable by their owner alone.

    Raises
    ------
    OSError
        The folder cannot be made or written; it is there already.
    """
    folder.mkdir(mode=0o700)
    for name, content in (
        (DATA, dataset_bytes(built.dataset)),
        (MANIFEST, (json.dumps(built.manifest, indent=1, ensure_ascii=False) + "\n").encode()),
    ):
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)


def read(folder: Path) -> Built:
    """A data set that was written, held against the hash in its manifest.

    Raises
    ------
    DatasetError
        A file is missing, or is not what the manifest says.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        content = (folder / DATA).read_bytes()
    except (OSError, ValueError) as error:
        raise DatasetError(f"not the folder of a data set ({type(error).__name__})") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("sha256"), str):
        raise DatasetError("its manifest names no hash")
    return Built(parsed_dataset(content, sha256=manifest["sha256"]), manifest)
