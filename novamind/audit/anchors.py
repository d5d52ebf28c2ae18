"""Anchors: the newest seal, written where whoever owns the database cannot reach (``AUDIT_ANCHOR_URL``).

``file:///mnt/other-volume/anchors.jsonl`` appends a line; ``s3://bucket/prefix`` puts an object under Object Lock in
compliance mode, which nobody can delete before its time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings

from novamind.audit.models import Anchor, Seal
from novamind.audit.retention import KEPT
from novamind.clock import now

EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Anchored:
    """What an anchor says: up to this number, the chain ended in this mac (hexadecimal)."""

    seq: int
    mac: str


class Place(Protocol):
    """Where anchors are kept."""

    def write(self, anchored: Anchored) -> None: ...

    def read(self) -> Iterator[Anchored]: ...


class AnchorFile:
    """Lines of a file, best on a volume of another machine; each is on disk before the next is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, anchored: Anchored) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(asdict(anchored)) + "\n").encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[Anchored]:
        if self.path.exists():
            for line in self.path.read_text(encoding="ascii").splitlines():
                yield Anchored(**json.loads(line))


class AnchorBucket:
    """Objects of a bucket that has Object Lock."""

    def __init__(self, bucket: str, prefix: str, client: Any = None) -> None:
        self.bucket, self.prefix = bucket, prefix
        self.client = client or _s3()

    def write(self, anchored: Anchored) -> None:
        self.client.put_object(
            Bucket=self.bucket,
            Key=f"{self.prefix}{anchored.seq:015d}.json",
            Body=json.dumps(asdict(anchored)).encode(),
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=now() + KEPT,
            ChecksumAlgorithm="SHA256",
        )

    def read(self) -> Iterator[Anchored]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                body = self.client.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"]
                yield Anchored(**json.loads(body.read()))


def place() -> Place | None:
    """Where anchors go; ``None`` when nowhere is configured. ``ValueError`` for an address of another kind."""
    if not settings.AUDIT_ANCHOR_URL:
        return None
    url = urlsplit(settings.AUDIT_ANCHOR_URL)
    if url.scheme == "file":
        return AnchorFile(Path(unquote(url.path)))
    if url.scheme == "s3":
        prefix = url.path.strip("/")
        return AnchorBucket(url.netloc, f"{prefix}/" if prefix else "")
    raise ValueError("AUDIT_ANCHOR_URL is file:///… or s3://…")


def anchor_if_due() -> bool:
    """Write the newest seal outside when five minutes have passed and there is a new one; whether it was written."""
    newest, last = Seal.objects.order_by("-seq").first(), Anchor.objects.order_by("-at").first()
    if newest is None or (last is not None and (last.seq == newest.seq or last.at > now() - EVERY)):
        return False
    if (outside := place()) is None:
        return False
    outside.write(Anchored(newest.seq, bytes(newest.mac).hex()))
    Anchor.objects.create(seq=newest.seq)
    return True


def _s3() -> Any:
    import boto3

    return boto3.client(
        "s3",
        region_name=settings.AWS_REGION or None,
        endpoint_url=settings.S3_ENDPOINT_URL or None,
        aws_access_key_id=settings.S3_ACCESS_KEY_ID or None,
        aws_secret_access_key=settings.S3_SECRET_ACCESS_KEY or None,
    )
