"""What a patient is found by, folded and packed into one ciphertext, so that a search decrypts once per patient."""

from __future__ import annotations

import unicodedata
from typing import Any

from novamind.phi.fields import EncryptedField, normalized


def folded(text: str) -> str:
    """Without accents, for people whose keyboard has none; a hyphen parts two words."""
    decomposed = unicodedata.normalize("NFKD", normalized(text)).replace("-", " ")
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def search_text(patient: Any) -> str:
    """`` last`` ``first`` and the record number on a line each; each word of a name has a space before it.

    Sorts by last name, then first name.
    """
    names = (" " + " ".join(folded(name).split()) for name in (patient.last_name, patient.first_name))
    return "\n".join([*names, normalized(patient.mrn or "")])


class Query:
    """What somebody looks for: each word begins a word of the name, in any order; or all of it is the record number."""

    def __init__(self, text: str) -> None:
        self._mrn = normalized(text)
        self._words = [f" {part}" for part in folded(text).replace(",", " ").split()]

    def __bool__(self) -> bool:
        return bool(self._mrn)

    def matches(self, text: str) -> bool:
        """Whether this search text is of somebody who is looked for."""
        names, _, mrn = text.rpartition("\n")
        return (bool(self._words) and all(word in names for word in self._words)) or self._mrn == mrn


class SearchTextField(EncryptedField):
    """The search text of a patient, made anew whenever the patient is saved; encrypted under the patient's own key."""

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        setattr(model_instance, self.attname, search_text(model_instance))
        return super().pre_save(model_instance, add)
