"""An event, its notice and its deliveries are written with the fact they tell, or not at all."""

import asyncio

import pytest

from booking_api.outbox.events import Event, EventKind, note_event, note_events
from tests.booking_api.outbox.conftest import AT, SCHOOL


async def told(rows):
    counts = await rows(
        "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM notice), (SELECT count(*) FROM delivery)"
    )
    return tuple(counts[0])


async def test_an_event_tells_its_person_and_the_webhooks_that_asked_for_its_kind(world):
    await world.register(kinds=["batch.finished", "substitution.made"])
    await world.register(kinds=["plan.published"])
    await world.happen("substitution.made", account="p7", seat=3)
    assert await told(world.rows) == (1, 1, 1)
    notice = (await world.rows("SELECT account, kind, at, facts FROM notice"))[0]
    assert tuple(notice) == ("p7", "substitution.made", AT, {"seat": 3})


async def test_what_is_rolled_back_is_told_to_nobody(world):
    await world.register()
    async with world.engine.connect() as connection:
        await note_event(
            connection, kind="batch.finished", at=AT, organisation=SCHOOL, account="p1", facts={}
        )
        await connection.rollback()
    assert await told(world.rows) == (0, 0, 0)


async def test_another_organisations_webhooks_are_not_told(world):
    await world.register()
    await world.happen(organisation="school:s-2")
    await world.happen(organisation="station:s-1")
    await world.happen(organisation=None)
    assert await told(world.rows) == (3, 0, 0)


async def test_many_events_are_one_statement_and_keep_their_order(world):
    await world.register()
    events = [
        Event(kind=EventKind.BATCH_FINISHED, at=AT, organisation=SCHOOL, account=f"p{n % 3}", facts={"n": n})
        for n in range(300)
    ]
    async with world.engine.begin() as connection:
        await note_events(connection, events)
        await note_events(connection, [])
    assert await told(world.rows) == (300, 300, 300)
    noticed = await world.rows("SELECT facts FROM notice ORDER BY id")
    assert [row.facts["n"] for row in noticed] == list(range(300))


UNNOTABLE = [
    {"kind": "booking.invented"},
    {"organisation": "s-1"},
    {"organisation": "king:s-1"},
    {"at": AT.replace(tzinfo=None)},
    {"facts": {"text": "x" * 5_000}},
    {"facts": {"text": "a\x00b"}},
]


async def test_what_cannot_be_noted_is_refused_and_the_transaction_goes_on(world):
    right = {"kind": "batch.finished", "at": AT, "organisation": SCHOOL, "account": "p1", "facts": {}}
    async with world.engine.begin() as connection:
        for wrong in UNNOTABLE:
            with pytest.raises(ValueError, match=r"\w"):
                await note_event(connection, **(right | wrong))
        await note_event(connection, **right)
    assert await told(world.rows) == (1, 1, 0)


async def test_a_webhook_deleted_at_the_same_moment_does_not_fail_the_fact(world):
    webhook = await world.register()
    async with world.engine.connect() as deleting:
        await deleting.exec_driver_sql(f"DELETE FROM webhook WHERE id = '{webhook.id}'")

        async def note() -> None:
            async with world.engine.begin() as connection:
                await note_event(
                    connection, kind="batch.finished", at=AT, organisation=SCHOOL, account=None, facts={}
                )

        noting = asyncio.create_task(note())
        await asyncio.sleep(0.1)
        assert not noting.done()
        await deleting.commit()
        await noting
    assert await told(world.rows) == (1, 0, 0)


async def test_notices_are_read_by_their_owner_newest_first_and_page_by_page(world, client, token):
    for n in range(5):
        await world.happen("booking.confirmed", organisation=None, account="a", n=n)
    await world.happen("booking.confirmed", organisation=None, account="b", n=9)
    first = (await client.get("/api/v1/notices?limit=3", headers=token("a"))).json()
    assert [notice["facts"]["n"] for notice in first["notices"]] == [4, 3, 2]
    rest = await client.get(f"/api/v1/notices?limit=3&cursor={first['next']}", headers=token("a"))
    assert [notice["facts"]["n"] for notice in rest.json()["notices"]] == [1, 0]
    assert rest.json()["next"] is None
    assert first["notices"][0]["at"] == "2026-11-25T06:00:00Z"


async def test_a_notice_is_marked_once_and_by_its_owner_only(world, client, token):
    await world.happen("booking.confirmed", organisation=None, account="a")
    notice = (await client.get("/api/v1/notices", headers=token("a"))).json()["notices"][0]
    path = f"/api/v1/notices/{notice['id']}/read"
    theirs = await client.post(path, headers=token("b"))
    assert (theirs.status_code, theirs.json()["code"]) == (404, "unknown_notice")
    first, second = [(await client.post(path, headers=token("a"))).json() for _ in range(2)]
    assert first == second
    assert first["read_at"] is not None
    for unknown in ("0", "999999", str(2**70)):
        answer = await client.post(f"/api/v1/notices/{unknown}/read", headers=token("a"))
        assert answer.status_code == 404, answer.text
