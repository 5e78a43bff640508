"""The items of one JSON array, one by one, so that memory stays flat whatever the file's size. Imports the standard library.

Only brackets, commas and quotation marks are looked at here. Whether an item is good JSON is for its decoder to say: an
item that is not can then be told by its number, and those after it are still read.
"""

import re
from collections.abc import Iterator
from typing import TextIO

CHUNK_CHARACTERS = 64 * 1024
_STRUCTURE = re.compile(r'["\[\]{},]')
_STRING = re.compile(r'["\\]')


class ArrayBroken(ValueError):
    """The file is not one JSON array; the message says from which item on."""


def split_array(file: TextIO, *, limit: int) -> Iterator[str | None]:
    """Each item's text; None for one that is longer than `limit` characters, of which no more than that is kept.

    >>> from io import StringIO
    >>> list(split_array(StringIO('[{"a": "],"}, 2 , [3, {}]]'), limit=12))
    ['{"a": "],"}', ' 2 ', ' [3, {}]']

    Raises:
        ArrayBroken: it does not begin with `[`, ends before its `]`, goes on behind it, or closes what was not opened.
    """
    items = _Items(limit)
    while chunk := file.read(CHUNK_CHARACTERS):
        yield from items.feed(chunk)
    items.end()


class _Items:
    """Where in the array we are: how deep, whether in a string, and the item so far."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._closed = False
        self._count = 0
        self._kept: list[str] = []
        self._length = 0

    def feed(self, chunk: str) -> Iterator[str | None]:
        """The items that end in this chunk."""
        at = start = 0
        while at < len(chunk):
            if self._depth == 0:
                at = start = self._enter(chunk, at)
            elif self._in_string:
                at = self._pass_string(chunk, at)
            else:
                found = _STRUCTURE.search(chunk, at)
                if found is None:
                    break
                at = found.end()
                if self._separates(found.group()):
                    self._keep(chunk[start : at - 1])
                    start = at
                    # `[]` has no item, though something stands between its brackets.
                    if not self._closed or self._count or self._length > self._limit or self._text().strip():
                        yield self._take()
        if self._depth:
            self._keep(chunk[start:])

    def end(self) -> None:
        """The file is over."""
        if self._closed:
            return
        if self._depth == 0:
            raise ArrayBroken("there is no JSON array in it")
        raise ArrayBroken(f"it ends before the array does, in or after item {self._count + 1}")

    def _enter(self, chunk: str, at: int) -> int:
        """Passes what stands around the array; gives where to go on."""
        rest = chunk[at:].lstrip(" \t\r\n")
        if not rest:
            return len(chunk)
        if self._closed:
            raise ArrayBroken(f"it goes on after the array's end, behind item {self._count}")
        if rest[0] != "[":
            raise ArrayBroken(
                "it does not begin with [; a file with one object a line is JSON Lines (.jsonl)"
            )
        self._depth = 1
        return len(chunk) - len(rest) + 1

    def _pass_string(self, chunk: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _STRING.search(chunk, at)
        if found is None:
            return len(chunk)
        if found.group() == '"':
            self._in_string = False
        else:
            self._escaped = True
        return found.end()

    def _separates(self, mark: str) -> bool:
        """Notes a mark outside strings; true if an item ends before it."""
        if mark == '"':
            self._in_string = True
        elif mark in "[{":
            self._depth += 1
        elif mark == ",":
            return self._depth == 1
        elif self._depth == 1 and mark == "}":
            raise ArrayBroken(f"item {self._count + 1} closes a brace that it did not open")
        else:
            self._depth -= 1
            self._closed = self._depth == 0
            return self._closed
        return False

    def _keep(self, text: str) -> None:
        if self._length <= self._limit:
            self._kept.append(text)
        self._length += len(text)

    def _text(self) -> str:
        return "".join(self._kept)

    def _take(self) -> str | None:
        text = self._text() if self._length <= self._limit else None
        self._kept, self._length = [], 0
        self._count += 1
        return text
