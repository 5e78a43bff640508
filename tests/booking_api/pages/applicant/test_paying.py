"""Paying a fee: asked for before a hold, at a counter or at a provider's own page, and good for the next sitting."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from booking_api import clock
from booking_api.payments.counter import record_payment
from booking_api.payments.fees import WantedFee
from tests.booking_api.pages.applicant.conftest import buttons
from tests.booking_api.pages.visitors import Shown, opened, signed_in
from tests.booking_api.payments.peer import KEY, Peer
from tests.planning import AUTHORITY


@pytest.fixture(autouse=True)
async def fees(city, set_figures):
    await set_figures(fees_fen={"1": 4_000})


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def remote(settings, token, quick_hashes, peer, tmp_path):
    """The settings of an installation whose fees that provider takes."""
    key = tmp_path / "payments.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    return replace(settings, payments_url=peer.url, payments_key_file=key, payments_merchant="m1")


async def test_a_fee_that_is_due_is_said_with_the_way_to_pay_it(enter, holds, city):
    browser = await enter("applicant-1")
    assert "the fee for subject 1 is not paid" in (await browser.page("/")).text
    _, refused = await holds(browser, city.first[0])
    shown = Shown(refused)
    assert shown.status == 403
    assert shown.all("a", href=f"/fee?unit={city.first[0]}", class_="button primary")


async def test_at_a_counter_one_gets_a_number_pays_and_can_hold(enter, holds, city, kernel, run):
    browser = await enter("applicant-1")
    path = f"/fee?unit={city.first[0]}"
    assert "¥40.00" in (await browser.page(path)).text
    for _ in range(2):
        assert (await browser.post("/fee", unit=city.first[0])).headers["location"] == path
    [fee] = (await run("SELECT id FROM fee")).scalars()
    waiting = await browser.page(path)
    assert str(fee) in waiting.text
    assert "Pay it at a service counter" in waiting.text
    await record_payment(
        kernel.engine,
        WantedFee("applicant-1", AUTHORITY, 1, 4_000),
        paid_fen=4_000,
        receipt="r1",
        clerk="c",
        at=clock.now(),
    )
    paid = await browser.page(path)
    assert "The fee is paid" in paid.text
    assert buttons(paid) == [city.first[0]]


async def test_a_provider_is_reached_by_a_link_and_asked_again_when_it_was_silent(
    remote, city, database_url, peer
):
    async with opened(remote) as client:
        browser = await signed_in(client, database_url, "applicant-1")
        await browser.get("/")
        peer.down = True
        silent = Shown(await browser.post("/fee", unit=city.first[0]))
        assert silent.status == 503
        assert silent.all("div", id="summary", role="alert")
        peer.down = False
        await browser.post("/fee", unit=city.first[0])
        shown = await browser.page(f"/fee?unit={city.first[0]}")
        assert shown.all("a", href=f"{peer.url}/pay/R1", rel="noreferrer")
        assert all(form["action"].startswith("/") for form in shown.all("form"))


async def test_where_nothing_is_due_one_holds_at_once(enter, city):
    browser = await enter("applicant-2")
    shown = await browser.page(f"/fee?unit={city.second[0]}")
    assert "Nothing is due" in shown.text
    assert buttons(shown) == [city.second[0]]
    refused = Shown(await browser.post("/fee", unit=city.second[0]))
    assert (refused.status, "Nothing is due for this subject." in refused.text) == (409, True)
    assert (await browser.page("/fee?unit=x")).status == 404
