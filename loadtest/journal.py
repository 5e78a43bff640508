"""The journal: what every client asked for and was told, one JSON line each. Imports msgspec only.

One file per process, written without a buffer, a line per write: a killed process loses at most the line it was
writing. What changes bookings is also noted *before* it is sent (`asked`), so a request whose answer never came is
known to have been made. Lines of one file are in the order in which things happened.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

SUFFIX = ".journal.jsonl"
NO_ANSWER = "no_answer"
"""The code of a request whose connection broke or timed out."""


class Action(StrEnum):
    """What a client does. `foreign_*` are attempts on somebody else's ids, which must never succeed."""

    LOOK = "look"
    BOOKINGS = "bookings"
    HOLD = "hold"
    RELEASE = "release"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    FOREIGN_RELEASE = "foreign_release"
    FOREIGN_CONFIRM = "foreign_confirm"
    FOREIGN_CANCEL = "foreign_cancel"
    FOREIGN_RESCHEDULE = "foreign_reschedule"


BINDING = frozenset({Action.CONFIRM, Action.CANCEL, Action.RESCHEDULE})
"""Actions that change bookings: noted before they are sent."""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request about to be sent (`asked`), or what its client was told.

    `n` counts the requests of one account and pairs the two. `hold` and `booking` are the ids the request speaks of,
    `became` the id in the answer: the hold's own, the booking's, or of the booking moved to. `why` is what a
    connection said instead of an answer.
    """

    at_ms: int
    account: str
    n: int
    action: Action
    asked: bool = False
    status: int = 0
    code: str = ""
    took_ms: float = 0.0
    pool: int = 0
    unit: int = 0
    hold: str = ""
    booking: str = ""
    became: str = ""
    key: str = ""
    why: str = ""

    @property
    def succeeded(self) -> bool:
        """True when the answer was a success."""
        return 200 <= self.status < 300


class JournalUnusable(ValueError):
    """The journal cannot be read; the message says where and why."""


class Journal:
    """Owns one process's file. Safe among greenlets: a line is one write."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}-{os.getpid()}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, line: Line) -> None:
        """Appends one line.

        Raises:
            OSError: the disk refused it. A test that cannot remember is over.
        """
        text = self._encoder.encode(line) + b"\n"
        if os.write(self._file, text) != len(text):
            raise OSError("the journal's disk is full")

    def close(self) -> None:
        """Nothing is lost without it."""
        os.close(self._file)


def read_journal(folder: Path) -> list[list[Line]]:
    """The lines of each file of a folder.

    A last line that was cut off by a kill is left out: its request is known from the line before it was sent.

    Raises:
        JournalUnusable: there is no line, or one that is not the last of its file cannot be read.
    """
    files = sorted(folder.glob(f"*{SUFFIX}"))
    read = [_read_file(path) for path in files]
    if not any(read):
        raise JournalUnusable(f"{folder}: no journal there")
    return read


def _read_file(path: Path) -> list[Line]:
    decoder = msgspec.json.Decoder(Line)
    *whole, cut_off = path.read_bytes().split(b"\n")
    lines: list[Line] = []
    for number, text in enumerate(whole, 1):
        try:
            lines.append(decoder.decode(text))
        except msgspec.DecodeError as error:
            raise JournalUnusable(f"{path}, line {number}: {error}") from error
    del cut_off  # empty, or a line that a kill cut off
    return lines
