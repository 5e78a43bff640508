"""Substitutions: one learner in another's place, where that is allowed, and nobody else in between."""

import asyncio

import pytest

from booking_api import clock
from booking_api.eligibility.errors import NotEligible
from booking_api.organisations.register import find_organisation
from booking_api.schools.errors import NoConsent, SubstitutionsOff
from booking_api.schools.substitutions import NewSubstitution, substitute_learner, substitutions_of
from reservation import bookings_of, confirm, hold
from reservation.errors import AlreadyBooked, Full, NotActive, ReservationError, UnknownBooking


async def booked(town, *, school="s-101"):
    """A session of two places, one of them booked by the school, and whose it is."""
    [unit] = await town.publish(2)
    [learner] = await town.enrol(1, school=school)
    await town.send([(learner.number, [unit])], school=school)
    await town.carry()
    [booking] = await bookings_of(town.kernel, owner=learner.account, limit=9)
    return booking, learner


async def put(town, booking, learner, *, school="s-101"):
    async with town.kernel.engine.connect() as connection:
        known = await find_organisation(connection, school)
    new = NewSubstitution(booking, learner, "fell ill")
    done = await substitute_learner(town.parts, known, new, by="key:1", now=clock.now())
    if done.effect is not None:
        await town.kernel.tell(done.effect)
    return done


async def test_the_place_changes_hands_and_is_on_record(town):
    await town.found(substitutions=True)
    booking, old = await booked(town)
    [new] = await town.enrol(1)
    done = (await put(town, booking.id, new.number)).substitution
    assert (done.from_account, done.to_account, done.unit) == (old.account, new.account, booking.unit)
    assert (done.reason, done.by) == ("fell ill", "key:1")
    [ended] = await bookings_of(town.kernel, owner=old.account, limit=9)
    assert (ended.state, ended.ended_by) == ("cancelled", "authority")
    [taken] = await bookings_of(town.kernel, owner=new.account, limit=9)
    assert (taken.id, taken.unit, taken.state) == (done.to_booking, booking.unit, "booked")
    assert await town.seats(booking.unit) == 1
    again = await put(town, booking.id, new.account)
    assert (again.substitution, again.effect) == (done, None)
    async with town.kernel.engine.connect() as connection:
        assert await substitutions_of(connection, "s-101", before=None, limit=9) == [done]
    # And on to a third, from the booking that counts now.
    [third] = await town.enrol(1)
    await put(town, done.to_booking, third.number)
    assert await town.seats(booking.unit) == 1


async def test_whoever_asks_all_the_time_does_not_get_the_place(town):
    await town.found(substitutions=True)
    booking, _ = await booked(town)
    [new, other] = await town.enrol(2)
    person = {"claimant": f"person:{other.account}", "owner": other.account}
    held = await hold(town.kernel, pool_id=booking.pool, units=[booking.unit], **person)
    await confirm(town.kernel, claim_id=held.id, owner=other.account, key="k")
    got: list[str] = []

    async def thief(n: int) -> None:
        while True:
            try:
                await hold(
                    town.kernel,
                    pool_id=booking.pool,
                    units=[booking.unit],
                    claimant=f"person:thief-{n}",
                    owner=f"thief-{n}",
                )
                got.append(f"thief-{n}")
            except Full:
                await asyncio.sleep(0)
            except ReservationError as error:
                got.append(error.code)

    thieves = [asyncio.create_task(thief(n)) for n in range(5)]
    await asyncio.sleep(0.1)
    last = booking.id
    for learner in (new, *await town.enrol(4)):
        last = (await put(town, last, learner.number)).substitution.to_booking
    for task in thieves:
        task.cancel()
    await asyncio.gather(*thieves, return_exceptions=True)
    assert got == []
    assert len(await town.ask("SELECT 1 FROM booking WHERE state = 'booked'")) == 2


async def test_where_it_is_not_allowed_nothing_changes(town):
    await town.found()
    booking, old = await booked(town)
    [new] = await town.enrol(1)
    with pytest.raises(SubstitutionsOff):
        await put(town, booking.id, new.number)
    [still] = await bookings_of(town.kernel, owner=old.account, limit=9)
    assert still.state == "booked"


async def test_only_between_learners_who_consent_and_only_what_the_school_booked(town):
    await town.found(substitutions=True)
    booking, old = await booked(town)
    theirs, _ = await booked(town, school="s-202")
    [new] = await town.enrol(1)
    [stranger] = await town.enrol(1, school="s-202")
    with pytest.raises(NoConsent):
        await put(town, booking.id, stranger.number)
    with pytest.raises(UnknownBooking):
        await put(town, theirs.id, new.number)
    for nonsense in ("x", "0192f3c0-0000-8000-8000-040000000000"):
        with pytest.raises(UnknownBooking):
            await put(town, nonsense, new.number)
    # A learner's own booking is not the school's to give away.
    [own] = await town.enrol(1)
    held = await hold(
        town.kernel,
        pool_id=booking.pool,
        units=[booking.unit],
        claimant=f"person:{own.account}",
        owner=own.account,
    )
    await confirm(town.kernel, claim_id=held.id, owner=own.account, key="own")
    with pytest.raises(UnknownBooking):
        await put(town, held.id, new.number)
    await town.ask("UPDATE consent SET withdrawn_at = now() WHERE account = :a", a=old.account)
    with pytest.raises(NoConsent):
        await put(town, booking.id, new.number)


async def test_the_rules_stand_before_the_other_learner_too(town):
    await town.found(substitutions=True)
    booking, _ = await booked(town)
    [uncertified] = await town.enrol(1, certified=False)
    with pytest.raises(NotEligible):
        await put(town, booking.id, uncertified.number)
    [elsewhere] = await town.enrol(1)
    [unit] = await town.publish(5, days=40)
    await town.send([(elsewhere.number, [unit])], key="more")
    await town.carry()
    with pytest.raises(AlreadyBooked):
        await put(town, booking.id, elsewhere.number)


async def test_of_two_substitutions_at_once_one_is_made(town):
    await town.found(substitutions=True)
    booking, _ = await booked(town)
    learners = await town.enrol(4)
    done = await asyncio.gather(
        *(put(town, booking.id, one.number) for one in learners), return_exceptions=True
    )
    refused = [outcome for outcome in done if isinstance(outcome, Exception)]
    assert len(refused) == 3
    assert all(isinstance(error, NotActive | UnknownBooking) for error in refused), refused
    assert len(await town.ask("SELECT 1 FROM booking WHERE state = 'booked'")) == 1
