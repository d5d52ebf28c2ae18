"""The master key: a file of 32 bytes, or of what KMS made of them. It wraps data keys and nothing else.

While ``MASTER_KEY_OLD_FILE`` names the key before it, what that one wrapped opens too; nothing new is wrapped by it.
"""

from __future__ import annotations

import os
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from django.conf import settings

from novamind.phi.models import DataKey

KEY_BYTES = 32
#: HMAC's two masks: over a block of zeros (HKDF's salt, where there is none), over the bytes of a key, and over what
#: fills that up to a block of 64.
_NO_SALT_IPAD, _NO_SALT_OPAD = b"\x36" * 64, b"\x5c" * 64
_IPAD, _OPAD = (bytes(byte ^ mask for byte in range(256)) for mask in (0x36, 0x5C))
_REST_IPAD, _REST_OPAD = b"\x36" * 32, b"\x5c" * 32


class KeyUnavailable(Exception):
    """The key is destroyed, missing or cannot be unwrapped now; never an excuse to show ciphertext."""


class KeyLost(KeyUnavailable):
    """This one key is destroyed, missing or damaged; what other keys protect can be read."""


def derive(key: bytes, purpose: str) -> bytes:
    """A 32-byte subkey for one purpose: HKDF-SHA256 without salt (RFC 5869), of which 32 bytes are one block.

    By hashlib, because a fresh process derives a key for each patient of a search, and the library's HKDF, like its
    HMAC, takes longer to set up than these four hashes.
    """
    extracted = sha256(_NO_SALT_OPAD + sha256(_NO_SALT_IPAD + key).digest()).digest()
    return _hmac(extracted, purpose.encode() + b"\x01")


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) under a key of 32 bytes."""
    inner = sha256(key.translate(_IPAD) + _REST_IPAD + message).digest()
    return sha256(key.translate(_OPAD) + _REST_OPAD + inner).digest()


def create_master_key_file(path: Path, content: bytes | None = None) -> None:
    """Write a new 32-byte master key (or this content), readable by its owner alone, unless there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content or os.urandom(KEY_BYTES))
        os.link(draft, path)  # whole or not at all: another process that starts now never reads half a key
    except FileExistsError:
        return
    finally:
        draft.unlink()


def create_next_master_key(path: Path) -> None:
    """Write the master key that is to follow, wrapped by KMS where there is one; ``FileExistsError`` if it exists."""
    if path.exists():
        raise FileExistsError(f"there is a file already: {path}")
    key = os.urandom(KEY_BYTES)
    create_master_key_file(path, _ask_kms("encrypt", Plaintext=key)["CiphertextBlob"] if settings.KMS_KEY_ID else key)


def read_master_keys() -> dict[str, AESGCMSIV]:
    """What wraps data keys, by the id of the master key: the current one first, then the old one where there is one."""
    path: Path = settings.MASTER_KEY_FILE
    if not path.is_file():
        # A new master key beside data of the old one would only hide that the old one is lost.
        if settings.HARDENED or settings.MASTER_KEY_OLD_FILE or DataKey.objects.exists():
            raise KeyUnavailable(f"MASTER_KEY_FILE does not exist: {path}")
        create_master_key_file(path)
    paths = [path]
    if settings.MASTER_KEY_OLD_FILE:
        if not (old := Path(settings.MASTER_KEY_OLD_FILE)).is_file():
            raise KeyUnavailable(f"MASTER_KEY_OLD_FILE does not exist: {old}")
        paths.append(old)
    return dict(map(_wrapper, paths))


def _wrapper(path: Path) -> tuple[str, AESGCMSIV]:
    stored = path.read_bytes()
    key = _ask_kms("decrypt", CiphertextBlob=stored)["Plaintext"] if settings.KMS_KEY_ID else stored
    if len(key) != KEY_BYTES:
        raise KeyUnavailable(f"the master key has {len(key)} bytes; {KEY_BYTES} needed")
    digest = Hash(SHA256())
    digest.update(b"novamind master key id" + key)
    return digest.finalize().hex()[:16], AESGCMSIV(derive(key, "wrap"))


def _ask_kms(operation: str, **arguments: Any) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        patience = Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 1})
        client = boto3.client("kms", region_name=settings.AWS_REGION or None, config=patience)
        return getattr(client, operation)(KeyId=settings.KMS_KEY_ID, **arguments)
    except (BotoCoreError, ClientError) as error:
        raise KeyUnavailable(f"KMS did not {operation} the master key") from error
