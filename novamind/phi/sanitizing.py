"""What is done with an identifier once it is found: redact, tokenise, encrypt."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.conf import settings

from novamind.phi import cipher, vault
from novamind.phi.detection import LAYERS, Identifiers, LayerFailed, Level, Span, find

#: Replacing a name brings words together that were apart; a few passes settle it.
PASSES = 4


class Action(StrEnum):
    """What stands in a sanitised text in an identifier's place."""

    REDACT = "redact"
    TOKENISE = "tokenise"
    ENCRYPT = "encrypt"


@dataclass(frozen=True, slots=True)
class Sanitized:
    """``spans`` are those of the first pass, into the text as it came; ``layers_run`` is what searched it."""

    text: str
    spans: list[Span]
    layers_run: tuple[str, ...]


def sanitize(
    text: str,
    *,
    known: Identifiers,
    patient_id: UUID | None,
    level: Level | str | None = None,
    action: Action | str = Action.REDACT,
) -> Sanitized:
    """Replace every identifier in a text; ``LayerFailed`` when a layer failed or the passes do not settle.

    Tokenising and encrypting need the patient whose key opens the result. The level is by default that of
    ``HIPAA_PHI_DETECTION_LEVEL``.
    """
    level = level or settings.HIPAA_PHI_DETECTION_LEVEL
    replace = _replacement(Action(action), patient_id)
    layers = tuple(LAYERS)
    first: list[Span] | None = None
    for _ in range(PASSES):
        spans = find(text, level, known, layers)
        first = spans if first is None else first
        if not spans:
            return Sanitized(text, first, layers)
        for span in reversed(spans):
            text = text[: span.start] + replace(text[span.start : span.end], span) + text[span.end :]
    if find(text, level, known, layers):
        raise LayerFailed(f"identifiers remain after {PASSES} passes")
    return Sanitized(text, first or [], layers)


def _replacement(action: Action, patient_id: UUID | None) -> Callable[[str, Span], str]:
    if action is Action.REDACT:
        return lambda value, span: f"[{span.kind}]"
    if patient_id is None:
        raise ValueError(f"to {action} needs the patient whose key opens it")
    if action is Action.TOKENISE:
        return lambda value, span: vault.token_for(value, span.kind, patient_id)
    return lambda value, span: f"[ENC:{_sealed(value, patient_id)}]"


def _sealed(value: str, patient_id: UUID) -> str:
    sealed = cipher.encrypt(value.encode(), owner=patient_id, table="phi_text", column="span", row=patient_id)
    return base64.urlsafe_b64encode(sealed).decode()


def open_sealed(token: str, patient_id: UUID) -> str:
    """The inverse of an ``[ENC:…]``, brackets included; ``cipher.Altered`` when it is another patient's or damaged."""
    sealed = base64.urlsafe_b64decode(token.removeprefix("[ENC:").removesuffix("]"))
    return cipher.decrypt(sealed, table="phi_text", column="span", row=patient_id).decode()
