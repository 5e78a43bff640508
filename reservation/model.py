"""The values the kernel takes and gives: frozen Structs, no behaviour beyond what their fields say."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its zone."""


class ClaimantKind(StrEnum):
    """Whom a pool's rule counts."""

    PERSON = "person"
    VEHICLE = "vehicle"


class UnitKind(StrEnum):
    """A capacity at a place and time, or one number."""

    SESSION = "session"
    ITEM = "item"


class BookingState(StrEnum):
    """A booking is active until it is cancelled or moved, or its session is over (`Booking.concluded_at`)."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    MOVED = "moved"


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """The scarce units given out under one rule in one authority, as the kernel needs to know it.

    `epoch` is PostgreSQL's: only claims of that epoch can be confirmed.
    """

    id: int
    authority: str
    service: str
    rule: str
    title: dict[str, str]
    claimant_kind: ClaimantKind
    state: str
    hold_ttl_s: int
    epoch: int
    demo: bool


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit with the counts PostgreSQL has. `free` is what Valkey would still give out, None if unknown."""

    id: int
    pool: int
    kind: UnitKind
    title: dict[str, str]
    site: str | None
    starts_at: Moment | None
    ends_at: Moment | None
    attributes: dict[str, str]
    capacity: int
    booked: int
    promised: int
    free: int | None = None


class NewUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit to publish."""

    kind: UnitKind
    title: dict[str, str]
    capacity: int
    site: str | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    attributes: dict[str, str] = {}


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of minutes. `expires_at_ms` is the server's clock, milliseconds since 1970."""

    id: str
    pool: int
    units: tuple[int, ...]
    expires_at_ms: int
    repeated: bool = False


class PresentHold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it is now. `confirming`: it waits for its confirm's outcome, and does not expire meanwhile."""

    id: str
    pool: int
    service: str
    claimant: str
    units: tuple[int, ...]
    expires_at_ms: int
    confirming: bool


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmed claim. Its id is the id of the hold or promise it came from.

    `ended_by`: owner or authority, of one that was cancelled or moved. `concluded_at`: when its session was over.
    """

    id: str
    pool: int
    unit: int
    state: BookingState
    created_at: Moment
    ended_at: Moment | None = None
    ended_by: str | None = None
    moved_to: str | None = None
    concluded_at: Moment | None = None


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that outlives an instant hold: a round's offer, a chosen plate."""

    id: str
    pool: int
    unit: int
    claimant: str
    owner: str
    expires_at: Moment


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What Valkey must be told after a COMMIT: flat triples (op, claim, unit) as `lua/apply.lua` takes them."""

    id: int
    pool: int
    epoch: int
    changes: list[str]
