"""Sessions of a roster's file, for who only needs how many seats there are where."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec

from allocator.simulation.demand import DISTRICTS, Session
from booking_api.cli import Unusable

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
