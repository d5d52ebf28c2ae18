"""System checks: mistakes with encrypted fields that Django itself would let through."""

from django.apps import apps
from django.core.checks import Error, register
from django.db import models

from novamind.phi.fields import EncryptedField


@register()
def encrypted_fields_can_be_bound(app_configs, **kwargs) -> list[Error]:
    """A ciphertext is bound to its row, so the row needs a key that is known before it is stored."""
    found = []
    for model in apps.get_models():
        fields = [field for field in model._meta.local_fields if isinstance(field, EncryptedField)]
        if not fields:
            continue
        if not isinstance(model._meta.pk, models.UUIDField):
            found.append(Error("a model with encrypted fields has a UUID primary key", obj=model, id="phi.E001"))
        if not hasattr(model, "key_owner"):
            found.append(Error("a model with encrypted fields says whose key it uses", obj=model, id="phi.E002"))
        ordered = {str(name).lstrip("-") for name in model._meta.ordering}
        if ordered & {field.name for field in fields}:
            found.append(Error("ordering by an encrypted field sorts ciphertext", obj=model, id="phi.E003"))
    return found
