"""The form of ICD-10 codes (WHO and ICD-10-CM); which of them exist is not checked here."""

from __future__ import annotations

import re
from typing import Final

_FORM: Final = re.compile(r"([A-Z][0-9][0-9AB])(?:\.?([0-9A-Z]{1,4}))?", re.ASCII)
#: Mental and behavioural disorders due to psychoactive substances; tobacco (F17) is none of 42 CFR 2.11.
_SUBSTANCES: Final = frozenset({"F10", "F11", "F12", "F13", "F14", "F15", "F16", "F18", "F19"})


class WrongCode(ValueError):
    """The text has not the form of a code."""


def icd10(text: str) -> str:
    """A code as it is kept: ``F33.1``; ``WrongCode`` for what has not the form of one."""
    found = _FORM.fullmatch(text.strip().upper())
    if found is None:
        raise WrongCode("A code looks like F33.1; leave it empty where there is none.")
    return f"{found[1]}.{found[2]}" if found[2] else found[1]


def is_substance_use(code: str) -> bool:
    """Whether a code is of the use of substances as 42 CFR 2.11 means it."""
    return code[:3] in _SUBSTANCES
