"""Methods as registered versions: those that come with Novamind, code being their weights, and an operator's files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.utils.crypto import get_random_string

from actigraphy.pat.installing import acting
from actigraphy.pat.parts import keep_parts
from novamind.accounts.models import User
from novamind.audit.recording import current, recorded
from novamind.registry import cards
from novamind.registry.models import ModelVersion
from novamind.registry.services import MoveRefused, move, register_version
from twins import changes, correlations, forecasts
from twins.science.forecasting import Forecaster, ModelError, load_forecaster
from twins.training import SLIDER, registry_card, serves, training_of
from twins.whatif import model as what_if

SHIPPED: Final = Path(__file__).parent / "shipped"
BY: Final = "system:start"
UNSAID: Final = "not_available"
REASON: Final = "It comes with this release, and replaces the code of the one before, which is not there any more."
A_TEST: Final = "None: a statistical test. Its figures are of simulated people."
SHIPS: Final = "It comes with this release; its card says on whom it was judged."


def register_at_start(say: Callable[[str], object]) -> None:
    """Put what comes with this release to work; once."""
    act = nullcontext() if current() else recorded(actor_label=BY, request_id=f"start-{get_random_string(12)}")
    with act:
        for version, new in (install_correlation(), install_change(), install_what_if(), install_forecaster()):
            if new:
                say(f"{version.name} {version.version}: {version.stage}")


def install_correlation() -> tuple[ModelVersion, bool]:
    """The lagged correlation, at work; and whether it was new."""
    return _install_code(correlations, ModelVersion.Kind.CORRELATION, "lagged_correlation.json")


def install_change() -> tuple[ModelVersion, bool]:
    """What tells changes of a patient's own days, at work; and whether it was new."""
    return _install_code(changes, ModelVersion.Kind.CHANGE, "own_change.json")


def install_what_if() -> tuple[ModelVersion, bool]:
    """The what-if simulation, at work; and whether it was new."""
    said = "None in advance: it is fitted to one patient for each question. Its figures are of simulated people."
    return _install_code(what_if, ModelVersion.Kind.WHAT_IF, "what_if.json", said)


def _install_code(method: Any, kind: str, card: str, training_data: str = A_TEST) -> tuple[ModelVersion, bool]:
    """A method of no weights, registered and in production, for older code is not there."""
    with transaction.atomic():
        version, created = register_version(
            name=method.NAME,
            version=method.CODE.version,
            kind=kind,
            card=json.loads((SHIPPED / card).read_text()),
            weights_sha256=method.CODE.digest,
            weights_file="",
            training_data=training_data,
            by=BY,
            reason=REASON,
        )
        if created:
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=BY, reason=REASON)
    return version, created


def install_forecaster() -> tuple[ModelVersion, bool]:
    """The shipped forecaster, registered; in production where nothing of its name serves. And whether it was new."""
    said = json.loads((SHIPPED / forecasts.FORECASTER).with_suffix(".card.json").read_text())
    with transaction.atomic():
        version, created = register_version(
            name=forecasts.NAME,
            version=said["sha256"][:12],
            kind=ModelVersion.Kind.FORECASTER,
            card=registry_card(said),
            weights_sha256=said["sha256"],
            weights_file=forecasts.FORECASTER,
            training_data=training_of(said),
            by=BY,
            reason=SHIPS,
        )
        if created and not ModelVersion.objects.serving(forecasts.NAME).exists():
            version = move(version, to=ModelVersion.Stage.PRODUCTION, by=BY, reason=SHIPS)
    return version, created


def install_file(
    path: Path, *, answers: Mapping[str, Any], shadow: bool = False, by: User | str, reason: str
) -> tuple[ModelVersion, bool]:
    """Check a forecaster from ``train_forecaster``, keep it with its card in the models folder, and register it.

    A draft, or in shadow; a person promotes it on the Models page. Returns the version and whether it is new.

    Parameters
    ----------
    path : Path
        The file; its card lies beside it.
    answers : mapping
        Attributes of the registry's card that training cannot know, in place of what it says.
    shadow : bool
        Let it run on the inputs of the one that serves, shown to nobody.

    Raises
    ------
    ModelError
        It is no forecaster of check-ins, nobody has judged it, or its card is missing, another's or changed.
    MoveRefused
        No reason, or ``card_incomplete``. In each case nothing is kept.
    """
    content, said = _read(path)
    _require_honest(load_forecaster(content, sha256=said["sha256"]), said)
    card = _answered(registry_card(said), answers)
    if missing := cards.problems(card):
        raise MoveRefused("card_incomplete", f"Its card leaves {len(missing)} things unsaid.", missing)
    version = said["sha256"][:12]
    beside = Path(forecasts.FORECASTER).with_suffix(".card.json").name
    files = {forecasts.FORECASTER: content, beside: json.dumps(said, indent=1, ensure_ascii=False).encode()}
    with keep_parts(f"{forecasts.NAME}_{version}", files) as kept, transaction.atomic(), acting(by):
        registered, created = register_version(
            name=forecasts.NAME,
            version=version,
            kind=ModelVersion.Kind.FORECASTER,
            card=card,
            weights_sha256=said["sha256"],
            weights_file=(kept / forecasts.FORECASTER).as_posix(),
            training_data=training_of(said),
            by=by,
            reason=reason,
        )
        if shadow and registered.stage in (ModelVersion.Stage.DRAFT, ModelVersion.Stage.RETIRED):
            registered = move(registered, to=ModelVersion.Stage.SHADOW, by=by, reason=reason)
    return registered, created


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    beside = path.with_suffix(".card.json")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}") from None
    try:
        said = json.loads(beside.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"its card {beside.name} cannot be read ({type(error).__name__})") from None
    if not isinstance(said, dict) or not isinstance(said.get("sha256"), str):
        raise ModelError(f"{beside.name} is no card")
    return content, said


def _answered(card: dict[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The card with a person's answers, where training had none: what it said or measured nobody can talk over."""
    said = [key for key in answers if key in card and set(card[key] if isinstance(card[key], dict) else ()) != {UNSAID}]
    if said:
        raise MoveRefused("card_incomplete", f"Its card says {', '.join(sorted(said))} itself.", said)
    return card | dict(answers)


def _require_honest(forecaster: Forecaster, said: Mapping[str, Any]) -> None:
    """The card says what training wrote into the file itself, and lets serve what its figures do."""
    changed = [key for key, value in forecaster.card.items() if key != "serves" and said.get(key) != value]
    if changed or not forecaster.card:
        raise ModelError(f"its card was changed since it was trained: {', '.join(sorted(changed)) or 'everything'}")
    if "serves" not in said:
        raise ModelError("nobody has judged it; evaluate_forecaster --forecaster FILE --onto-card WHO does")
    if said["serves"] != serves((said.get("external") or said["held_out"])["models"]):
        raise ModelError(f"its figures do not let {said['serves']} serve")
    scale = forecaster.norm.scale
    if (scale.low, scale.high) != (SLIDER.low, SLIDER.high):
        raise ModelError(f"it forecasts scores of {scale.low:g} to {scale.high:g}; check-ins are read as 0 to 100")
