"""Everything stored about a person is given to them, and erased it names nobody while the counts still add up."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.errors import SignInRefused
from booking_api.identity import passwords, refresh, resting
from booking_api.privacy import records
from booking_api.registers import REGISTERS
from booking_api.routes.accounts import ACCESS_LIFE_S
from fairness.commitment import commit
from reservation import audit
from reservation.promise import confirm_promise, promise

NUMBER, OTHER_NUMBER = "11010519491231002X", "440524188001010014"
PASSWORD = "four horses, one cart"
ZHANG = {
    "login": "zhang.wei",
    "identity_number": NUMBER,
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}
EXPORT, ERASE = "/api/v1/accounts/me/export", "/api/v1/accounts/me/erase"
NOT_ABOUT_PEOPLE = {
    "authority",
    "pool",
    "unit",
    "hold_verdict",
    "effect",
    "entry_cursor",
    "register_import",
    "alembic_version",
}
# Of people they know only who acted for the authority, by account.
OF_THE_AUTHORITY = {"plan", "plan_session", "authority_settings", "day_off", "webhook", "delivery"}
OF_THE_AUTHORITY |= {"organisation", "organisation_change", "api_key"}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: quick)


@pytest.fixture
async def sale(kernel, city):
    return await city(capacities=(5, 5))


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


async def sign_in(client, login="zhang.wei"):
    return await client.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})


async def person(client, token, *, verified=True, **changed):
    """A registered person, verified at the counter; their headers."""
    who = ZHANG | changed
    opened = await client.post("/api/v1/accounts", json=who)
    assert opened.status_code == 201, opened.text
    if verified:
        done = await verified_at_counter(client, token, who)
        assert done.status_code == 200, done.text
    told = (await sign_in(client, who["login"])).json()
    return {"Authorization": f"Bearer {told['access_token']}"}


async def verified_at_counter(client, token, who):
    card = {"login": who["login"], "identity_number": who["identity_number"]}
    return await client.post("/api/v1/verifications", json=card, headers=token("clerk", roles=("clerk:cn",)))


async def booked(client, headers, pool, unit, key="k"):
    held = await client.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=headers)
    assert held.status_code == 201, held.text
    done = await client.post(
        f"/api/v1/holds/{held.json()['id']}/confirm", headers=headers | {"Idempotency-Key": key}
    )
    assert done.status_code == 201, done.text
    return done.json()["id"]


async def erase(client, headers, password=PASSWORD):
    return await client.post(ERASE, json={"password": password}, headers=headers)


async def registered(kernel, number):
    """Rows of every register about this person."""
    rows = {
        "person": ":n, '张伟', '13800138000'",
        "learner_certificate": "'L1' || :n, :n, 'C1', '2026-01-01', '2029-01-01', NULL, NULL",
        "exam_result": "'R' || :n, :n, 'cn-hz', 'xihu', 1, 'C1', '2026-02-01', 'passed'",
        "licence": ":n, 'D', '2020-01-01', '2030-01-01', 3",
        "vehicle": "'浙' || right(:n, 6), '02', :n, '2020-01-01', '2027-01-01', 5",
        "violation": "'V' || :n, '浙' || right(:n, 6), '02', now(), '1039', 3, 200, false",
    }
    columns = {kind.value: ", ".join(register.fields) for kind, register in REGISTERS.items()}
    async with kernel.engine.begin() as connection:
        for table, values in rows.items():
            statement = (
                "WITH i AS (INSERT INTO register_import (register, source, file, sha256, rows, bad_rows)"
                " VALUES ('x', 'the city office', 't', 't', 1, 0) RETURNING id)"
                f" INSERT INTO {table} ({columns[table]}, import_id) SELECT {values}, id FROM i"
            )
            await connection.execute(text(statement.replace(":n", f"'{number}'")))


async def whole_database(kernel):
    """Every row of every table, as text."""
    async with kernel.engine.connect() as connection:
        names = await connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        )
        told = {}
        for name in names.scalars().all():
            found = await connection.execute(text(f"SELECT t::text FROM {name} t"))
            told[name] = "\n".join(found.scalars().all())
    return told


async def test_one_document_has_everything_and_nobody_elses(client, token, kernel, sale):
    pool, [first, second] = sale
    mine = await person(client, token)
    theirs = await person(client, token, login="li.na", name="李娜", identity_number=OTHER_NUMBER)
    for number in (NUMBER, OTHER_NUMBER):
        await registered(kernel, number)
    booking = await booked(client, mine, pool, first)
    other = await booked(client, theirs, pool, second)
    answer = await client.get(EXPORT, headers=mine)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith('attachment; filename="gongdao-20')
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["format"] == "gongdao-person/1"
    assert told["account"][0]["identity_number"] == NUMBER
    assert told["account"][0]["verified_by"] == "counter"
    assert [row["id"] for row in told["bookings"]] == [booking]
    assert [row["key"] for row in told["idempotency_keys"]] == ["k"]
    for name in (
        "persons",
        "learner_certificates",
        "exam_results",
        "licences",
        "vehicles",
        "violations",
        "sign_ins",
    ):
        assert len(told[name]) == 1, name
    assert told["persons"][0]["imported_from"] == "the city office"
    for foreign in (other, OTHER_NUMBER, "李娜", "argon2", "clerk"):
        assert foreign not in answer.text


async def test_with_the_document_somebody_proves_their_entries_of_the_log(client, token, sale):
    pool, [first, second] = sale
    mine = await person(client, token)
    booking = await booked(client, mine, pool, first)
    await client.post(f"/api/v1/bookings/{booking}/cancel", headers=mine)
    await booked(client, mine, pool, second, key="k2")
    told = (await client.get(EXPORT, headers=mine)).json()
    claims = {row["id"]: row for row in told["bookings"]}
    assert [entry["kind"] for entry in told["log_entries"]] == ["confirm", "cancel", "confirm"]
    for entry in told["log_entries"]:
        claim = claims[entry["claim_id"]]
        proof = commit(salt=bytes.fromhex(claim["salt"]), claimant=claim["claimant"])
        assert proof.hex() == entry["commitment"]


async def test_an_unverified_account_sees_nothing_of_the_person_whose_number_it_typed(client, token, kernel):
    await registered(kernel, NUMBER)
    stranger = await person(client, token, verified=False, name="李娜", phone="13900139000")
    told = (await client.get(EXPORT, headers=stranger)).json()
    for name in ("persons", "learner_certificates", "licences", "vehicles", "violations"):
        assert told[name] == []


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


async def test_what_is_still_to_come_is_named_and_nothing_is_changed(client, token, kernel, sale):
    pool, [first, _] = sale
    mine = await person(client, token)
    booking = await booked(client, mine, pool, first)
    before = await whole_database(kernel)
    told = refused(await erase(client, mine), 409, "still_active")
    assert told["bookings"] == [booking]
    assert "promises" not in told
    assert await whole_database(kernel) == before
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


async def test_every_table_about_people_has_a_room_that_answers_for_it(kernel):
    """A new table is to be named in a contributor, or above as one that knows nobody."""
    async with kernel.engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition"
            )
        )
        tables = set(found.scalars().all())
    answered = {table.name for contributor in records.RECORDS for table in contributor.tables}
    assert tables - NOT_ABOUT_PEOPLE - OF_THE_AUTHORITY - {"resting_number"} == answered


def test_the_document_has_each_name_once():
    names = [name for contributor in records.RECORDS for name in contributor.exports]
    assert len(names) == len(set(names))
