"""Where no identifier may stand: text columns, caches, the broker, names in storage, logs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import models

from novamind.phi.fields import EncryptedField

_TEXT = (models.CharField, models.TextField, models.JSONField, models.FileField)
_CHUNK = 64 * 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
#: Columns that hold names on purpose: of staff, and of patients who sign in by themselves (see docs/encryption.md).
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
            for value in (key, *_READ.get(client.type(key), _unread)(client, key)):
                yield from _with_bodies(name, value.decode("utf-8", "replace"))


def _unread(client: Any, key: bytes) -> list[bytes]:
    return []  # streams: nothing here writes any


#: How each type of Redis is read.
_READ: dict[bytes, Callable[[Any, bytes], list[bytes]]] = {
    b"string": lambda client, key: [client.get(key) or b""],
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: list(client.smembers(key)),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"hash": lambda client, key: [part for pair in client.hgetall(key).items() for part in pair],
}


def _with_bodies(place: str, text: str) -> Iterator[tuple[str, str]]:
    """The text, and what stands in it as base64: the broker packs its messages so."""
    yield place, text
    for packed in _BASE64.findall(text):
        with suppress(ValueError):  # not base64, or not text
            yield place, base64.b64decode(packed, validate=True).decode()


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
            for place, text in _lines("broker", path):
                yield from _with_bodies(place, text)


def _lines(place: str, path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as source:
            while lines := source.readlines(_CHUNK):
                yield place, "".join(lines)
    except FileNotFoundError:  # a message that was taken meanwhile
        return
