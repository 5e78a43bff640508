"""Schools and stations hear of bookings by webhook: each change once, in order, whatever crashes or comes late."""

import asyncio

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.identity.tokens import make_key
from booking_api.organisations.register import NewOrganisation, register_organisation
from booking_api.outbox.courier import Courier
from booking_api.outbox.delivering import deliver_due
from booking_api.outbox.webhooks import NewWebhook, register_webhook
from booking_api.plans.authorities import read_lineage
from booking_api.plans.draft import find_plan
from booking_api.schools import telling_bookings
from booking_api.schools.telling import note_published_plan
from booking_api.schools.telling_bookings import tell_bookings
from reservation import cancel, confirm, hold, reschedule
from tests.booking_api.outbox.receiver import Receiver
from tests.schooling import AUTHORITY, SCHOOL

STATION = "st-1"
KINDS = ["booking.confirmed", "booking.cancelled", "booking.moved"]


class Listening:
    """A school and a station with servers of their own, in a town."""

    def __init__(self, town, tmp_path) -> None:
        self.town = town
        self.engine, self.reads = town.kernel.engine, town.kernel.reads
        self.key = make_key(tmp_path / "keys" / "token.jwk")
        self.receivers = {"school": Receiver(), "station": Receiver()}
        self.courier = Courier(loopback=True)

    async def register(self, kind: str, name: str, kinds=KINDS) -> None:
        organisation = f"{kind}:{name}"
        await register_webhook(
            self.engine,
            self.key,
            NewWebhook(organisation, self.receivers[kind].url, list(kinds)),
            organisations=[organisation],
            account="p",
            loopback=True,
        )

    async def tell(self) -> None:
        """Every entry there is, and every delivery of it."""
        newest = text("SELECT COALESCE(max(id), 0) FROM entry")
        told = text("SELECT COALESCE(min(told), -1) FROM entry_cursor")
        while True:
            await tell_bookings(self.engine, self.reads)
            async with self.reads.connect() as connection:
                if (await connection.execute(newest)).scalar() == (await connection.execute(told)).scalar():
                    break
        while await deliver_due(self.engine, self.courier, self.key, now=clock.now):
            pass

    def heard(self, kind: str):
        """(type, booking, unit) of each message, as they came of one organisation; deliveries of a batch come in any order."""
        messages = [one.message() for one in self.receivers[kind].received]
        return sorted((one["type"], one["data"]["booking"], one["data"]["unit"]) for one in messages)

    async def close(self) -> None:
        await self.courier.close()
        for receiver in self.receivers.values():
            receiver.close()


@pytest.fixture
async def listening(town, tmp_path):
    await town.found()
    async with town.kernel.engine.begin() as connection:
        new = NewOrganisation(
            id=STATION, kind="station", authority=AUTHORITY, name={"en": STATION}, sites=["hz-0"]
        )
        await register_organisation(connection, new, by="operator")
    one = Listening(town, tmp_path)
    await one.tell()
    yield one
    await one.close()


@pytest.fixture
def book(town):
    async def act(name, unit):
        [(pool,)] = await town.ask("SELECT pool_id FROM unit WHERE id = :unit", unit=unit)
        held = await hold(town.kernel, pool_id=pool, units=[unit], claimant=f"person:{name}", owner=name)
        return await confirm(town.kernel, claim_id=held.id, owner=name, key=held.id)

    return act


async def test_a_station_hears_of_each_booking_at_its_sites_once(listening, town, book):
    here, elsewhere = await town.publish(5, 5)
    await listening.register("station", STATION)
    bookings = await asyncio.gather(*(book(f"somebody-{n}", here) for n in range(3)))
    await book("b", elsewhere)
    await listening.tell()
    await listening.tell()
    assert listening.heard("station") == sorted(("booking.confirmed", one.id, here) for one in bookings)
    assert b"somebody" not in b"".join(one.body for one in listening.receivers["station"].received)
    await cancel(town.kernel, booking_id=bookings[0].id, owner="somebody-0")
    await listening.tell()
    message = listening.receivers["station"].received[-1].message()
    assert message["type"] == "booking.cancelled"
    assert message["data"] == {
        "booking": bookings[0].id,
        "unit": here,
        "pool": bookings[0].pool,
        "by": "owner",
        "organisation": f"station:{STATION}",
    }


async def test_a_move_is_one_message_to_the_place_that_is_left_and_the_one_that_is_taken(
    listening, town, book
):
    here, elsewhere = await town.publish(5, 5)
    await listening.register("station", STATION, kinds=["booking.moved"])
    for first, second in ((here, elsewhere), (elsewhere, here)):
        was = await book(f"p{first}", first)
        held = await hold(
            town.kernel, pool_id=was.pool, units=[second], claimant=f"person:p{first}", owner=f"p{first}"
        )
        moved = await reschedule(town.kernel, booking_id=was.id, hold_id=held.id, owner=f"p{first}")
        await listening.tell()
        message = listening.receivers["station"].received[-1].message()
        facts = {name: message["data"][name] for name in ("booking", "unit", "moved_to", "moved_to_unit")}
        assert facts == {"booking": was.id, "unit": first, "moved_to": moved.id, "moved_to_unit": second}
    assert len(listening.receivers["station"].received) == 2


async def test_a_school_hears_of_its_batches_bookings_and_of_no_others(listening, town, book):
    unit, _ = await town.publish(9, 9)
    await listening.register("school", SCHOOL)
    learners = await town.enrol(2)
    batch = await town.send([(one.account, [unit]) for one in learners])
    await town.carry()
    await book("somebody", unit)
    _, rows = await town.told(batch.id)
    await listening.tell()
    assert listening.heard("school") == sorted(("booking.confirmed", row.booking, unit) for row in rows)
    await cancel(town.kernel, booking_id=rows[0].booking, owner=learners[0].account)
    await listening.tell()
    assert ("booking.cancelled", rows[0].booking, unit) in listening.heard("school")


async def test_a_batch_that_is_undone_says_so_of_what_it_had_booked(listening, town, monkeypatch):
    unit, _ = await town.publish(9, 9)
    await listening.register("school", SCHOOL)
    learners = await town.enrol(2)
    batch = await town.send([(one.account, [unit]) for one in learners], mode="all_or_nothing")
    await town.ask(
        "UPDATE school_batch SET state = 'undoing', verdict = 'cancelled' WHERE id = :b", b=batch.id
    )
    booked = await hold(
        town.kernel,
        pool_id=1,
        units=[unit],
        claimant=f"person:{learners[0].account}",
        owner=learners[0].account,
    )
    await town.ask(
        "UPDATE school_batch_row SET state = 'held', claim_id = :c WHERE batch_id = :b AND number = 1",
        c=booked.id,
        b=batch.id,
    )
    # The worker died between the confirm and its note.
    await confirm(town.kernel, claim_id=booked.id, owner=learners[0].account, key="k")
    await town.carry()
    await listening.tell()
    assert listening.heard("school") == [("booking.cancelled", booked.id, unit)]


async def test_what_happened_before_a_webhook_was_registered_is_not_told(listening, town, book):
    unit, _ = await town.publish(5, 5)
    await book("a", unit)
    await listening.register("station", STATION)
    late = await book("b", unit)
    await listening.tell()
    assert listening.heard("station") == [("booking.confirmed", late.id, unit)]


async def test_an_entry_that_appears_after_a_later_one_is_told_too(listening, town, book):
    """Ids are given before COMMIT: the earlier one's transaction is slow."""
    first, second = await town.publish(5, 5, subject=1)
    await listening.register("station", STATION)
    await town.ask("UPDATE organisation SET sites = '{hz-0,hz-1}' WHERE id = :id", id=STATION)
    was = await book("a", first)
    await listening.tell()
    async with town.kernel.engine.connect() as slow:
        await slow.execute(text("SELECT * FROM unit WHERE id = :u FOR UPDATE"), {"u": first})
        await slow.execute(
            text(
                "INSERT INTO entry (kind, pool_id, unit_id, delta, operator, claim_id) "
                "VALUES ('cancel', :pool, :unit, 1, 'x', :claim)"
            ),
            {"pool": was.pool, "unit": first, "claim": was.id},
        )
        quick = await book("b", second)
        for _ in range(5):
            assert await tell_bookings(listening.engine, listening.reads) is False
        assert len(listening.heard("station")) == 1
        await slow.commit()
    await listening.tell()
    assert [one[:2] for one in listening.heard("station")] == sorted(
        [("booking.confirmed", was.id), ("booking.confirmed", quick.id), ("booking.cancelled", was.id)]
    )
    await town.ask("DELETE FROM entry WHERE kind = 'cancel'")


async def test_without_waiting_for_the_horizon_it_would_be_lost(listening, town, book, monkeypatch):
    """The negative control of the test above."""
    hasty = telling_bookings._CURSOR.text.replace(">= horizon AS settled", ">= 0 AS settled")
    monkeypatch.setattr(telling_bookings, "_CURSOR", text(hasty))
    first, second = await town.publish(5, 5)
    await listening.register("station", STATION)
    was = await book("a", first)
    await listening.tell()
    async with town.kernel.engine.connect() as slow:
        await slow.execute(
            text(
                "INSERT INTO entry (kind, pool_id, unit_id, delta, operator, claim_id) "
                "VALUES ('cancel', :pool, :unit, 1, 'x', :claim)"
            ),
            {"pool": was.pool, "unit": first, "claim": was.id},
        )
        await book("b", second)
        await listening.tell()
        await slow.commit()
    await listening.tell()
    assert "booking.cancelled" not in {one[0] for one in listening.heard("station")}
    await town.ask("DELETE FROM entry WHERE kind = 'cancel'")


async def test_two_workers_tell_each_entry_once(listening, town, book, monkeypatch):
    monkeypatch.setattr(telling_bookings, "ENTRIES_AT_ONCE", 2)
    unit, _ = await town.publish(20, 20)
    await listening.register("station", STATION)
    await asyncio.gather(*(book(f"a{n}", unit) for n in range(12)))
    for _ in range(12):
        await asyncio.gather(*(tell_bookings(listening.engine, listening.reads) for _ in range(4)))
    await listening.tell()
    assert len(listening.heard("station")) == len(set(listening.heard("station"))) == 12


async def test_a_cursor_that_was_copied_from_another_server_goes_on(listening, town, book):
    unit, _ = await town.publish(5, 5)
    await listening.register("station", STATION)
    await town.ask("UPDATE entry_cursor SET horizon = :far", far=2**62)
    booking = await book("a", unit)
    await listening.tell()
    assert listening.heard("station") == [("booking.confirmed", booking.id, unit)]


async def test_with_nobody_to_tell_nothing_is_written(listening, town, book):
    unit, _ = await town.publish(5, 5)
    await book("a", unit)
    await listening.tell()
    assert await town.ask("SELECT FROM event") == []


async def test_a_published_plan_is_told_to_its_stations_and_to_schools_of_its_authority(listening, town):
    await listening.register("station", STATION, kinds=["plan.published"])
    await listening.register("school", SCHOOL, kinds=["plan.published"])
    await town.publish(5, 5)
    async with town.kernel.engine.begin() as connection:
        plan = await find_plan(connection, 1)
        await note_published_plan(connection, plan, at=clock.now())
    await listening.tell()
    for kind in ("school", "station"):
        [message] = [one.message() for one in listening.receivers[kind].received]
        assert (message["type"], message["data"]["plan"]) == ("plan.published", 1)
        assert (message["data"]["sessions"], message["data"]["places"]) == (2, 10)


async def test_a_plan_elsewhere_is_told_to_neither(listening, town):
    await listening.register("station", STATION, kinds=["plan.published"])
    await listening.register("school", SCHOOL, kinds=["plan.published"])
    await town.publish(5)
    await town.ask("UPDATE plan_session SET site = 'elsewhere'")
    await town.ask("INSERT INTO authority (id, level, name) VALUES ('cn-other', 'city', '{}')")
    await town.ask("UPDATE plan SET authority = 'cn-other'")
    async with town.kernel.engine.begin() as connection:
        await note_published_plan(connection, await find_plan(connection, 1), at=clock.now())
        assert "cn-other" not in (await read_lineage(connection)).up(AUTHORITY)
    await listening.tell()
    assert not listening.receivers["station"].received
    assert not listening.receivers["school"].received
