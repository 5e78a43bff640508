"""The counter's pages: card in hand, the same queue, and everything on record."""

import re

import pytest
from sqlalchemy import text

from booking_api.demo.numbers import identity_number
from reservation import audit, cancel
from tests.booking_api.pages.visitors import Visiting, account_row, opened, signed_in
from tests.planning import person, planned, settle, test_row

AUTHORITY = "cn-zj-hz"
HOME = f"/counter/{AUTHORITY}"


@pytest.fixture
async def client(settings, token, quick_hashes):
    async with opened(settings) as client:
        yield client


@pytest.fixture
async def sessions(kernel):
    units = await planned(kernel, [test_row(), test_row(site="b")])
    await settle(kernel, person("ann", name="Ann Other"), person("new", number=5, verified=False))
    return units


@pytest.fixture
async def clerk(client, database_url, sessions):
    await account_row(database_url, "clerk", roles=(f"clerk:{AUTHORITY}",))
    return await signed_in(client, database_url, "clerk")


async def serve(clerk, login="ann", number=1):
    await clerk.get(HOME)
    begun = await clerk.post(f"{HOME}/visits", login=login, identity_number=identity_number(number))
    assert begun.status_code == 303, begun.text
    return begun.headers["location"]


async def rows(kernel, query):
    async with kernel.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def test_a_clerk_books_and_prints_and_the_person_sees_it_at_home(
    kernel, client, token, clerk, sessions
):
    here = await serve(clerk)
    assert "Ann Other" in (await clerk.get(here)).text
    assert str(sessions[0]) in (await clerk.get(f"{here}/find")).text
    await clerk.get(f"{here}/units/{sessions[0]}")
    held = (await clerk.post(f"{here}/units/{sessions[0]}")).headers["location"]
    at_home = await client.post(
        "/api/v1/holds", json={"pool": 1, "units": [sessions[1]]}, headers=token("ann")
    )
    assert at_home.json()["code"] == "another_hold"
    again = await clerk.post(f"{here}/units/{sessions[1]}")
    assert (again.status_code, "perhaps from home" in again.text) == (409, True)
    await clerk.get(held)
    booked = (await clerk.post(f"{held}/confirm")).headers["location"]
    repeated = (await clerk.post(f"{held}/confirm")).headers["location"]
    assert booked == repeated
    ticket = booked.partition("?")[0]
    shown = await clerk.page(ticket)
    [picture] = shown.all("img", class_="qr")
    svg = await clerk.get(picture["src"])
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert "GD1." in svg.text
    mine = await client.get("/api/v1/bookings", headers=token("ann"))
    assert [one["id"] for one in mine.json()["bookings"]] == [ticket.rpartition("/")[2]]
    acts = await rows(kernel, "SELECT kind, outcome FROM counter_act ORDER BY id")
    assert acts == [("held", "done"), ("held", "another_hold"), ("confirmed", "done"), ("confirmed", "done")]
    today = await clerk.page(f"{HOME}/today")
    assert "confirmed a booking" in today.text
    assert "Ann Other" not in today.text.replace("Name of clerk", "")
    assert await audit(kernel) == []


async def test_moving_takes_the_place_of_what_is_booked_and_cancelling_says_its_cost(kernel, clerk, sessions):
    here = await serve(clerk)
    await clerk.get(here)
    first = (await clerk.post(f"{here}/units/{sessions[0]}")).headers["location"]
    booking = (await clerk.post(f"{first}/confirm")).headers["location"].partition("?")[0]
    second = (await clerk.post(f"{here}/units/{sessions[1]}")).headers["location"]
    page = await clerk.get(second)
    assert "Move the booking here" in page.text
    moved = await clerk.post(f"{second}/move", booking=booking.rpartition("/")[2])
    new = moved.headers["location"].partition("?")[0]
    cost = await clerk.get(f"{new}/cancel")
    assert "1 of 3 are used" in cost.text
    assert (await clerk.post(f"{new}/cancel")).headers["location"].endswith("told=cancelled")
    assert "it has no code any more" in (await clerk.get(new)).text
    assert (await clerk.get(f"{new}/code.svg")).status_code == 409


async def test_a_hold_that_has_ended_is_told_and_nothing_is_booked(kernel, clerk, sessions):
    here = await serve(clerk)
    await clerk.get(here)
    held = (await clerk.post(f"{here}/units/{sessions[0]}")).headers["location"]
    assert (await clerk.post(f"{held}/release")).headers["location"].endswith("told=released")
    refused = await clerk.post(f"{held}/confirm")
    assert (refused.status_code, "nothing was booked" in refused.text) == (409, True)
    assert (await clerk.get(f"{here}/holds/x")).status_code == 404
    assert await rows(kernel, "SELECT count(*) FROM booking") == [(0,)]


async def test_somebody_is_verified_before_anything_is_held(kernel, clerk, sessions):
    here = await serve(clerk, "new", 5)
    assert "Not verified yet" in (await clerk.get(here)).text
    refused = await clerk.post(f"{here}/units/{sessions[0]}")
    assert (refused.status_code, "Verify the person first" in refused.text) == (409, True)
    assert "Is this the person on the card?" in (await clerk.get(f"{here}/verify")).text
    assert (await clerk.post(f"{here}/verify")).status_code == 303
    assert (await clerk.post(f"{here}/verify")).status_code == 409
    assert (await clerk.post(f"{here}/units/{sessions[0]}")).status_code == 303


async def test_an_account_is_opened_found_again_and_given_a_password_by_its_person(client, clerk, sessions):
    await clerk.get(HOME)
    card = {"card_number": identity_number(88), "name": "Old Wang"}
    opened_now = await clerk.post(f"{HOME}/accounts", **card)
    here, _, told = opened_now.headers["location"].partition("?")
    assert told == "told=account_opened"
    assert (await clerk.post(f"{HOME}/accounts", **card)).headers["location"].endswith("told=account_found")
    page = await clerk.get(here)
    login = re.search(r"c-[a-z0-9]{5}-[a-z0-9]{5}", page.text)[0]
    await clerk.get(f"{here}/password")
    for typed, said in (
        (("four horses, one cart", "four horses"), "not the same"),
        (("short", "short"), "10 to 128"),
        (("", ""), "Fill this in"),
    ):
        answer = await clerk.post(f"{here}/password", password=typed[0], again=typed[1])
        assert answer.status_code in {400, 422}
        assert said in answer.text
    password = "four horses, one cart"
    done = await clerk.post(f"{here}/password", password=password, again=password)
    assert done.headers["location"].endswith("told=password_set")
    assert "password" not in [link["href"] for link in (await clerk.page(here)).all("a")]
    signed = await client.post("/api/v1/sign-in", json={"login": login, "password": password})
    assert signed.status_code == 200


async def test_bad_fields_show_the_form_again_with_what_was_typed_and_open_nothing(kernel, clerk, sessions):
    await clerk.get(HOME)
    answer = await clerk.post(f"{HOME}/accounts", card_number="12", name="Old Wang", phone="x")
    assert answer.status_code == 400
    assert 'value="Old Wang"' in answer.text
    assert 'href="#f-card_number"' in answer.text
    assert 'href="#f-phone"' in answer.text
    answer = await clerk.post(f"{HOME}/visits", login="ann", identity_number=identity_number(2))
    assert (answer.status_code, 'value="ann"' in answer.text) == (404, True)
    assert (await clerk.post(f"{HOME}/visits", login="", identity_number="")).status_code == 422
    assert await rows(kernel, "SELECT count(*) FROM counter_visit") == [(0,)]


async def test_a_fee_is_taken_and_paid_back(kernel, clerk, sessions):
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO authority_settings (authority, service, settings, reason, set_by) VALUES "
                """('cn-zj-hz', 'driving_test', '{"eligibility": {"fees_fen": {"1": 4000}}}', 'r', 'op')"""
            )
        )
    here = await serve(clerk)
    page = await clerk.page(f"{here}/fees")
    assert "40.00" in page.text
    wrong = await clerk.post(f"{here}/fees", subject="1", amount="39.5", receipt="R-1")
    assert (wrong.status_code, 'value="39.5"' in wrong.text) == (409, True)
    assert (await clerk.post(f"{here}/fees", subject="1", amount="x", receipt="R 1")).status_code == 422
    assert (await clerk.post(f"{here}/fees", subject="1", amount="40", receipt="R-1")).status_code == 303
    [(payment,)] = await rows(kernel, "SELECT id::text FROM fee")
    early = await clerk.post(f"{here}/fees/refund", payment=payment, receipt_back="R-2")
    assert early.status_code == 409
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE fee SET state = 'refunding'"))
    await clerk.get(f"{here}/fees")
    back = await clerk.post(f"{here}/fees/refund", payment=payment, receipt_back="R-2")
    assert back.headers["location"].endswith("told=fee_refunded")
    by = await rows(kernel, "SELECT DISTINCT by FROM fee_change WHERE state IN ('settled', 'refunded')")
    assert by == [("clerk:clerk",)]


async def test_lost_factors_are_taken_away_and_the_clerk_is_named(kernel, clerk, sessions):
    here = await serve(clerk)
    assert (await clerk.get(f"{here}/factors")).status_code == 200
    assert (await clerk.post(f"{here}/factors")).status_code == 409
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO totp (account, sealed_secret, activated_at) VALUES ('ann', '', now())")
        )
    assert "Take the second factors away" in (await clerk.get(here)).text
    assert (await clerk.post(f"{here}/factors")).status_code == 303
    assert await rows(kernel, "SELECT kind, by FROM account_event") == [("factors_reset", "counter:clerk")]


async def test_a_visit_is_one_clerks_at_one_authority(kernel, client, database_url, clerk, sessions):
    here = await serve(clerk)
    for name, roles in (("other", (f"clerk:{AUTHORITY}",)), ("far", ("clerk:cn-gd-gz",)), ("ann-2", ())):
        await account_row(database_url, name, roles=roles)
        browser = await signed_in(client, database_url, name)
        for path in (here, f"{here}/find", f"{here}/units/{sessions[0]}", f"{here}/verify", f"{here}/fees"):
            assert (await browser.get(path)).status_code in {403, 404}, (name, path)
            assert "Ann Other" not in (await browser.get(path)).text
        for path in (f"{here}/units/{sessions[0]}", f"{here}/password", f"{here}/end"):
            assert (await browser.post(path)).status_code in {403, 404}, (name, path)
    asked = await Visiting(client).get(here)
    assert asked.headers["location"].startswith("/sign-in?next=%2Fcounter%2F")
    await clerk.get(here)
    assert (await clerk.post(f"{here}/end")).headers["location"].endswith("told=visit_ended")
    assert (await clerk.get(here)).status_code == 404
    assert await rows(kernel, "SELECT count(*) FROM counter_act") == [(0,)]


async def test_nobody_serves_themselves_and_who_works_at_two_counters_chooses(
    client, kernel, database_url, sessions
):
    await account_row(database_url, "two", roles=(f"clerk:{AUTHORITY}", "clerk:cn-zj-nb"))
    two = await signed_in(client, database_url, "two")
    shown = await two.page("/counter")
    assert [link["href"] for link in shown.all("a", class_="card")] == [HOME, "/counter/cn-zj-nb"]
    async with kernel.engine.begin() as connection:
        number = {"number": identity_number(33)}
        await connection.execute(
            text("UPDATE account SET identity_number = :number WHERE id = 'two'"), number
        )
    await two.get(HOME)
    own = await two.post(f"{HOME}/visits", login="two", identity_number=identity_number(33))
    assert (own.status_code, "Nobody serves themselves" in own.text) == (403, True)


async def test_the_pages_are_there_in_chinese_and_when_a_booking_ended_at_home(kernel, clerk, sessions):
    here = await serve(clerk)
    await clerk.get(here)
    held = (await clerk.post(f"{here}/units/{sessions[0]}")).headers["location"]
    booking = (await clerk.post(f"{held}/confirm")).headers["location"].partition("?")[0]
    clerk.cookies["gongdao_lang"] = "zh-CN"
    paths = ("", "/find", f"/units/{sessions[1]}", "/verify", "/factors", "/password", "/fees")
    for path in (HOME, f"{HOME}/today", booking, f"{booking}/cancel", *(here + path for path in paths)):
        answer = await clerk.get(path)
        assert (answer.status_code, '<html lang="zh-CN">' in answer.text) == (200, True), path
    await cancel(kernel, booking_id=booking.rpartition("/")[2], owner="ann")
    assert "没有预约" in (await clerk.get(here)).text
    gone = await clerk.post(f"{booking}/cancel")
    assert gone.status_code in {200, 303}
