"""What a password may not be, beside what Django refuses."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError

#: What an attacker of this place tries first.
WORDS = ("novamind", "psychiatry", "psychiatrist", "psykiatri", "clinic", "klinikk", "hospital", "password", "welcome")
LEAST_LETTERS = 8


class WordsOfThisPlaceValidator:
    """Refuses a password that is little more than a word of this place (ASVS 6.2.11)."""

    def validate(self, password: str, user: Any = None) -> None:
        rest = password.lower()
        for word in WORDS:
            rest = rest.replace(word, "")
        if rest != password.lower() and len(set(re.findall(r"[^\W\d_]", rest))) < LEAST_LETTERS:
            raise ValidationError("This password is little more than a word anybody would try here.", code="words")

    def get_help_text(self) -> str:
        return "Your password is not to be made of words like the name of this place."
