"""A roster's file for a simulation: how many seats there are where, and the board to look at."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec

from allocator.roster.board import board_svg
from allocator.roster.outcome import Roster
from allocator.roster.staff import StaffUnusable, read_staff
from allocator.simulation.demand import DISTRICTS, Session
from booking_api.cli import Unusable
from booking_api.pages.rounds.simulation import Board

CAPACITY_LIMIT = 10_000


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
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise Unusable(f"--roster: {path}: {error.strerror or error}") from error
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
        Unusable: a file is none, or the roster has what the staff has not.
    """
    try:
        read = read_staff(staff.read_bytes())
        made = msgspec.json.decode(roster.read_bytes(), type=Roster)
    except OSError as error:
        raise Unusable(f"--staff: {error.filename}: {error.strerror}") from error
    except StaffUnusable as error:
        raise Unusable(f"--staff: {staff}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"--roster: {roster}: {error}; --staff needs a whole roster's file") from error
    _check_known("examiner", {one.examiner for one in made.sessions}, {one.id for one in read.examiners})
    _check_known("type", {one.type for one in made.sessions}, {one.id for one in read.types})
    _check_known("site", {one.site for one in made.sessions}, {one.id for one in read.sites})
    _check_known("day", {one.day for one in made.sessions}, set(read.days))
    return Board(board_svg(read, made), len(read.examiners))


def _check_known(what: str, named: set[str], known: set[str]) -> None:
    if not named <= known:
        raise Unusable(f"--staff: the roster has the {what} {min(named - known)!r}, which the staff has not")
