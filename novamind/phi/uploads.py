"""Uploads are encrypted and hashed chunk by chunk as they arrive; plaintext never reaches the disk.

The upload handler runs before anybody knows whose file it is, so every file gets a key of its own, which
:func:`seal` then wraps under the patient's key. Destroying the patient's key destroys the file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from typing import IO, Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from novamind.clock import now
from novamind.phi import cipher
from novamind.phi.keys import KEY_BYTES, NONCE_BYTES
from novamind.phi.models import ErasedFile

MAGIC = b"NVF1"
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
SPOOL_BYTES = 1024 * 1024


class _Sealer:
    """Writes ``MAGIC | file id | chunks``; each chunk is bound to its file, its number and whether it is the last."""

    def __init__(self, target: IO[bytes]) -> None:
        self.key, self.file_id = os.urandom(KEY_BYTES), uuid4()
        self.sha256, self.size = hashlib.sha256(), 0
        self._target, self._number, self._pending = target, 0, b""
        target.write(MAGIC + self.file_id.bytes)

    def write(self, data: bytes) -> None:
        self.sha256.update(data)
        self.size += len(data)
        held, at = self._pending + data, 0
        while len(held) - at > CHUNK_BYTES:
            self._emit(held[at : at + CHUNK_BYTES], last=False)
            at += CHUNK_BYTES
        self._pending = held[at:]

    def close(self) -> None:
        self._emit(self._pending, last=True)
        self._pending = b""

    def _emit(self, plain: bytes, *, last: bool) -> None:
        nonce = os.urandom(NONCE_BYTES)
        binding = _binding(self.file_id, self._number, last)
        self._target.write(nonce + AESGCMSIV(self.key).encrypt(nonce, plain, binding))
        self._number += 1


def _binding(file_id: UUID, number: int, last: bool) -> bytes:
    return MAGIC + file_id.bytes + number.to_bytes(8, "big") + (b"\x01" if last else b"\x00")


def read_sealed(source: IO[bytes], key: bytes) -> bytes:
    """The plaintext of a sealed file; ``cipher.Altered`` when a chunk is damaged, missing, moved or added."""
    head = source.read(len(MAGIC) + 16)
    if head[: len(MAGIC)] != MAGIC or len(head) < len(MAGIC) + 16:
        raise cipher.Altered("not a sealed file of ours")
    file_id, engine = UUID(bytes=head[len(MAGIC) :]), AESGCMSIV(key)
    plain, number = bytearray(), 0
    block = source.read(NONCE_BYTES + CHUNK_BYTES + TAG_BYTES)
    while True:
        ahead = source.read(NONCE_BYTES + CHUNK_BYTES + TAG_BYTES)
        try:
            binding = _binding(file_id, number, last=not ahead)
            plain += engine.decrypt(block[:NONCE_BYTES], block[NONCE_BYTES:], binding)
        except (InvalidTag, ValueError):
            raise cipher.Altered(f"chunk {number} of file {file_id} does not decrypt") from None
        if not ahead:
            return bytes(plain)
        block, number = ahead, number + 1


class EncryptedUpload(UploadedFile):
    """An uploaded file of which only ciphertext is held outside this object.

    ``sha256`` is the hex digest of the plaintext; ``plaintext()`` decrypts it into memory.
    """

    def __init__(self, sealed: IO[bytes], sealer: _Sealer, **kwargs: Any) -> None:
        super().__init__(file=sealed, size=sealer.size, **kwargs)
        self.sha256, self.key, self.file_id = sealer.sha256.hexdigest(), sealer.key, sealer.file_id

    def plaintext(self) -> bytes:
        """The whole file, decrypted; at most ``UPLOAD_LIMIT_MB``."""
        assert self.file is not None
        self.file.seek(0)
        return read_sealed(self.file, self.key)

    def sealed(self) -> IO[bytes]:
        """The ciphertext, from its beginning."""
        assert self.file is not None
        self.file.seek(0)
        return self.file


def sealed_upload(content: bytes, name: str, content_type: str = "application/octet-stream") -> EncryptedUpload:
    """An :class:`EncryptedUpload` of bytes already in memory (commands, the demo clinic)."""
    target = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  (the upload owns and closes it)
    sealer = _Sealer(target)
    sealer.write(content)
    sealer.close()
    return EncryptedUpload(target, sealer, name=name, content_type=content_type)


class EncryptedUploadHandler(FileUploadHandler):
    """The one upload handler: encrypts as it receives; large ciphertext spills to a temporary file."""

    chunk_size = CHUNK_BYTES

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._target = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        self._sealer = _Sealer(self._target)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._sealer.write(raw_data)

    def file_complete(self, file_size: int) -> EncryptedUpload:
        self._sealer.close()
        return EncryptedUpload(
            self._target,
            self._sealer,
            name=self.file_name,
            content_type=self.content_type,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        if hasattr(self, "_target"):
            self._target.close()


def seal(upload: EncryptedUpload, *, owner: UUID, table: str, row: UUID) -> tuple[str, bytes]:
    """Store an upload: ``(name in storage, file key wrapped under the owner's key)``.

    The name is random; without the wrapped key in a committed row the stored bytes are noise.
    """
    name = default_storage.save(f"sealed/{uuid4().hex}", File(upload.sealed()))
    return name, cipher.encrypt(upload.key, owner=owner, table=table, column="file_key", row=row)


def unseal(name: str, wrapped_key: bytes, *, table: str, row: UUID) -> bytes:
    """The plaintext of a stored file; ``FileNotFoundError`` when storage has lost it."""
    key = cipher.decrypt(wrapped_key, table=table, column="file_key", row=row)
    with default_storage.open(name, "rb") as source:
        return read_sealed(source, key)


def reseal(name: str, key: bytes) -> tuple[str, bytes]:
    """Store a file's plaintext again under a new name and a new key: ``(name, key)``; the old file stays."""
    with default_storage.open(name, "rb") as source:
        again = sealed_upload(read_sealed(source, key), name)
    return default_storage.save(f"sealed/{uuid4().hex}", File(again.sealed())), again.key


def erase(name: str) -> None:
    """Take a file out of storage, with every version of it that a bucket with versions has kept."""
    bucket = getattr(default_storage, "bucket", None)
    if bucket is None:
        default_storage.delete(name)
        return
    for version in bucket.object_versions.filter(Prefix=name):
        if version.object_key == name:
            version.delete()


def erase_due() -> int:
    """Erase the files that nothing names any more; how many are gone. One that storage keeps is tried again later."""
    gone = 0
    for row in ErasedFile.objects.filter(due_at__lte=now()):
        try:
            erase(row.name)
        except Exception:
            logging.getLogger(__name__).exception("file %s could not be erased", row.pk)
            continue
        row.delete()
        gone += 1
    return gone
