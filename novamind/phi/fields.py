"""Encrypted model fields and the blind index that finds them.

The ciphertext travels through Django as :class:`Ciphertext` and is decrypted by a descriptor on first access, which
has the row; so a value that nobody reads costs nothing. Filtering, ordering and ``update()`` are refused.
A model with encrypted fields has a UUID key and a property ``key_owner`` (whose key; ``None`` is the clinic's).
"""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from django.core.exceptions import FieldError, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.lookups import In
from django.db.models.query_utils import DeferredAttribute

from novamind.phi import cipher
from novamind.phi.keys import derive, index_keys, living_key
from novamind.phi.models import DataKey


class Ciphertext(bytes):
    """A value as the database keeps it; it does not let itself be written out as text (a page, JSON, a log)."""

    def __str__(self) -> str:
        raise FieldError("still encrypted: read the attribute of an object, not values() or an aggregate")

    def __format__(self, spec: str) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<ciphertext of {len(self)} bytes>"


class _Decrypting(DeferredAttribute):
    """Decrypts on first access and keeps the plain value on the instance."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            plain = cipher.decrypt(
                value, table=instance._meta.db_table, column=self.field.column, row=instance.pk
            ).decode()
            value = instance.__dict__[self.field.attname] = self.field.from_text(plain)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # Makes this a data descriptor: without it the instance's own dictionary would answer, in ciphertext.
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.BinaryField):
    """Text encrypted under the row owner's key; NULL stays NULL, the empty string stays empty but hidden.

    ``key_purpose`` names another of the owner's keys than the one of the chart.
    """

    descriptor_class = _Decrypting

    def __init__(
        self, *args: Any, max_length: int | None = None, key_purpose: str = DataKey.Purpose.DATA, **kwargs: Any
    ) -> None:
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)
        self.text_length = max_length
        self.key_purpose = key_purpose

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        if self.text_length is not None:
            kwargs["max_length"] = self.text_length
        if self.key_purpose != DataKey.Purpose.DATA:
            kwargs["key_purpose"] = str(self.key_purpose)
        return name, path, args, kwargs

    def to_text(self, value: Any) -> str:
        """The plain value as text, to be encrypted."""
        return str(value)

    def from_text(self, text: str) -> Any:
        """The inverse of :meth:`to_text`."""
        return text

    def to_python(self, value: Any) -> Any:
        return value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Ciphertext | None:
        if value is None:
            return None
        # SQLite keeps text or a number in any column: planted, it is no ciphertext, and says so when it is read.
        return Ciphertext(value if isinstance(value, bytes | memoryview) else b"")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if value is None or isinstance(value, Ciphertext):
            return value
        self._refuse_expression(value)
        return Ciphertext(
            cipher.encrypt(
                self.to_text(value).encode(),
                owner=model_instance.key_owner,  # type: ignore[attr-defined]
                table=model_instance._meta.db_table,
                column=self.column,
                row=model_instance.pk,
                purpose=self.key_purpose,
            )
        )

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is not None and not isinstance(value, Ciphertext):
            raise FieldError(f"{self.name} is encrypted: save the object, do not update the column")
        return None if value is None else super().get_db_prep_value(bytes(value), connection, prepared)

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        self._refuse_expression(value)
        return super().get_placeholder(value, compiler, connection)

    def _refuse_expression(self, value: Any) -> None:
        # update(name=Value("…")) would store plaintext, update(name=F("…")) a ciphertext that opens nowhere.
        if hasattr(value, "resolve_expression"):
            raise FieldError(f"{self.name} is encrypted: no expression can write it")

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted and cannot be searched; use its blind index")

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.name} is encrypted and cannot be transformed")

    def value_to_string(self, obj: models.Model) -> str:
        raise FieldError(f"{self.name} is encrypted and is not exported by Django's serializers")

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        if isinstance(value, Ciphertext) and model_instance is not None:
            value = getattr(model_instance, self.attname)
        return super().clean(value, model_instance)

    def run_validators(self, value: Any) -> None:
        if value not in self.empty_values and self.text_length is not None:
            MaxLengthValidator(self.text_length)(self.to_text(value))

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms

        defaults: dict[str, Any] = {
            "max_length": self.text_length,
            "required": not self.blank,
            "label": self.verbose_name.capitalize(),
        }
        defaults |= {name: value for name, value in kwargs.items() if name not in {"choices_form_class", "form_class"}}
        return (kwargs.get("form_class") or forms.CharField)(**defaults)


class EncryptedDateField(EncryptedField):
    """An encrypted date."""

    def to_text(self, value: date) -> str:
        return value.isoformat()

    def from_text(self, text: str) -> date:
        return date.fromisoformat(text)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise ValidationError("Enter a date as YYYY-MM-DD.", code="invalid") from None
        return value

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms

        kwargs.pop("choices_form_class", None)
        return forms.DateField(**({"required": not self.blank, "label": self.verbose_name.capitalize()} | kwargs))


class EncryptedJSONField(EncryptedField):
    """Encrypted JSON."""

    def to_text(self, value: Any) -> str:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    def from_text(self, text: str) -> Any:
        return json.loads(text)


def normalized(text: str) -> str:
    """What counts as equal in an exact search: NFKC, casefold, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())  # again: casefold takes letters apart


def blind(text: str, column: str, key: bytes | None = None) -> bytes:
    """The blind index of a text in a column: 16 bytes of HMAC-SHA256 under that column's own key."""
    mac = HMAC(derive(key or living_key(None, DataKey.Purpose.INDEX)[1], f"index {column}"), SHA256())
    mac.update(normalized(text).encode())
    return mac.finalize()[:16]


class BlindIndexField(models.BinaryField):
    """Finds an encrypted field by exact text without storing it: ``filter(mrn_index="A-17")``.

    Equal texts have equal indexes, so this is never put on anything with few values.
    """

    def __init__(self, *, source: str, **kwargs: Any) -> None:
        kwargs |= {"editable": False, "null": True}
        super().__init__(**kwargs)
        self.source = source

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        kwargs.pop("null", None)
        return name, path, args, kwargs | {"source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> bytes | None:
        value = getattr(model_instance, self.source)
        found = self.index_of(self._source_text(model_instance, value)) if value else None
        setattr(model_instance, self.attname, found)
        return found

    def _source_text(self, model_instance: models.Model, value: Any) -> str:
        field: Any = model_instance._meta.get_field(self.source)
        return field.to_text(value)

    def get_prep_value(self, value: Any) -> Any:
        return self.index_of(value) if isinstance(value, str) else value

    def index_of(self, text: str, key: bytes | None = None) -> bytes:
        """What stands in this column for a text, under the living index key unless another is given."""
        return blind(text, f"{self.model._meta.db_table}.{self.source}", key)


@BlindIndexField.register_lookup
class _UnderAnyIndexKey(In):
    """``filter(mrn_index="A-17")``: while the index key is rotated, some rows still have the old key's index."""

    lookup_name = "exact"

    def __init__(self, lhs: Any, rhs: Any) -> None:
        values = [lhs.output_field.index_of(rhs, key) for key in index_keys()] if isinstance(rhs, str) else [rhs]
        super().__init__(lhs, values)
