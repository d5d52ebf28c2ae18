"""Documents, tables and archives of exports: whatever pieces a file comes in, and however long; asks no database."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from actigraphy.exports import archives
from actigraphy.exports.documents import begins_object, items
from actigraphy.exports.reading import UnreadableExport
from actigraphy.exports.tables import has_columns, rows
from actigraphy.tests.export_vendors import document, packed, read, refused, samples
from novamind.limits import LIMITS


class Trickle:
    """A file that gives a few bytes at a time, whatever is asked for."""

    def __init__(self, content: bytes, n_bytes: int) -> None:
        self._file, self._n_bytes = io.BytesIO(content), n_bytes

    def read(self, n_bytes: int = -1, /) -> bytes:
        """The next few bytes."""
        return self._file.read(self._n_bytes)


SAID = [{"a": 12345.678, "b": "Zoë \U0001f634 ]}", "c": [1, {"d": None}]}, 17, "x", True, [], {"long": "y" * 300}]


@pytest.mark.parametrize("n_bytes", [1, 2, 3, 7, 64])
def test_items_are_those_of_a_parser_that_holds_the_whole_document(n_bytes):
    plain = json.dumps(SAID, ensure_ascii=False, indent=1).encode()
    assert [item for _, item in items(Trickle(plain, n_bytes))] == SAID
    inside = b"\xef\xbb\xbf" + json.dumps({"p": {"q": SAID, "r": 1}, "s": []}, ensure_ascii=False).encode()
    assert list(items(Trickle(inside, n_bytes), levels=2)) == [*((("p", "q"), one) for one in SAID), (("p", "r"), 1)]
    lines = b"\n".join(document(one) for one in SAID[:1] * 3)
    assert [item for _, item in items(Trickle(lines, n_bytes))] == SAID[:1] * 3


@pytest.mark.parametrize(
    "content",
    [b"[1,]", b"[1 2]", b"[", b"[1", b'{"a" 1}', b'{"a": 1', b"{1: 2}", b'[{"a": 1}]]', b"[1],[2]", b'["\xff"]', b"nul",
     b"[" + b"9" * 5000 + b"]"],
)  # fmt: skip
def test_what_is_no_json_is_damaged(content):
    with pytest.raises(UnreadableExport) as refusal:
        list(items(io.BytesIO(content), levels=1))
    assert refusal.value.code == "damaged_export"


def test_a_document_that_nests_too_deep_is_refused():
    with pytest.raises(UnreadableExport) as refusal:
        list(items(io.BytesIO(b"[" * 100_000 + b"]" * 100_000)))
    assert refusal.value.code == "too_deep"


def test_an_object_is_told_by_its_words_and_not_by_those_of_an_array():
    assert begins_object(b'"a"')(b'\xef\xbb\xbf\n {"a": 1')
    assert not begins_object(b'"a"')(b'["a"]')


@pytest.mark.parametrize("n_bytes", [1, 5, 4096])
def test_cells_are_told_by_their_columns_in_any_case_and_order(n_bytes):
    table = '\ufeffA table\r\n"Über, b",A,B\r\n1," x ",2\r\n\r\n3\r\n4,"y\nz",5'.encode()
    assert list(rows(Trickle(table, n_bytes), ("b", "ÜBER, B", "a"), skip=1)) == [
        ("2", "1", "x"), ("", "3", ""), ("5", "4", "y\nz"),
    ]  # fmt: skip
    assert has_columns("a", "b", line=1)(table)
    assert not has_columns("a", "c", line=1)(table)


@pytest.mark.parametrize(
    ("table", "code"),
    [(b"a,c\n1,2\n", "damaged_export"), (b"", "damaged_export"), (b"a,b\n\xff,1\n", "damaged_export"),
     (b'a,b\n"' + b"x,\n" * 100_000, "damaged_export"), (b"a,b\n" + b"x" * (2 << 20), "piece_too_long")],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused_by_name(table, code):
    with pytest.raises(UnreadableExport) as refusal:
        list(rows(io.BytesIO(table), ("a", "b")))
    assert refusal.value.code == code


def heart_rates(n: int) -> bytes:
    """A file of Fitbit's with readings that pack badly."""
    draw = random.Random(n)
    return document([{"dateTime": f"02/01/26 {draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02}",
                      "value": {"bpm": draw.randrange(40, 180), "confidence": 3}} for _ in range(n)])  # fmt: skip


def test_files_that_are_small_alone_may_be_too_much_together(monkeypatch):
    monkeypatch.setattr(archives, "LIMITS", LIMITS | {"archive_expanded": replace(LIMITS["archive_expanded"], value=1)})
    one, two = heart_rates(9000), heart_rates(9001)
    assert len(one) < 1 << 20 < len(one) + len(two)
    assert len(samples(read(packed({"heart_rate-2026-02-01.json": one}), "fitbit"), "heart_rate")) == 9000
    both = packed({"heart_rate-2026-02-01.json": one, "heart_rate-2026-02-02.json": two})
    assert refused(both, "fitbit") == "archive_too_large"


def test_a_bomb_among_the_files_of_an_archive_is_not_unpacked():
    bomb = heart_rates(3)[:-1] + b" " * 30_000_000 + b"]"
    assert refused(packed({"heart_rate-2026-02-01.json": bomb}), "fitbit") == "archive_too_large"


def test_the_names_of_the_files_do_not_matter_for_their_order():
    twice = [{"dateTime": "02/01/26 08:00:00", "value": {"bpm": bpm, "confidence": 3}} for bpm in (60, 70)]
    files: dict[str, bytes | str] = {f"heart_rate-2026-02-0{n}.json": document([one]) for n, one in enumerate(twice, 1)}
    there = samples(read(packed(files), "fitbit"), "heart_rate")
    assert [value for _, value in there] == [60, 70]
    assert samples(read(packed(dict(reversed(files.items()))), "fitbit"), "heart_rate") == there


def test_memory_does_not_grow_with_the_length_of_a_document():
    """Forty megabytes of readings of which none is kept, in a process of its own that says its own peak."""
    script = """
        import resource
        from actigraphy.exports import Asked, Collected
        from actigraphy.exports.fitbit import KIND
        class File:
            left, head = 40 << 20, b"["
            def read(self, n=-1):
                if self.head:
                    head, self.head = self.head, b""
                    return head
                if self.left <= 0:
                    return b""
                self.left -= n
                piece = b'{"dateTime": "02/01/26 08:00:00", "value": {"bpm": 61, "confidence": 0}},' * (n // 74)
                return piece if self.left > 0 else piece + b"{}]"
        (read,) = [part.read for part in KIND.parts if part.name == "heart rate"]
        asked, taken = Asked(0, 2**33), Collected(0, 2**33)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read(File(), asked, taken)
        assert taken.left_out["heart_rate", "not_measured"] > 500_000
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 * 1024  # kB
