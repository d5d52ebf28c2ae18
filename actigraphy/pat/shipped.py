"""What comes with Novamind, trained on simulated people: put to work where nothing better serves."""

from __future__ import annotations

from typing import Final

from actigraphy.pat import anomalies, cohorts, installing
from actigraphy.pat.cards import SHIPPED
from actigraphy.science.pat.reference import load_cohort
from actigraphy.science.pat.weights import load_weights
from novamind.accounts.models import User
from novamind.registry.models import ModelVersion

#: Within the models folder: not looked into at start, and thrown away with the demo's clinic.
FOLDER: Final = "shipped"


def install_shipped(*, by: User | str, reason: str) -> list[ModelVersion]:
    """Put the shipped models into production where nothing of their name serves; those that now do.

    What an operator installed or mounted is never replaced.

    Raises
    ------
    PermissionDenied, MoveRefused
        As :func:`novamind.registry.services.move`.
    """
    encoder, cohort = SHIPPED / "encoder.h5", SHIPPED / "cohort.json"
    device = load_cohort(cohort).device
    installs = {
        installing.name_of(load_weights(encoder)): lambda: installing.install(
            encoder, by=by, reason=reason, folder=FOLDER
        ),
        cohorts.name_of(device): lambda: cohorts.install(cohort, by=by, reason=reason, folder=FOLDER),
        anomalies.name_of(device): lambda: anomalies.install(SHIPPED, by=by, reason=reason, within=FOLDER),
    }
    return [install()[0] for name, install in installs.items() if not ModelVersion.objects.serving(name).exists()]
