"""What secrecy costs: a field decrypted, a file encrypted, a text searched for identifiers."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from typing import Any

from benchmarks.figures import Figure, seconds
from benchmarks.throwaway import sqlite_clinic

ROWS, FILE_MB, TEXT_KB = 2_000, 16, 16
NOTE = (
    "Kari Holm slept {n} h and woke twice; her brother Torvald rang on 3 March 2024 about the lithium level of 0.{n}. "
    "Mood is stable, appetite as before, no thoughts of death. She walks to work at 8 and naps at 15. Next visit in "
    "{n} weeks, the dose stays at 900 mg. "
)


def measure() -> list[Figure]:
    """All three, on an empty SQLite clinic."""
    with sqlite_clinic():
        return [_fields(), _files(), *_texts()]


def _fields() -> Figure:
    from novamind.phi import cipher
    from novamind.phi.keys import engine_by_number
    from patients.models import Patient
    from patients.services import create_patient

    for number in range(ROWS):
        create_patient(by=None, first_name="Kari", last_name=f"Holm {number}", date_of_birth=date(1980, 1, 1))
    rows = list(Patient.objects.all())
    sealed = [(row.pk, bytes(row.__dict__["last_name"]), row.__dict__["last_name"]) for row in rows]
    engines = {cipher.key_number(stored): engine_by_number(cipher.key_number(stored)) for _, stored, _ in sealed}

    def fields() -> None:
        for row, (_, _, stored) in zip(rows, sealed, strict=True):
            row.__dict__["last_name"] = stored
            assert row.last_name

    def bare() -> None:
        for pk, stored, _ in sealed:
            bound = b"|".join([stored[:5], b"patients_patient", b"last_name", pk.bytes])
            engines[int.from_bytes(stored[1:5], "big")].decrypt(stored[5:17], stored[17:], bound)

    (best, median), (limit, _) = seconds(fields, bare)
    return Figure(
        "read an encrypted field, a key per row, keys in memory", 1e6 * best / ROWS, 1e6 * median / ROWS, "us",
        best / limit, "AES-GCM-SIV of the same bytes",
    )  # fmt: skip


def _files() -> Figure:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

    from novamind.phi.uploads import CHUNK_BYTES, sealed_upload

    content, engine = os.urandom(FILE_MB * 2**20), AESGCMSIV(os.urandom(32))
    chunks = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]

    def bare() -> None:
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
            engine.encrypt(bytes(12), chunk, b"")

    (best, median), (limit, _) = seconds(lambda: sealed_upload(content, "a.awd").close(), bare, times=7)
    return Figure(
        f"encrypt and hash a file of {FILE_MB} MiB as it arrives", FILE_MB / best, FILE_MB / median, "MiB/s",
        best / limit, "SHA-256 and AES-GCM-SIV of the same chunks",
    )  # fmt: skip


def _texts() -> list[Figure]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

    from novamind.phi.detection import Identifiers, find

    text = "".join(NOTE.format(n=number) for number in range(1, 200))[: TEXT_KB * 1000]
    known = Identifiers(first_names=("Kari",), last_names=("Holm",), born_on=date(1980, 1, 1), numbers=("SYN-0001",))
    engine = AESGCMSIV(os.urandom(32))
    levels = ("strict", "moderate", "relaxed")
    found: dict[str, Any] = {level: (lambda level=level: find(text, level, known)) for level in levels}
    *times, (limit, _) = seconds(*found.values(), lambda: engine.encrypt(bytes(12), text.encode(), b""), times=7)
    return [
        Figure(
            f"search a text for identifiers, {level}, a kB", 1e3 * best / TEXT_KB, 1e3 * median / TEXT_KB, "ms",
            best / limit, "AES-GCM-SIV of the same text",
        )
        for level, (best, median) in zip(levels, times, strict=True)
    ]  # fmt: skip
