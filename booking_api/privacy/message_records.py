"""What a person was told, and their fees. Imports the outbox's and the payments' tables."""

import secrets

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.outbox.tables import event, notice
from booking_api.payments.standing import FeeState
from booking_api.payments.tables import fee, fee_change
from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where

_notice, _event, _fee = notice.c, event.c, fee.c
_OPEN = (FeeState.DUE, FeeState.PENDING, FeeState.SETTLED)


async def _notices(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_notice.kind, _notice.at, _notice.facts, _notice.read_at)
    return await rows_where(connection, columns, _notice.account == subject.account, order_by=_notice.id)


async def _events(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_event.kind, _event.at, _event.facts)
    return await rows_where(connection, columns, _event.account == subject.account, order_by=_event.id)


async def _fees(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = tuple(column for column in _fee if column.name not in {"account", "tries", "next_at"})
    return await rows_where(connection, columns, _fee.account == subject.account, order_by=_fee.created_at)


async def _fee_changes(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (fee_change.c.fee, fee_change.c.at, fee_change.c.state, fee_change.c.note)
    source = fee_change.join(fee, _fee.id == fee_change.c.fee)
    mine = _fee.account == subject.account
    return await rows_where(connection, columns, mine, order_by=fee_change.c.id, source=source)


async def _open_fees(connection: AsyncConnection, subject: Subject) -> list[str]:
    """Money on its way, or paid and not used: it must find its owner first."""
    open_ = _fee.state.in_(_OPEN) & _fee.used_by.is_(None)
    query = select(_fee.id).where(_fee.account == subject.account, open_ | (_fee.state == FeeState.REFUNDING))
    return [str(found) for found in (await connection.execute(query)).scalars()]


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    """Fees that were paid are the law's to keep; they name nobody any more."""
    await connection.execute(delete(notice).where(_notice.account == subject.account))
    await connection.execute(update(event).where(_event.account == subject.account).values(account=None))
    nobody = f"erased:{secrets.token_hex(16)}"
    await connection.execute(update(fee).where(_fee.account == subject.account).values(account=nobody))


MESSAGES = Contributor(
    tables=(notice, event, fee, fee_change),
    exports={"notices": _notices, "events": _events, "fees": _fees, "fee_changes": _fee_changes},
    standing={"fees": _open_fees},
    erase=_erase,
)
