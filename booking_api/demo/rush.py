"""An opening rush: many clients, few seats, real HTTP against the running server; then the reckoning.

    stage     the session, everybody's token, everybody's connection
    open      the gates; a watcher follows the live count as a page would
    reckon    what the clients were told against what PostgreSQL has, and the audit

May import `reservation` (to publish the session and to reckon) and `identity` (to sign the crowd's tokens).
"""

import asyncio
import resource
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy import select

from booking_api.demo.city import demo_pools, publish_demo_plan
from booking_api.demo.crowd import Person, Scene, take_part
from booking_api.demo.people import NUMBERS_LIMIT, able_people, add_people
from booking_api.demo.plan import POPULAR_POOL, WEEKS, rush_plan
from booking_api.demo.tally import Latency, Outcome, Tally
from booking_api.demo.wire import Connection, NoAnswerError, Origin
from booking_api.identity.tokens import issue_token
from booking_api.plans.tables import plan_session
from booking_api.rules import Quota
from reservation import Kernel, audit, tables
from reservation.transaction import transaction

DEADLINE_S = 120.0
TOKEN_LIFE_S = 3_600
CLIENTS_MOST = 20_000
NETWORKS = 250
CONNECTS_AT_ONCE = 128
CONNECT_ATTEMPTS = 5
CONNECT_PAUSE_S = 0.5
WATCH_PAUSE_S = 0.5
SPARE_FILES = 256
LIVE_LAG_S = 0.7
"""The live count is told twice a second: what is shown last is to be what is left."""


class UnusableStageError(ValueError):
    """The rush cannot be played here; the message says why."""


class Rush(msgspec.Struct, frozen=True, kw_only=True):
    """What to play. `tag` makes the accounts this rush's own, so that nobody has booked before."""

    pool: int
    unit: int
    clients: int
    seats: int
    seed: int
    tag: str
    deadline_s: float = DEADLINE_S


class Reckoning(msgspec.Struct, frozen=True, kw_only=True):
    """What happened and whether it is true. `wrong` has a sentence for each thing that must not be."""

    pool: int
    unit: int
    clients: int
    seats: int
    seed: int
    seconds: float
    requests: int
    requests_per_s: float
    outcomes: dict[str, int]
    refused: dict[str, int]
    released: int
    repeats: int
    reconnects: int
    latencies: dict[str, Latency]
    stored: int
    capacity: int
    wrong: list[str]
    audit: list[str]


class Stage(NamedTuple):
    """What a rush is for: the session's pool and unit, its free places on record, and who may sit it."""

    pool: int
    unit: int
    seats: int
    subject: int
    vehicle_class: str


async def stage_session(kernel: Kernel, *, seats: int, today: date) -> Stage:
    """Publishes a fresh session for a rush in the demo city's popular pool.

    Raises:
        UnusableStageError: there is no demo city.
        Unavailable, Busy: a server does not answer.
    """
    if POPULAR_POOL not in await demo_pools(kernel):
        raise UnusableStageError("there is no demo city on this server: `gongdao demo city` founds it")
    plan = rush_plan(seats=seats, day=today + timedelta(weeks=WEEKS, days=1))
    ordinary, *_ = await publish_demo_plan(kernel, plan, today=today)
    return await find_session(kernel, unit=ordinary)


async def find_session(kernel: Kernel, *, unit: int) -> Stage:
    """A session that is there.

    Raises:
        UnusableStageError: there is none, or it is not the demo's, or not an ordinary test session.
        Unavailable, Busy: PostgreSQL does not answer.
    """
    table, session = tables.unit, plan_session.c
    free = table.c.capacity - table.c.booked - table.c.promised
    query = (
        select(table.c.pool_id, free.label("free"), session.subject, session.vehicle_class, session.quota)
        .join(plan_session, session.unit_id == table.c.id)
        .where(table.c.id == unit)
    )
    async with transaction(kernel.engine) as connection:
        row = (await connection.execute(query)).first()
    if row is None:
        raise UnusableStageError(f"there is no session of a plan with the unit {unit}")
    pool = await kernel.pool(row.pool_id)
    if not pool.demo:
        raise UnusableStageError(f"unit {unit} is not the demo's: a rush books real places")
    if row.subject is None or row.quota != Quota.ORDINARY:
        raise UnusableStageError(f"unit {unit} is for vehicles or for priority, and the crowd has none")
    return Stage(pool.id, unit, row.free, row.subject, row.vehicle_class)


async def settle_crowd(kernel: Kernel, rush: Rush, stage: Stage, *, now_ms: int, today: date) -> None:
    """Gives everybody of the crowd an account, a certificate and the passes that the session asks for.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    people = able_people(
        [account_of(rush, number) for number in range(rush.clients)],
        # Each rush of a second has numbers of its own: no two accounts are one person.
        first_number=now_ms // 1_000 * CLIENTS_MOST % NUMBERS_LIMIT,
        subject=stage.subject,
        vehicle_class=stage.vehicle_class,
        today=today,
    )
    async with transaction(kernel.engine) as connection:
        await add_people(connection, people, source=f"rush {rush.tag}")


def account_of(rush: Rush, number: int) -> str:
    """The account of one client."""
    return f"rush-{rush.tag}-{number}"


def gather_crowd(rush: Rush, *, key: OKPKey, now_s: int, host: str) -> list[Person]:
    """Everybody with a token of their own and a home network, NETWORKS of them, on the loopback range."""
    return [
        Person(
            number=number,
            token=issue_token(
                key, account=account_of(rush, number), now_s=now_s, life_s=TOKEN_LIFE_S, verified=True
            ),
            source=_home(number) if host.startswith("127.") else None,
        )
        for number in range(rush.clients)
    ]


def raise_file_limit(clients: int) -> None:
    """Lets this process have a connection per client.

    Raises:
        UnusableStageError: the system does not allow so many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = clients + SPARE_FILES
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UnusableStageError(f"{clients} clients need {needed} open files, this system allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def play(rush: Rush, crowd: list[Person], origin: Origin, *, tally: Tally) -> float:
    """Plays the rush; gives the seconds from the opening to the last client's outcome.

    Raises:
        NoAnswerError: not even the connections could be made.
    """
    loop = asyncio.get_running_loop()
    scene = Scene(pool=rush.pool, unit=rush.unit, seed=rush.seed, deadline=loop.time(), tally=tally)
    connections = [Connection(origin, source=person.source) for person in crowd]
    watcher = asyncio.create_task(_follow(scene, origin), name="rush-live-count")
    try:
        await _connect_all(connections)
        opened = loop.time()
        scene.deadline = opened + rush.deadline_s
        async with asyncio.TaskGroup() as clients:
            for person, connection in zip(crowd, connections, strict=True):
                clients.create_task(take_part(scene, person, connection))
            scene.gates.set()
        seconds = loop.time() - opened
        await asyncio.sleep(LIVE_LAG_S)
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        for connection in connections:
            connection.close()
    return seconds


async def reckon(
    kernel: Kernel, rush: Rush, tally: Tally, *, seconds: float, progress: Callable[[str], None]
) -> Reckoning:
    """Compares what the clients were told with what is stored, and audits the whole system.

    Raises:
        Unavailable, Busy: a server does not answer, so nothing is known.
    """
    booking, unit = tables.booking, tables.unit
    mine = select(booking.c.id).where(
        booking.c.unit_id == rush.unit,
        booking.c.state == "booked",
        booking.c.owner.startswith(f"rush-{rush.tag}-"),
    )
    size = select(unit.c.capacity, unit.c.booked + unit.c.promised).where(unit.c.id == rush.unit)
    async with transaction(kernel.engine) as connection:
        stored = set((await connection.execute(mine)).scalars().all())
        capacity, taken = (await connection.execute(size)).one()
    findings = await audit(kernel, progress=progress)
    return Reckoning(
        pool=rush.pool,
        unit=rush.unit,
        clients=rush.clients,
        seats=rush.seats,
        seed=rush.seed,
        seconds=round(seconds, 3),
        requests=tally.requests,
        requests_per_s=round(tally.requests / seconds, 1),
        outcomes={outcome: tally.outcomes[outcome] for outcome in Outcome},
        refused=dict(sorted(tally.refused.items())),
        released=tally.released,
        repeats=tally.repeats,
        reconnects=tally.reconnects,
        latencies=tally.latencies(),
        stored=len(stored),
        capacity=capacity,
        wrong=_what_is_wrong(tally, stored, capacity=capacity, taken=taken),
        audit=[f"{finding.invariant} {finding.where}: {finding.seen}" for finding in findings],
    )


def _what_is_wrong(tally: Tally, stored: set[str], *, capacity: int, taken: int) -> list[str]:
    lost, untold = tally.bookings - stored, stored - tally.bookings
    checks = [
        (bool(lost), f"{len(lost)} bookings were acknowledged and are not stored"),
        (bool(untold), f"{len(untold)} bookings are stored that no client was told of"),
        (taken > capacity, f"oversold: {taken} of {capacity} places"),
        (
            tally.outcomes[Outcome.GAVE_UP] > 0,
            f"{tally.outcomes[Outcome.GAVE_UP]} clients had no answer in time",
        ),
        (tally.finished != tally.clients, f"{tally.clients - tally.finished} clients have no outcome"),
        (
            tally.unexpected_total > 0,
            f"{tally.unexpected_total} unexpected answers: {'; '.join(tally.unexpected)}",
        ),
    ]
    return [sentence for broken, sentence in checks if broken]


def _home(number: int) -> str:
    """The source address of a client: its network is a /24 of its own, shared by one in NETWORKS of the crowd."""
    network, host = number % NETWORKS, number // NETWORKS
    return f"127.{1 + host // 250}.{network}.{1 + host % 250}"


async def _connect_all(connections: list[Connection]) -> None:
    places = asyncio.Semaphore(CONNECTS_AT_ONCE)

    async def connect(connection: Connection) -> None:
        async with places:
            for attempt in range(1, CONNECT_ATTEMPTS + 1):
                try:
                    await connection.open()
                    break
                except NoAnswerError:
                    if attempt == CONNECT_ATTEMPTS:
                        raise
                    await asyncio.sleep(attempt * CONNECT_PAUSE_S)

    await asyncio.gather(*map(connect, connections))


async def _follow(scene: Scene, origin: Origin) -> None:
    """Follows the unit's live count until cancelled; a lost stream is taken up again."""
    while True:
        stream = Connection(origin, source=None)
        try:
            async for event, data in stream.events(f"/api/v1/units/{scene.unit}/availability"):
                if event == "availability":
                    scene.tell_free(msgspec.json.decode(data, type=dict[int, int | None]).get(scene.unit))
        except NoAnswerError:
            scene.tell_free(None)
        await asyncio.sleep(WATCH_PAUSE_S)
