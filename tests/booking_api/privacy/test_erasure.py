"""Erased a person is named nowhere, while the counts still add up and nobody escapes what rules count."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.errors import SignInRefused
from booking_api.identity import refresh, resting
from booking_api.routes.accounts import ACCESS_LIFE_S
from reservation import audit
from reservation.promise import confirm_promise, promise
from tests.booking_api.privacy.people import (
    EXPORT,
    NUMBER,
    OTHER_NUMBER,
    ZHANG,
    booked,
    erase,
    person,
    refused,
    registered,
    sign_in,
    verified_at_counter,
    whole_database,
)

DAY = timedelta(days=1)


async def test_erased_a_person_is_nowhere_and_the_invariants_hold(client, token, kernel, sale):
    pool, [first, second] = sale
    mine = await person(client, token)
    theirs = await person(client, token, login="li.na", identity_number=OTHER_NUMBER)
    account = (await client.get("/api/v1/accounts/me", headers=mine)).json()["id"]
    booking = await booked(client, mine, pool, first)
    await client.post(f"/api/v1/bookings/{booking}/cancel", headers=mine)
    kept = await booked(client, theirs, pool, second)
    salt = (await client.get(EXPORT, headers=mine)).json()["bookings"][0]["salt"]
    done = await erase(client, mine)
    assert done.status_code == 204, done.text
    everything = await whole_database(kernel)
    for trace in (account, NUMBER, "zhang.wei", salt):
        assert [name for name, rows in everything.items() if trace in rows] == []
    assert booking in everything["booking"]
    async with kernel.engine.connect() as connection:
        owner, claimant, left = (
            await connection.execute(
                text("SELECT owner, claimant, salt FROM booking WHERE id = :b"), {"b": booking}
            )
        ).one()
        entries = "SELECT count(*) FROM entry WHERE claim_id = :b AND commitment IS NOT NULL"
        assert (await connection.execute(text(entries), {"b": booking})).scalar_one() == 2
    assert owner.startswith("erased:")
    assert (owner, left) == (claimant, None)
    assert await audit(kernel) == []
    # Nobody else has lost anything, and nobody can sign in as who is no more.
    assert [
        row["id"] for row in (await client.get("/api/v1/bookings", headers=theirs)).json()["bookings"]
    ] == [kept]
    refused(await sign_in(client), 401, "sign_in_refused")
    refused(await client.get("/api/v1/accounts/me", headers=mine), 404, "unknown_account")
    refused(await client.get(EXPORT, headers=mine), 404, "unknown_account")
    refused(await erase(client, mine), 404, "unknown_account")


async def test_claims_of_one_person_cannot_be_brought_together_again(client, token, kernel, sale):
    pool, [first, second] = sale
    mine = await person(client, token)
    for number, unit in enumerate((first, second)):
        booking = await booked(client, mine, pool, unit, key=str(number))
        await client.post(f"/api/v1/bookings/{booking}/cancel", headers=mine)
    await erase(client, mine)
    async with kernel.engine.connect() as connection:
        owners = (await connection.execute(text("SELECT DISTINCT owner FROM booking"))).scalars().all()
    assert len(owners) == 2


async def unmoved(kernel):
    """The whole database once the booking's effect is done, but for how far a job has read its entry."""
    async with asyncio.timeout(30):
        while (rows := await whole_database(kernel))["effect"]:
            await asyncio.sleep(0.05)
    return {name: told for name, told in rows.items() if name != "entry_cursor"}


async def test_what_is_still_to_come_is_named_and_nothing_is_changed(client, token, kernel, sale):
    pool, [first, _] = sale
    mine = await person(client, token)
    booking = await booked(client, mine, pool, first)
    before = await unmoved(kernel)
    told = refused(await erase(client, mine), 409, "still_active")
    assert told["bookings"] == [booking]
    assert "promises" not in told
    assert await unmoved(kernel) == before
    await client.post(f"/api/v1/bookings/{booking}/cancel", headers=mine)
    assert (await erase(client, mine)).status_code == 204


async def test_an_open_promise_is_named_and_a_withdrawn_one_is_erased(client, token, kernel, sale):
    pool, [first, _] = sale
    mine = await person(client, token)
    account = (await client.get("/api/v1/accounts/me", headers=mine)).json()["id"]
    wish = {"pool": pool, "units": [first]}
    held = (await client.post("/api/v1/holds", json=wish, headers=mine)).json()["id"]
    made = await promise(kernel, hold_id=held, owner=account, until=clock.now() + DAY)
    assert refused(await erase(client, mine), 409, "still_active")["promises"] == [made.id]
    assert (await client.get(EXPORT, headers=mine)).json()["promises"][0]["id"] == made.id
    await confirm_promise(kernel, promise_id=made.id, owner=account)
    await client.post(f"/api/v1/bookings/{made.id}/cancel", headers=mine)
    assert (await erase(client, mine)).status_code == 204
    async with kernel.engine.connect() as connection:
        both = "SELECT p.owner = b.owner AND p.salt IS NULL FROM promise p JOIN booking b USING (id)"
        assert (await connection.execute(text(both))).scalars().all() == [True]
    assert await audit(kernel) == []


async def test_a_session_that_is_over_stands_in_nobodys_way(client, token, kernel, sale):
    pool, [first, _] = sale
    mine = await person(client, token)
    await booked(client, mine, pool, first)
    async with kernel.engine.begin() as connection:
        over = clock.now() - timedelta(hours=1)
        await connection.execute(text("UPDATE unit SET ends_at = :t WHERE id = :u"), {"t": over, "u": first})
    assert (await erase(client, mine)).status_code == 204
    assert await audit(kernel) == []
    assert "erased:" in (await whole_database(kernel))["active_claim"]


@pytest.mark.parametrize(("left", "status"), [(DAY, 409), (-DAY, 204)], ids=["lasts", "has ended"])
async def test_nobody_is_erased_to_lose_what_rules_count(client, token, kernel, sale, *, left, status):
    today = clock.today()
    pool, [first, _] = sale
    mine = await person(client, token)
    await registered(kernel, NUMBER)
    booking = await booked(client, mine, pool, first)
    await client.post(f"/api/v1/bookings/{booking}/cancel", headers=mine)
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text("UPDATE learner_certificate SET issued = :issued, last_day = :last_day"),
            {"issued": today - 60 * DAY, "last_day": today + left},
        )
        await connection.execute(
            text(
                "INSERT INTO attendance (booking_id, unit_id, owner, claimant, state, day, by)"
                " SELECT id, unit_id, owner, claimant, 'no_show', :day, 'p-examiner' FROM booking"
            ),
            {"day": today - 30 * DAY},
        )
    [attended] = (await client.get(EXPORT, headers=mine)).json()["attendances"]
    assert (attended["state"], attended["day"]) == ("no_show", f"{today - 30 * DAY}")
    answer = await erase(client, mine)
    assert answer.status_code == status, answer.text
    if status == 409:
        assert answer.json()["counted_by_rules"] == [f"no_show {today - 30 * DAY}"]
        return
    async with kernel.engine.connect() as connection:
        same = "SELECT t.owner = b.owner AND t.claimant = b.claimant FROM attendance t, booking b"
        assert (await connection.execute(text(same))).scalars().all() == [True]
    assert "erased:" in (await whole_database(kernel))["attendance"]


async def test_somebody_with_a_role_gives_it_back_first(client, token, kernel):
    mine = await person(client, token)
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE account SET roles = '{clerk:cn}'"))
    assert refused(await erase(client, mine), 409, "still_active")["roles"] == ["clerk:cn"]


async def test_a_token_alone_erases_nobody(client, token):
    mine = await person(client, token)
    refused(await erase(client, mine, "not the password"), 403, "password_refused")
    assert (await sign_in(client)).status_code == 200


async def test_tries_at_the_password_are_limited(client, token):
    mine = await person(client, token)
    answers = [await erase(client, mine, "not the password") for _ in range(12)]
    assert answers[-1].json()["policy"] == "sign-in"


async def test_of_two_who_erase_at_once_one_does(client, token):
    mine = await person(client, token)
    answers = await asyncio.gather(*(erase(client, mine) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404]


async def test_registers_belong_to_the_authority_and_stay(client, token, kernel):
    mine = await person(client, token)
    await registered(kernel, NUMBER)
    await erase(client, mine)
    everything = await whole_database(kernel)
    assert [name for name, rows in everything.items() if NUMBER in rows] == [
        "exam_result",
        "learner_certificate",
        "licence",
        "person",
        "vehicle",
        "violation",
    ]


async def test_a_person_is_not_two_claimants_while_tokens_of_before_are_good(client, token, kernel, sale):
    pool, [first, _] = sale
    before = await person(client, token)
    await erase(client, before)
    # The token of before still holds: nobody asks the database at the gate.
    wish = {"pool": pool, "units": [first]}
    assert (await client.post("/api/v1/holds", json=wish, headers=before)).status_code == 201
    who = ZHANG | {"login": "zhang.again"}
    await client.post("/api/v1/accounts", json=who)
    told = refused(await verified_at_counter(client, token, who), 409, "recently_erased")
    assert timedelta(0) < datetime.fromisoformat(told["again_at"]) - clock.now() <= resting.REST
    assert resting.REST.total_seconds() > ACCESS_LIFE_S
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE resting_number SET until = now()"))
    assert (await verified_at_counter(client, token, who)).status_code == 200
    assert (await whole_database(kernel))["resting_number"] == ""


async def test_an_erasure_and_what_goes_on_at_the_same_time_end_well(client, token, kernel):
    """Refreshes and sign-ins beside it are told yes or no, never that something broke."""
    mine = await person(client, token)
    tokens = [(await sign_in(client)).json()["refresh_token"] for _ in range(3)]
    refreshes = [client.post("/api/v1/tokens", json={"refresh_token": token}) for token in tokens]
    answers = await asyncio.gather(*refreshes, erase(client, mine), sign_in(client), sign_in(client))
    statuses = [answer.status_code for answer in answers]
    assert statuses[3] in {204, 503}
    assert {*statuses[:3], *statuses[4:]} <= {200, 401, 404}
    if statuses[3] == 204:
        assert (await whole_database(kernel))["refresh_token"] == ""


async def test_a_sign_in_whose_account_was_erased_in_between_is_refused(kernel):
    with pytest.raises(SignInRefused):
        await refresh.begin_family(kernel.engine, account="p-erased")
