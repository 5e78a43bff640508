"""Each guard taken out in turn: the fault it guards against must show, and with the guard in, the same schedule is clean.

A schedule gives its evidence: what the audit names, and what a claimant would complain about.
"""

import asyncio

import pytest
from sqlalchemy import text

from reservation import Booking, audit, cancel, commit_batch, confirm, free_places, hold, rebuild, sweep
from reservation.errors import ReservationError
from reservation.functions import POOL_FUNCTIONS, build_library, read_sources
from reservation.hold import take_lease
from reservation.statements import CONFIRM_BATCH

ON_OFF = pytest.mark.parametrize("guarded", [True, False], ids=["guard on", "guard off"])


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Nothing is on its way when the audit looks."""
    monkeypatch.setitem(audit.__globals__, "SETTLE_S", 0.02)


def cut(source, guard, instead=""):
    """The source without its guard; fails when the guard is not where this test thinks it is."""
    assert source.count(guard) == 1, f"{guard!r} is there {source.count(guard)} times"
    return source.replace(guard, instead)


def library_without(name, guard, instead=""):
    """The kernel's functions with one guard cut out of one of them; named by its source, so beside the real ones."""
    sources = read_sources("reservation", ("pool", *POOL_FUNCTIONS))
    sources[name] = cut(sources[name], guard, instead)
    return build_library("mutant", sources=sources, functions=POOL_FUNCTIONS)


@pytest.fixture
def without_in_lua(kernels):
    """A kernel that calls functions with the guard cut out; or with it in."""

    async def make(guarded, name, guard, instead=""):
        libraries = [] if guarded else [library_without(name, guard, instead)]
        return await kernels(libraries=libraries)

    return make


@pytest.fixture
def without_in_sql(monkeypatch):
    def patch(guarded, guard, instead):
        if not guarded:
            statement = text(cut(CONFIRM_BATCH.text, guard, instead))
            monkeypatch.setitem(commit_batch.commit_batch.__globals__, "CONFIRM_BATCH", statement)

    return patch


@pytest.fixture
def pausing(monkeypatch):
    """Makes a worker stop between its mark and its commit, as a paused process does."""

    def make(worker):
        marked, go_on, real = asyncio.Event(), asyncio.Event(), worker.call_fenced

        async def pause_after_mark(pool_id, function, *args):
            answer = await real(pool_id, function, *args)
            if function == "mark":
                marked.set()
                await go_on.wait()
            return answer

        monkeypatch.setattr(worker, "call_fenced", pause_after_mark)
        return marked, go_on

    return make


async def outcome(work):
    """The answer, or the code of the refusal."""
    try:
        return await work
    except ReservationError as error:
        return error.code


async def settled_findings(kernel):
    """What the audit says when all that was on its way has arrived."""
    await kernel.committer.drain()
    await sweep(kernel, confirm_patience_s=0, effect_patience_s=0)
    return [(finding.invariant, finding.seen) for finding in await audit(kernel)]


FULL = "if redis.call('ZCARD', unit_key) >= tonumber(capacity) then -- guard: never more claims than places"


@ON_OFF
async def test_holds_are_bounded_by_the_places(without_in_lua, city_of, guarded):
    kernel = await without_in_lua(guarded, "hold", FULL, "if false then")
    pool, [unit] = await city_of(kernel, capacities=(2,))
    held = await asyncio.gather(
        *(
            outcome(hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{n}", owner=str(n)))
            for n in range(5)
        )
    )
    findings = await settled_findings(kernel)
    if guarded:
        assert held.count("full") == 3
        assert findings == []
    else:
        assert "full" not in held
        assert findings == [("I1", "Valkey has 5 claims for 2 places")]


@ON_OFF
async def test_bookings_are_bounded_by_the_places_even_if_holds_are_not(
    scarred, without_in_lua, without_in_sql, city_of, *, sql, guarded
):
    """Three guards stand one behind the other: Valkey's, the count under the lock, and the table's own check."""
    kernel = await without_in_lua(False, "hold", FULL, "if false then")
    without_in_sql(guarded, "WHERE i.place <= r.free", "WHERE r.free IS NOT NULL")
    pool, [unit] = await city_of(kernel, capacities=(2,))

    async def book(names):
        held = [await hold(kernel, pool_id=pool, units=[unit], claimant=n, owner=n) for n in names]
        return await asyncio.gather(
            *(
                outcome(confirm(kernel, claim_id=one.id, owner=n, key="k"))
                for n, one in zip(names, held, strict=True)
            )
        )

    booked = await book(["a", "b", "c"])
    assert sum(isinstance(one, Booking) for one in booked) == 2
    assert booked[2] == ("full" if guarded else "unavailable")  # told by the count; else stopped by the check
    if guarded:
        return
    await sql(kernel, "ALTER TABLE unit DROP CONSTRAINT unit_never_oversold_check")
    assert all(isinstance(one, Booking) for one in await book(["d", "e"]))
    findings = await audit(kernel)
    assert any(one.invariant == "I1" and "capacity 2, booked 4 (rows 4)" in one.seen for one in findings)


@ON_OFF
async def test_the_first_verdict_on_a_hold_wins(
    loose, city_of, hold_as, without_in_sql, kernels, *, pausing, guarded
):
    """A paused worker wakes up after the sweeper gave its claimant's place to somebody else."""
    without_in_sql(
        guarded,
        "SELECT claim_id, 'confirmed' FROM asked ORDER BY claim_id\n    ON CONFLICT DO NOTHING RETURNING hold_id",
        "SELECT claim_id, 'confirmed' FROM asked ORDER BY claim_id\n"
        "    ON CONFLICT (hold_id) DO UPDATE SET verdict = hold_verdict.verdict RETURNING hold_id",
    )
    worker = await kernels()
    pool, [unit] = await city_of(loose, capacities=(1,))
    late = await hold_as(worker, "late", pool, unit)
    marked, go_on = pausing(worker)
    confirming = asyncio.create_task(outcome(confirm(worker, claim_id=late.id, owner="late", key="k")))
    await marked.wait()
    assert (await sweep(loose, confirm_patience_s=0)).abandoned == 1
    next_one = await hold_as(loose, "next", pool, unit)
    go_on.set()
    told_late = await confirming
    told_next = await outcome(confirm(loose, claim_id=next_one.id, owner="next", key="k"))
    await worker.committer.drain()
    findings = await settled_findings(loose)
    if guarded:
        assert told_late == "hold_lost"
        assert isinstance(told_next, Booking)
        assert findings == []
    else:
        assert isinstance(told_late, Booking)
        assert told_next == "full"  # though the hold was good
        assert ("I2", "source hold, verdict abandoned, promise of nobody") in findings
        assert ("I1", f"Valkey misses the booked or promised claim {late.id}") in findings


@ON_OFF
async def test_a_claim_of_an_ended_epoch_is_not_booked(
    loose, city_of, hold_as, kernels, monkeypatch, *, pausing, guarded
):
    """A worker was paused while the pool was rebuilt: its claim is in no view any more."""

    async def lock_without_looking_at_the_epoch(connection, pool, orders):
        units = sorted({order.unit for order in orders})
        values = {"pool_id": pool.id, "unit_ids": units}
        rows = (await connection.execute(commit_batch.LOCK_UNITS, values)).all()
        return {row.id: row.free for row in rows}

    if not guarded:
        monkeypatch.setattr(commit_batch, "_lock", lock_without_looking_at_the_epoch)
    worker = await kernels()
    pool, [unit] = await city_of(loose, capacities=(1,))
    late = await hold_as(worker, "late", pool, unit)
    marked, go_on = pausing(worker)
    confirming = asyncio.create_task(outcome(confirm(worker, claim_id=late.id, owner="late", key="k")))
    await marked.wait()
    await rebuild(loose, pool_id=pool)
    next_one = await hold_as(loose, "next", pool, unit)
    go_on.set()
    told_late = await confirming
    told_next = await outcome(confirm(loose, claim_id=next_one.id, owner="next", key="k"))
    await worker.committer.drain()
    findings = await settled_findings(loose)
    if guarded:
        assert told_late == "hold_lost"
        assert isinstance(told_next, Booking)
        assert findings == []
    else:
        assert isinstance(told_late, Booking)
        assert told_next == "full"
        assert ("I1", f"Valkey misses the booked or promised claim {late.id}") in findings


@ON_OFF
async def test_a_view_of_an_ended_epoch_is_not_used(
    without_in_lua, loose, city_of, hold_as, monkeypatch, *, guarded
):
    """A rebuild died before it cleaned up, and a worker still has the old epoch's token."""
    worker = await without_in_lua(
        guarded, "pool", "if redis.call('GET', fence_key) ~= token then\n    return nil\n  end"
    )
    pool, [unit] = await city_of(loose, capacities=(1,))
    assert await worker.call(pool, "overdue", 0, 0) == [b"overdue"]  # it knows the token now

    async def died(*_, **__):
        pass

    monkeypatch.setitem(rebuild.__globals__, "_unlink_epochs", died)
    await rebuild(loose, pool_id=pool)
    first = await outcome(hold_as(loose, "a", pool, unit))
    second = await outcome(hold_as(worker, "b", pool, unit))
    assert first.units == (unit,)
    if guarded:
        assert second == "full"
    else:
        assert second.units == (unit,)  # the only place, held twice
        assert await outcome(confirm(worker, claim_id=second.id, owner="b", key="k")) == "hold_lost"


@ON_OFF
async def test_an_ended_claim_does_not_come_back(without_in_lua, city_of, hold_as, guarded):
    """A cancel overtakes the `take` of its booking on the way to Valkey."""
    kernel = await without_in_lua(
        guarded, "apply", "elseif not redis.call('ZSCORE', pool.gone, claim) then", "else"
    )
    pool, [unit] = await city_of(kernel, capacities=(1,))
    held = await hold_as(kernel, "a", pool, unit)
    tell, late = kernel.committer._on_committed, []

    async def later(*told):
        late.append(told)

    kernel.committer._on_committed = later
    await confirm(kernel, claim_id=held.id, owner="a", key="k")
    await cancel(kernel, booking_id=held.id, owner="a")
    for told in late:
        await tell(*told)
    free = await free_places(kernel, pool_id=pool, units=[unit])
    findings = await settled_findings(kernel)
    if guarded:
        assert (free, findings) == ([1], [])
    else:
        assert free == [0]  # a place that nobody has and nobody can get
        assert findings == [("I1", f"Valkey keeps a place for {held.id}, which PostgreSQL does not know")]


@ON_OFF
async def test_a_claim_that_was_looked_for_in_vain_does_not_arrive_later(
    without_in_lua, city_of, hold_as, guarded
):
    """Two devices of one person: the first took the lease and stalled, the second took it over."""
    kernel = await without_in_lua(guarded, "look_or_end", "  end_claim(pool, claim, now)\n")
    pool, [one, two] = await city_of(kernel, capacities=(1, 1))
    stalled = await take_lease(kernel, await kernel.pool(pool), (one,), claimant="person:a")
    await hold_as(kernel, "a", pool, two)
    answer = await kernel.call(pool, "hold", stalled.claim_id, "a", "person:a", stalled.left_ms, str(one))
    findings = await settled_findings(kernel)
    if guarded:
        assert (answer, findings) == ([b"gone"], [])
    else:
        assert answer[0] == b"held"
        assert [invariant for invariant, _ in findings] == ["I3"]


@ON_OFF
async def test_a_mark_does_not_expire(without_in_lua, city_of, hold_as, guarded, eventually):
    """While a confirm is on its way its place must not be given to somebody else."""
    kernel = await without_in_lua(guarded, "mark", "redis.call('ZADD', pool.unit .. unit, '+inf', claim)")
    pool, [unit] = await city_of(kernel, capacities=(1,), hold_ttl_s=1)
    held = await hold_as(kernel, "a", pool, unit)
    await kernel.call(pool, "mark", held.id, "a", "k", "")
    await eventually(lambda: _clock(kernel), lambda now_ms: now_ms > held.expires_at_ms + 20)
    second = await outcome(hold_as(kernel, "b", pool, unit))
    first = await outcome(confirm(kernel, claim_id=held.id, owner="a", key="k"))
    if guarded:
        assert second == "full"
        assert isinstance(first, Booking)
        assert await settled_findings(kernel) == []
    else:
        assert second.units == (unit,)
        told = await outcome(confirm(kernel, claim_id=second.id, owner="b", key="k"))
        assert {type(first), type(told)} == {Booking, str}  # one of two good holds is worth nothing


async def _clock(kernel):
    return kernel.clock()
