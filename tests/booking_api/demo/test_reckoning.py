"""The reckoning after a rush must see every lie: what clients were told against what is stored."""

import pytest

from booking_api.demo import rush as rush_module
from booking_api.demo.rush import (
    Rush,
    UnusableStageError,
    find_session,
    raise_file_limit,
    reckon,
    stage_session,
)
from booking_api.demo.tally import Outcome, Tally
from reservation import ClaimantKind, NewUnit, UnitKind, confirm, hold, publish_pool


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


async def test_a_rush_is_never_played_on_real_places(kernel, city):
    _, [unit] = await city(capacities=(1,))
    with pytest.raises(UnusableStageError, match="not the demo's"):
        await find_session(kernel, unit=unit)


async def test_a_rush_is_not_played_where_vehicles_count(kernel, city):
    await city(capacities=(1,))
    pool = await publish_pool(
        kernel,
        authority="cn-hz",
        service="inspection",
        rule="periodic-inspection",
        title={"en": "Inspection"},
        hold_ttl_s=60,
        claimant_kind=ClaimantKind.VEHICLE,
        demo=True,
        units=[NewUnit(kind=UnitKind.SESSION, title={"en": "W"}, capacity=1)],
    )
    assert pool == 2
    with pytest.raises(UnusableStageError, match="per vehicle"):
        await find_session(kernel, unit=2)


def test_more_clients_than_the_system_has_files_are_refused(monkeypatch):
    monkeypatch.setattr("booking_api.demo.rush.resource.getrlimit", lambda _: (256, 512))
    with pytest.raises(UnusableStageError, match="open files"):
        raise_file_limit(2_000)


def test_more_places_taken_than_there_are_is_found():
    """The database does not let it happen, so the sentence is asked of the check itself."""
    tally = tally_of(set(), booked=2)
    assert rush_module._what_is_wrong(tally, set(), capacity=3, taken=3) == []
    assert rush_module._what_is_wrong(tally, set(), capacity=3, taken=4) == ["oversold: 4 of 3 places"]
