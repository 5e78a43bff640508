"""Where each microsecond of hold and confirm goes: `python -m benchmarks.stages` prints the table.

Each stage is run alone, many at once as in a rush, and its CPU time read per process: the worker's own, Valkey's and
PostgreSQL's. CPU time, not the clock's: it adds up, and waiting for a disk or a turn is not counted as work.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.arena import Arena, arena, confirm_requests, hold_requests
from benchmarks.wire import play
from booking_api import clock
from booking_api.gate.limits import Limits, gate_library
from booking_api.identity.tokens import TokenVerifier, issue_token, load_key
from booking_api.settings import Rate
from reservation import Kernel, watch
from reservation.commit_batch import Order, commit_batch
from reservation.database import create_engine
from reservation.hold import take_lease
from reservation.keys import fence_key

AT_ONCE = 128
TIMES = 6_000
HTTP_TIMES = 6_000


class Cost(NamedTuple):
    """CPU microseconds of one operation."""

    stage: str
    worker: float
    valkey: float
    postgresql: float

    @property
    def total(self) -> float:
        """All processes together."""
        return self.worker + self.valkey + self.postgresql


class Meter:
    """Reads CPU times of this process or a worker, and of the servers below us."""

    def __init__(self, worker: psutil.Process) -> None:
        self._worker = worker

    def read(self) -> tuple[float, float, float]:
        """Seconds used so far by worker, Valkey, PostgreSQL."""
        servers = {"valkey-server": 0.0, "postgres": 0.0}
        for process in psutil.Process().children(recursive=True):
            if process.name() in servers:
                times = process.cpu_times()
                servers[process.name()] += times.user + times.system
        own = self._worker.cpu_times()
        return own.user + own.system, servers["valkey-server"], servers["postgres"]

    def cost(self, stage: str, before: tuple[float, float, float], *, times: int) -> Cost:
        """What was used since `before`, per operation."""
        used = [(now - then) / times * 1e6 for now, then in zip(self.read(), before, strict=True)]
        return Cost(stage, *used)


def main() -> None:
    """Prints the table; with `--json` as JSON."""
    with (
        tempfile.TemporaryDirectory() as data,
        arena(Path(data), accounts=HTTP_TIMES, sessions=50, capacity=20 * TIMES) as running,
    ):
        costs = _over_http(running) + uvloop.run(_stages(Path(data), running))
    if "--json" in sys.argv:
        sys.stdout.write(msgspec.json.encode([cost._asdict() for cost in costs]).decode() + "\n")
        return
    table = Table("stage", "worker", "Valkey", "PostgreSQL", "all", title="CPU microseconds per operation")
    for cost in costs:
        table.add_row(cost.stage, *(f"{value:.0f}" for value in (*cost[1:], cost.total)))
    Console(width=100).print(table)


def _over_http(running: Arena) -> list[Cost]:
    meter, accounts, port = Meter(running.worker), range(HTTP_TIMES), running.port
    costs: list[Cost] = []

    def run(stage: str, requests: Sequence[bytes]) -> list[bytes]:
        before = meter.read()
        answers = play(requests, port=port, connections=AT_ONCE)
        assert answers.statuses == {201: len(requests)}, answers.statuses
        costs.append(meter.cost(stage, before, times=len(requests)))
        return answers.bodies

    # The first hold of each token pays for its signature; those are left out by holding with known tokens.
    play(hold_requests(running, accounts, path="/bare/holds"), port=port, connections=AT_ONCE)
    run("bare route, hold's body", hold_requests(running, accounts, path="/bare/holds"))
    holds = run("POST /holds, token seen first", hold_requests(running, accounts))
    run("bare route, confirm", confirm_requests(running, accounts, holds, prefix="/bare"))
    run("POST /holds/{id}/confirm", confirm_requests(running, accounts, holds))
    return costs


async def _stages(data: Path, running: Arena) -> list[Cost]:
    kernel = Kernel(
        create_engine(running.database_url),
        running.valkey_url,
        clock=clock.now_ms,
        libraries=[gate_library()],
    )
    watch(kernel)
    await kernel.open()
    try:
        return await _token_stages(data) + await _kernel_stages(kernel, running)
    finally:
        await kernel.close()


async def _measure(stage: str, one: Callable[[int], Awaitable[object]], *, times: int = TIMES) -> Cost:
    meter = Meter(psutil.Process())
    for n in range(AT_ONCE):
        await one(times + n)
    before = meter.read()
    for first in range(0, times, AT_ONCE):
        await asyncio.gather(*(one(n) for n in range(first, min(first + AT_ONCE, times))))
    return meter.cost(stage, before, times=times)


async def _token_stages(data: Path) -> list[Cost]:
    key = load_key(data / "keys" / "token.jwk")
    verifier = TokenVerifier(key, now_s=clock.now_s)
    now_s = clock.now_s()
    headers = [
        f"Bearer {issue_token(key, account=f'stage-{n}', now_s=now_s, life_s=3_600, verified=True)}"
        for n in range(2_000 + AT_ONCE)
    ]

    async def check(n: int) -> None:
        verifier.account(headers[n])

    first = await _measure("token, first time (Ed25519)", check, times=2_000)
    return [first, await _measure("token, remembered", check, times=2_000)]


async def _kernel_stages(kernel: Kernel, running: Arena) -> list[Cost]:
    limits = Limits(kernel.valkey, account=Rate(1e3, 1_000), network=Rate(1e6, 1_000_000))
    pool = await kernel.pool(running.pool)
    unit = str(running.units[0])
    claims: dict[int, str] = {}

    async def limit(n: int) -> None:
        await limits.check(account=f"stage-{n}", address="127.0.0.1", reads=False)

    async def lease(n: int) -> None:
        taken = await take_lease(kernel, pool, (running.units[0],), claimant=f"person:stage-{n}")
        assert taken is not None
        claims[n] = taken.claim_id

    async def claim(n: int) -> None:
        owner = f"stage-{n}"
        answer = await kernel.call(pool.id, "hold", claims[n], owner, f"person:{owner}", 600_000, unit)
        assert answer[0] == b"held", answer

    async def mark(n: int) -> None:
        answer = await kernel.call(pool.id, "mark", claims[n], f"stage-{n}", f"key-{n}", "")
        assert answer[0] == b"confirming", answer

    async def nothing(_: int) -> None:
        await kernel.valkey.lane(fence_key(pool.id)).command("PING")

    return [
        await _measure("one Valkey call (PING)", nothing),
        await _measure("limits, account and network", limit),
        await _measure("lease", lease),
        await _measure("claim", claim),
        await _measure("mark", mark),
        await _commits(kernel, claims, unit),
        await _effects(kernel, claims, unit),
    ]


async def _commits(kernel: Kernel, claims: dict[int, str], unit: str) -> Cost:
    meter = Meter(psutil.Process())
    pool = (await kernel.read_pools())[0]
    orders = [
        Order(claims[n], int(unit), f"person:stage-{n}", f"stage-{n}", f"key-{n}", pool.epoch)
        for n in range(TIMES)
    ]
    before = meter.read()
    started = time.perf_counter()
    for first in range(0, TIMES, AT_ONCE):
        done = await commit_batch(kernel.engine, pool, orders[first : first + AT_ONCE], settled=[])
        assert done.effect_id is not None
    milliseconds = (time.perf_counter() - started) / (TIMES / AT_ONCE) * 1e3
    return meter.cost(
        f"group commit of {AT_ONCE} ({milliseconds:.0f} ms each by the clock)", before, times=TIMES
    )


async def _effects(kernel: Kernel, claims: dict[int, str], unit: str) -> Cost:
    meter = Meter(psutil.Process())
    pool = await kernel.pool(1)
    before = meter.read()
    for first in range(0, TIMES, AT_ONCE):
        words = [
            word for n in range(first, min(first + AT_ONCE, TIMES)) for word in ("take", claims[n], unit)
        ]
        await kernel.call(pool.id, "apply", *words)
    return meter.cost(f"effects, {AT_ONCE} in one call", before, times=TIMES)


if __name__ == "__main__":
    main()
