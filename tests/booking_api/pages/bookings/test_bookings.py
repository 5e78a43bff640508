"""One's bookings as pages without scripts: the list, the ticket, leaving it, moving it, and what others see of it."""

import re
from urllib.parse import unquote

import pytest

from booking_api.identity.tokens import load_key
from booking_api.tickets.check_in import check_in_key, code_groups, code_path, make_code, parse_code
from reservation import audit, bookings_of, confirm, find_unit, hold
from tests.booking_api.pages.visitors import Shown, Visiting, opened, signed_in
from tests.planning import in_days, person, planned, settle, test_row

LEARNER, OTHER = "learner", "other"
NOBODYS = "01a213f2-ac1c-8000-8000-062d34559af0"


@pytest.fixture
async def units(kernel):
    """Two sessions that may be left, and one that begins too soon for it."""
    await settle(kernel, person(LEARNER, number=1), person(OTHER, number=2))
    soon = test_row(day=in_days(1), start="00:00", end="01:00", title="Soon")
    return await planned(kernel, [test_row(), test_row(day=in_days(21), title="Elsewhere"), soon])


@pytest.fixture
async def client(settings, token, quick_hashes, units):
    async with opened(settings) as client:
        yield client


@pytest.fixture
async def browser(client, database_url):
    return await signed_in(client, database_url, LEARNER)


async def held(kernel, unit, owner=LEARNER):
    pool = (await find_unit(kernel, unit_id=unit)).pool
    return (await hold(kernel, pool_id=pool, units=[unit], claimant=f"person:{owner}", owner=owner)).id


async def booked(kernel, unit, owner=LEARNER):
    claim = await held(kernel, unit, owner)
    return (await confirm(kernel, claim_id=claim, owner=owner, key=f"k{unit}{owner}")).id


async def states(kernel, owner=LEARNER):
    return {each.id: each.state.value for each in await bookings_of(kernel, owner=owner, limit=50)}


async def test_without_bookings_the_page_leads_to_finding_one(browser):
    page = await browser.page("/bookings")
    assert page.status == 200
    assert "Nothing booked" in page.text
    assert page.all("a", class_="button primary", href="/")


async def test_what_is_to_come_is_first_and_what_was_cancelled_below(browser, kernel, units):
    first = await booked(kernel, units[0])
    await browser.page(f"/bookings/{first}/cancel")
    await browser.post(f"/bookings/{first}/cancel")
    second = await booked(kernel, units[1])
    told = (await browser.get("/bookings")).text
    assert told.index(f"/bookings/{second}") < told.index("Earlier") < told.index(f"/bookings/{first}")
    assert Shown(await browser.get("/bookings?cursor=x")).status == 200


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
async def test_the_ticket_has_the_code_as_a_symbol_and_in_letters(browser, kernel, units, settings, lang):
    booking = await booked(kernel, units[0])
    page = await browser.page(f"/bookings/{booking}?lang={lang}")
    key = check_in_key(load_key(settings.key_file))
    groups = code_groups(make_code(booking, key=key))
    assert [path["d"] for path in page.all("path", class_="symbol-ink")] == [code_path("".join(groups)).path]
    typed = re.search(r"GD1\.(?:\s+[A-Z2-7]{6}){7}", page.text)
    assert typed
    assert parse_code(typed[0], key=key) == booking
    assert page.all("a", href=f"/api/v1/bookings/{booking}/ticket.ics?lang={lang}")


async def test_the_calendar_entry_comes_by_the_pages_cookie(browser, kernel, units):
    booking = await booked(kernel, units[0])
    entry = await browser.get(f"/api/v1/bookings/{booking}/ticket.ics?lang=en")
    assert entry.headers["content-type"].startswith("text/calendar")
    assert booking in entry.text


async def test_a_booking_of_somebody_else_is_as_if_it_were_not_there(client, database_url, kernel, units):
    booking = await booked(kernel, units[0])
    other = await signed_in(client, database_url, OTHER)
    for path in ("", "/cancel", "/change"):
        for asked in (booking, NOBODYS, "x"):
            assert (await other.page(f"/bookings/{asked}{path}")).status == 404
    for path in ("cancel", "move", "refund"):
        await other.get("/styleguide")
        await other.get("/account")
        assert (await other.post(f"/bookings/{booking}/{path}", hold=NOBODYS)).status_code == 404
    assert await states(kernel) == {booking: "booked"}
    kept = (await other.get("/bookings/kept")).json()
    assert kept["bookings"] == []


async def test_somebody_who_has_not_signed_in_comes_back_after_it(client, kernel, units):
    booking = await booked(kernel, units[0])
    answer = await Visiting(client).get(f"/bookings/{booking}/cancel")
    assert answer.status_code == 303
    assert unquote(answer.headers["location"]) == f"/sign-in?next=/bookings/{booking}/cancel"


async def test_the_cost_is_said_before_cancelling_and_counted_after_it(browser, kernel, units):
    booking = await booked(kernel, units[0])
    page = await browser.page(f"/bookings/{booking}/cancel")
    assert "one of the 3 cancellations and changes" in page.text
    assert "0 are used" in page.text
    assert "nobody can predict" in page.text
    done = await browser.post(f"/bookings/{booking}/cancel")
    assert (done.status_code, done.headers["location"]) == (303, f"/bookings/{booking}?told=cancelled")
    assert await states(kernel) == {booking: "cancelled"}
    after = await browser.page(f"/bookings/{booking}")
    assert "cancelled by you" in after.text
    assert not after.all("path", class_="symbol-ink")
    again = await booked(kernel, units[1])
    assert "1 are used" in (await browser.page(f"/bookings/{again}/cancel")).text
    assert await audit(kernel) == []


async def test_who_may_leave_no_more_is_told_why_instead_of_a_button(browser, kernel, units):
    booking = await booked(kernel, units[2])
    page = await browser.page(f"/bookings/{booking}")
    assert "cancelling and moving end 24 hours before the start" in page.text
    assert not page.all("a", href=f"/bookings/{booking}/cancel")
    for way in ("cancel", "change"):
        page = await browser.page(f"/bookings/{booking}/{way}")
        assert "24 hours before the start" in page.text
        assert not page.all("form", action=f"/bookings/{booking}/{way}")
    await browser.page("/account")
    tried = Shown(await browser.post(f"/bookings/{booking}/cancel"))
    assert tried.status == 403
    assert "24 hours before the start" in tried.text
    assert await states(kernel) == {booking: "booked"}


async def test_a_booking_moves_to_what_is_held_and_each_ticket_leads_to_the_other(browser, kernel, units):
    booking = await booked(kernel, units[0])
    change = await browser.page(f"/bookings/{booking}/change")
    [find] = [link["href"] for link in change.all("a", class_="button primary")]
    assert find.startswith("/?")
    assert f"instead={booking}" in find
    # Somebody who has this subject booked holds another session of it only to move there.
    to = await held(kernel, units[1])
    await browser.page("/account")
    moved = await browser.post(f"/bookings/{booking}/move", hold=to)
    assert (moved.status_code, moved.headers["location"]) == (303, f"/bookings/{to}?told=moved")
    assert await states(kernel) == {booking: "moved", to: "booked"}
    assert (await browser.page(f"/bookings/{to}")).all("a", href=f"/bookings/{booking}")
    assert (await browser.page(f"/bookings/{booking}")).all("a", href=f"/bookings/{to}")
    assert await audit(kernel) == []


async def test_a_move_to_a_hold_that_has_ended_changes_nothing(browser, kernel, units):
    booking = await booked(kernel, units[0])
    await browser.page(f"/bookings/{booking}/cancel")
    assert Shown(await browser.post(f"/bookings/{booking}/move", hold=NOBODYS)).status in {404, 409}
    await browser.page(f"/bookings/{booking}/cancel")
    assert Shown(await browser.post(f"/bookings/{booking}/move", hold="x" * 65)).status == 422
    assert await states(kernel) == {booking: "booked"}


async def test_what_a_browser_keeps_is_its_persons_and_says_whose_it_is(browser, kernel, units):
    booking = await booked(kernel, units[0])
    kept, page = await browser.get("/bookings/kept"), await browser.get("/bookings")
    assert kept.headers["gongdao-person"] == page.headers["gongdao-person"] != "nobody"
    assert LEARNER not in kept.headers["gongdao-person"]
    [told] = kept.json()["bookings"]
    assert (told["id"], told["title"]) == (booking, "Subject 1 · Traffic law")
    assert told["path"] == code_path(told["code"].replace(" ", "")).path
    stranger = Visiting(browser.client)
    assert (await stranger.get("/styleguide")).headers["gongdao-person"] == "nobody"


async def test_a_fee_that_is_not_there_is_not_paid_back(browser, kernel, units):
    booking = await booked(kernel, units[0])
    await browser.page(f"/bookings/{booking}/cancel")
    shown = Shown(await browser.post(f"/bookings/{booking}/refund"))
    assert shown.status == 409
    assert "This fee covers a booking of yours." in shown.text
