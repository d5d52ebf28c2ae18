"""The one door through which a text may leave for a model outside: it opens only when every layer has searched it."""

from __future__ import annotations

import re
from uuid import UUID

from django.conf import settings

from novamind.phi.detection import LAYERS, Identifiers, LayerFailed, Level, find
from novamind.phi.detection.folding import fold
from novamind.phi.detection.known import squeezed
from novamind.phi.sanitizing import Action, sanitize

NEEDED = ("known", "patterns", "names")


class Blocked(Exception):
    """The text did not leave. ``reason`` is a code; it quotes nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def outbound(text: str, *, patient_id: UUID, known: Identifiers | None, purpose: str) -> str:
    """The text as it may be sent, tokenised; always at the strict level, whatever the settings say.

    Parameters
    ----------
    known : Identifiers or None
        The patient's own; ``None`` when they could not be loaded.
    purpose : str
        What for; required, so that no caller passes a text without saying so.

    Raises
    ------
    Blocked
        no_purpose, sanitization_off, layer_missing, layer_failed, no_identifiers, found_again.
    """
    if not purpose:
        raise Blocked("no_purpose")
    if not settings.PHI_SANITIZATION_ENABLED:
        if settings.ENVIRONMENT != "development":
            raise Blocked("sanitization_off")
        return text
    if set(NEEDED) - set(LAYERS):
        raise Blocked("layer_missing")
    if not known:
        raise Blocked("no_identifiers")
    try:
        clean = sanitize(text, known=known, patient_id=patient_id, level=Level.STRICT, action=Action.TOKENISE)
        again = find(clean.text, Level.STRICT, known)
    except LayerFailed:
        raise Blocked("layer_failed") from None
    if set(NEEDED) - set(clean.layers_run):
        raise Blocked("layer_missing")
    if again or _spelled_out(clean.text, known):
        raise Blocked("found_again")
    return clean.text


def _spelled_out(text: str, known: Identifiers) -> bool:
    """Whether an identifier stands there letter by letter, which no layer looks for: ``J-o-h-n  S-m-i-t-h``."""
    bare = re.sub(r"[^a-z0-9]", "", fold(text).lower)
    return any(identifier in bare for identifier in squeezed(known))
