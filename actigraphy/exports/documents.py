"""A JSON document of an export, item by item: of long arrays one element at a time is in memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from actigraphy.exports.parts import Readable
from actigraphy.exports.reading import UnreadableExport
from novamind.limits import LIMITS

CHUNK_BYTES: Final = 64 * 1024
ITEM_BYTES: Final = LIMITS["export_item"].value * 1024
_SPACE: Final = " \t\r\n"
Path = tuple[str, ...]


def items(file: Readable, levels: int = 0) -> Iterator[tuple[Path, Any]]:
    """Each element of the outermost arrays, and each document of several one after another.

    ``levels``: so many objects are opened on the way to an array; the path is the names of their members. What is no
    array there is an item of its own.

    Raises
    ------
    UnreadableExport
        No JSON, one that ends too early, an item that is too long, or nests too deep.
    """
    text = _Text(file)
    try:
        while text.peek():
            yield from _value(text, (), levels)
    except RecursionError as error:
        raise UnreadableExport("too_deep") from error
    except ValueError as error:  # no JSON, no UTF-8, or a whole number of thousands of digits
        raise UnreadableExport("damaged_export") from error


def begins_array(*names: bytes) -> Callable[[bytes], bool]:
    """Whether a document that begins so is an array, and says these words soon."""
    return lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and all(name in head for name in names)


def begins_object(*names: bytes) -> Callable[[bytes], bool]:
    """Whether a document that begins so is an object, and says these words soon."""
    return lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(name in head for name in names)


def _value(text: _Text, path: Path, levels: int) -> Iterator[tuple[Path, Any]]:
    if text.peek() == "[":
        yield from ((path, item) for item in _elements(text))
    elif text.peek() == "{" and levels:
        yield from _members(text, path, levels)
    else:
        yield path, text.item()


def _elements(text: _Text) -> Iterator[Any]:
    text.take("[")
    if text.peek() != "]":
        yield text.item()
        while text.peek() == ",":
            text.take(",")
            yield text.item()
    text.take("]")


def _members(text: _Text, path: Path, levels: int) -> Iterator[tuple[Path, Any]]:
    text.take("{")
    if text.peek() != "}":
        yield from _member(text, path, levels)
        while text.peek() == ",":
            text.take(",")
            yield from _member(text, path, levels)
    text.take("}")


def _member(text: _Text, path: Path, levels: int) -> Iterator[tuple[Path, Any]]:
    if text.peek() != '"':
        raise ValueError("a name is expected")
    name = text.item()
    text.take(":")
    yield from _value(text, (*path, name), levels - 1)


class _Text:
    """The characters of a file, as far as they are needed."""

    def __init__(self, file: Readable) -> None:
        self._file, self._held, self._at, self._ended = file, "", 0, False
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no space; none at the end."""
        while True:
            while self._at < len(self._held):
                if self._held[self._at] not in _SPACE:
                    return self._held[self._at]
                self._at += 1
            if not self._more(CHUNK_BYTES):
                return ""

    def take(self, mark: str) -> None:
        """Go beyond this character, which must be the next."""
        if self.peek() != mark:
            raise ValueError("another mark is expected")
        self._at += 1

    def item(self) -> Any:
        """The next value, whole."""
        self.peek()
        wanted = CHUNK_BYTES
        while True:
            try:
                value, end = self._scan(self._held, self._at)
            except ValueError:
                if self._ended:
                    raise
            else:
                if end < len(self._held) or self._ended:  # a number may go on
                    self._at = end
                    return value
            room = ITEM_BYTES - (len(self._held) - self._at)
            if room < 0:
                raise UnreadableExport("item_too_long", limit_kb=ITEM_BYTES // 1024)
            self._more(min(wanted, room + CHUNK_BYTES))
            wanted *= 2  # an item is looked at again from its beginning

    def _more(self, n_bytes: int) -> bool:
        if self._ended:
            return False
        chunk = self._file.read(n_bytes)
        self._ended = not chunk
        self._held = self._held[self._at :] + self._decode(chunk, not chunk)
        self._at = 0
        return not self._ended
