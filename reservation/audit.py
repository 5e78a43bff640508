"""The audit: do the invariants hold, on a live system? Imports SQLAlchemy.

    I1  booked + promised <= capacity and the counters are the rows' counts, in PostgreSQL; held + booked + promised
        <= capacity in Valkey, and Valkey knows exactly PostgreSQL's capacities, bookings and promises
    I2  one booking per idempotency key; every booking had a hold or a promise of its owner
    I3  one active hold set per claimant and service; one active claim per claimant, service and rule
    I4  every change of a unit has exactly one entry; capacity published = booked + promised + free

PostgreSQL is read in one snapshot per check. What is read in Valkey may change while it is read, and between the two a
confirm may be on its way; so a finding there counts only if it is still the same after a pause.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from sqlalchemy import text

from reservation.errors import Rebuilding
from reservation.kernel import Kernel
from reservation.keys import fence_key
from reservation.model import Pool
from reservation.transaction import transaction

SETTLE_S = 1.5
LOOKS = 3
OPEN_TIMEOUT_S = 30.0
OPEN_POLL_S = 0.1
FINDINGS_LIMIT = 50


class Finding(NamedTuple):
    """One thing that breaks an invariant: which one, where, and what was seen."""

    invariant: str
    where: str
    seen: str


Progress = Callable[[str], None]

_IN_POSTGRESQL: list[tuple[str, str, str]] = [
    (
        "I1",
        "a unit's counters are the counts of its rows and fit its capacity",
        """
        SELECT 'unit ' || u.id AS place, format('capacity %s, booked %s (rows %s), promised %s (rows %s)',
               u.capacity, u.booked, COALESCE(b.n, 0), u.promised, COALESCE(p.n, 0)) AS seen
        FROM unit u
        LEFT JOIN (SELECT unit_id, count(*) AS n FROM booking WHERE state = 'booked' GROUP BY 1) b ON b.unit_id = u.id
        LEFT JOIN (SELECT unit_id, count(*) AS n FROM promise WHERE state = 'open' GROUP BY 1) p ON p.unit_id = u.id
        WHERE u.booked <> COALESCE(b.n, 0) OR u.promised <> COALESCE(p.n, 0) OR u.booked + u.promised > u.capacity
        """,
    ),
    (
        "I2",
        "every booking had a confirmed hold or promise of its owner",
        """
        SELECT 'booking ' || b.id AS place, format('source %s, verdict %s, promise of %s',
               b.source, COALESCE(v.verdict, 'none'), COALESCE(p.owner, 'nobody')) AS seen
        FROM booking b
        LEFT JOIN hold_verdict v ON v.hold_id = b.id
        LEFT JOIN promise p ON p.id = b.id
        WHERE (b.source = 'hold' AND v.verdict IS DISTINCT FROM 'confirmed'
               AND b.created_at > now() - interval '6 days')
           OR (b.source = 'promise' AND (p.owner IS DISTINCT FROM b.owner OR p.state <> 'confirmed'))
        """,
    ),
    (
        "I2",
        "every idempotency key tells of a booking of its owner",
        """
        SELECT format('key %s of %s', i.key, i.owner) AS place, 'claim ' || i.claim_id AS seen
        FROM idempotency i
        LEFT JOIN booking b ON b.id = i.claim_id AND b.owner = i.owner AND b.unit_id = i.unit_id
        WHERE b.id IS NULL
        """,
    ),
    (
        "I2",
        "one idempotency key per booking",
        """
        SELECT 'booking ' || claim_id AS place, format('%s keys', count(*)) AS seen
        FROM idempotency GROUP BY claim_id HAVING count(*) > 1
        """,
    ),
    (
        "I3",
        "one active claim per claimant, service and rule, and a row that says so",
        """
        SELECT format('%s in %s/%s', claimant, service, rule) AS place,
               format('%s active, claimed %s', count(*) FILTER (WHERE id IS NOT NULL),
                      count(DISTINCT claim_id)) AS seen
        FROM (
            SELECT claimant, service, rule, id FROM booking WHERE state = 'booked' AND concluded_at IS NULL
            UNION ALL SELECT claimant, service, rule, id FROM promise WHERE state = 'open'
        ) AS active
        FULL JOIN active_claim c USING (claimant, service, rule)
        GROUP BY claimant, service, rule
        HAVING count(*) <> 1 OR min(id::text) IS DISTINCT FROM min(claim_id::text)
        """,
    ),
    (
        "I4",
        "capacity published in the log = booked + promised + free",
        """
        SELECT 'unit ' || u.id AS place, format('published %s of %s, log says %s free, rows say %s',
               COALESCE(e.published, 0), u.capacity, COALESCE(e.free, 0), u.capacity - u.booked - u.promised) AS seen
        FROM unit u
        LEFT JOIN (
            SELECT unit_id, sum(delta) AS free, sum(delta) FILTER (WHERE kind IN ('publish', 'withdraw')) AS published
            FROM entry GROUP BY 1
        ) e ON e.unit_id = u.id
        WHERE COALESCE(e.free, 0) <> u.capacity - u.booked - u.promised OR COALESCE(e.published, 0) <> u.capacity
        """,
    ),
    (
        "I4",
        "every committed change has exactly one entry",
        """
        WITH change AS (
            SELECT id AS claim_id, unit_id, -1 AS delta FROM booking WHERE source = 'hold'
            UNION ALL SELECT id, unit_id, 1 FROM booking WHERE state <> 'booked'
            UNION ALL SELECT id, unit_id, 0 FROM booking WHERE source = 'promise'
            UNION ALL SELECT id, unit_id, -1 FROM promise
            UNION ALL SELECT id, unit_id, 1 FROM promise WHERE state IN ('withdrawn', 'expired')
        ), counted AS (
            SELECT claim_id, unit_id, delta, count(*) AS n FROM change GROUP BY 1, 2, 3
        ), entered AS (
            SELECT claim_id, unit_id, delta, count(*) AS n FROM entry
            WHERE kind NOT IN ('publish', 'withdraw') GROUP BY 1, 2, 3
        )
        SELECT format('claim %s at unit %s', claim_id, unit_id) AS place,
               format('delta %s: %s changes, %s entries', delta, COALESCE(c.n, 0), COALESCE(e.n, 0)) AS seen
        FROM counted c FULL JOIN entered e USING (claim_id, unit_id, delta)
        WHERE c.n IS DISTINCT FROM e.n
        """,
    ),
]


async def audit(kernel: Kernel, *, progress: Progress = lambda _: None) -> list[Finding]:
    """Checks I1 to I4; an empty list means that they hold. At most FINDINGS_LIMIT findings per check.

    Raises:
        Unavailable, Busy: Valkey or PostgreSQL does not answer, so nothing is known.
        Rebuilding: a pool is being rebuilt for longer than OPEN_TIMEOUT_S; ask again when it is done.
    """
    findings: list[Finding] = []
    for invariant, what, query in _IN_POSTGRESQL:
        progress(f"{invariant}: {what}")
        async with transaction(kernel.engine) as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            rows = (await connection.execute(text(f"{query} LIMIT {FINDINGS_LIMIT}"))).all()
        findings += [Finding(invariant, row.place, row.seen) for row in rows]
    pools = await kernel.read_pools()
    for pool in pools:
        progress(f"I1: what Valkey holds of pool {pool.id}")
        await _wait_until_open(kernel, pool)
        findings += await _lasting(partial(_differences, kernel, pool))
    progress("I3: one hold set per claimant and service")
    return findings + await _lasting(partial(_hold_sets, kernel, pools))


async def _wait_until_open(kernel: Kernel, pool: Pool) -> None:
    """A rebuild on its way is waited for, lest its half-loaded view be accused.

    Raises:
        Rebuilding: it takes longer than OPEN_TIMEOUT_S.
    """
    deadline = asyncio.get_running_loop().time() + OPEN_TIMEOUT_S
    lane = kernel.valkey.lane(fence_key(pool.id))
    while b":rebuilding" in (await lane.command("GET", fence_key(pool.id)) or b""):
        if asyncio.get_running_loop().time() > deadline:
            raise Rebuilding(pool=pool.id)
        await asyncio.sleep(OPEN_POLL_S)


async def _lasting(look: Callable[[], Awaitable[set[Finding]]]) -> list[Finding]:
    """Findings that outlive what may be on its way."""
    lasting = await look()
    for _ in range(LOOKS - 1):
        if lasting:
            await asyncio.sleep(SETTLE_S)
            lasting &= await look()
    return sorted(lasting)[:FINDINGS_LIMIT]


async def _differences(kernel: Kernel, pool: Pool) -> set[Finding]:
    recorded: dict[int, set[str]] = defaultdict(set)
    async with transaction(kernel.engine) as connection:
        sizes = await connection.execute(
            text("SELECT id, capacity FROM unit WHERE pool_id = :pool ORDER BY id"), {"pool": pool.id}
        )
        units = {row.id: row.capacity for row in sizes}
        claims = await connection.execute(
            text(
                """
                SELECT unit_id, id::text FROM booking WHERE state = 'booked' AND unit_id = ANY (:units)
                UNION ALL SELECT unit_id, id::text FROM promise WHERE state = 'open' AND unit_id = ANY (:units)
                """
            ),
            {"units": list(units)},
        )
        for unit, claim in claims:
            recorded[unit].add(claim)
    lane = kernel.valkey.lane(fence_key(pool.id))
    confirming = await _confirming(kernel, pool)
    found: set[Finding] = set()
    answers = await asyncio.gather(
        *(lane.function("inspect", fence_key(pool.id), str(unit)) for unit in units)
    )
    for unit, answer in zip(units, answers, strict=True):
        known = read_answer(answer)
        if known[0] not in {None, units[unit]}:
            found.add(
                Finding("I1", f"unit {unit}", f"Valkey has {known[0]} places, PostgreSQL {units[unit]}")
            )
        found |= _compare(unit, known, recorded[unit], confirming)
    return found


def read_answer(answer: list[bytes]) -> tuple[int | None, dict[str, float]]:
    """(capacity, claim -> score) of an `inspect` answer; capacity None when Valkey does not know the unit."""
    if not answer:
        return None, {}
    return int(answer[0]), {answer[n].decode(): float(answer[n + 1]) for n in range(1, len(answer), 2)}


async def _confirming(kernel: Kernel, pool: Pool) -> set[str]:
    return {claim for claim, _ in await _holders(kernel, pool)}


async def _holders(kernel: Kernel, pool: Pool) -> list[tuple[str, str]]:
    lane = kernel.valkey.lane(fence_key(pool.id))
    holders: list[tuple[str, str]] = []
    cursor = "0"
    while True:
        answer = [word.decode() for word in await lane.function("claimants", fence_key(pool.id), cursor)]
        cursor = answer[0]
        holders += zip(answer[1::2], answer[2::2], strict=True)
        if cursor == "0":
            return holders


def _compare(
    unit: int, known: tuple[int | None, dict[str, float]], recorded: set[str], held: set[str]
) -> set[Finding]:
    capacity, claims = known
    where = f"unit {unit}"
    if capacity is None:
        return {Finding("I1", where, "Valkey does not know it")}
    found: set[Finding] = set()
    if len(claims) > capacity:
        found.add(Finding("I1", where, f"Valkey has {len(claims)} claims for {capacity} places"))
    found |= {
        Finding("I1", where, f"Valkey misses the booked or promised claim {claim}")
        for claim in recorded - claims.keys()
    }
    lasting = {claim for claim, score in claims.items() if score == float("inf")}
    found |= {
        Finding("I1", where, f"Valkey keeps a place for {claim}, which PostgreSQL does not know")
        for claim in lasting - recorded - held
    }
    return found


async def _hold_sets(kernel: Kernel, pools: list[Pool]) -> set[Finding]:
    claims: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pool in pools:
        for claim, claimant in await _holders(kernel, pool):
            claims[claimant, pool.service].add(claim)
    return {
        Finding("I3", f"{claimant} in {service}", f"holds {', '.join(sorted(held))}")
        for (claimant, service), held in claims.items()
        if len(held) > 1
    }
