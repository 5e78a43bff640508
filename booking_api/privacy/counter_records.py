"""What counters did for a person. Imports the counter's tables.

Who served whom stays after an erasure, for whoever answers for the counters, under a word that names nobody.
"""

import secrets

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.counter.tables import counter_act, counter_visit
from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where

_visit, _act = counter_visit.c, counter_act.c


async def _visits(connection: AsyncConnection, subject: Subject) -> list[Row]:
    # Who the clerk was is the clerk's affair.
    columns = (_visit.authority, _visit.opened_at, _visit.ended_at)
    return await rows_where(connection, columns, _visit.account == subject.account, order_by=_visit.opened_at)


async def _acts(connection: AsyncConnection, subject: Subject) -> list[Row]:
    source = counter_act.join(counter_visit, _visit.id == _act.visit)
    columns = (_visit.authority, _act.kind, _act.at, _act.subject, _act.outcome)
    mine = _visit.account == subject.account
    return await rows_where(connection, columns, mine, order_by=_act.id, source=source)


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    nobody = f"erased:{secrets.token_hex(16)}"
    await connection.execute(
        update(counter_visit).where(_visit.account == subject.account).values(account=nobody)
    )


COUNTER = Contributor(
    tables=(counter_visit, counter_act),
    exports={"counter_visits": _visits, "counter_acts": _acts},
    erase=_erase,
)
