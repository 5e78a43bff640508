"""Sessions in the database: begin, find, keep, end. Imports SQLAlchemy.

Times are the database's own, as everywhere that rows expire: workers on several machines need no common clock.
"""

import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.identity import tables as identity
from booking_api.identity.sessions import tables
from booking_api.identity.sessions.errors import SessionEnded

log = logging.getLogger(__name__)

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
ROTATION = timedelta(minutes=15)
GRACE = timedelta(seconds=30)
NOTED = timedelta(minutes=1)
"""Use is written down this often at most: a read is not to be a write."""
ID_BYTES = 32
EXPIRED_AT_ONCE = 100

_session = tables.session.c
_cookie = tables.session_cookie.c
VehiclesOf = Callable[[AsyncConnection, Sequence[str]], Awaitable[Mapping[str, Sequence[str]]]]
"""Which accounts have which vehicles; given by whoever knows the registers, which lie above this room."""

_over = or_(_session.expires_at <= func.now(), _session.used_at <= func.now() - IDLE)


class Row(NamedTuple):
    """A session as it is stored, over or not, with the plates of its account's vehicles."""

    stored: Any
    vehicles: tuple[str, ...]


class Found(NamedTuple):
    """A session that is good now, with its account as it is now."""

    session: str
    account: str
    name: str
    verified: bool
    roles: frozenset[str]
    vehicles: tuple[str, ...]
    expires_at: datetime
    offer: str | None
    """A new id for the browser, when it is time."""


async def begin_session(engine: AsyncEngine, *, account: str, instead_of: str | None) -> tuple[str, str]:
    """(session, its first id). Clears some sessions that are over on the way.

    The session that the browser came with ends: an id known before a sign-in is good for nothing after it.
    """
    session, first = str(uuid4()), secrets.token_urlsafe(ID_BYTES)
    async with engine.begin() as connection:
        over = select(_session.id).where(_over).limit(EXPIRED_AT_ONCE)
        await connection.execute(delete(tables.session).where(_session.id.in_(over)))
        if instead_of is not None:
            earlier = select(_cookie.session).where(_cookie.digest == id_digest(instead_of)).scalar_subquery()
            await connection.execute(delete(tables.session).where(_session.id == earlier))
        await connection.execute(
            insert(tables.session).values(id=session, account=account, expires_at=func.now() + ABSOLUTE)
        )
        await connection.execute(
            insert(tables.session_cookie).values(digest=id_digest(first), session=session)
        )
    return session, first


async def read_sessions(
    reads: AsyncEngine, digests: Sequence[bytes], *, vehicles_of: VehiclesOf
) -> dict[bytes, Row]:
    """The sessions of these ids, by the ids' digests, as they are now."""
    async with reads.connect() as connection:
        rows = (await connection.execute(_SESSIONS, {"digests": digests})).all()
        good = sorted({row.account for row in rows if not row.over and not row.replaced})
        vehicles: Mapping[str, Sequence[str]] = await vehicles_of(connection, good) if good else {}
    return {row.digest: Row(row, tuple(vehicles.get(row.account, ()))) for row in rows}


async def admit(engine: AsyncEngine, digest: bytes, found: Row | None) -> Found:
    """The session that was read of an id, noted as used.

    Raises:
        SessionEnded: there is none, its time is over, or the id was replaced more than GRACE ago; then the session ends.
    """
    if found is None:
        raise SessionEnded
    row, vehicles = found
    if row.over or row.replaced:
        if row.replaced:
            log.warning("a session's earlier id came again; the session was ended")
        async with engine.begin() as connection:
            await end_session(connection, row.id)
        raise SessionEnded
    offer = await _note_use(engine, row.id, digest) if row.to_note else None
    return Found(
        session=row.id,
        account=row.account,
        name=row.name,
        verified=row.verified_at is not None,
        roles=frozenset(row.roles),
        vehicles=vehicles,
        expires_at=row.expires_at,
        offer=offer,
    )


_SESSIONS = (
    select(
        _cookie.digest,
        _session.id,
        _session.account,
        _session.expires_at,
        identity.account.c.name,
        identity.account.c.roles,
        identity.account.c.verified_at,
        _over.label("over"),
        (_cookie.ends_at <= func.now()).label("replaced"),
        or_(
            _session.used_at <= func.now() - NOTED,
            _cookie.first_used_at.is_(None) & _cookie.ends_at.is_(None),
        ).label("to_note"),
    )
    .select_from(tables.session_cookie)
    .join(tables.session, _session.id == _cookie.session)
    .join(identity.account, identity.account.c.id == _session.account)
    .where(_cookie.digest.in_(bindparam("digests", expanding=True)))
)


async def end_session(connection: AsyncConnection, session: str) -> None:
    """Ends one session, in the caller's transaction."""
    await connection.execute(delete(tables.session).where(_session.id == session))


async def end_everywhere(connection: AsyncConnection, account: str, *, but: str | None = None) -> None:
    """Ends every session of the account but this one, and every refresh token, in the caller's transaction.

    Access tokens end by their own time, within minutes.
    """
    mine = delete(tables.session).where(_session.account == account)
    await connection.execute(mine if but is None else mine.where(_session.id != but))
    await connection.execute(
        delete(identity.refresh_token).where(identity.refresh_token.c.account == account)
    )


async def _note_use(engine: AsyncEngine, session: str, digest: bytes) -> str | None:
    """Notes the use; gives a new id when ROTATION has passed since the last one, to one of all who ask at once.

    Nothing here signs anybody out by being lost: until the new id is first used the old one is as good as before.
    """
    due = _session.offered_at <= func.now() - ROTATION
    async with engine.begin() as connection:
        # Locks the session first, so that two of its ids are never noted at once.
        noted = await connection.execute(
            update(tables.session)
            .where(_session.id == session)
            .values(used_at=func.now(), offered_at=case((due, func.now()), else_=_session.offered_at))
            .returning((_session.offered_at == func.now()).label("offer"))
        )
        row = noted.one_or_none()
        if row is None:
            raise SessionEnded
        first = await connection.execute(
            update(tables.session_cookie)
            .where(_cookie.digest == digest, _cookie.first_used_at.is_(None), _cookie.ends_at.is_(None))
            .values(first_used_at=func.now())
            .returning(_cookie.session)
        )
        if first.one_or_none() is not None:
            await connection.execute(
                update(tables.session_cookie)
                .where(_cookie.session == session, _cookie.digest != digest, _cookie.ends_at.is_(None))
                .values(ends_at=func.now() + GRACE)
            )
        if not row.offer:
            return None
        offer = secrets.token_urlsafe(ID_BYTES)
        await connection.execute(
            insert(tables.session_cookie).values(digest=id_digest(offer), session=session)
        )
    return offer


def id_digest(told: str) -> bytes:
    """What is stored of an id: a stolen database signs nobody in. The id is random, so a plain hash will do."""
    return hashlib.sha256(told.encode()).digest()
