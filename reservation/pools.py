"""Publishing pools and units. Each published unit is an entry in the log."""

from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from reservation import tables
from reservation.errors import UnknownPool
from reservation.kernel import Kernel
from reservation.model import ClaimantKind, NewUnit
from reservation.transaction import note_effect, transaction
from reservation.units import add_units


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
        await add_units(connection, pool_id=pool_id, authority=authority, units=units)
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
        [unit_id] = await add_units(connection, pool_id=pool_id, authority=row.authority, units=[new])
        changes = ["size", str(new.capacity), str(unit_id)]
        effect = await note_effect(connection, pool_id=pool_id, epoch=row.epoch, changes=changes)
    await kernel.tell(effect)
    return unit_id
