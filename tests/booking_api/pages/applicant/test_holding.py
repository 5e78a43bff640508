"""Holding, confirming and giving back without scripts: each step once, whoever presses twice, and a way on from each refusal."""

import asyncio
from urllib.parse import unquote

import pytest

from booking_api.pages.applicant import holding
from reservation import cancel
from reservation.errors import Rebuilding
from tests.booking_api.pages.applicant.conftest import RIVAL, buttons
from tests.booking_api.pages.visitors import Shown, Visiting

INSPECTION = "periodic-inspection"


async def confirm(browser, path: str):
    """Presses the confirm button of a hold's page."""
    page = await browser.page(path)
    [form] = [each for each in page.all("form") if each["action"].endswith(("/confirm", "/move"))]
    fields = {each["name"]: each["value"] for each in page.all("input", type="hidden")}
    wanted = {name: fields[name] for name in ("key", "held", "hold") if name in fields}
    return form["action"], wanted, await browser.post(form["action"], **wanted)


async def test_a_place_is_held_looked_at_and_confirmed_and_pressing_twice_books_once(enter, holds, city, run):
    browser = await enter("applicant-1")
    path, _ = await holds(browser, city.first[0])
    page = await browser.page(path)
    assert "The place is yours to confirm" in page.text
    assert "Kept for you until" in page.text
    assert "Xihu site" in page.text
    assert len(page.all("li", aria_current="step")) == 1
    action, fields, answer = await confirm(browser, path)
    again = await asyncio.gather(*(browser.post(action, **fields) for _ in range(3)))
    claim = path.split("/")[2].partition("?")[0]
    assert {each.headers["location"] for each in (answer, *again)} == {f"/bookings/{claim}?told=booked"}
    assert (await run("SELECT count(*) FROM booking")).scalar_one() == 1
    assert (await browser.get(path)).headers["location"] == f"/bookings/{claim}"


async def test_pressing_hold_twice_gives_the_hold_one_has(enter, holds, city):
    browser = await enter("applicant-1")
    first, _ = await holds(browser, city.first[0])
    assert (await holds(browser, city.first[0]))[0] == first
    mine = await browser.page("/hold")
    assert mine.all("a", href=first, class_="button primary")
    assert "You hold a place" in (await browser.page("/")).text


async def test_a_stranger_who_presses_hold_signs_in_and_comes_back_to_this_very_session(client, city):
    stranger = Visiting(client)
    sent = await stranger.post("/hold", pool=city.pools["subject-1"], unit=city.first[3])
    assert sent.status_code == 303
    back = unquote(sent.headers["location"].partition("next=")[2])
    assert back == f"/?pool={city.pools['subject-1']}&unit={city.first[3]}#wanted"
    shown = await stranger.page(back.partition("#")[0])
    assert buttons(shown)[0] == city.first[3]
    assert shown.all("section", id="wanted")


async def test_a_place_is_given_back_and_free_for_others(enter, holds, city):
    mine, theirs = await enter("applicant-1"), await enter(RIVAL)
    path, _ = await holds(mine, city.first[1])
    left = await mine.post(path.partition("?")[0] + "/release", held=city.first[1])
    assert left.headers["location"] == f"/?pool={city.pools['subject-1']}&told=released"
    again = await mine.post(path.partition("?")[0] + "/release", held=city.first[1])
    assert again.status_code == 303
    gone = await mine.page(path)
    assert gone.status == 404
    assert "This hold has ended" in gone.text
    assert gone.all("a", href=f"/?pool={city.pools['subject-1']}&unit={city.first[1]}#wanted")
    assert "You hold no place" in (await mine.page("/hold")).text
    assert (await holds(theirs, city.first[1]))[0].startswith("/hold/")


async def test_somebody_elses_hold_looks_like_one_that_is_not_there(enter, holds, city, run):
    path, _ = await holds(await enter("applicant-1"), city.first[0])
    other = await enter(RIVAL)
    theirs = await other.page(path)
    assert theirs.status == 404
    assert "李雷" not in theirs.text
    claim = path.partition("?")[0]
    assert (await other.post(claim + "/confirm", key="k", held=city.first[0])).status_code == 409
    assert (await other.post(claim + "/release")).status_code == 303
    assert (await run("SELECT count(*) FROM booking")).scalar_one() == 0
    assert "You hold a place" in (await (await enter("applicant-1")).page("/")).text
    assert (await other.page("/hold/nonsense")).status == 404


async def test_who_comes_too_late_is_told_so_with_sessions_that_are_still_free(enter, holds, city):
    mine, theirs = await enter("applicant-1"), await enter(RIVAL)
    answers = await asyncio.gather(holds(mine, city.first[1]), holds(theirs, city.first[1]))
    [late] = [answer for path, answer in answers if path is None]
    shown = Shown(late)
    assert shown.status == 409
    assert "This session has just filled up" in shown.text
    offered = [link["href"] for link in shown.all("a", class_="card")]
    assert [f"unit={city.first[0]}#" in offered[0], f"unit={city.first[3]}#" in offered[1]] == [True, True]
    assert len(offered) == 2


async def test_a_second_hold_shows_the_way_to_the_first(enter, holds, city):
    browser = await enter("applicant-1")
    path, _ = await holds(browser, city.first[0])
    _, refused = await holds(browser, city.first[3])
    shown = Shown(refused)
    assert (shown.status, "You hold another place" in shown.text) == (409, True)
    assert shown.all("a", href=path.partition("?")[0])


async def test_who_has_not_been_verified_is_shown_the_way_there(enter, holds, city):
    _, refused = await holds(await enter("newcomer"), city.first[0])
    shown = Shown(refused)
    assert (shown.status, "Your identity comes first" in shown.text) == (403, True)
    assert shown.all("a", href="/account", class_="button primary")


async def test_a_refusal_of_a_moment_offers_the_same_form_again(enter, holds, city, monkeypatch):
    async def rebuilding(*_, **__):
        raise Rebuilding(pool=1)

    monkeypatch.setattr(holding, "hold", rebuilding)
    _, refused = await holds(await enter("applicant-1"), city.first[0])
    shown = Shown(refused)
    assert (shown.status, refused.headers["retry-after"]) == (503, "1")
    kept = {each["name"]: each["value"] for each in shown.all("input", type="hidden")}
    assert (kept["pool"], kept["unit"]) == (str(city.pools["subject-1"]), str(city.first[0]))


async def test_inspections_are_held_for_a_vehicle_of_ones_own(enter, holds, city, run):
    browser = await enter("applicant-10")
    [field] = (await browser.page(f"/?pool={city.pools[INSPECTION]}")).all("input", name="vehicle") or [
        {"value": ""}
    ]
    for wrong in ({}, {"vehicle": "浙A00000"}):
        _, refused = await holds(browser, city.inspections[0], rule=INSPECTION, **wrong)
        assert refused.status_code == 403
        assert "Choose your vehicle" in refused.text
    plate = field["value"] or (await run("SELECT plate FROM vehicle ORDER BY plate LIMIT 1")).scalar_one()
    path, _ = await holds(browser, city.inspections[0], rule=INSPECTION, vehicle=plate)
    assert plate not in path
    assert plate in (await browser.page(path)).text


async def test_with_a_booking_of_the_kind_a_hold_offers_to_move_it_and_says_what_that_costs(
    enter, holds, city, run
):
    browser = await enter("applicant-1")
    _, _, booked = await confirm(browser, (await holds(browser, city.first[3]))[0])
    booking = booked.headers["location"].split("/")[2].partition("?")[0]
    path, _ = await holds(browser, city.first[0], instead=booking)
    assert path.endswith(f"&instead={booking}")
    page = await browser.page(path)
    assert "Move your booking?" in page.text
    assert "change 1 of the 3" in page.text
    unasked = await browser.page(path.partition("&")[0])
    assert "You have a booking of this kind" in unasked.text
    action, _, moved = await confirm(browser, path)
    assert action == f"/bookings/{booking}/move"
    assert moved.headers["location"].endswith("?told=moved")
    states = await run("SELECT state FROM booking ORDER BY created_at")
    assert [row.state for row in states] == ["moved", "booked"]


async def test_a_confirm_that_is_refused_shows_the_hold_again_and_books_nothing(
    enter, holds, city, monkeypatch, run
):
    browser = await enter("applicant-1")
    path, _ = await holds(browser, city.first[0])
    claim = path.partition("?")[0]
    bad = Shown(await browser.post(claim + "/confirm", key="\u00e9", held=city.first[0]))
    assert bad.status == 422
    assert bad.all("div", id="summary", role="alert")

    async def rebuilding(*_, **__):
        raise Rebuilding(pool=1)

    monkeypatch.setattr(holding, "confirm", rebuilding)
    _, _, refused = await confirm(browser, path)
    assert refused.status_code == 503
    assert "The places are being counted anew" in refused.text
    assert "Confirm the booking" in refused.text
    assert (await run("SELECT count(*) FROM booking")).scalar_one() == 0


async def test_a_form_that_another_site_made_holds_nothing(enter, city):
    browser = await enter("applicant-1")
    browser.csrf = "of my own making"
    answer = await browser.post("/hold", pool=city.pools["subject-1"], unit=city.first[0])
    assert answer.status_code == 403
    assert "You hold no place" in (await browser.page("/hold")).text


@pytest.mark.parametrize("fields", [{}, {"unit": "x"}, {"unit": "1", "pool": "0"}])
async def test_a_form_that_names_nothing_to_hold_is_refused_whole(enter, city, fields):
    browser = await enter("applicant-1")
    answer = await browser.post("/hold", **{"pool": city.pools["subject-1"]} | fields)
    assert answer.status_code == 422


async def test_a_booking_that_was_given_up_leaves_its_holds_page_to_the_booking(enter, holds, city, kernel):
    browser = await enter("applicant-1")
    path, _ = await holds(browser, city.first[0])
    await confirm(browser, path)
    claim = path.split("/")[2].partition("?")[0]
    await cancel(kernel, booking_id=claim, owner="applicant-1")
    assert (await browser.get(path)).headers["location"] == f"/bookings/{claim}"
