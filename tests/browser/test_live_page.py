"""The live page in a real browser: hold, confirm, release, cancel, and counts that others see change."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def pools(demo) -> dict[tuple[str, str], int]:
    told = httpx.get(f"{demo}/api/v1/pools").json()["pools"]
    return {(pool["authority"].removeprefix("cn-zj-"), pool["rule"]): pool["id"] for pool in told}


def sign_in(page: Page, account: str) -> None:
    page.select_option("#account", account)
    expect(page.locator("#sign-out")).to_be_visible()


def row(page: Page, number: int):
    """A row of the places for everybody."""
    return page.locator(".row:not(:has(.tag))").nth(number)


def count(locator) -> int:
    return int(locator.locator(".count").text_content())


def hold(page: Page, number: int) -> None:
    row(page, number).locator(".hold").click()
    expect(page.locator("#holding")).to_be_visible()


def toast(page: Page):
    return page.locator(".toast").last


def token_of(demo: str, account: str) -> dict[str, str]:
    told = httpx.post(f"{demo}/demo/sign-in", json={"account": account}).json()
    return {"Authorization": f"Bearer {told['token']}"}


def test_a_person_holds_confirms_and_cancels_and_another_sees_the_count_change(visit, pools):
    path = f"/?pool={pools['hz', 'subject-1']}&class=C1&lang=en"
    mine, theirs = visit(path), visit(path)
    expect(theirs.locator("#pulse")).to_have_attribute("data-state", "on")
    sign_in(mine, "applicant-1")
    before = count(row(theirs, 0))

    hold(mine, 0)
    expect(mine.locator("#clock")).to_have_text(re.compile(r"^(5:00|4:5\d)$"))
    expect(row(mine, 0).locator(".hold")).to_have_text("Held")
    expect(row(theirs, 0).locator(".count")).to_have_text(str(before - 1))

    mine.click("#confirm")
    expect(toast(mine)).to_contain_text("Booked.")
    expect(mine.locator("#holding")).to_be_hidden()
    booking = mine.locator(".booking").first
    expect(booking).to_have_attribute("data-state", "booked")
    expect(booking).to_contain_text("site, morning")

    booking.get_by_role("button", name="Cancel").click()
    booking.get_by_role("button", name="Really cancel").click()
    expect(mine.locator(".booking").first).to_have_attribute("data-state", "cancelled")
    expect(row(theirs, 0).locator(".count")).to_have_text(str(before))


def test_a_released_place_is_free_for_others(visit, pools):
    path = f"/?pool={pools['hz', 'subject-4']}&class=C1&lang=en"
    mine, theirs = visit(path), visit(path)
    sign_in(mine, "applicant-4")
    before = count(row(theirs, 1))
    hold(mine, 1)
    expect(row(theirs, 1).locator(".count")).to_have_text(str(before - 1))
    mine.click("#release")
    expect(toast(mine)).to_contain_text("Released.")
    expect(mine.locator("#holding")).to_be_hidden()
    expect(row(mine, 1).locator(".hold")).to_have_text("Hold")
    expect(row(mine, 1).locator(".hold")).to_be_enabled()
    expect(row(theirs, 1).locator(".count")).to_have_text(str(before))


def test_a_full_session_says_why_it_refuses(visit, pools, demo):
    """Every place of an inspection window is held by vehicles of others, one per applicant."""
    pool = pools["jx", "periodic-inspection"]
    unit = min(
        httpx.get(f"{demo}/api/v1/pools/{pool}/units?limit=500").json()["units"],
        key=lambda unit: unit["capacity"],
    )
    # The sixth applicant's car has an open violation.
    for number in [2, 3, 4, 5, 7, 8, 9, 10, 11, 12][: unit["free"]]:
        headers = token_of(demo, f"applicant-{number}")
        people = httpx.get(f"{demo}/demo/applicants").json()["applicants"]
        body = {"pool": pool, "units": [unit["id"]], "vehicle": people[number - 1]["vehicles"][0]}
        assert httpx.post(f"{demo}/api/v1/holds", json=body, headers=headers).status_code == 201
    page = visit(f"/?pool={pool}&lang=en")
    full = page.locator(f"[data-unit='{unit['id']}']")
    expect(full).to_have_attribute("data-level", "none")
    expect(full.locator(".count-word")).to_have_text("full")
    sign_in(page, "applicant-1")
    full.locator(".hold").click()
    expect(toast(page)).to_contain_text("No place is free in this unit now.")
    expect(page.locator("#holding")).to_be_hidden()


def test_a_refusal_is_told_in_the_language_of_the_page(visit, pools):
    page = visit(f"/?pool={pools['nb', 'subject-2']}&class=C2&lang=zh-CN")
    sign_in(page, "applicant-5")
    hold(page, 0)
    row(page, 1).locator(".hold").click()
    expect(toast(page)).to_contain_text("您在同类业务中已有一个占位")
    expect(page.locator("#holding")).to_be_visible()
    page.click("#release")
    expect(page.locator("#holding")).to_be_hidden()


@pytest.mark.parametrize(
    ("lang", "why"),
    [
        ("zh-CN", r"学习驾驶证明 \d{4}-\d\d-\d\d 签发，须满 10 天.*最早可办日期：\d{4}-\d\d-\d\d"),
        ("en", r"10 days must pass.*Possible from \d{4}-\d\d-\d\d"),
    ],
)
def test_who_may_not_yet_is_told_why_and_from_when_on(visit, pools, lang, why):
    page = visit(f"/?pool={pools['jx', 'subject-2']}&class=C1&lang={lang}")
    sign_in(page, "applicant-7")
    row(page, 0).locator(".hold").click()
    expect(toast(page)).to_contain_text(re.compile(why))
    expect(page.locator("#holding")).to_be_hidden()


def test_a_vehicle_is_chosen_where_vehicles_count(visit, pools):
    page = visit(f"/?pool={pools['hz', 'periodic-inspection']}&lang=en")
    sign_in(page, "applicant-3")
    page.select_option("#vehicle", "浙AD08271")
    hold(page, 0)
    page.click("#confirm")
    expect(page.locator(".booking").first).to_have_attribute("data-state", "booked")


def test_a_reload_keeps_the_sign_in_and_the_hold(visit, pools):
    page = visit(f"/?pool={pools['hz', 'subject-2']}&class=C1&lang=en")
    sign_in(page, "applicant-2")
    hold(page, 2)
    page.reload()
    expect(page.locator("#account")).to_have_value("applicant-2")
    expect(page.locator("#holding")).to_be_visible()
    expect(row(page, 2).locator(".hold")).to_have_text("Held")
    page.click("#confirm")
    expect(toast(page)).to_contain_text("Booked.")


def test_a_hold_of_another_tab_is_opened_when_it_is_in_the_way(visit, pools):
    path = f"/?pool={pools['jx', 'subject-1']}&class=B2&lang=en"
    first, second = visit(path), visit(path)
    sign_in(first, "applicant-12")
    sign_in(second, "applicant-12")
    hold(first, 0)
    row(second, 1).locator(".hold").click()
    expect(toast(second)).to_contain_text("You hold other units of this service.")
    expect(second.locator("#holding")).to_be_visible()
    expect(row(second, 0).locator(".hold")).to_have_text("Held")
    second.click("#release")
    expect(second.locator("#holding")).to_be_hidden()


def test_signing_out_puts_the_person_away(visit, pools):
    page = visit(f"/?pool={pools['jx', 'subject-3']}&class=C1&lang=en")
    sign_in(page, "applicant-8")
    hold(page, 0)
    page.click("#sign-out")
    expect(page.locator("#holding")).to_be_hidden()
    expect(page.locator("#bookings-none")).to_have_text("Sign in to see your bookings.")
    assert page.evaluate("sessionStorage.getItem('gongdao.sign-in')") is None
    row(page, 1).locator(".hold").click()
    expect(toast(page)).to_contain_text("Choose an applicant first.")


def test_a_confirm_whose_answer_is_lost_is_repeated_with_the_same_key(visit, pools, complaints):
    """The first confirm is done and its answer lost, the second is put off, the third tells of the one booking."""
    page = visit(f"/?pool={pools['nb', 'subject-3']}&class=C1&lang=en")
    sign_in(page, "applicant-11")
    keys: list[str] = []

    def trouble(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            assert route.fetch().status == 201
            route.abort()
        elif len(keys) == 2:
            headers = {"Retry-After": "0", "Content-Type": "application/problem+json"}
            route.fulfill(status=503, headers=headers, body=json.dumps({"code": "busy", "detail": "later"}))
        else:
            route.continue_()

    page.route("**/confirm", trouble)
    hold(page, 0)
    page.click("#confirm")
    expect(page.locator(".booking")).to_have_count(1)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert [text for text in complaints if "net::ERR_FAILED" not in text] == []
    complaints.clear()


def test_an_expired_hold_leaves_the_page(visit, pools):
    page = visit(f"/?pool={pools['nb', 'subject-3']}&class=C1&lang=en")
    page.clock.install()
    sign_in(page, "applicant-3")
    hold(page, 0)
    page.clock.fast_forward(301_000)
    expect(toast(page)).to_contain_text("The hold has expired")
    expect(page.locator("#holding")).to_be_hidden()


def test_new_sessions_are_announced_to_open_pages(visit, pools, gongdao):
    page = visit(f"/?pool={pools['hz', 'subject-3']}&lang=en")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "on")
    before = page.locator(".row").count()
    gongdao("demo", "rush", "--clients", "1", "--seats", "5")
    expect(toast(page)).to_contain_text("New sessions have been published.", timeout=15_000)
    page.get_by_role("button", name="Show them").click()
    expect(page.locator(".row")).to_have_count(before + 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_page_fits_a_phone(visit, pools, scheme, lang):
    page = visit(f"/?pool={pools['hz', 'subject-3']}&class=C1&lang={lang}", width=390, color_scheme=scheme)
    sign_in(page, "applicant-11")
    hold(page, 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    confirm = page.locator("#confirm").bounding_box()
    assert confirm["height"] >= 44
    assert confirm["y"] + confirm["height"] <= 900
    page.click("#release")
    expect(page.locator("#holding")).to_be_hidden()


def test_without_scripts_the_page_is_readable(scriptless, demo):
    page = scriptless.new_page()
    page.goto(f"{demo}/?lang=en")
    expect(page.locator(".note")).to_be_visible()
    assert "Holding and confirming need JavaScript for now." in page.locator(".note").inner_text()
    expect(row(page, 0)).to_be_visible()
    expect(row(page, 0).locator(".hold")).to_be_hidden()
    page.get_by_role("link", name="Ningbo").click()
    expect(page.locator(".place").first).to_contain_text("site")
    page.close()
