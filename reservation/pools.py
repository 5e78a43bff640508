"""Publishing pools and units. Each published unit is an entry in the log."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from reservation import tables
from reservation.errors import UnknownPool
from reservation.kernel import Kernel
from reservation.model import ClaimantKind, NewUnit
from reservation.transaction import note_effect, transaction

UNITS_PER_STATEMENT = 1000


async def add_authority(
    kernel: Kernel, *, authority_id: str, level: str, name: dict[str, str], parent: str | None = None
) -> None:
    """Registers an authority; doing it again changes nothing.

    Raises:
        Unavailable, Busy: repeat.
    """
    async with transaction(kernel.engine) as connection:
        await connection.execute(
            upsert(tables.authority)
            .values(id=authority_id, level=level, parent=parent, name=name)
            .on_conflict_do_nothing()
        )


async def publish_pool(
    kernel: Kernel,
    *,
    authority: str,
    service: str,
    rule: str,
    title: dict[str, str],
    units: Sequence[NewUnit],
    hold_ttl_s: int,
    claimant_kind: ClaimantKind = ClaimantKind.PERSON,
    demo: bool = False,
) -> int:
    """Publishes a pool with its units in one transaction; gives its id.

    The first request for it builds its view in Valkey.

    Raises:
        Unavailable, Busy: repeat.
    """
    async with transaction(kernel.engine) as connection:
        result = await connection.execute(
            insert(tables.pool)
            .values(
                authority=authority,
                service=service,
                rule=rule,
                title=title,
                claimant_kind=claimant_kind,
                state="open",
                hold_ttl_s=hold_ttl_s,
                demo=demo,
            )
            .returning(tables.pool.c.id)
        )
        pool_id: int = result.scalar_one()
        for first in range(0, len(units), UNITS_PER_STATEMENT):
            rows = [_values(pool_id, new) for new in units[first : first + UNITS_PER_STATEMENT]]
            made = await connection.execute(
                insert(tables.unit).returning(tables.unit.c.id, tables.unit.c.capacity), rows
            )
            entries = [
                {"kind": "publish", "pool_id": pool_id, "unit_id": row.id, "delta": row.capacity}
                | {"operator": authority}
                for row in made.all()
            ]
            await connection.execute(insert(tables.entry), entries)
    kernel.heal(pool_id)
    return pool_id


async def publish_unit(kernel: Kernel, *, pool_id: int, new: NewUnit) -> int:
    """Adds one unit to a published pool; gives its id.

    Raises:
        UnknownPool: there is none.
        Unavailable, Busy: repeat; the unit may have been added, look before repeating.
    """
    async with transaction(kernel.engine) as connection:
        pool = tables.pool
        row = (
            await connection.execute(select(pool).where(pool.c.id == pool_id).with_for_update(read=True))
        ).first()
        if row is None:
            raise UnknownPool(pool=pool_id)
        made = await connection.execute(
            insert(tables.unit).values(**_values(pool_id, new)).returning(tables.unit.c.id)
        )
        unit_id: int = made.scalar_one()
        await connection.execute(
            insert(tables.entry).values(
                kind="publish", pool_id=pool_id, unit_id=unit_id, delta=new.capacity, operator=row.authority
            )
        )
        changes = ["size", str(new.capacity), str(unit_id)]
        effect = await note_effect(connection, pool_id=pool_id, epoch=row.epoch, changes=changes)
    await kernel.tell(effect)
    return unit_id


def _values(pool_id: int, new: NewUnit) -> dict[str, Any]:
    return {
        "pool_id": pool_id,
        "kind": new.kind,
        "title": new.title,
        "site": new.site,
        "starts_at": new.starts_at,
        "ends_at": new.ends_at,
        "attributes": new.attributes,
        "capacity": new.capacity,
    }
