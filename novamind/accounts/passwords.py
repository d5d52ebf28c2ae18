"""What a password may not be, beside what Django refuses."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from django.conf import settings
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


class BreachedPasswordValidator:
    """Refuses a password of the list of breached ones an operator has put here (ASVS 6.2.12).

    The list is a file in the form of Have I Been Pwned's: a line ``SHA1:count`` each, in capitals, sorted. It is asked
    where it lies, so that no part of a password leaves the clinic. Without a list nothing is refused here, and the
    compliance page says so.
    """

    def validate(self, password: str, user: Any = None) -> None:
        path = settings.BREACHED_PASSWORDS_FILE
        if path and is_listed(Path(path), hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()):
            raise ValidationError(
                "This password has been in a breach elsewhere, and attackers try it.", code="breached"
            )

    def get_help_text(self) -> str:
        return "Your password is not to be one that was stolen elsewhere."


def is_listed(path: Path, digest: str) -> bool:
    """Whether the sorted file has a line that begins with this SHA-1; a search by halves, about 36 reads of 40 GB.

    Raises
    ------
    OSError
        The file cannot be read: no password is taken while nobody can tell.
    """
    wanted = digest.encode()
    with path.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)  # the line wanted begins in [low, high), if it is there
        while low < high:
            middle = (low + high) // 2
            line, start = _line_from(file, middle)
            if line[:40] == wanted:
                return True
            if not line or line[:40] > wanted:
                high = middle
            else:
                low = start + len(line)
    return False


def _line_from(file: Any, position: int) -> tuple[bytes, int]:
    """The first line that begins at or after this position, and where; empty at the end."""
    file.seek(max(position - 1, 0))
    if position:
        file.readline()
    start = file.tell()
    return file.readline(), start
