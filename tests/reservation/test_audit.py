"""The audit: whatever is tampered with, it names the invariant that no longer holds."""

import asyncio
import sys
from datetime import timedelta
from typing import NamedTuple

import pytest

from booking_api import clock
from reservation import audit, cancel, confirm, confirm_promise, hold, promise, release
from reservation.claim_id import new_claim_id
from reservation.errors import Full, Rebuilding, Unavailable
from reservation.keys import fence_key, pool_prefix

GHOST = "01a20780-9a1c-8000-8000-067f44339833"


class Scene(NamedTuple):
    """Two pools with every kind of claim. The ids are claims, named for what they are."""

    pool: int
    units: list[int]
    booked: str
    promised: str
    confirmed_promise: str
    cancelled: str
    held: str
    prefix: str


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """A difference is looked at again soon: nothing is on its way in these tests."""
    monkeypatch.setitem(audit.__globals__, "SETTLE_S", 0.02)


@pytest.fixture
async def scene(loose, city_of, book_as, hold_as, sql):
    pool, units = await city_of(loose, capacities=(3, 2))
    until = clock.now() + timedelta(hours=1)
    booked = await book_as(loose, "a", pool, units[0])
    cancelled = await book_as(loose, "d", pool, units[0])
    await cancel(loose, booking_id=cancelled.id, owner="d")
    promised = await promise(
        loose, hold_id=(await hold_as(loose, "b", pool, units[1])).id, owner="b", until=until
    )
    kept = await promise(
        loose, hold_id=(await hold_as(loose, "e", pool, units[1])).id, owner="e", until=until
    )
    await confirm_promise(loose, promise_id=kept.id, owner="e")
    held = await hold_as(loose, "c", pool, units[0])
    await loose.committer.drain()
    assert await audit(loose) == []
    [row] = await sql(loose, "SELECT epoch FROM pool WHERE id = :pool", pool=pool)
    return Scene(
        pool=pool,
        units=units,
        booked=booked.id,
        promised=promised.id,
        confirmed_promise=kept.id,
        cancelled=cancelled.id,
        held=held.id,
        prefix=pool_prefix(pool, row.epoch),
    )


TAMPERED = {
    "a counter": ("UPDATE unit SET booked = booked + 1 WHERE id = :unit", {"I1", "I4"}),
    "a promise counter": ("UPDATE unit SET promised = 0 WHERE id = :other", {"I1", "I4"}),
    "a deleted booking": ("DELETE FROM booking WHERE id = CAST(:booked AS uuid)", {"I1", "I2", "I3", "I4"}),
    "a deleted promise": ("DELETE FROM promise WHERE id = CAST(:promised AS uuid)", {"I1", "I3", "I4"}),
    "a second active booking of a claimant": (
        """
        INSERT INTO booking (id, pool_id, unit_id, claimant, owner, service, rule, source, state)
        SELECT gen_random_uuid(), pool_id, unit_id, claimant, owner, service, rule, source, state
        FROM booking WHERE id = CAST(:booked AS uuid)
        """,
        {"I1", "I2", "I3", "I4"},
    ),
    "a missing entry": ("DELETE FROM entry WHERE claim_id = CAST(:booked AS uuid)", {"I4"}),
    "a missing entry of a cancel": ("DELETE FROM entry WHERE kind = 'cancel'", {"I4"}),
    "a missing entry that changes no count": ("DELETE FROM entry WHERE kind = 'confirm_promise'", {"I4"}),
    "a duplicate entry": (
        """
        INSERT INTO entry (kind, pool_id, unit_id, delta, operator, claim_id)
        SELECT kind, pool_id, unit_id, delta, operator, claim_id FROM entry WHERE claim_id = CAST(:booked AS uuid)
        """,
        {"I4"},
    ),
    "entries that cancel each other out": (
        """
        INSERT INTO entry (kind, pool_id, unit_id, delta, operator)
        SELECT kind, pool_id, unit_id, delta, operator FROM entry, (VALUES (1), (2)) AS twice
        WHERE claim_id = CAST(:cancelled AS uuid)
        """,
        {"I4"},
    ),
    "an unpublished capacity": ("UPDATE unit SET capacity = capacity + 1 WHERE id = :unit", {"I1", "I4"}),
    "an abandoned verdict": (
        "UPDATE hold_verdict SET verdict = 'abandoned' WHERE hold_id = CAST(:booked AS uuid)",
        {"I2"},
    ),
    "a missing verdict": ("DELETE FROM hold_verdict WHERE hold_id = CAST(:booked AS uuid)", {"I2"}),
    "a second key of a booking": (
        "INSERT INTO idempotency SELECT owner, key || '2', claim_id, unit_id FROM idempotency WHERE owner = 'a'",
        {"I2"},
    ),
    "a key of somebody else": ("UPDATE idempotency SET owner = 'x' WHERE owner = 'a'", {"I2"}),
    "a key of another unit": ("UPDATE idempotency SET unit_id = :other WHERE owner = 'a'", {"I2"}),
    "a booking of somebody else's promise": ("UPDATE promise SET owner = 'x' WHERE owner = 'e'", {"I2"}),
    "a booking of an open promise": (
        "UPDATE promise SET state = 'open' WHERE owner = 'e'",
        {"I1", "I2", "I3"},
    ),
    "a missing claim": ("DELETE FROM active_claim WHERE claimant = 'person:a'", {"I3"}),
    "a claim of nothing": (
        "INSERT INTO active_claim VALUES ('person:z', 'driving_test', 'subject-2', gen_random_uuid())",
        {"I3"},
    ),
    "a claim of another booking": (
        "UPDATE active_claim SET claim_id = gen_random_uuid() WHERE claimant = 'person:a'",
        {"I3"},
    ),
    "a booking brought back to life": (
        "UPDATE booking SET state = 'booked', ended_at = NULL, ended_by = NULL WHERE id = CAST(:cancelled AS uuid)",
        {"I1", "I3", "I4"},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_a_tampered_row_is_named(loose, scene, sql, what):
    statement, named = TAMPERED[what]
    values = {
        "unit": scene.units[0],
        "other": scene.units[1],
        "booked": scene.booked,
        "promised": scene.promised,
        "cancelled": scene.cancelled,
    }
    await sql(loose, statement, **{name: value for name, value in values.items() if f":{name}" in statement})
    findings = await audit(loose)
    assert {finding.invariant for finding in findings} == named, findings


async def test_an_oversold_unit_is_named(scarred, loose, scene, sql):
    """The table's own check would have stopped it: it is taken out first."""
    await sql(loose, "ALTER TABLE unit DROP CONSTRAINT unit_never_oversold_check")
    await sql(loose, "UPDATE unit SET capacity = 0 WHERE id = :unit", unit=scene.units[0])
    findings = await audit(loose)
    assert any(
        finding.invariant == "I1" and "capacity 0, booked 1 (rows 1)" in finding.seen for finding in findings
    )


async def ghost_claim(scene, valkey):
    await valkey.zadd(f"{scene.prefix}u{scene.units[0]}", {GHOST: "+inf"})


async def missing_claim(scene, valkey):
    await valkey.zrem(f"{scene.prefix}u{scene.units[0]}", scene.booked)


async def missing_promise(scene, valkey):
    await valkey.zrem(f"{scene.prefix}u{scene.units[1]}", scene.promised)


async def too_many_claims(scene, valkey):
    later = clock.now_ms() + 60_000
    await valkey.zadd(f"{scene.prefix}u{scene.units[0]}", {f"{GHOST[:-1]}{n}": later for n in range(2)})


async def unknown_unit(scene, valkey):
    await valkey.hdel(f"{scene.prefix}units", str(scene.units[1]))


async def another_capacity(scene, valkey):
    await valkey.hset(f"{scene.prefix}units", str(scene.units[1]), 99)


async def no_fence(scene, valkey):
    await valkey.delete(fence_key(scene.pool))


@pytest.mark.parametrize(
    ("tamper", "where", "seen"),
    [
        (ghost_claim, 0, f"Valkey keeps a place for {GHOST}, which PostgreSQL does not know"),
        (missing_claim, 0, "Valkey misses the booked or promised claim {scene.booked}"),
        (missing_promise, 1, "Valkey misses the booked or promised claim {scene.promised}"),
        (too_many_claims, 0, "Valkey has 4 claims for 3 places"),
        (unknown_unit, 1, "Valkey does not know it"),
        (another_capacity, 1, "Valkey has 99 places, PostgreSQL 2"),
        (no_fence, 0, "Valkey does not know it"),
    ],
)
async def test_a_tampered_key_is_named(loose, scene, valkey, *, tamper, where, seen):
    await tamper(scene, valkey)
    findings = await audit(loose)
    named = ("I1", f"unit {scene.units[where]}", seen.format(scene=scene))
    assert named in findings
    assert {finding.invariant for finding in findings} == {"I1"}


async def test_two_hold_sets_of_one_claimant_are_named(loose, scene, city_of):
    other, [unit] = await city_of(loose, rule="subject-3")
    claim = new_claim_id(pool=other, now_ms=loose.clock())
    answer = await loose.call(other, "hold", claim, "c", "person:c", 60_000, str(unit))
    assert answer[0] == b"held"
    held = ", ".join(sorted((scene.held, claim)))
    assert await audit(loose) == [("I3", "person:c in driving_test", f"holds {held}")]


async def test_a_claimant_who_changes_pools_while_we_look_is_not_accused(loose, scene, city_of, monkeypatch):
    """The holds of two pools are not read at one instant."""
    other, [unit] = await city_of(loose, rule="subject-3")
    module, looks = audit.__globals__, []
    hold_sets, holders = module["_hold_sets"], module["_holders"]

    async def move_in_between(kernel, pool):
        if pool.id == other:
            await release(kernel, claim_id=scene.held, owner="c")
            await hold(kernel, pool_id=other, units=[unit], claimant="person:c", owner="c")
        return await holders(kernel, pool)

    async def note(*arguments):
        module["_holders"] = holders if looks else move_in_between
        looks.append(await hold_sets(*arguments))
        return set(looks[-1])

    monkeypatch.setitem(module, "_holders", holders)
    monkeypatch.setitem(module, "_hold_sets", note)
    assert await audit(loose) == []
    assert [len(seen) for seen in looks] == [1, 0]


async def test_a_live_system_is_not_accused(loose, scene, city_of, hold_as, monkeypatch):
    """People hold, confirm and cancel all the while; what is on its way is no finding."""
    monkeypatch.setitem(audit.__globals__, "SETTLE_S", 0.2)
    other, [unit] = await city_of(loose, capacities=(8,))
    over = asyncio.Event()

    async def live(name):
        n = 0
        while not over.is_set():
            n += 1
            try:
                held = await hold_as(loose, name, other, unit)
                if n % 3 == 0:
                    await release(loose, claim_id=held.id, owner=name)
                    continue
                await confirm(loose, claim_id=held.id, owner=name, key=f"k{n}")
                await cancel(loose, booking_id=held.id, owner=name)
            except Full:
                continue

    people = [asyncio.create_task(live(f"p{n}")) for n in range(12)]
    findings = [await audit(loose) for _ in range(5)]
    over.set()
    await asyncio.gather(*people)
    assert findings == [[]] * 5


async def test_the_audit_says_what_it_looks_at(loose, scene):
    said = []
    assert await audit(loose, progress=said.append) == []
    assert [line[:2] for line in said] == ["I1", "I2", "I2", "I2", "I3", "I4", "I4", "I1", "I3"]


async def test_the_number_of_findings_is_bounded(loose, scene, sql, monkeypatch):
    monkeypatch.setitem(audit.__globals__, "FINDINGS_LIMIT", 5)
    await sql(
        loose,
        """
        INSERT INTO active_claim SELECT 'x' || n, 'driving_test', 'subject-2', gen_random_uuid()
        FROM generate_series(1, 50) n
        """,
    )
    assert len(await audit(loose)) == 5


async def test_without_valkey_nothing_is_known(loose, scene):
    await loose.valkey.close()
    with pytest.raises(Unavailable):
        await audit(loose)


async def test_a_pool_being_rebuilt_is_waited_for_and_not_accused(kernel, city, monkeypatch):
    monkeypatch.setattr(sys.modules["reservation.audit"], "OPEN_TIMEOUT_S", 0.1)
    pool, _ = await city()
    lane = kernel.valkey.lane(fence_key(pool))
    was = await lane.command("GET", fence_key(pool))
    await lane.command("SET", fence_key(pool), "1:rebuilding:x")
    with pytest.raises(Rebuilding):
        await audit(kernel)
    await lane.command("SET", fence_key(pool), was)
