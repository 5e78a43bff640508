"""What schools have to do with a person: consents, rows of batches, substitutions. Imports the schools' tables."""

import secrets

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.privacy.contributor import Contributor, Row, Subject, rows_where
from booking_api.schools.tables import (
    consent,
    consent_request,
    school_batch,
    school_batch_row,
    school_seat,
    substitution,
)

_consent, _request, _row, _swap = consent.c, consent_request.c, school_batch_row.c, substitution.c


async def _consents(connection: AsyncConnection, subject: Subject) -> list[Row]:
    columns = (_consent.school, _consent.subjects, _consent.until, _consent.given_at, _consent.withdrawn_at)
    return await rows_where(connection, columns, _consent.account == subject.account, order_by=_consent.id)


async def _requests(connection: AsyncConnection, subject: Subject) -> list[Row]:
    mine = _request.identity_number == subject.verified_number
    columns = (_request.school, _request.name, _request.asked_at)
    return await rows_where(connection, columns, mine, order_by=_request.id)


async def _rows(connection: AsyncConnection, subject: Subject) -> list[Row]:
    batch = school_batch.c
    source = school_batch_row.join(school_batch, batch.id == _row.batch_id)
    columns = (batch.school, batch.sent_at, _row.units, _row.state, _row.claim_id, _row.refusals, _row.at)
    mine = _row.account == subject.account
    return await rows_where(connection, columns, mine, order_by=_row.batch_id, source=source)


async def _substitutions(connection: AsyncConnection, subject: Subject) -> list[Row]:
    # Who the other learner was is that person's affair.
    columns = (_swap.school, _swap.unit_id, _swap.reason, _swap.at)
    mine = or_(_swap.from_account == subject.account, _swap.to_account == subject.account)
    return await rows_where(connection, columns, mine, order_by=_swap.id)


async def _on_their_way(connection: AsyncConnection, subject: Subject) -> list[str]:
    """A batch that is being carried out may book for the person any moment."""
    batch = school_batch.c
    query = (
        select(batch.id)
        .join(school_batch_row, _row.batch_id == batch.id)
        .where(_row.account == subject.account, batch.ended_at.is_(None))
        .order_by(batch.id)
    )
    return [f"batch {found}" for found in (await connection.execute(query)).scalars()]


async def _erase(connection: AsyncConnection, subject: Subject) -> None:
    """What a school did stays, and names nobody any more."""
    nobody = f"erased:{secrets.token_hex(16)}"
    await connection.execute(delete(consent).where(_consent.account == subject.account))
    if subject.verified_number is not None:
        await connection.execute(
            delete(consent_request).where(_request.identity_number == subject.verified_number)
        )
    for mine in (_row.account, _swap.from_account, _swap.to_account):
        await connection.execute(
            update(mine.table).where(mine == subject.account).values({mine.name: nobody})
        )


SCHOOLS = Contributor(
    tables=(consent, consent_request, school_batch, school_batch_row, school_seat, substitution),
    exports={
        "school_consents": _consents,
        "school_consent_requests": _requests,
        "school_batch_rows": _rows,
        "substitutions": _substitutions,
    },
    standing={"batches": _on_their_way},
    erase=_erase,
)
