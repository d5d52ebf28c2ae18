"""What a kind of export consists of: files that are told by how they begin, loose or within a ZIP, and are read one by
one into the same events."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from actigraphy.exports.archives import Unpacked, check_size, head_of
from actigraphy.exports.collecting import Collected, TooMuch
from actigraphy.exports.reading import Asked, UnreadableExport

HEAD_BYTES: Final = 4096
#: Of the files whose name would do, so many may begin otherwise before an archive is called no export.
CANDIDATES: Final = 100
Found = tuple["Part", zipfile.ZipInfo]


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, n_bytes: int = -1, /) -> bytes:
        """The next bytes; none at its end."""
        ...


@dataclass(frozen=True)
class Part:
    """One kind of file.

    Attributes
    ----------
    named : callable
        Whether its name within a ZIP, in lower case and without its folders, is that of such a file.
    begins : callable
        Whether its first ``HEAD_BYTES`` are.
    read : callable
        Reads it to its end into ``Collected``.
    loose : bool
        Its first bytes say what it is without a name.
    unless : str
        The ``name`` of another part: where the archive has a file of that one, this one says nothing new.
    """

    name: str
    named: Callable[[str], bool]
    begins: Callable[[bytes], bool]
    read: Callable[[Readable, Asked, Collected], None]
    loose: bool = True
    unless: str = ""


@dataclass(frozen=True)
class ExportKind:
    """One kind of export, as its parts."""

    parts: tuple[Part, ...]

    def is_in(self, head: bytes, archive: zipfile.ZipFile | None) -> bool:
        """Whether a file with this head, or this archive, is one."""
        if archive is None:
            return self._loose(head) is not None
        return next(self._found(archive, CANDIDATES), None) is not None

    def read(self, file: BinaryIO, archive: zipfile.ZipFile | None, asked: Asked) -> Collected:
        """Every part of it, as events.

        Raises
        ------
        UnreadableExport
            Whatever is wrong with the file's content.
        """
        taken = Collected(asked.earliest_s, asked.latest_s)
        try:
            if archive is None:
                self._read_loose(file, asked, taken)
            else:
                self._read_archive(archive, asked, taken)
            taken.add_up()
        except TooMuch as error:
            raise UnreadableExport("too_many_entries") from error
        return taken

    def _read_loose(self, file: BinaryIO, asked: Asked, taken: Collected) -> None:
        part = self._loose(file.read(HEAD_BYTES))
        file.seek(0)
        if part is None:
            raise UnreadableExport("not_an_export")
        part.read(file, asked, taken)

    def _read_archive(self, archive: zipfile.ZipFile, asked: Asked, taken: Collected) -> None:
        found = list(self._found(archive))
        there = {part.name for part, _ in found}
        wanted = [(part, entry) for part, entry in found if part.unless not in there]
        if not wanted:
            raise UnreadableExport("archive_refused")
        check_size(sum(entry.file_size for _, entry in wanted), sum(entry.compress_size for _, entry in wanted))
        for part, entry in wanted:
            with Unpacked(archive, entry) as content:
                part.read(content, asked, taken)

    def _loose(self, head: bytes) -> Part | None:
        return next((part for part in self.parts if part.loose and part.begins(head)), None)

    def _found(self, archive: zipfile.ZipFile, misses: int | None = None) -> Iterator[Found]:
        """The files that are parts, in the order of their names: whoever packed them, the first value is the same."""
        for entry in sorted(archive.infolist(), key=lambda one: one.filename):
            name = entry.filename.casefold().rpartition("/")[2]
            named = [part for part in self.parts if part.named(name)]
            if not named:
                continue
            head = head_of(archive, entry, HEAD_BYTES)
            if part := next((one for one in named if one.begins(head)), None):
                yield part, entry
            elif misses is not None and (misses := misses - 1) <= 0:
                return


def named(pattern: str) -> Callable[[str], bool]:
    """Whether a name in lower case is of this form."""
    form = re.compile(pattern, re.ASCII)
    return lambda name: form.fullmatch(name) is not None
