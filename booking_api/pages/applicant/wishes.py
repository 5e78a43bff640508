"""What somebody looks for: read off the address of the find page, kept in its links and forms. Pure.

An address holds no personal data: no plate, no name. What cannot be read is as if it had not been said, but for a day,
which somebody may have typed.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from booking_api.pages.forms import FieldsRefused
from reservation.claim_id import pool_of
from reservation.errors import UnknownPool

DIGITS_LIMIT = 15
POOL_LIMIT = 2**31
WORD_LIMIT = 64
ALL = "all"
"""Every class, where one would be chosen for the person."""

LIST, WEEK = "list", "week"
DAYS = {LIST: 14, WEEK: 7}
FURTHEST = timedelta(days=3 * 366)
NAMES = frozenset({"pool", "view", "class", "site", "near", "from", "free", "unit", "instead"})
"""What an address of the find page may say. A page of anything else is nobody's but its asker's."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `vehicle_class` None: not said. `instead`: the booking that is to be moved."""

    pool: int | None = None
    view: str = LIST
    vehicle_class: str | None = None
    site: str = ""
    near: str = ""
    first: date | None = None
    free: bool = False
    unit: int | None = None
    instead: str = ""

    @property
    def days(self) -> int:
        """How many days its page shows."""
        return DAYS[self.view]

    @property
    def chosen(self) -> bool:
        """Whether anything but the pool narrows what is shown."""
        return bool(self.vehicle_class or self.site or self.near or self.first or self.free)

    def link(self, **changes: Any) -> str:
        """The address of this wish with something else in it.

        >>> Wish(pool=3, vehicle_class="C1", unit=7).link(first=date(2026, 12, 1), unit=None)
        '/?pool=3&class=C1&from=2026-12-01'
        """
        wish = msgspec.structs.replace(self, **changes)
        said = {
            "pool": wish.pool,
            "view": wish.view if wish.view != LIST else None,
            "class": ALL if wish.vehicle_class == "" else wish.vehicle_class,
            "site": wish.site,
            "near": wish.near,
            "from": wish.first.isoformat() if wish.first else None,
            "free": "yes" if wish.free else None,
            "unit": wish.unit,
            "instead": wish.instead,
        }
        query = urlencode({name: value for name, value in said.items() if value})
        return f"/?{query}" if query else "/"

    def elsewhere(self, pool_id: int) -> str:
        """The address of another pool's page: what this pool's sites are called means nothing there."""
        return self.link(pool=pool_id, site="", near="", unit=None, vehicle_class=self.vehicle_class or None)


def read_wish(query: Mapping[str, str], *, today: date) -> tuple[Wish, FieldsRefused | None]:
    """The wish of an address, and what is wrong with a day that it names.

    Raises:
        UnknownPool: it names what can be no pool.
    """
    first, wrong = _day(query.get("from", ""), today=today)
    asked = query.get("class")
    wish = Wish(
        pool=_pool(query.get("pool")),
        view=WEEK if query.get("view") == WEEK else LIST,
        vehicle_class=None if not asked else "" if asked == ALL else asked[:WORD_LIMIT],
        site=query.get("site", "")[:WORD_LIMIT],
        near=query.get("near", "")[:WORD_LIMIT],
        first=first,
        free=query.get("free") == "yes",
        unit=number_of(query.get("unit")),
        instead=booking_of(query.get("instead", "")),
    )
    return wish, wrong


def booking_of(text: str) -> str:
    """The text, if it can be a booking's id, else nothing."""
    return text if pool_of(text) is not None else ""


def _day(text: str, *, today: date) -> tuple[date | None, FieldsRefused | None]:
    if not text:
        return None, None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None, FieldsRefused({"from": ("date", {})})
    # What is over is not to be had; a day past every calendar is none.
    return min(max(day, today), today + FURTHEST), None


def _pool(text: str | None) -> int | None:
    if text is None:
        return None
    number = number_of(text)
    if number is None or number >= POOL_LIMIT:
        raise UnknownPool
    return number


def number_of(text: str | None) -> int | None:
    """A number of an address; None where there is none."""
    plain = text is not None and text.isascii() and text.isdigit() and len(text) <= DIGITS_LIMIT
    return int(text) if plain and text is not None else None
