"""A world of a fault test: its kernels, its pools, and the checks that end every test.

Imports `reservation`, SQLAlchemy and `booking_api.clock`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text

from booking_api import clock
from booking_api.embedded.postgres import PostgresServer
from booking_api.schema import migrate_platform
from reservation import (
    Kernel,
    NewUnit,
    UnitKind,
    add_authority,
    audit,
    free_places,
    publish_pool,
    rebuild,
    sweep,
    watch,
)
from reservation.database import create_engine
from reservation.errors import Rebuilding, ReservationError, Unavailable
from tests.faults.acts import Ask, Refused, asking
from tests.faults.ledger import Ledger

READY_WITHIN_S = 20.0
QUIET_WITHIN_S = 30.0
POLL_S = 0.05
STUCK_AFTER_S = 3.0
"""How much longer than a hold's life stock may be missing before it counts as stuck."""


class City(NamedTuple):
    """One pool of sessions."""

    pool: int
    units: list[int]
    hold_ttl_s: int


class World:
    """Owns the kernels on one database and one Valkey."""

    def __init__(self, *, database_url: str, valkey_url: str) -> None:
        self.database_url = database_url
        self.valkey_url = valkey_url
        self._kernels: list[Kernel] = []
        self._sweeping: list[asyncio.Task[None]] = []

    async def open_kernel(self, *, heals: bool = True, connections: int = 8) -> Kernel:
        """One more process' worth of kernel, in this process."""
        kernel = Kernel(
            create_engine(self.database_url, connections=connections), self.valkey_url, clock=clock.now_ms
        )
        self._kernels.append(kernel)
        if heals:
            watch(kernel)
        await kernel.open()
        return kernel

    def keep_swept(self, kernel: Kernel, *, every_s: float = 0.3, confirm_patience_s: float = 5.0) -> None:
        """What `sweep_forever` does, with less patience so that a test need not wait for it."""

        async def forever() -> None:
            while True:
                try:
                    await sweep(kernel, confirm_patience_s=confirm_patience_s, effect_patience_s=0.5)
                except ReservationError as error:
                    assert error.code in {"unavailable", "busy"}, error  # noqa: PT017 (its backend is down, or paused)
                await asyncio.sleep(every_s)

        self._sweeping.append(asyncio.create_task(forever()))

    async def stop_sweeping(self) -> None:
        """Ends the sweepers; one that failed fails the test."""
        for task in self._sweeping:
            task.cancel()
        outcomes = await asyncio.gather(*self._sweeping, return_exceptions=True)
        self._sweeping.clear()
        failed = [o for o in outcomes if o is not None and not isinstance(o, asyncio.CancelledError)]
        assert not failed, failed

    async def close(self) -> None:
        await self.stop_sweeping()
        for kernel in self._kernels:
            await kernel.close()
        self._kernels.clear()


async def migrate_on(server: PostgresServer) -> None:
    """The kernel's schema on a fresh server."""
    engine = create_engine(server.url, connections=1)
    try:
        await migrate_platform(engine)
    finally:
        await engine.dispose()


async def make_city(
    kernel: Kernel,
    *,
    capacities: Sequence[int],
    hold_ttl_s: int = 3,
    rule: str = "subject-2",
    service: str = "test",
) -> City:
    """One pool with a session for each capacity, ready to hold from."""
    await add_authority(kernel, authority_id="cn-hz", level="city", name={"en": "Hangzhou"})
    pool = await publish_pool(
        kernel,
        authority="cn-hz",
        service=service,
        rule=rule,
        title={"en": "Subject 2"},
        hold_ttl_s=hold_ttl_s,
        units=[NewUnit(kind=UnitKind.SESSION, title={"en": f"S{n}"}, capacity=n) for n in capacities],
    )
    await wait_open(kernel, pool)
    rows = await read_rows(kernel, "SELECT id FROM unit WHERE pool_id = :pool ORDER BY id", pool=pool)
    return City(pool, [row.id for row in rows], hold_ttl_s)


async def wait_open(kernel: Kernel, pool: int) -> None:
    """Waits until this kernel can call functions on the pool, helping with its rebuild."""

    async def opened() -> str:
        try:
            await rebuild(kernel, pool_id=pool, force=False)
            await kernel.call(pool, "overdue", 0, 1)
        except (Rebuilding, Unavailable) as error:
            return error.code
        return ""

    await eventually(opened, within_s=READY_WITHIN_S)


async def eventually(look: Callable[[], Awaitable[Any]], *, within_s: float) -> None:
    """Waits until `look` finds nothing to complain of; fails with what it found last."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while complaint := await look():
        assert loop.time() < deadline, f"still so after {within_s} s: {complaint}"
        await asyncio.sleep(POLL_S)


async def read_rows(kernel: Kernel, query: str, **given: Any) -> Sequence[Any]:
    async with kernel.engine.connect() as connection:
        return (await connection.execute(text(query), given)).all()


async def settle(kernel: Kernel) -> None:
    """Sweeps without patience until no mark and no effect is left. Only when nothing is under way any more."""

    async def left() -> Any:
        try:
            swept = await sweep(kernel, confirm_patience_s=0, effect_patience_s=0)
        except ReservationError as error:
            return error.code
        effects = await read_rows(kernel, "SELECT id, pool_id, epoch, changes FROM effect LIMIT 5")
        return (
            effects or any((swept.abandoned, swept.booked_after_all, swept.replayed)) or await _marks(kernel)
        )

    await eventually(left, within_s=QUIET_WITHIN_S)


async def _marks(kernel: Kernel) -> list[Any]:
    left: list[Any] = []
    for pool in await kernel.read_pools():
        try:
            left += (await kernel.call(pool.id, "overdue", 0, 5))[1:]
        except ReservationError as error:
            left.append((pool.id, error.code))
    return left


async def stuck_stock(kernel: Kernel) -> list[str]:
    """Units of which Valkey would not give out exactly what PostgreSQL has left."""
    query = "SELECT pool_id, id, capacity, booked, promised FROM unit ORDER BY pool_id, id"
    rows = await read_rows(kernel, query)
    found: list[str] = []
    for pool in sorted({row.pool_id for row in rows}):
        units = [row for row in rows if row.pool_id == pool]
        try:
            free = await free_places(kernel, pool_id=pool, units=[row.id for row in units])
        except ReservationError as error:
            found.append(f"pool {pool}: {error.code}")
            continue
        found += [
            f"unit {row.id}: {count} free of {row.capacity}, booked {row.booked}, promised {row.promised}"
            for row, count in zip(units, free, strict=True)
            if count != row.capacity - row.booked - row.promised
        ]
    return found


async def check_world(kernel: Kernel, *, ledger: Ledger | None = None, hold_ttl_s: int) -> None:
    """The end of every fault test: effects applied, holds over, stock whole, promises to clients kept, no finding."""
    await settle(kernel)
    await eventually(lambda: stuck_stock(kernel), within_s=hold_ttl_s + STUCK_AFTER_S)
    if ledger is not None:
        differences = await ledger.differences(kernel)
        assert not differences, differences
    findings = await audit(kernel)
    assert not findings, findings


async def fill(kernel: Kernel, city: City) -> int:
    """Sells what is left of every unit, and not one place more. Gives how many that were."""
    units = await read_rows(
        kernel,
        "SELECT id, capacity - booked - promised AS free FROM unit WHERE pool_id = :pool ORDER BY id",
        pool=city.pool,
    )
    ask = asking(kernel)
    total = 0
    for unit in units:
        outcomes = await asyncio.gather(
            *(_buy(ask, city, unit.id, f"filler-{unit.id}-{n}") for n in range(unit.free + 3))
        )
        assert outcomes.count("booked") == unit.free, outcomes
        assert outcomes.count("full") == 3, outcomes
        total += unit.free
    rows = await read_rows(
        kernel, "SELECT id FROM unit WHERE pool_id = :p AND booked + promised <> capacity", p=city.pool
    )
    assert not rows, rows
    return total


async def _buy(ask: Ask, city: City, unit: int, name: str) -> str:
    try:
        held = await ask("hold", pool_id=city.pool, units=[unit], claimant=f"person:{name}", owner=name)
        await ask("confirm", claim_id=held["id"], owner=name, key=f"key-{name}")
    except Refused as refusal:
        return refusal.code
    return "booked"
