"""Batches: checked row by row, carried out row by row, within the school's share, and all or none where so asked."""

import asyncio
from itertools import pairwise

import pytest

from booking_api import clock
from booking_api.schools import carrying, rows
from booking_api.schools.batches import cancel_batch, find_batch
from booking_api.schools.carrying import carry
from booking_api.schools.errors import BatchOver, BatchTooLong, TooManyBatches, UnknownBatch
from booking_api.schools.leases import LeaseLost, claim
from reservation import bookings_of, cancel, confirm, hold
from reservation.errors import KeyReused


def codes(results) -> dict[int, str]:
    return {row.number: row.code for row in results if row.code is not None}


async def bad_and_good(town):
    """193 rows that can be and 7 that cannot, each for a reason of its own; and what each is owed."""
    [open_unit] = await town.publish(400)
    [later] = await town.publish(5, opens_at=clock.now().replace(year=2098))
    good = await town.enrol(193)
    [stranger] = await town.enrol(1, school=None)
    [theirs] = await town.enrol(1, school="s-202")
    [uncertified] = await town.enrol(1, certified=False)
    [other_subject] = await town.enrol(1, subjects=(2,))
    [early] = await town.enrol(1)
    owed = {
        10: ("no_consent", (stranger.number, [open_unit])),
        20: ("no_consent", (theirs.account, [open_unit])),
        30: ("not_eligible", (uncertified.account, [open_unit])),
        40: ("no_consent", (other_subject.account, [open_unit])),
        50: ("not_open_yet", (early.number, [later])),
        60: ("learner_twice", (good[0].number, [open_unit])),
        70: ("not_planned", None),
    }
    [lost] = await town.enrol(1)
    owed[70] = ("not_planned", (lost.account, [10**9]))
    asked = [(one.account, [open_unit]) for one in good]
    for place, (_, row) in owed.items():
        asked.insert(place - 1, row)
    return asked, {place: code for place, (code, _) in owed.items()}, open_unit


async def test_of_200_rows_7_bad_ones_are_named_and_the_others_booked(town):
    await town.found()
    asked, owed, unit = await bad_and_good(town)
    batch = await town.send(asked)
    assert batch.rows == {"waiting": 193, "held": 0, "booked": 0, "refused": 7, "released": 0}
    await town.carry()
    done, results = await town.told(batch.id)
    assert (done.state, done.rows["booked"]) == ("done", 193)
    assert codes(results) == owed
    ineligible = results[29].refusals[0]
    assert (ineligible["rules"][0]["rule"], ineligible["first_day"]) == ("certificate_missing", None)
    assert results[59].refusals[0]["row"] == 1
    assert await town.seats(unit) == 193
    # The learner's own booking, in their own list.
    [mine] = await bookings_of(town.kernel, owner=results[0].account, limit=9)
    assert (mine.id, mine.unit) == (results[0].booking, unit)


async def test_all_or_nothing_with_bad_rows_is_refused_whole_and_holds_nothing(town):
    await town.found()
    asked, owed, unit = await bad_and_good(town)
    batch = await town.send(asked, mode="all_or_nothing")
    assert batch.state == "refused"
    assert batch.rows == {"waiting": 0, "held": 0, "booked": 0, "refused": 7, "released": 193}
    assert await town.carry() is None
    assert codes((await town.told(batch.id))[1]) == owed
    assert await town.seats(unit) == 0


async def test_all_or_nothing_books_every_row(town):
    await town.found()
    first, second = await town.publish(8, 8)
    learners = await town.enrol(8)
    asked = [(one.number, [first, second]) for one in learners]
    batch = await town.send(asked, mode="all_or_nothing")
    await town.carry()
    done, results = await town.told(batch.id)
    assert (done.state, done.rows["booked"]) == ("done", 8)
    # Half of each session is the school's share: the others got their second choice.
    assert [await town.seats(unit) for unit in (first, second)] == [4, 4]
    assert [row.refusals[0]["code"] for row in results if row.unit == second] == ["school_share_reached"] * 4


async def test_all_or_nothing_gives_everything_back_when_one_row_cannot_be_held(town):
    await town.found()
    [unit] = await town.publish(8)
    learners = await town.enrol(5)
    batch = await town.send([(one.number, [unit]) for one in learners], mode="all_or_nothing")
    await town.carry()
    done, results = await town.told(batch.id)
    assert done.state == "refused"
    assert done.rows == {"waiting": 0, "held": 0, "booked": 0, "refused": 1, "released": 4}
    assert codes(results) == {5: "school_share_reached"}
    [row] = await town.ask("SELECT booked, promised FROM unit WHERE id = :u", u=unit)
    assert tuple(row) == (0, 0)
    assert await town.ask("SELECT 1 FROM school_seat") == []


async def test_a_promise_that_is_gone_undoes_what_was_confirmed_and_does_not_count_against_anybody(
    town, monkeypatch
):
    await town.found()
    [unit] = await town.publish(10)
    learners = await town.enrol(3)
    batch = await town.send([(one.number, [unit]) for one in learners], mode="all_or_nothing")
    confirmed = carrying.confirm_promise

    async def third_is_gone(kernel, *, promise_id, owner):
        if owner == learners[2].account:
            await carrying.withdraw(kernel, promise_id=promise_id, owner=owner)
        return await confirmed(kernel, promise_id=promise_id, owner=owner)

    monkeypatch.setattr(carrying, "confirm_promise", third_is_gone)
    await town.carry()
    done, results = await town.told(batch.id)
    assert done.state == "refused"
    assert codes(results) == {3: "unknown_promise"}
    assert [row.state for row in results] == ["released", "released", "refused"]
    ended = await town.ask("SELECT state, ended_by FROM booking ORDER BY owner")
    assert [tuple(row) for row in ended] == [("cancelled", "authority")] * 2


async def test_sent_again_under_its_key_it_is_the_same_batch(town):
    await town.found()
    [unit] = await town.publish(10)
    [one, two] = await town.enrol(2)
    first = await town.send([(one.number, [unit])])
    assert (await town.send([(one.number, [unit])])).id == first.id
    with pytest.raises(KeyReused):
        await town.send([(two.number, [unit])])
    together = await asyncio.gather(*(town.send([(two.number, [unit])], key="t") for _ in range(4)))
    assert len({batch.id for batch in together}) == 1


async def test_two_batches_at_once_stay_within_the_share(town, second):
    await town.found(session_share=0.3)
    [unit] = await town.publish(20)
    for key in ("a", "b"):
        learners = await town.enrol(8)
        await town.send([(one.number, [unit]) for one in learners], key=key)
    await asyncio.gather(town.carry(), town.carry(second))
    assert await town.seats(unit) == 6
    refused = await town.ask(
        "SELECT refusals->0->>'code' AS code FROM school_batch_row WHERE state = 'refused'"
    )
    assert {row.code for row in refused} == {"school_share_reached"}
    assert len(refused) == 10


async def test_without_the_lock_two_batches_at_once_would_exceed_it(town, second, monkeypatch):
    """The negative control: both count before either has inserted."""
    await town.found(session_share=0.05)
    [unit] = await town.publish(20)
    for key in ("a", "b"):
        [one] = await town.enrol(1)
        await town.send([(one.number, [unit])], key=key)
    both_counted, execute = asyncio.Barrier(2), rows.AsyncConnection.execute

    async def wait_for_the_other(self, statement, *args, **options):
        done = await execute(self, statement, *args, **options)
        if statement is rows._TAKEN:
            await both_counted.wait()
        return done

    monkeypatch.setattr(rows, "_SHARE_LOCK", rows.text("SELECT CAST(:place AS text)"))
    monkeypatch.setattr(rows.AsyncConnection, "execute", wait_for_the_other)
    await asyncio.gather(town.carry(), town.carry(second))
    assert await town.seats(unit) == 2


async def test_a_cancelled_booking_gives_its_seat_of_the_share_back(town):
    await town.found(session_share=0.1)
    [unit] = await town.publish(10)
    one, two, three = await town.enrol(3)
    await town.send([(one.number, [unit]), (two.number, [unit])])
    await town.carry()
    [booking] = await bookings_of(town.kernel, owner=one.account, limit=9)
    await cancel(town.kernel, booking_id=booking.id, owner=one.account)
    again = await town.send([(three.number, [unit])], key="again")
    await town.carry()
    assert (await town.told(again.id))[0].rows["booked"] == 1
    assert await town.seats(unit) == 1


async def test_a_schools_rows_keep_its_pace_over_all_workers(town, second):
    await town.found(rows_per_s=20)
    [unit] = await town.publish(60)
    for key in ("a", "b"):
        learners = await town.enrol(8)
        await town.send([(one.number, [unit]) for one in learners], key=key)
    await asyncio.gather(town.carry(), town.carry(second))
    times = [row.created_at for row in await town.ask("SELECT created_at FROM booking ORDER BY created_at")]
    assert len(times) == 16
    assert (times[-1] - times[0]).total_seconds() >= 15 / 20 * 0.9
    assert max(b - a for a, b in pairwise(times)).total_seconds() < 1


async def test_a_hold_of_the_learners_own_stays_theirs(town):
    await town.found()
    [unit] = await town.publish(10)
    [one] = await town.enrol(1)
    [pool] = await town.ask("SELECT pool_id FROM unit WHERE id = :u", u=unit)
    person = {"claimant": f"person:{one.account}", "owner": one.account}
    mine = await hold(town.kernel, pool_id=pool.pool_id, units=[unit], **person)
    batch = await town.send([(one.number, [unit])])
    await town.carry()
    _, results = await town.told(batch.id)
    assert codes(results) == {1: "another_hold"}
    # What they hold is not told to the school.
    assert results[0].refusals == [{"code": "another_hold", "unit": unit}]
    assert (await confirm(town.kernel, claim_id=mine.id, owner=one.account, key="mine")).unit == unit


async def test_somebody_who_has_a_booking_is_refused_and_a_full_session_is_passed_over(town):
    await town.found(session_share=1.0)
    full, free = await town.publish(1, 5)
    booked, wishing, last = await town.enrol(3)
    await town.send([(booked.number, [full])], key="first")
    await town.carry()
    batch = await town.send([(booked.number, [free]), (wishing.number, [full, free]), (last.number, [full])])
    await town.carry()
    _, results = await town.told(batch.id)
    assert codes(results) == {1: "already_booked", 3: "school_share_reached"}
    assert results[1].unit == free


async def test_a_consent_withdrawn_meanwhile_counts_at_once(town):
    await town.found()
    [unit] = await town.publish(10)
    stays, leaves = await town.enrol(2)
    batch = await town.send([(stays.number, [unit]), (leaves.number, [unit])])
    await town.ask("UPDATE consent SET withdrawn_at = now() WHERE account = :a", a=leaves.account)
    await town.carry()
    _, results = await town.told(batch.id)
    assert codes(results) == {2: "no_consent"}
    assert results[0].state == "booked"


async def test_a_consent_withdrawn_between_promise_and_confirm_ends_an_all_or_nothing_batch(
    town, monkeypatch
):
    await town.found()
    [unit] = await town.publish(10)
    stays, leaves = await town.enrol(2)
    batch = await town.send([(stays.number, [unit]), (leaves.number, [unit])], mode="all_or_nothing")
    begin = carrying._begin_confirming

    async def after_withdrawal(work):
        await town.ask("UPDATE consent SET withdrawn_at = now() WHERE account = :a", a=leaves.account)
        return await begin(work)

    monkeypatch.setattr(carrying, "_begin_confirming", after_withdrawal)
    await town.carry()
    done, results = await town.told(batch.id)
    assert (done.state, codes(results)) == ("refused", {2: "no_consent"})
    assert await town.ask("SELECT 1 FROM booking") == []


@pytest.mark.parametrize("mode", ["best_effort", "all_or_nothing"])
@pytest.mark.parametrize("how", ["cancel", "suspend"])
async def test_a_batch_that_is_stopped_gives_up_what_is_not_booked(town, mode, how):
    await town.found(rows_per_s=4)
    [unit] = await town.publish(40)
    learners = await town.enrol(12)
    batch = await town.send([(one.number, [unit]) for one in learners], mode=mode)
    carried = asyncio.create_task(town.carry())
    while not carried.done() and not await town.ask(
        "SELECT 1 FROM school_batch_row WHERE state IN ('booked', 'promised')"
    ):
        await asyncio.sleep(0.02)
    if how == "cancel":
        async with town.kernel.engine.begin() as connection:
            await cancel_batch(connection, "s-101", batch.id)
    else:
        await town.ask("UPDATE organisation SET state = 'suspended' WHERE id = 's-101'")
    await carried
    done, _ = await town.told(batch.id)
    whole = mode == "all_or_nothing"
    assert done.state == ("refused" if whole and how == "suspend" else "cancelled")
    booked = done.rows["booked"]
    assert (booked == 0) == whole
    assert done.rows == {"waiting": 0, "held": 0, "booked": booked, "refused": 0, "released": 12 - booked}
    assert await town.seats(unit) == booked
    [row] = await town.ask("SELECT booked, promised FROM unit WHERE id = :u", u=unit)
    assert tuple(row) == (booked, 0)
    async with town.kernel.engine.begin() as connection:
        if done.state == "refused":
            with pytest.raises(BatchOver):
                await cancel_batch(connection, "s-101", batch.id)
        else:
            assert (await cancel_batch(connection, "s-101", batch.id)).state == "cancelled"


async def test_a_worker_that_lost_its_lease_changes_nothing_more(town, second):
    await town.found()
    [unit] = await town.publish(10)
    learners = await town.enrol(3)
    batch = await town.send([(one.number, [unit]) for one in learners])
    number, lease = await claim(town.kernel)
    await town.ask("UPDATE school_batch SET leased_until = now()")
    assert await town.carry(second) == batch.id
    with pytest.raises(LeaseLost):
        await carry(town.parts, batch=number, lease=lease)
    assert (await town.told(batch.id))[0].rows["booked"] == 3


async def test_what_is_too_much_is_refused_before_anything_is_kept(town):
    await town.found(rows_per_s=0.005)
    [unit] = await town.publish(40)
    learners = await town.enrol(5)
    with pytest.raises(BatchTooLong) as told:
        await town.send([(one.number, [unit]) for one in learners], mode="all_or_nothing")
    assert told.value.facts == {"limit": 4}
    for n in range(10):
        await town.send([(learners[0].number, [unit])], key=str(n))
    with pytest.raises(TooManyBatches):
        await town.send([(learners[0].number, [unit])], key="more")


async def test_another_schools_batch_is_not_there(town):
    await town.found()
    [unit] = await town.publish(40)
    [one] = await town.enrol(1)
    batch = await town.send([(one.number, [unit])])
    async with town.kernel.engine.begin() as connection:
        with pytest.raises(UnknownBatch):
            await find_batch(connection, "s-202", batch.id)
        with pytest.raises(UnknownBatch):
            await cancel_batch(connection, "s-202", batch.id)


async def test_where_schools_may_not_book_every_row_says_so(town):
    await town.found(batches=False)
    [unit] = await town.publish(40)
    [one] = await town.enrol(1)
    batch = await town.send([(one.number, [unit])])
    assert codes((await town.told(batch.id))[1]) == {1: "batches_off"}
