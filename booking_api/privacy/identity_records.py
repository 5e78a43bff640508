"""The account, its tokens, links and codes. Imports `identity` and `verification` tables."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.errors import UnknownAccount
from booking_api.identity.oidc.tables import authorization_attempt, external_identity
from booking_api.identity.tables import account, refresh_token
from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where
from booking_api.verification.tables import verification_code

_account, _refresh, _link = account.c, refresh_token.c, external_identity.c
_code, _attempt = verification_code.c, authorization_attempt.c


async def _accounts(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = tuple(column for column in _account if column.name != "password_hash")
    rows = await rows_where(connection, columns, _account.id == subject.account, order_by=_account.id)
    # Who the clerk was is the clerk's affair; that it was one is the person's.
    return [row | {"verified_by": _without_clerk(row["verified_by"])} for row in rows]


def _without_clerk(verified_by: str | None) -> str | None:
    return "counter" if verified_by is not None and verified_by.startswith("counter:") else verified_by


async def _sign_ins(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_refresh.family, _refresh.expires_at, _refresh.used_at)
    mine = _refresh.account == subject.account
    return await rows_where(connection, columns, mine, order_by=_refresh.expires_at)


async def _links(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_link.issuer, _link.subject, _link.linked_at)
    return await rows_where(connection, columns, _link.account == subject.account, order_by=_link.linked_at)


async def _codes(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_code.source, _code.tries_left, _code.expires_at)
    return await rows_where(connection, columns, _code.account == subject.account, order_by=_code.expires_at)


async def _attempts(connection: AsyncConnection, subject: Subject) -> list[Row]:
    mine = _attempt.account == subject.account
    return await rows_where(connection, (_attempt.expires_at,), mine, order_by=_attempt.expires_at)


async def _roles(connection: AsyncConnection, subject: Subject) -> list[str]:
    """Somebody who vouches for others answers for it under their account until the role is taken away."""
    query = select(_account.roles).where(_account.id == subject.account)
    return list((await connection.execute(query)).scalar_one_or_none() or ())


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    for mine in (_refresh.account, _link.account, _code.account, _attempt.account):
        await connection.execute(delete(mine.table).where(mine == subject.account))
    gone = await connection.execute(
        delete(account).where(_account.id == subject.account).returning(_account.id)
    )
    if gone.one_or_none() is None:
        raise UnknownAccount(account=subject.account)


IDENTITY = Contributor(
    tables=(account, refresh_token, external_identity, verification_code, authorization_attempt),
    exports={
        "account": _accounts,
        "sign_ins": _sign_ins,
        "external_identities": _links,
        "verification_codes": _codes,
        "links_on_their_way": _attempts,
    },
    standing={"roles": _roles},
    erase=_erase,
)
