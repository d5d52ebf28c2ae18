"""Files of ``train_treatment_model`` as registered versions: drafts, until a person promotes one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.crypto import get_random_string

from actigraphy.pat.installing import acting
from actigraphy.pat.parts import keep_parts
from novamind.accounts.models import User
from novamind.audit.recording import current, recorded
from novamind.registry import cards
from novamind.registry.models import ModelVersion
from novamind.registry.services import MoveRefused, register_version
from twins.response.training import is_better, registry_card, training_of
from twins.science.treatment import ModelError, load_model, require_trees

#: Target -> the setting that names a file to be read at start.
SETTINGS: Final = MappingProxyType(
    {
        "response": "XGBOOST_TREATMENT_RESPONSE_MODEL_PATH",
        "outcome": "XGBOOST_OUTCOME_PREDICTION_MODEL_PATH",
        "risk": "XGBOOST_RISK_PREDICTION_MODEL_PATH",
    }
)
#: Target -> name in the registry.
NAMES: Final = MappingProxyType({target: f"treatment-{target}" for target in SETTINGS})
FILE: Final = "model.npz"
BY: Final = "system:start"
NAMED: Final = "Its path is in the settings; a person decides whether it serves."


def install_file(path: Path, *, target: str = "", by: User | str, reason: str) -> tuple[ModelVersion, bool]:
    """Check a file, keep a copy in the models folder, and register it as a draft; and whether it was new.

    Parameters
    ----------
    path : Path
    target : str
        What it must tell; empty: whatever it does.

    Raises
    ------
    ModelError
        It is no such model, tells something else, or is no better than saying the same of everybody.
    MoveRefused
        No reason, or ``card_incomplete``. In each case nothing is kept.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}") from None
    model = load_model(content)
    require_trees(model)
    if target and model.target != target:
        raise ModelError(f"it tells {model.target}, and {target} is asked for")
    if not is_better(model.target, model.card.get("figures", ())):
        raise ModelError("its figures are not better than saying the same of everybody")
    card = registry_card(model.card)
    if missing := cards.problems(card):
        raise MoveRefused("card_incomplete", f"Its card leaves {len(missing)} things unsaid.", missing)
    sha256 = hashlib.sha256(content).hexdigest()
    name = NAMES[model.target]
    with keep_parts(f"{name}_{sha256[:12]}", {FILE: content}) as kept, transaction.atomic(), acting(by):
        return register_version(
            name=name,
            version=sha256[:12],
            kind=ModelVersion.Kind.TREATMENT,
            card=card,
            weights_sha256=sha256,
            weights_file=(kept / FILE).as_posix(),
            training_data=training_of(model.card),
            by=by,
            reason=reason,
        )


def register_at_start(say: Callable[[str], object]) -> None:
    """Read the files that the settings name, and say what became of each; a bad one stops nothing."""
    act = nullcontext() if current() else recorded(actor_label=BY, request_id=f"start-{get_random_string(12)}")
    with act:
        for target, setting in SETTINGS.items():
            if path := getattr(settings, setting):
                say(f"{setting}: {_registered(Path(path), target)}")


def _registered(path: Path, target: str) -> str:
    try:
        version, _ = install_file(path, target=target, by=BY, reason=NAMED)
    except (ModelError, MoveRefused) as why:
        return f"refused, {getattr(why, 'detail', None) or why}"
    return f"{version.name} {version.version}, {version.stage}"
