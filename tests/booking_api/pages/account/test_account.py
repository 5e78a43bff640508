"""Registering, being verified, the password, second factors and one's data, as pages without scripts."""

import json
import re

import msgspec
import pytest
from sqlalchemy import text

from booking_api.registers.tables import person as person_table
from tests.booking_api.pages.visitors import Shown, Visiting, opened
from tests.booking_api.signing_in.people import NAME, NUMBER, PASSWORD, ZHANG, HeldClock

NEW = {name: ZHANG[name] for name in ("login", "name", "identity_number", "phone", "password")}


@pytest.fixture
async def client(settings, token, quick_hashes, tmp_path):
    with_messages = msgspec.structs.replace(settings, messages_file=tmp_path / "messages.jsonl")
    async with opened(with_messages) as client:
        yield client


@pytest.fixture
def browser(client):
    return Visiting(client)


async def registered(browser):
    await browser.get("/register")
    return await browser.post("/register", **NEW)


async def known_to_the_register(kernel):
    async with kernel.engine.begin() as connection:
        done = await connection.execute(
            text(
                "INSERT INTO register_import (register, source, file, sha256, rows, bad_rows)"
                " VALUES ('person', 'test', 'x', 'x', 1, 0) RETURNING id"
            )
        )
        values = {"identity_number": NUMBER, "name": ZHANG["name"], "phone": ZHANG["phone"]}
        await connection.execute(person_table.insert().values(values | {"import_id": done.scalar_one()}))


async def test_registering_signs_in_and_leads_to_being_verified(browser):
    done = await registered(browser)
    assert (done.status_code, done.headers["location"]) == (303, "/account?told=registered")
    page = await browser.page("/account?told=registered")
    assert "The account is open" in page.text
    assert "110*************2X" in page.text
    assert NUMBER not in page.text
    assert "not verified yet" in page.text
    assert "At a service counter" in page.text
    assert page.all("form", action="/account/verification")


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
async def test_fields_that_cannot_be_used_are_marked_all_at_once_and_the_password_is_not_kept(
    browser, kernel, lang
):
    browser.cookies["gongdao_lang"] = lang
    await browser.get("/register")
    wrong = NEW | {"identity_number": NUMBER[:-1] + "1", "phone": "12", "password": "short"}
    shown = Shown(await browser.post("/register", **wrong))
    assert shown.status in {400, 422}
    marked = {field["name"] for field in shown.all("input", aria_invalid="true")}
    assert marked == {"identity_number", "phone", "password"}
    assert shown.all("input", id="f-login")[0]["value"] == NEW["login"]
    assert "short" not in {field.get("value") for field in shown.all("input")}
    # What is wrong is said in the page's language alone.
    assert ("校验码不符" in shown.text) == (lang == "zh-CN") != ("mistyped" in shown.text)
    async with kernel.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one() == 0


async def test_a_login_that_somebody_has_is_said_at_its_field(client, browser):
    await registered(browser)
    other = Visiting(client)
    shown = Shown(await registered(other))
    assert shown.status == 409
    assert [field["name"] for field in shown.all("input", aria_invalid="true")] == ["login"]
    assert NAME not in other.cookies


async def test_a_code_to_the_phone_on_record_verifies(browser, kernel, tmp_path):
    await registered(browser)
    await browser.page("/account")
    refused = Shown(await browser.post("/account/verification"))
    assert refused.status == 403
    assert "do not match" in refused.text
    await known_to_the_register(kernel)
    await browser.page("/account")
    sent = Shown(await browser.post("/account/verification"))
    assert "138" in sent.text
    assert ZHANG["phone"] not in sent.text
    wrong = Shown(await browser.post("/account/verification/code", code="12345"))
    assert wrong.status == 422
    told = json.loads((tmp_path / "messages.jsonl").read_text().splitlines()[-1])["text"]
    code = re.search(r"[0-9]{6}", told)
    done = await browser.post("/account/verification/code", code=code[0])
    assert (done.status_code, done.headers["location"]) == (303, "/account?told=verified")
    page = await browser.page("/account")
    assert "You can hold and book." in page.text
    assert not page.all("form", action="/account/verification")


async def test_a_new_password_ends_every_other_session_and_this_one_goes_on(browser, client, database_url):
    await registered(browser)
    other = Visiting(client)
    await other.get("/sign-in")
    await other.post("/sign-in", login="zhang.wei", password=PASSWORD)
    await browser.page("/account/security")
    wrong = Shown(
        await browser.post("/account/security/password", old_password="no", new_password="a cart of apples")
    )
    assert wrong.status == 403
    assert [field["name"] for field in wrong.all("input", aria_invalid="true")] == ["old_password"]
    assert (await other.page("/account")).status == 200
    done = await browser.post(
        "/account/security/password", old_password=PASSWORD, new_password="a cart of apples"
    )
    assert done.headers["location"] == "/account/security?told=password_changed"
    assert (await other.get("/account")).status_code == 303
    assert "Password changed" in (await browser.page("/account/security")).text


async def test_signing_out_everywhere_ends_this_session_too_and_tells_the_browser_to_forget(browser):
    await registered(browser)
    await browser.page("/account/security")
    left = await browser.post("/account/security/sign-out-everywhere")
    assert (left.headers["location"], left.headers["gongdao-person"]) == (
        "/?told=signed_out_everywhere",
        "nobody",
    )
    assert left.headers["clear-site-data"] == '"cache"'
    assert (await browser.get("/account")).status_code == 303


async def test_an_app_is_set_up_asked_for_at_the_next_sign_in_and_removed(browser, client, monkeypatch):
    held = HeldClock(monkeypatch)
    await registered(browser)
    await browser.page("/account/security/app")
    assert Shown(await browser.post("/account/security/app", password="wrong")).status == 403
    made = Shown(await browser.post("/account/security/app", password=PASSWORD))
    secret = re.search(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", made.text)[0].replace(" ", "")
    assert made.all("div", class_="secret-symbol")
    assert Shown(await browser.post("/account/security/app/activate", code="000000")).status == 403
    on = Shown(await browser.post("/account/security/app/activate", code=held.code(secret)))
    codes = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", on.text)
    assert len(codes) == 10

    other = Visiting(client)
    await other.get("/sign-in")
    asked = Shown(await other.post("/sign-in", login="zhang.wei", password=PASSWORD, next="/account"))
    [ticket] = {field["value"] for field in asked.all("input", name="ticket")}
    assert Shown(await other.post("/sign-in/second", ticket=ticket, code="000000")).status == 401
    entered = await other.post("/sign-in/second", ticket=ticket, code=codes[0], next="/account")
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")

    page = await browser.page("/account/security")
    assert "9 recovery codes are left." in page.text
    assert "last second factor" in (await browser.page("/account/security/app/remove")).text
    gone = await browser.post("/account/security/app/remove", password=PASSWORD)
    assert gone.headers["location"] == "/account/security?told=app_removed"


async def test_security_keys_are_not_offered_where_browsers_make_none(browser):
    await registered(browser)
    assert "no address with a name and encryption" in (await browser.page("/account/security")).text
    page = await browser.page("/account/security/keys")
    assert "no address with a name and encryption" in page.text
    assert not page.all("form", action="/account/security/keys")
    await browser.page("/account/security")
    for path in ("", "/new"):
        told = await browser.post(
            f"/account/security/keys{path}", password=PASSWORD, name="x", credential="{"
        )
        assert told.status_code in {403, 409, 422}
    assert (await browser.page("/account/security/keys/AAAA/remove")).status == 404


async def test_everything_stored_is_to_be_had_as_a_file_by_the_pages_cookie(browser):
    await registered(browser)
    [link] = (await browser.page("/account/data")).all("a", download=None, href="/api/v1/accounts/me/export")
    told = await browser.get(link["href"])
    assert "attachment" in told.headers["content-disposition"]
    assert told.json()["format"] == "gongdao-person/1"


async def test_erasing_says_what_is_lost_asks_for_the_password_and_signs_out(browser, kernel):
    await registered(browser)
    assert "Nobody can bring them back." in (await browser.page("/account/data/erase")).text
    assert Shown(await browser.post("/account/data/erase", password="wrong")).status == 403
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE account SET roles = '{auditor:cn}'"))
    still = Shown(await browser.post("/account/data/erase", password=PASSWORD))
    assert still.status == 409
    assert "Roles: whoever gave them must take them away." in still.text
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE account SET roles = '{}'"))
    done = await browser.post("/account/data/erase", password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/?told=erased")
    assert (await browser.get("/account")).status_code == 303
    async with kernel.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one() == 0


async def test_without_a_provider_none_is_offered_and_its_pages_say_so(browser):
    assert not (await browser.page("/sign-in")).all("a", href="/sign-in/provider")
    for path in ("/sign-in/provider", "/sign-in/provider/callback"):
        page = await browser.page(path)
        assert page.status == 404
        assert "no identity provider" in page.text
