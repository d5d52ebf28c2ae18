"""Sealed files against somebody who can write to the storage."""

from __future__ import annotations

import io
import os
import tracemalloc
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage

from novamind.phi.cipher import Altered
from novamind.phi.keys import KeyUnavailable, forget_keys
from novamind.phi.models import DataKey
from novamind.phi.uploads import CHUNK_BYTES, NONCE_BYTES, TAG_BYTES, open_sealed, seal, sealed_upload, unseal

HEAD = 20
SEALED = NONCE_BYTES + CHUNK_BYTES + TAG_BYTES
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]


def sealed(content: bytes) -> tuple[bytes, bytes]:
    upload = sealed_upload(content, "a.csv")
    return upload.sealed().read(), upload.key


def chunks(content: bytes) -> list[bytes]:
    return [content[at : at + SEALED] for at in range(HEAD, len(content), SEALED)]


@pytest.mark.parametrize("size", SIZES)
def test_a_sealed_file_comes_back_whole(size):
    content = os.urandom(size)
    upload = sealed_upload(content, "a.csv")
    assert (upload.plaintext().read(), upload.size) == (content, size)


def test_a_sealed_file_is_read_from_anywhere():
    content = os.urandom(3 * CHUNK_BYTES + 5)
    file = sealed_upload(content, "a.csv").plaintext()
    for at in (0, 7, CHUNK_BYTES - 3, CHUNK_BYTES, 3 * CHUNK_BYTES + 4, len(content), len(content) + 9, 1):
        file.seek(at)
        assert file.read(10) == content[at : at + 10]
    assert (file.seek(-5, io.SEEK_END), file.read()) == (3 * CHUNK_BYTES, content[-5:])


@pytest.mark.slow
def test_a_large_file_is_never_whole_in_memory(tmp_path):
    """Taken in, stored under a new key, and read: each chunk by chunk."""
    size = 64 * 1024 * 1024
    (tmp_path / "large").write_bytes(bytes(size))
    tracemalloc.start()
    try:
        with (tmp_path / "large").open("rb") as large:
            upload = sealed_upload(large, "a.csv")
        file = sealed_upload(upload.plaintext(), "again.csv").plaintext()
        read = sum(len(piece) for piece in iter(lambda: file.read(CHUNK_BYTES), b""))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == size
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize("size", SIZES)
def test_every_cut_is_refused(size):
    whole, key = sealed(b"x" * size)
    edges = {0, 1, 4, 19, 20, 21, HEAD + NONCE_BYTES, len(whole) - 1, *range(HEAD, len(whole), SEALED)}
    for length in sorted(edges - {len(whole)}):
        with pytest.raises(Altered):
            open_sealed(io.BytesIO(whole[:length]), key).read()


def test_a_file_cut_at_a_chunk_is_refused_although_every_chunk_is_whole():
    whole, key = sealed(b"x" * (3 * CHUNK_BYTES))
    assert len(chunks(whole)) == 3
    with pytest.raises(Altered):
        open_sealed(io.BytesIO(whole[: HEAD + 2 * SEALED]), key).read()


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 2), (2,), (0, 2), (0, 1, 2, 2)])
def test_chunks_cannot_be_reordered_repeated_or_left_out(order):
    whole, key = sealed(os.urandom(3 * CHUNK_BYTES))
    parts = chunks(whole)
    with pytest.raises(Altered):
        open_sealed(io.BytesIO(whole[:HEAD] + b"".join(parts[at] for at in order)), key).read()


@pytest.mark.parametrize("extra", [b"\x00", b"x" * 28, b"x" * SEALED])
def test_nothing_can_be_appended(extra):
    for size in (0, CHUNK_BYTES):
        whole, key = sealed(b"x" * size)
        with pytest.raises(Altered):
            open_sealed(io.BytesIO(whole + extra), key).read()


def test_every_flipped_byte_of_a_small_file_is_refused():
    whole, key = sealed(b"a small file")
    for at in range(len(whole)):
        with pytest.raises(Altered):
            open_sealed(io.BytesIO(whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :]), key).read()


def test_another_files_chunk_or_key_is_refused():
    one, key = sealed(b"one")
    two, other = sealed(b"two")
    for content, wrong in ((one[:HEAD] + two[HEAD:], key), (one, other)):
        with pytest.raises(Altered):
            open_sealed(io.BytesIO(content), wrong).read()


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_what_spills_to_disk_is_ciphertext(size):
    upload = sealed_upload(b"ZQX-CANARY-7781 " * (size // 16), "a.csv")
    spool = upload.sealed()
    spool.fileno()  # forces even a small one to disk
    assert b"ZQX-CANARY" not in spool.read()
    assert b"ZQX-CANARY" in upload.plaintext().read()


@pytest.mark.django_db
def test_a_stored_file_opens_for_its_row_only(patient, make_patient, team):
    row = uuid4()
    name, key = seal(sealed_upload(b"counts", "a.csv"), owner=patient.pk, table="t", row=row)
    with unseal(name, key, table="t", row=row) as content:
        assert content.read() == b"counts"
    with default_storage.open(name) as file:
        assert b"counts" not in file.read()
    for table, other in (("t", uuid4()), ("other", row)):
        with pytest.raises(Altered), unseal(name, key, table=table, row=other):
            pass


@pytest.mark.django_db
def test_destroying_the_patients_key_destroys_the_file(patient):
    row = uuid4()
    name, key = seal(sealed_upload(b"counts", "a.csv"), owner=patient.pk, table="t", row=row)
    DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()
    with pytest.raises(KeyUnavailable), unseal(name, key, table="t", row=row):
        pass


@pytest.mark.django_db
def test_a_file_that_storage_lost_is_said_so(patient):
    row = uuid4()
    name, key = seal(sealed_upload(b"counts", "a.csv"), owner=patient.pk, table="t", row=row)
    default_storage.delete(name)
    with pytest.raises(FileNotFoundError), unseal(name, key, table="t", row=row):
        pass


@pytest.mark.slow
def test_sealing_fifty_megabytes_at_once_copies_them_once():
    """Cutting the rest off after each chunk held two copies, and took time with the square of the size."""
    content = bytes(50 * 1024 * 1024)
    tracemalloc.start()
    try:
        upload = sealed_upload(content, "a.csv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * len(content)
    assert upload.plaintext().read() == content
