"""Uploads are encrypted and hashed chunk by chunk as they arrive; plaintext never reaches the disk.

The upload handler runs before anybody knows whose file it is, so every file gets a key of its own, which
:func:`seal` then wraps under the patient's key. Destroying the patient's key destroys the file.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO
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
HEAD_BYTES = len(MAGIC) + 16
ROOM_BYTES = NONCE_BYTES + TAG_BYTES  # what a chunk grows by
SEALED_BYTES = CHUNK_BYTES + ROOM_BYTES
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


class _Plain(io.RawIOBase):
    """The plaintext of a sealed file, decrypted chunk by chunk where it is read: never the whole in memory."""

    def __init__(self, source: IO[bytes], key: bytes) -> None:
        self._source, self._engine = source, AESGCMSIV(key)
        source.seek(0, io.SEEK_END)
        body = source.tell() - HEAD_BYTES
        source.seek(0)
        head = source.read(HEAD_BYTES)
        if head[: len(MAGIC)] != MAGIC or len(head) < HEAD_BYTES:
            raise cipher.Altered("not a sealed file of ours")
        self._file_id = UUID(bytes=head[len(MAGIC) :])
        self._last = max(0, body - 1) // SEALED_BYTES
        self._size = body - (self._last + 1) * ROOM_BYTES
        self._at, self._held = 0, (-1, b"")
        self._chunk(self._last)  # a file that was cut off or added to does not end with its last chunk

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, target: Any) -> int:
        if self._at >= self._size:
            return 0
        number, start = divmod(self._at, CHUNK_BYTES)
        piece = self._chunk(number)[start : start + len(target)]
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            self._source.seek(HEAD_BYTES + number * SEALED_BYTES)
            block = self._source.read(SEALED_BYTES)
            binding = _binding(self._file_id, number, last=number == self._last)
            try:
                plain = self._engine.decrypt(block[:NONCE_BYTES], block[NONCE_BYTES:], binding)
            except (InvalidTag, ValueError):
                raise cipher.Altered(f"chunk {number} of file {self._file_id} does not decrypt") from None
            self._held = number, plain
        return self._held[1]


def open_sealed(source: IO[bytes], key: bytes) -> BinaryIO:
    """The plaintext of a sealed file, to be read from anywhere while ``source`` is open.

    ``cipher.Altered``, here or where it is read, when a chunk is damaged, missing, moved or added.
    """
    return io.BufferedReader(_Plain(source, key), CHUNK_BYTES)


class EncryptedUpload(UploadedFile):
    """An uploaded file of which only ciphertext is held outside this object.

    ``sha256`` is the hex digest of the plaintext; ``plaintext()`` decrypts it where it is read.
    """

    def __init__(self, sealed: IO[bytes], sealer: _Sealer, **kwargs: Any) -> None:
        super().__init__(file=sealed, size=sealer.size, **kwargs)
        self.sha256, self.key, self.file_id = sealer.sha256.hexdigest(), sealer.key, sealer.file_id

    def plaintext(self) -> BinaryIO:
        """The file, decrypted where it is read."""
        assert self.file is not None
        return open_sealed(self.file, self.key)

    def sealed(self) -> IO[bytes]:
        """The ciphertext, from its beginning."""
        assert self.file is not None
        self.file.seek(0)
        return self.file


def sealed_upload(
    content: bytes | BinaryIO, name: str, content_type: str = "application/octet-stream"
) -> EncryptedUpload:
    """An :class:`EncryptedUpload` of what is here already (commands, the demo clinic, a file that gets a new key)."""
    target = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  (the upload owns and closes it)
    sealer = _Sealer(target)
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    while piece := file.read(CHUNK_BYTES):
        sealer.write(piece)
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


@contextmanager
def unseal(name: str, wrapped_key: bytes, *, table: str, row: UUID) -> Iterator[BinaryIO]:
    """The plaintext of a stored file, decrypted where it is read; ``FileNotFoundError`` when storage has lost it."""
    key = cipher.decrypt(wrapped_key, table=table, column="file_key", row=row)
    with default_storage.open(name, "rb") as source:
        yield open_sealed(source, key)


def reseal(name: str, key: bytes) -> tuple[str, bytes]:
    """Store a file's plaintext again under a new name and a new key: ``(name, key)``; the old file stays."""
    with default_storage.open(name, "rb") as source:
        again = sealed_upload(open_sealed(source, key), name)
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
