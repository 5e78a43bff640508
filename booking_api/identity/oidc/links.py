"""Which identities of a provider are which accounts: linked by the account's owner, never made on the way in.

Imports SQLAlchemy and this room's tables.
"""

from datetime import datetime
from uuid import uuid4

import msgspec
from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.identity.oidc.errors import LinkedElsewhere, NotLinked, UnknownIdentity
from booking_api.identity.oidc.tables import external_identity

_link = external_identity.c


class ExternalIdentity(msgspec.Struct, frozen=True):
    """An identity at a provider that may sign in as the account."""

    id: str
    issuer: str
    subject: str
    linked_at: datetime


async def account_linked_to(engine: AsyncEngine, *, issuer: str, subject: str) -> str:
    """The account of this identity.

    Raises:
        NotLinked: there is none.
    """
    query = select(_link.account).where(_link.issuer == issuer, _link.subject == subject)
    async with engine.connect() as connection:
        account = (await connection.execute(query)).scalar_one_or_none()
    if account is None:
        raise NotLinked(issuer=issuer)
    return account


async def link(engine: AsyncEngine, *, account: str, issuer: str, subject: str) -> ExternalIdentity:
    """Lets this identity sign in as the account; doing so again changes nothing.

    Raises:
        LinkedElsewhere: the identity is another account's, or the account has another one of this issuer.
    """
    async with engine.begin() as connection:
        await connection.execute(
            insert(external_identity)
            .values(id=str(uuid4()), account=account, issuer=issuer, subject=subject)
            .on_conflict_do_nothing()
        )
        mine = (_link.account == account, _link.issuer == issuer, _link.subject == subject)
        found = await connection.execute(select(*external_identity.c).where(*mine))
        row = found.one_or_none()
    if row is None:
        raise LinkedElsewhere
    return _shown(row)


async def links_of(engine: AsyncEngine, account: str) -> list[ExternalIdentity]:
    """The account's identities, one a provider."""
    query = select(*external_identity.c).where(_link.account == account).order_by(_link.linked_at)
    async with engine.connect() as connection:
        return [_shown(row) for row in await connection.execute(query)]


async def unlink(engine: AsyncEngine, *, account: str, identity: str) -> None:
    """Ends a link.

    Raises:
        UnknownIdentity: the account has no such one.
    """
    async with engine.begin() as connection:
        gone = await connection.execute(
            delete(external_identity)
            .where(_link.id == identity, _link.account == account)
            .returning(_link.id)
        )
        if gone.one_or_none() is None:
            raise UnknownIdentity


def _shown(row: Row[tuple[str, str, str, str, datetime]]) -> ExternalIdentity:
    return ExternalIdentity(row.id, row.issuer, row.subject, row.linked_at)
