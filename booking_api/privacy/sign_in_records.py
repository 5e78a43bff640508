"""How a person signs in: second factors, sessions, and what was changed about them. Imports `identity` tables."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.identity.factors.tables import (
    account_event,
    key_challenge,
    recovery_code,
    security_key,
    sign_in_ticket,
    totp,
)
from booking_api.identity.sessions.tables import session, session_cookie
from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where

_totp, _key, _session, _event = totp.c, security_key.c, session.c, account_event.c


async def _apps(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_totp.created_at, _totp.activated_at)
    return await rows_where(connection, columns, _totp.account == subject.account, order_by=_totp.created_at)


async def _keys(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_key.name, _key.transports, _key.created_at, _key.used_at)
    return await rows_where(connection, columns, _key.account == subject.account, order_by=_key.created_at)


async def _recovery_codes(connection: AsyncConnection, subject: Subject) -> list[Row]:
    code = recovery_code.c
    return await rows_where(
        connection, (code.used_at,), code.account == subject.account, order_by=code.digest
    )


async def _sessions(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_session.created_at, _session.used_at, _session.expires_at)
    mine = _session.account == subject.account
    return await rows_where(connection, columns, mine, order_by=_session.created_at)


async def _begun(connection: AsyncConnection, subject: Subject) -> list[Row]:
    ticket, challenge = sign_in_ticket.c, key_challenge.c
    mine = ticket.account == subject.account
    found = await rows_where(connection, (ticket.tries, ticket.expires_at), mine, order_by=ticket.expires_at)
    asked = challenge.account == subject.account
    return found + await rows_where(connection, (challenge.expires_at,), asked, order_by=challenge.expires_at)


async def _events(connection: AsyncConnection, subject: Subject) -> list[Row]:
    # Who the clerk was is the clerk's affair.
    columns = (_event.kind, _event.at)
    return await rows_where(connection, columns, _event.account == subject.account, order_by=_event.id)


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    """What was done about the account stays under an id that names nobody once the account is gone."""
    for mine in (
        key_challenge.c.account,
        sign_in_ticket.c.account,
        recovery_code.c.account,
        _key.account,
        _totp.account,
        _session.account,
    ):
        await connection.execute(delete(mine.table).where(mine == subject.account))


SIGN_IN = Contributor(
    tables=(
        totp,
        security_key,
        recovery_code,
        sign_in_ticket,
        key_challenge,
        account_event,
        session,
        session_cookie,
    ),
    exports={
        "authenticator_apps": _apps,
        "security_keys": _keys,
        "recovery_codes": _recovery_codes,
        "sessions": _sessions,
        "sign_ins_on_their_way": _begun,
        "account_events": _events,
    },
    erase=_erase,
)
