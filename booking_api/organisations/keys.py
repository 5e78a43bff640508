"""API keys of schools and stations: made, shown once, listed, revoked; and whom a key that is sent speaks for.

A key is `gdk_<id>_<secret>`; of its 32 random bytes only the SHA-256 is stored (a secret of full entropy needs no slow
hash). Imports SQLAlchemy and `reservation`.
"""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.clock import SHANGHAI
from booking_api.errors import TokenExpired, TokenInvalid
from booking_api.identity.tokens import Account
from booking_api.organisations import tables
from booking_api.organisations.errors import OrganisationSuspended, TooManyKeys, UnknownKey
from reservation import Kernel
from reservation.transaction import transaction

PREFIX = "gdk_"
KEY_LENGTH_LIMIT = 100
KEYS_LIMIT = 20
"""Of one organisation, expired and revoked ones not counted."""
FRESH_S = 5.0
"""How long another worker may still let a revoked key pass."""
REMEMBERED = 10_000
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as its organisation sees it; `prefix` is how its text begins."""

    id: str
    organisation: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used: date | None
    revoked_at: datetime | None


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made; `key` is told this once and never again."""

    key: str
    about: ApiKey


async def make_key(
    connection: AsyncConnection,
    *,
    organisation: str,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime,
    by: str,
) -> NewKey:
    """Makes a key.

    Raises:
        TooManyKeys: the organisation has KEYS_LIMIT that are good.
    """
    table = tables.api_key
    # Two that are made at once are counted one after the other.
    await connection.execute(
        select(tables.organisation.c.id).where(tables.organisation.c.id == organisation).with_for_update()
    )
    good = await connection.execute(
        select(func.count())
        .select_from(table)
        .where(table.c.organisation == organisation, table.c.revoked_at.is_(None))
        .where(table.c.expires_at > func.now())
    )
    if good.scalar_one() >= KEYS_LIMIT:
        raise TooManyKeys(limit=KEYS_LIMIT)
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    made = await connection.execute(
        insert(table)
        .values(
            id=key_id,
            organisation=organisation,
            name=name,
            digest=sha256(secret.encode()).digest(),
            scopes=sorted(set(scopes)),
            created_by=by,
            expires_at=expires_at,
        )
        .returning(table)
    )
    return NewKey(f"{PREFIX}{key_id}_{secret}", _api_key(made.one()))


async def keys_of(connection: AsyncConnection, organisation: str) -> list[ApiKey]:
    """The organisation's keys, the newest first: every good one, and of the others the latest."""
    table = tables.api_key
    query = (
        select(table)
        .where(table.c.organisation == organisation)
        .order_by(table.c.revoked_at.is_not(None), table.c.created_at.desc())
        .limit(5 * KEYS_LIMIT)
    )
    return [_api_key(row) for row in await connection.execute(query)]


async def find_key(connection: AsyncConnection, key_id: str) -> ApiKey:
    """One key.

    Raises:
        UnknownKey: there is none of this id.
    """
    table = tables.api_key
    row = (await connection.execute(select(table).where(table.c.id == key_id))).one_or_none()
    if row is None:
        raise UnknownKey(key=key_id[:64])
    return _api_key(row)


async def revoke_key(connection: AsyncConnection, key_id: str, *, by: str) -> None:
    """Ends a key for good; revoked again it stays as it is. The caller makes its worker forget it after COMMIT."""
    table = tables.api_key
    await connection.execute(
        update(table)
        .where(table.c.id == key_id, table.c.revoked_at.is_(None))
        .values(revoked_at=func.now(), revoked_by=by)
    )


class _Known(NamedTuple):
    """What one worker knows of a key, and until when it believes it."""

    until: float
    row: Row[Any] | None


class ApiKeys:
    """Owns what one worker remembers of keys, FRESH_S long: REMEMBERED of them, unknown ones too."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._used: OrderedDict[str, date] = OrderedDict()
        self._forgotten = 0

    def is_known(self, token: str) -> bool:
        """True when there is a key of this id, or when it needs no database to say that there is none."""
        known = self._known.get(_split(token)[0])
        if known is None:
            return False
        return known.row is not None or asyncio.get_running_loop().time() < known.until

    def forget(self, key_id: str) -> None:
        """From now on this worker looks the key up again."""
        self._known.pop(key_id, None)
        # A read that is on its way may have begun before the revocation was committed: it is not remembered.
        self._forgotten += 1

    def forget_all(self) -> None:
        """The same for every key: an organisation was suspended or resumed."""
        self._known.clear()
        self._forgotten += 1

    async def account(self, token: str, *, now: datetime) -> Account:
        """Whom a key speaks for: `key:<id>`, with the role of its organisation and its scopes as `key:<scope>`.

        Raises:
            TokenInvalid: there is no such key, or it was revoked.
            TokenExpired: its time is over.
            OrganisationSuspended: its organisation can do nothing now.
            Unavailable, Busy: PostgreSQL does not answer.
        """
        key_id, secret = _split(token)
        row = await self._row(key_id)
        stored: bytes = row.digest if row is not None else bytes(32)
        good = hmac.compare_digest(stored, sha256(secret.encode()).digest())
        if row is None or not good or row.revoked_at is not None:
            raise TokenInvalid(headers=_CHALLENGE)
        if row.expires_at <= now:
            raise TokenExpired(headers=_CHALLENGE)
        if row.state != "active":
            raise OrganisationSuspended(organisation=row.organisation)
        await self._note_use(key_id, today=now.astimezone(SHANGHAI).date())
        return Account(
            id=f"key:{key_id}",
            vehicles=(),
            expires_at_s=int(row.expires_at.timestamp()),
            verified=True,
            roles=frozenset([f"{row.kind}:{row.organisation}", *(f"key:{scope}" for scope in row.scopes)]),
        )

    async def _row(self, key_id: str) -> Row[Any] | None:
        loop = asyncio.get_running_loop()
        known = self._known.get(key_id)
        if known is not None and loop.time() < known.until:
            return known.row
        read_at, forgotten = loop.time(), self._forgotten
        table, owner = tables.api_key, tables.organisation
        query = (
            select(table, owner.c.kind, owner.c.state)
            .join(owner, owner.c.id == table.c.organisation)
            .where(table.c.id == key_id)
        )
        async with transaction(self._kernel.reads) as connection:
            row = (await connection.execute(query)).one_or_none()
        if forgotten == self._forgotten:
            self._known[key_id] = _Known(read_at + FRESH_S, row)
            self._known.move_to_end(key_id)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return row

    async def _note_use(self, key_id: str, *, today: date) -> None:
        """The day of a key's last use: one write a day and worker."""
        if self._used.get(key_id) == today:
            return
        table = tables.api_key
        async with transaction(self._kernel.engine) as connection:
            await connection.execute(
                update(table)
                .where(table.c.id == key_id, table.c.last_used.is_distinct_from(today))
                .values(last_used=today)
            )
        self._used[key_id] = today
        if len(self._used) > REMEMBERED:
            self._used.popitem(last=False)


def _split(token: str) -> tuple[str, str]:
    """(id, secret) of a key's text; ids that cannot be one are nobody's."""
    key_id, _, secret = token.removeprefix(PREFIX).partition("_")
    return (key_id, secret) if len(token) <= KEY_LENGTH_LIMIT and key_id.isalnum() else ("", "")


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        organisation=row.organisation,
        name=row.name,
        prefix=f"{PREFIX}{row.id}_",
        scopes=list(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used=row.last_used,
        revoked_at=row.revoked_at,
    )
