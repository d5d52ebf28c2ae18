"""Where no identifier may stand: text columns, caches, the broker, names in storage, logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import models

from novamind.phi.fields import EncryptedField

_TEXT = (models.CharField, models.TextField, models.JSONField, models.FileField)
_CHUNK = 64 * 1024
#: Columns that hold names on purpose, of staff and not of patients.
ALLOWED = {"accounts.User.email", "accounts.User.display_name"}


def everything() -> Iterator[tuple[str, str]]:
    """``(place, text)`` for all of them."""
    for texts in (columns(), sessions(), cached(), stored_names(), log_lines(), broker_messages()):
        yield from texts


def columns() -> Iterator[tuple[str, str]]:
    """Every text column that is not encrypted, audit rows and arguments of jobs included."""
    for model in apps.get_models(include_auto_created=True):
        fields = [
            field
            for field in model._meta.local_concrete_fields
            if isinstance(field, _TEXT)
            and not isinstance(field, EncryptedField)
            and f"{model._meta.label}.{field.name}" not in ALLOWED
        ]
        if not fields or model is Session or model._meta.proxy or not model._meta.managed:
            continue
        rows = model._base_manager.order_by().values_list(*(field.attname for field in fields))
        for row in rows.iterator(chunk_size=2000):
            for field, value in zip(fields, row, strict=True):
                if value:
                    yield (
                        f"{model._meta.label}.{field.name}",
                        value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False),
                    )


def sessions() -> Iterator[tuple[str, str]]:
    """What sessions remember, decoded."""
    for session in Session.objects.iterator(chunk_size=2000):
        yield "sessions", json.dumps(session.get_decoded(), default=str, ensure_ascii=False)


def cached() -> Iterator[tuple[str, str]]:
    """Keys and values of the Redis cache, and of the broker's database."""
    import redis

    for name, url in (("cache", settings.CACHE_URL), ("broker", settings.REDIS_URL)):
        if not url:
            continue
        client = redis.Redis.from_url(url)
        for key in client.scan_iter(count=1000):
            yield name, key.decode("utf-8", "replace")
            kind = client.type(key)
            if kind == b"string":
                yield name, client.get(key).decode("utf-8", "replace")
            elif kind == b"list":
                for value in client.lrange(key, 0, -1):
                    yield name, value.decode("utf-8", "replace")
            elif kind == b"hash":
                for field, value in client.hgetall(key).items():
                    yield name, field.decode("utf-8", "replace") + " " + value.decode("utf-8", "replace")


def stored_names(folder: str = "") -> Iterator[tuple[str, str]]:
    """Names of stored files and folders."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        yield "names in storage", name
    for name in folders:
        yield "names in storage", name
        yield from stored_names(f"{folder}/{name}" if folder else name)


def log_lines() -> Iterator[tuple[str, str]]:
    """Log files kept under DATA_DIR."""
    for path in sorted(Path(settings.DATA_DIR).rglob("*.log*")):
        yield from _lines("logs", path)


def broker_messages() -> Iterator[tuple[str, str]]:
    """Messages of the broker's folder, where there is no Redis."""
    folder = Path(settings.BROKER_DIR)
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file():
            yield from _lines("broker", path)


def _lines(place: str, path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as source:
            while lines := source.readlines(_CHUNK):
                yield place, "".join(lines)
    except FileNotFoundError:  # a message that was taken meanwhile
        return
