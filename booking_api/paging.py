"""Lists in pages: one way for all of them, `?limit=&cursor=`, and `next` in the answer. Imports this application's errors.

A cursor says after which item to go on, and of which list with which filters it is. It is no secret and nothing is
trusted of it; its digest finds a cursor that was cut, mistyped, or belongs to another list, and says so.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import QueryParameter

from booking_api.clock import SHANGHAI
from booking_api.errors import InvalidRequest
from reservation import UnitFilter

T = TypeVar("T")
Key = TypeVar("Key")

PAGE_LIMIT = 500
PAGE_SIZE = 100
CURSOR_LIMIT = 200
DIGEST_BYTES = 8
ID_LIMIT = 2**53
FIRST_YEAR, LAST_YEAR = 2000, 2199

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_LIMIT, description="Items in a page.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=CURSOR_LIMIT, description="`next` of the page before, as it is and with the same filters."
    ),
]
Word = Annotated[str | None, QueryParameter(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
FromDay = Annotated[
    date | None, QueryParameter(name="from", description="The first day, in China (UTC+8), `2026-12-01`.")
]
UntilDay = Annotated[
    date | None, QueryParameter(name="until", description="The last day, in China (UTC+8); it is included.")
]


def read_cursor(text: str | None, *, of: Sequence[Any], kind: type[Key]) -> Key | None:
    """The key a cursor of this list goes on from; None without a cursor.

    Raises:
        InvalidRequest: it is no cursor of this list with these filters.
    """
    if text is None:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        key = msgspec.json.decode(raw[DIGEST_BYTES:], type=kind)
    except (ValueError, msgspec.MsgspecError):
        key = None
    if key is not None and write_cursor(key, of=of) == text and _storable(key):
        return key
    reason = (
        "no cursor of this list: take `next` of an answer as it is, with the same filters, or leave it out"
    )
    raise InvalidRequest(errors=[{"field": "cursor", "reason": reason}])


def write_cursor(key: object, *, of: Sequence[Any]) -> str:
    """What goes on after this key in this list.

    >>> read_cursor(write_cursor(7, of=("units", 1)), of=("units", 1), kind=int)
    7
    """
    told = msgspec.json.encode(key)
    digest = hashlib.blake2b(told + b"\n" + msgspec.json.encode(of), digest_size=DIGEST_BYTES).digest()
    return urlsafe_b64encode(digest + told).rstrip(b"=").decode()


def cursor_or_start(text: str | None, *, of: Sequence[Any], kind: type[Key]) -> Key | None:
    """The key a page's list goes on from. An address that was changed, or kept for too long, leads to its beginning."""
    try:
        return read_cursor(text, of=of, kind=kind)
    except InvalidRequest:
        return None


def units_list(pool_id: int, wanted: UnitFilter) -> Sequence[Any]:
    """What the cursors of a pool's units are bound to, in the API and on the pages."""
    return "units", pool_id, wanted


def page(
    found: Sequence[T], *, limit: int, key: Callable[[T], object], of: Sequence[Any]
) -> tuple[list[T], str | None]:
    """The page's items and its `next`, from what was found when one more than `limit` was asked for."""
    shown = list(found[:limit])
    return shown, write_cursor(key(shown[-1]), of=of) if len(found) > limit else None


def moments(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Days in China as moments: from the first one's beginning, and before the end of the last one.

    >>> moments(date(2026, 12, 1), None)[0].isoformat()
    '2026-12-01T00:00:00+08:00'

    Raises:
        InvalidRequest: a year no session is in, or the last day is before the first.
    """
    for field, day in (("from", first), ("until", last)):
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise InvalidRequest(
                errors=[{"field": field, "reason": f"a day between {FIRST_YEAR} and {LAST_YEAR}"}]
            )
    if first and last and last < first:
        raise InvalidRequest(errors=[{"field": "until", "reason": "not before `from`"}])
    return _midnight(first), _midnight(last + timedelta(days=1)) if last else None


def _storable(key: object) -> bool:
    """Whether PostgreSQL can be asked about it: a cursor can be made by anybody."""
    if isinstance(key, int):
        return abs(key) <= ID_LIMIT
    return "\0" not in key if isinstance(key, str) else True


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), SHANGHAI) if day else None
