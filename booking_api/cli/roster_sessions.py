"""A roster's file for a simulation: how many seats there are where, and the board to look at."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec

from allocator.roster.board import board_svg
from allocator.roster.check import broken
from allocator.roster.outcome import Roster
from allocator.roster.staff import StaffUnusable, read_staff
from allocator.simulation.demand import DISTRICTS, Session
from booking_api.cli import Unusable
from booking_api.cli.files import read_file
from booking_api.pages.rounds.simulation import Board

CAPACITY_LIMIT = 10_000
SENTENCE_LENGTH = 300


class _Session(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    capacity: Annotated[int, msgspec.Meta(ge=0, le=CAPACITY_LIMIT)]
    site: str = ""


class _File(msgspec.Struct, frozen=True):
    sessions: Annotated[list[_Session], msgspec.Meta(min_length=5, max_length=5_000)]


def read_sessions(path: Path) -> list[Session]:
    """The sessions in id order; each site is a district, in the order of their names, five and then around again.

    Raises:
        Unusable: the file has none.
    """
    try:
        file = msgspec.json.decode(read_file(path), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"--roster: {path}: {error}") from error
    found = sorted(file.sessions, key=lambda one: one.id.encode())
    ids = [one.id for one in found]
    for one, other in pairwise(ids):
        if one == other:
            raise Unusable(f"--roster: {path}: session {one!r} is there twice")
    if not any(one.capacity for one in found):
        raise Unusable(f"--roster: {path}: sessions: none has a seat")
    sites = sorted({one.site for one in found})
    return [
        # Where no sites are named, sessions are spread over the districts.
        Session(one.id, (sites.index(one.site) if len(sites) > 1 else place) % DISTRICTS, one.capacity)
        for place, one in enumerate(found)
    ]


def read_board(roster: Path, staff: Path) -> Board:
    """The board of a roster and the staff it was made of.

    Raises:
        Unusable: a file is none, or the roster breaks a rule of the staff.
    """
    try:
        read = read_staff(read_file(staff))
        made = msgspec.json.decode(read_file(roster), type=Roster)
    except StaffUnusable as error:
        raise Unusable(f"--staff: {staff}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"--roster: {roster}: {error}; --staff needs a whole roster's file") from error
    wrong = broken(read, made)
    if wrong:
        raise Unusable(f"--staff: {roster} is no roster of {staff}: {_printable(wrong[0])}")
    return Board(board_svg(read, made), len(read.examiners))


def _printable(sentence: str) -> str:
    """A roster's ids may have anything in them, and this is one line."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in sentence)[:SENTENCE_LENGTH]
