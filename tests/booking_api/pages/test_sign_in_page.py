"""Signing in and out on a page without scripts."""

import pytest

from tests.booking_api.pages.visitors import Shown, Visiting, opened
from tests.booking_api.signing_in.people import (
    NAME,
    PASSWORD,
    HeldClock,
    quicken_hashes,
    register,
    signed_in,
    with_app,
)


@pytest.fixture
async def client(settings, token, monkeypatch):
    quicken_hashes(monkeypatch)
    async with opened(settings) as client:
        yield client


async def test_a_person_signs_in_comes_back_to_where_they_wanted_and_signs_out(client):
    await register(client)
    browser = Visiting(client)
    await browser.get("/sign-in?next=/reference")
    entered = await browser.post("/sign-in", login="zhang.wei", password=PASSWORD, next="/reference")
    assert (entered.status_code, entered.headers["location"]) == (303, "/reference")
    assert "张伟" in (await browser.page("/styleguide")).text
    await browser.get("/sign-in")
    left = await browser.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/?told=signed_out")
    assert browser.cookies[NAME] == ""
    assert "张伟" not in (await browser.page("/styleguide")).text


async def test_a_wrong_password_shows_the_form_again_with_the_login_kept_and_the_password_not(client):
    await register(client)
    browser = Visiting(client)
    shown = Shown(await browser.post("/sign-in", login="zhang.wei", password="not the password"))
    assert shown.status == 401
    assert "Login or password is wrong." in shown.text
    assert shown.all("input", id="f-login")[0]["value"] == "zhang.wei"
    assert "value" not in shown.all("input", id="f-password")[0]
    assert NAME not in browser.cookies


async def test_fields_left_empty_are_marked(client):
    browser = Visiting(client)
    shown = Shown(await browser.post("/sign-in", login="", password=""))
    assert shown.status == 422
    assert [field["name"] for field in shown.all("input", aria_invalid="true")] == ["login", "password"]
    assert shown.all("div", id="summary", role="alert")


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "x"]
)
async def test_nobody_is_sent_to_another_site_afterwards(client, wanted):
    await register(client)
    entered = await Visiting(client).post("/sign-in", login="zhang.wei", password=PASSWORD, next=wanted)
    assert entered.headers["location"] == "/"


async def test_with_a_second_factor_the_second_form_asks_for_a_code(client, monkeypatch):
    held = HeldClock(monkeypatch)
    await register(client)
    _, [recovery, *_] = await with_app(client, held, await signed_in(client))
    browser = Visiting(client)
    shown = Shown(await browser.post("/sign-in", login="zhang.wei", password=PASSWORD, next="/reference"))
    assert NAME not in browser.cookies
    [ticket] = shown.all("input", name="ticket")
    wrong = Shown(
        await browser.post("/sign-in/second", ticket=ticket["value"], code="000000", next="/reference")
    )
    assert wrong.status in {401, 403}
    assert wrong.all("input", name="ticket")[0]["value"] == ticket["value"]
    entered = await browser.post("/sign-in/second", ticket=ticket["value"], code=recovery, next="/reference")
    assert (entered.status_code, entered.headers["location"]) == (303, "/reference")
    assert browser.cookies[NAME]


async def test_choosing_somebody_of_the_demo_exists_only_in_the_demo(client):
    answer = await Visiting(client).post("/sign-in/demo", account="applicant-1")
    assert answer.status_code == 404
