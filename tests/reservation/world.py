"""Two workers over one PostgreSQL and one Valkey, what they were told, and the means to break things.

The state machine draws what happens; this is where it happens, and where it is checked afterwards.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from booking_api import clock
from reservation import (
    Booking,
    Hold,
    Kernel,
    audit,
    cancel,
    confirm,
    confirm_promise,
    free_places,
    hold,
    promise,
    rebuild,
    release,
    reschedule,
    sweep,
    watch,
    withdraw,
)
from reservation.database import create_engine
from reservation.errors import ReservationError
from reservation.keys import fence_key
from reservation.tables import metadata

TRIES = 4
OPEN_AGAIN_TRIES = 400
OPEN_AGAIN_EVERY_S = 0.005

NAMES = ("ann", "bob", "cyd", "dan", "eve")
WISHES = ((0,), (1,), (0, 1), (2,), (3,))
"""Units by index: 0 and 1 are of the first pool (one and two places), 2 and 3 of the second (one place, two)."""

Journey = tuple[int, str, tuple[str, ...], list[int]]
"""(worker, claimant, what they do one after the other, which unit or key each time)."""

NOT_NOW = {"rebuilding", "unavailable", "busy"}
REFUSALS = {
    "hold": {"full", "another_hold"},
    "confirm": {"hold_lost", "in_flight", "already_confirmed", "already_booked", "full", "choose_unit"}
    | {"idempotency_key_reused"},
    "release": {"hold_lost", "in_flight"},
    "cancel": {"not_active"},
    "move": {"hold_lost", "in_flight", "choose_unit", "not_active", "full"},
    "promise": {"hold_lost", "in_flight", "choose_unit", "already_booked", "full"},
    "keep": {"unknown_promise"},
    "give_back": {"unknown_promise"},
    "stall": set(),
    "pause": set(),
}

EXPIRE = """
local ended = 0
for _, claim in ipairs(redis.call('HKEYS', KEYS[1] .. 'holds')) do
  local hold = cmsgpack.unpack(redis.call('HGET', KEYS[1] .. 'holds', claim))
  if ARGV[1] == '' or hold.owner == ARGV[1] then
    hold.expires_ms = 1
    redis.call('HSET', KEYS[1] .. 'holds', claim, cmsgpack.pack(hold))
    for _, unit in ipairs(hold.units) do
      if redis.call('ZSCORE', KEYS[1] .. 'u' .. unit, claim) ~= 'inf' then
        redis.call('ZADD', KEYS[1] .. 'u' .. unit, 'XX', 1, claim)
      end
    end
    ended = ended + 1
  end
end
return ended
"""


class World:
    """One schedule's workers and acknowledgements."""

    def __init__(self, database_url: str, valkey_url: str, told: Counter[str]) -> None:
        self.database_url, self.valkey_url = database_url, valkey_url
        self.told = told
        self.workers: list[Kernel] = []
        self.units: list[int] = []
        self.pools: list[int] = []
        self.held: dict[str, Hold] = {}
        self.booked: dict[str, str] = {}
        self.promised: dict[str, str] = {}
        self.acknowledged: dict[str, tuple[str, int]] = {}
        self.keys: dict[tuple[str, str], Booking] = {}
        self.paused: list[asyncio.Task[bool]] = []
        self.go_on = asyncio.Event()
        self.ended: set[str] = set()
        self.perhaps_ended: set[str] = set()

    async def begin(self, make_city: Callable[..., Awaitable[tuple[int, list[int]]]]) -> None:
        self.redis = Redis.from_url(self.valkey_url)
        await self.redis.flushall()
        engine = create_engine(self.database_url, connections=1)
        async with engine.begin() as connection:
            tables = ", ".join(metadata.tables)
            await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        await engine.dispose()
        self.workers = [await self.new_worker() for _ in range(2)]
        self.slow_worker = await self.new_worker()
        for capacities in ((1, 2), (1, 2)):
            pool, units = await make_city(self.workers[0], capacities=capacities)
            self.pools += [pool] * 2
            self.units += units

    async def new_worker(self) -> Kernel:
        kernel = Kernel(create_engine(self.database_url), self.valkey_url, clock=clock.now_ms)
        watch(kernel)
        await kernel.open()
        return kernel

    async def end(self) -> None:
        for kernel in (*self.workers, self.slow_worker):
            await kernel.close()
        await self.redis.aclose()

    # What claimants do. Each gives True when it was acknowledged, and only that enters the model; False when this
    # claimant has nothing to do it with.

    async def travel(self, worker: int, name: str, kinds: tuple[str, ...], choices: list[int]) -> None:
        for kind, choice in zip(kinds, choices, strict=False):
            for _ in range(TRIES):
                if await self.act(self.workers[worker], kind, name, choice):
                    break
                await asyncio.sleep(OPEN_AGAIN_EVERY_S)

    async def act(self, kernel: Kernel, kind: str, name: str, choice: int) -> bool:
        """False: not now, and a patient client asks again."""
        try:
            self.told[kind] += await getattr(self, f"do_{kind}")(kernel, name, choice)
        except ReservationError as error:
            if error.code not in REFUSALS[kind] | NOT_NOW:
                raise
            return error.code not in NOT_NOW
        return True

    async def do_hold(self, kernel: Kernel, name: str, choice: int) -> bool:
        wish = WISHES[choice]
        self.held[name] = await hold(
            kernel,
            pool_id=self.pools[wish[0]],
            units=[self.units[n] for n in wish],
            claimant=f"person:{name}",
            owner=name,
        )
        return True

    async def do_confirm(self, kernel: Kernel, name: str, choice: int) -> bool:
        if (held := self.held.get(name)) is None:
            return False
        unit, key = held.units[choice % len(held.units)], f"key-{choice % 3}"
        booking = await confirm(kernel, claim_id=held.id, owner=name, key=key, unit=unit)
        assert (booking.id, booking.unit) == (held.id, unit)
        assert self.keys.setdefault((name, key), booking) == booking
        self.acknowledge(name, booking)
        return True

    def acknowledge(self, name: str, booking: Booking) -> None:
        self.acknowledged[booking.id] = (name, booking.unit)
        self.booked[name] = booking.id

    async def do_release(self, kernel: Kernel, name: str, _: int) -> bool:
        if (held := self.held.get(name)) is not None:
            await release(kernel, claim_id=held.id, owner=name)
        return held is not None

    async def do_cancel(self, kernel: Kernel, name: str, _: int) -> bool:
        if (booking := self.booked.get(name)) is not None:
            self.perhaps_ended.add(booking)
            await cancel(kernel, booking_id=booking, owner=name)
            self.ended.add(booking)
        return booking is not None

    async def do_move(self, kernel: Kernel, name: str, choice: int) -> bool:
        held, booking = self.held.get(name), self.booked.get(name)
        if held is None or booking is None or held.id == booking:
            return False
        self.perhaps_ended.add(booking)
        unit = held.units[choice % len(held.units)]
        moved = await reschedule(kernel, booking_id=booking, hold_id=held.id, owner=name, unit=unit)
        self.ended.add(booking)
        self.acknowledge(name, moved)
        return True

    async def do_promise(self, kernel: Kernel, name: str, choice: int) -> bool:
        if (held := self.held.get(name)) is None:
            return False
        until = clock.now() + timedelta(hours=1 if choice else -1)
        made = await promise(
            kernel, hold_id=held.id, owner=name, until=until, unit=held.units[choice % len(held.units)]
        )
        self.promised[name] = made.id
        return True

    async def do_keep(self, kernel: Kernel, name: str, _: int) -> bool:
        if (made := self.promised.get(name)) is not None:
            self.acknowledge(name, await confirm_promise(kernel, promise_id=made, owner=name))
        return made is not None

    async def do_give_back(self, kernel: Kernel, name: str, _: int) -> bool:
        if (made := self.promised.get(name)) is not None:
            await withdraw(kernel, promise_id=made, owner=name)
        return made is not None

    async def do_stall(self, kernel: Kernel, name: str, choice: int) -> bool:
        """A confirm whose worker dies after (a) the mark."""
        if (held := self.held.get(name)) is not None:
            unit = held.units[choice % len(held.units)]
            pool = self.pools[self.units.index(unit)]
            await kernel.call(pool, "mark", held.id, name, f"key-{choice % 3}", str(unit))
        return held is not None

    async def do_pause(self, _: Kernel, name: str, choice: int) -> bool:
        """A confirm whose worker is paused between (a) the mark and (b) the commit, until all go on."""
        if name not in self.held:
            return False
        marked = asyncio.Event()
        going_on = self.go_on
        real = self.slow_worker.call_fenced

        async def pause_after_mark(pool_id: int, function: str, *args: Any) -> Any:
            answer = await real(pool_id, function, *args)
            if function == "mark":
                marked.set()
                await going_on.wait()
            return answer

        slow = copy(self.slow_worker)
        slow.call_fenced = pause_after_mark
        confirming = asyncio.create_task(self.act(slow, "confirm", name, choice))
        self.paused.append(confirming)
        await asyncio.wait(
            [confirming, asyncio.create_task(marked.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        marked.set()
        return not confirming.done()

    async def resume(self) -> None:
        """Every paused worker wakes up and does what it was about to do."""
        self.go_on.set()
        await asyncio.gather(*self.paused)
        self.paused.clear()
        self.go_on = asyncio.Event()

    async def burst(self, burst: list[Journey]) -> None:
        await asyncio.gather(*(self.travel(*journey) for journey in burst))

    # What befalls the servers and the workers.

    async def crash(self, worker: int, burst: list[Journey], ticks: int) -> None:
        """SIGKILL in the middle of a burst: what was in flight is undone, or done and told to nobody."""
        calls = {asyncio.create_task(self.travel(*journey)): journey[0] for journey in burst}
        for _ in range(ticks):
            await asyncio.sleep(0)
        dying = self.workers[worker]
        tasks = [call for call, by in calls.items() if by == worker]
        tasks += [*dying.committer._tasks.values(), *dying.committer._telling, *dying._background]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await dying.valkey.close()
        await dying.engine.dispose()
        self.workers[worker] = await self.new_worker()
        await asyncio.gather(*(call for call, by in calls.items() if by != worker))

    async def rebuild(self, worker: int, pool: int, burst: list[Journey]) -> None:
        async def one() -> None:
            try:
                await rebuild(self.workers[worker], pool_id=self.pools[pool])
            except ReservationError as error:
                if error.code not in NOT_NOW:
                    raise

        await asyncio.gather(one(), self.burst(burst))

    async def expire(self, name: str) -> int:
        """Time passes for these holds: whatever has an end has come to it."""
        ended = 0
        for pool in set(self.pools):
            stored = await self.redis.get(fence_key(pool))
            epoch = (stored or b"0:").decode().partition(":")[0]
            ended += int(await self.redis.eval(EXPIRE, 1, f"{{p{pool}}}:{epoch}:", name))
        return ended

    async def sweep(self, worker: int) -> None:
        await sweep(self.workers[worker], confirm_patience_s=0, effect_patience_s=0)

    async def flush(self, *, functions: bool) -> None:
        if functions:
            await self.redis.execute_command("FUNCTION", "FLUSH")
        await self.redis.flushall()

    async def open_again(self) -> None:
        """Pools heal by themselves; a sweep does what no call has asked for."""
        for _ in range(OPEN_AGAIN_TRIES):
            await self.sweep(0)
            if await self.is_open() and not await self.rows("SELECT 1 FROM effect"):
                return
            await asyncio.sleep(OPEN_AGAIN_EVERY_S)
        pytest.fail("the pools do not open again")

    async def is_open(self) -> bool:
        try:
            for kernel in self.workers:
                for pool in set(self.pools):
                    await kernel.call(pool, "overdue", 0, 0)
        except ReservationError as error:
            if error.code not in NOT_NOW:
                raise
            return False
        return True

    async def rows(self, query: str) -> list[Any]:
        async with self.workers[0].engine.connect() as connection:
            return list((await connection.execute(text(query))).all())

    # What must be true in the end.

    async def check(self) -> None:
        await self.resume()
        for kernel in (*self.workers, self.slow_worker):
            await kernel.committer.drain()
            await asyncio.gather(*kernel._background)
        await self.open_again()
        await self.check_acknowledged()
        assert await audit(self.workers[1]) == []
        await self.expire("")
        await self.sweep(1)
        await self.check_stock()
        assert await audit(self.workers[0]) == []

    async def check_acknowledged(self) -> None:
        rows = {str(row.id): row for row in await self.rows("SELECT id, owner, unit_id, state FROM booking")}
        for claim, (name, unit) in self.acknowledged.items():
            assert claim in rows, f"{name} was told of {claim}, which is nowhere"
            assert (rows[claim].owner, rows[claim].unit_id) == (name, unit)
            if claim in self.ended:
                assert rows[claim].state != "booked"
            elif claim not in self.perhaps_ended:
                assert rows[claim].state == "booked"
        for (name, key), booking in self.keys.items():
            kernel = self.workers[1]
            again = await confirm(kernel, claim_id=booking.id, owner=name, key=key, unit=booking.unit)
            assert again == booking

    async def check_stock(self) -> None:
        """Nobody holds anything any more: what is not booked or promised is free."""
        rows = await self.rows(
            "SELECT id, pool_id, capacity - booked - promised AS free FROM unit ORDER BY id"
        )
        for row in rows:
            free = await free_places(self.workers[0], pool_id=row.pool_id, units=[row.id])
            assert free == [row.free], f"unit {row.id}"
        for pool in set(self.pools):
            async for key in self.redis.scan_iter(match=f"{{p{pool}}}:*:marks"):
                assert await self.redis.zcard(key) == 0
