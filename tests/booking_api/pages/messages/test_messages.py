"""What a person was told, as a page without scripts; and how many wait, beside every page."""

import pytest

from booking_api import clock
from booking_api.outbox.events import EventKind, note_event
from booking_api.outbox.notices import notices_of
from tests.booking_api.pages.visitors import account_row, opened, signed_in

BOOKING = "01a213f2-ac1c-8000-8000-062d34559af0"


@pytest.fixture
async def browser(settings, token, quick_hashes, database_url, kernel):
    await account_row(database_url, "reader")
    async with kernel.engine.begin() as connection:
        for kind, facts in (
            (EventKind.SESSION_CANCELLED, {"booking": BOOKING, "unit": 1, "reason": "<b>snow</b>"}),
            (EventKind.PAYMENT_SETTLED, {"payment": "x", "subject": 2, "amount_fen": 13_000}),
            (EventKind.SUBSTITUTION_MADE, {"from_booking": BOOKING, "school": "nowhere", "reason": "ill"}),
        ):
            await note_event(
                connection, kind=kind, at=clock.now(), organisation=None, account="reader", facts=facts
            )
    async with opened(settings) as client:
        yield await signed_in(client, database_url, "reader")


async def unread(kernel, account="reader"):
    found = await notices_of(kernel.engine, account=account, before=None, limit=10)
    return [notice.id for notice in found if notice.read_at is None]


async def test_messages_say_what_happened_and_lead_to_the_booking(browser):
    page = await browser.get("/messages")
    assert "The authority has cancelled the session you had booked." in page.text
    assert "The fee of ¥130.00 for subject 2 is paid." in page.text
    assert "nowhere has given your place to another learner." in page.text
    assert "&lt;b&gt;snow&lt;/b&gt;" in page.text
    assert "办理机关取消" in (await browser.get("/messages?lang=zh-CN")).text


async def test_looking_marks_nothing_as_read_and_the_form_does(browser, kernel):
    await browser.page("/messages")
    before = await unread(kernel)
    assert len(before) == 3
    done = await browser.post(f"/messages/{before[-1]}/read", open="yes")
    assert (done.status_code, done.headers["location"]) == (303, f"/bookings/{BOOKING}")
    assert await unread(kernel) == before[:-1]
    await browser.page("/messages")
    assert (await browser.post("/messages/read")).headers["location"] == "/messages"
    assert await unread(kernel) == []


async def test_the_navigation_says_how_many_wait(browser):
    page = await browser.get("/styleguide")
    assert '<span class="count-badge">3<span class="unseen"> not read</span></span>' in page.text
    await browser.page("/messages")
    await browser.post("/messages/read")
    assert "count-badge" not in (await browser.get("/styleguide")).text


async def test_a_message_of_somebody_else_cannot_be_read(browser, kernel, database_url):
    await account_row(database_url, "somebody")
    other = await signed_in(browser.client, database_url, "somebody")
    await other.page("/account")
    [first, *_] = await unread(kernel)
    assert (await other.post(f"/messages/{first}/read")).status_code == 404
    assert first in await unread(kernel)
    assert "No messages" in (await other.page("/messages")).text
    assert (await other.page("/messages?cursor=x")).status == 200
