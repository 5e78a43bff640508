"""The reckoning after a rush must see every lie: what clients were told against what is stored."""

import pytest

from booking_api import clock
from booking_api.demo import rush as rush_module
from booking_api.demo.rush import (
    Rush,
    UnusableStageError,
    account_of,
    find_session,
    raise_file_limit,
    reckon,
    settle_crowd,
    stage_session,
)
from booking_api.demo.tally import Outcome, Tally
from booking_api.eligibility import Eligibility
from reservation import confirm, hold
from tests.planning import inspection_row, planned, test_row


@pytest.fixture
async def sold(kernel, city):
    """A rush of two clients for three seats, both booked: (rush, booking ids)."""
    pool, [unit] = await city(capacities=(3,))
    ids = set()
    for number in range(2):
        owner = f"rush-tag-{number}"
        held = await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{owner}", owner=owner)
        ids.add((await confirm(kernel, claim_id=held.id, owner=owner, key="k")).id)
    return Rush(pool=pool, unit=unit, clients=2, seats=3, seed=1, tag="tag"), ids


def tally_of(ids: set[str], **outcomes: int) -> Tally:
    tally = Tally(clients=2, seats=3)
    tally.bookings |= ids
    tally.outcomes.update({Outcome(name): count for name, count in outcomes.items()})
    return tally


async def reckoned(kernel, rush, tally):
    return await reckon(kernel, rush, tally, seconds=1.0, progress=lambda _: None)


async def test_a_true_rush_has_nothing_wrong(kernel, sold):
    rush, ids = sold
    told = await reckoned(kernel, rush, tally_of(ids, booked=2))
    assert (told.wrong, told.audit, told.stored, told.capacity) == ([], [], 2, 3)


async def test_a_booking_that_was_told_and_not_stored_is_found(kernel, sold):
    rush, ids = sold
    told = await reckoned(kernel, rush, tally_of(ids | {"00000000-0000-8000-8000-000000000000"}, booked=2))
    assert told.wrong == ["1 bookings were acknowledged and are not stored"]


async def test_a_booking_that_was_stored_and_not_told_is_found(kernel, sold):
    rush, ids = sold
    told = await reckoned(kernel, rush, tally_of(set(list(ids)[:1]), booked=2))
    assert told.wrong == ["1 bookings are stored that no client was told of"]


async def test_unanswered_and_vanished_clients_are_found(kernel, sold):
    rush, ids = sold
    told = await reckoned(kernel, rush, tally_of(ids, gave_up=1))
    assert told.wrong == ["1 clients had no answer in time", "1 clients have no outcome"]


async def test_unexpected_answers_are_found(kernel, sold):
    rush, ids = sold
    tally = tally_of(ids, booked=2)
    tally.surprise("hold: 500 internal")
    assert (await reckoned(kernel, rush, tally)).wrong == ["1 unexpected answers: hold: 500 internal"]


async def test_a_rush_needs_the_demo_city(kernel, city):
    await city()
    with pytest.raises(UnusableStageError, match="no demo city"):
        await stage_session(kernel, seats=5, today=None)


async def test_a_rush_is_never_played_on_real_places(kernel):
    [unit] = await planned(kernel, [test_row()])
    with pytest.raises(UnusableStageError, match="not the demo's"):
        await find_session(kernel, unit=unit)


async def test_a_rush_is_not_played_on_what_no_plan_has_made(kernel, city):
    _, [unit] = await city(capacities=(1,))
    with pytest.raises(UnusableStageError, match="no session of a plan"):
        await find_session(kernel, unit=unit)


@pytest.mark.parametrize("row", [inspection_row(), test_row(capacity=0, priority_capacity=2)])
async def test_a_rush_is_not_played_for_vehicles_or_priority(kernel, row):
    [unit] = await planned(kernel, [row], demo=True)
    with pytest.raises(UnusableStageError, match="for vehicles or for priority"):
        await find_session(kernel, unit=unit)


async def test_a_crowd_has_certificates_and_each_of_it_is_another_person(kernel):
    [unit] = await planned(kernel, [test_row(subject=2)], demo=True)
    stage = await find_session(kernel, unit=unit)
    rush = Rush(pool=stage.pool, unit=unit, clients=30, seats=3, seed=1, tag="t")
    await settle_crowd(kernel, rush, stage, now_ms=clock.now_ms(), today=clock.today())
    eligibility = Eligibility(kernel)
    for number in (0, 29):
        await eligibility.check_hold(
            account=account_of(rush, number), units=[unit], vehicle=None, now=clock.now()
        )


def test_more_clients_than_the_system_has_files_are_refused(monkeypatch):
    monkeypatch.setattr("booking_api.demo.rush.resource.getrlimit", lambda _: (256, 512))
    with pytest.raises(UnusableStageError, match="open files"):
        raise_file_limit(2_000)


def test_more_places_taken_than_there_are_is_found():
    """The database does not let it happen, so the sentence is asked of the check itself."""
    tally = tally_of(set(), booked=2)
    assert rush_module._what_is_wrong(tally, set(), capacity=3, taken=3) == []
    assert rush_module._what_is_wrong(tally, set(), capacity=3, taken=4) == ["oversold: 4 of 3 places"]
