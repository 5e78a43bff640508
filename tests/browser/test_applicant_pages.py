"""The applicant's way in a real browser: from a stranger's look to a booking, on a desk, a phone, by keyboard, without scripts."""

import re
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from booking_api import clock
from tests.browser.axe import axe_everywhere
from tests.browser.keeping import keep
from tests.serving import token_of

__all__ = ["keep"]
pytestmark = pytest.mark.browser

PAGE_LIMIT = 100_000
REQUESTS_LIMIT = 12
MINUTE_MS = 60_000


@pytest.fixture
def pools(demo) -> dict[str, int]:
    told = httpx.get(f"{demo}/api/v1/pools?limit=100").json()["pools"]
    return {pool["rule"]: pool["id"] for pool in told if pool["authority"] == "cn-zj-hz"}


def sign_in(page: Page, account: str, back: str = "/") -> None:
    origin = "/".join(page.url.split("/", 3)[:3])
    page.goto(f"{origin}/sign-in?next={back}")
    page.click(f"button[value='{account}']")
    page.wait_for_url(re.compile(f"{re.escape(back)}$"))


def published(demo: str, *, capacity: int) -> int:
    """A session of subject 2 that an operator publishes now; gives its unit."""
    operator, path = token_of(demo, "operator"), f"{demo}/api/v1/plans"
    new = {"authority": "cn-zj-hz", "service": "driving_test", "title": {"en": "Race"}, "source": "test"}
    plan = httpx.post(path, json=new, headers=operator).json()["id"]
    row = {
        "site": "hz-xihu",
        "title": "西湖考场 加场",
        "title_en": "Xihu site, extra",
        "district": "西湖区",
        "day": str(clock.today() + timedelta(days=13)),
        "start": "07:00",
        "end": "08:00",
        "subject": 2,
        "vehicle_class": "C1",
        "capacity": capacity,
    }
    httpx.post(f"{path}/{plan}/sessions", json={"sessions": [row]}, headers=operator).raise_for_status()
    httpx.post(f"{path}/{plan}/publish", headers=operator).raise_for_status()
    [session] = httpx.get(f"{path}/{plan}/sessions", headers=operator).json()["sessions"]
    return session["unit"]


def count(page: Page, unit: str):
    return page.locator(f"#u-{unit} .count")


def test_a_stranger_finds_holds_and_confirms_while_another_sees_the_count_change(visit, pools, fresh, keep):
    path = f"/?pool={pools['subject-4']}&class=C1&lang=en"
    mine, theirs = visit(path), visit(path)
    fresh("applicant-4")
    expect(theirs.locator("#pulse")).to_have_attribute("data-state", "on")
    assert axe_everywhere(mine) == []
    keep(mine, "find")
    row = mine.locator(".row:has(button.hold)").first
    unit = row.get_attribute("data-unit") or ""
    before = int(count(theirs, unit).inner_text())
    row.get_by_role("button", name="Hold").click()
    mine.click("button[value='applicant-4']")

    wanted = mine.locator("#wanted")
    expect(wanted).to_contain_text("Xi")
    wanted.get_by_role("button", name="Hold this session").click()
    expect(mine.get_by_role("heading", name="The place is yours to confirm")).to_be_visible()
    expect(mine.locator(".clock-left")).to_have_text(re.compile(r"^(5:00|4:5\d)$"))
    expect(count(theirs, unit)).to_have_text(str(before - 1))
    assert axe_everywhere(mine) == []
    keep(mine, "hold")

    mine.goto(mine.url.partition("/hold")[0] + "/hold")
    keep(mine, "holds")
    assert axe_everywhere(mine) == []
    mine.get_by_role("link", name="Go on to confirm").click()
    mine.get_by_role("button", name="Confirm the booking").click()
    expect(mine).to_have_url(re.compile("/bookings/"))
    expect(mine.locator(".told")).to_contain_text("Booked.")
    mine.goto(mine.url.partition("/bookings")[0] + "/")
    expect(mine.locator("aside")).to_contain_text("Your next booking")
    keep(mine, "find-with-booking")


def test_on_a_phone_in_chinese_from_the_week_to_a_booking(visit, fresh, keep):
    page = visit("/?lang=zh-CN", width=390, has_touch=True)
    sign_in(page, fresh("applicant-3"))
    expect(page.locator(".suited").first).to_contain_text("接下来是科目 3")
    page.get_by_role("link", name="周历").click()
    keep(page, "week")
    assert axe_everywhere(page) == []
    page.locator(".cell[data-state='open']").first.click()
    page.get_by_role("button", name="占位此场次").click()
    expect(page.locator("h1")).to_have_text("名额已为您保留，请确认")
    keep(page, "hold-zh")
    page.get_by_role("button", name="确认预约").click()
    expect(page.locator(".told")).to_contain_text("预约成功。")


def test_with_scripts_switched_off_the_whole_way_is_plain_forms(scriptless: Browser, demo, pools, fresh):
    fresh("applicant-1")
    page = scriptless.new_page(locale="en-GB")
    page.goto(f"{demo}/?pool={pools['subject-1']}")
    page.select_option("#f-class", "C1")
    page.check("#f-free")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile("class=C1.*free=yes"))
    page.locator("button.hold").first.click()
    page.click("button[value='applicant-1']")
    page.get_by_role("button", name="Hold this session").click()
    expect(page.locator(".clock")).to_contain_text(re.compile(r"Kept for you until \d\d:\d\d:\d\d"))
    page.get_by_role("button", name="Give the place back").click()
    expect(page.locator(".told")).to_contain_text("Released.")
    page.locator("button.hold").first.click()
    page.get_by_role("button", name="Confirm the booking").click()
    expect(page.locator(".told")).to_contain_text("Booked.")
    page.context.close()


def test_by_keyboard_alone_one_finds_holds_and_confirms(visit, fresh):
    page = visit("/?lang=en")
    sign_in(page, fresh("applicant-5"))

    def to(name: str, role: str = "button") -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            if focused.count() and focused.evaluate("e => e.innerText.trim()") == name:
                expect(page.get_by_role(role, name=name).first).to_be_visible()
                return
        raise AssertionError(f"{name} is out of reach")

    to("Hold")
    page.keyboard.press("Enter")
    expect(page.locator(".clock-left")).to_be_visible()
    to("Confirm the booking")
    page.keyboard.press("Enter")
    expect(page.locator(".told")).to_contain_text("Booked.")


def test_of_two_who_want_one_seat_one_gets_it_and_the_other_is_shown_what_is_still_free(
    visit, demo, pools, fresh, keep
):
    one, other = visit("/?lang=en"), visit("/?lang=en", width=390)
    sign_in(one, fresh("applicant-2"), f"/?pool={pools['subject-2']}")
    sign_in(other, fresh("applicant-6"), f"/?pool={pools['subject-2']}")
    expect(one.locator("#pulse")).to_have_attribute("data-state", "on")
    unit = published(demo, capacity=1)
    # Whoever has the page open is told of the new session.
    expect(one.locator(".toast")).to_contain_text("New sessions have been published.")
    for page in (one, other):
        page.goto(f"{demo}/?pool={pools['subject-2']}&unit={unit}")
    for page in (one, other):
        page.get_by_role("button", name="Hold this session").click(no_wait_after=True)
    won = [
        page
        for page in (one, other)
        if page.locator("h1", has_text="The place is yours to confirm")
        .or_(page.locator("h1", has_text="This session has just filled up"))
        .inner_text()
        .startswith("The place")
    ]
    [late] = [page for page in (one, other) if page not in won]
    expect(late.locator(".others a").first).to_contain_text("free")
    assert axe_everywhere(late) == []
    keep(late, "full")
    late.locator(".others a").first.click()
    late.get_by_role("button", name="Hold this session").click()
    expect(late.locator(".clock-left")).to_be_visible()


def test_what_the_rules_forbid_is_explained_with_the_first_day(visit, keep):
    page = visit("/?lang=en")
    sign_in(page, "applicant-7", "/")
    expect(page.locator(".note", has_text="Not possible for you yet")).to_contain_text("Possible from")
    keep(page, "find-barred")
    assert axe_everywhere(page) == []
    page.get_by_role("link", name="Why is that?").first.click()
    expect(page.locator(".first-day")).to_be_visible()
    keep(page, "why")
    assert axe_everywhere(page) == []
    page.get_by_role("link", name="Show sessions from that day").click()
    expect(page.locator("#f-from")).not_to_have_value("")
    expect(page.locator("button.hold").first).to_be_visible()


def test_a_hold_counts_down_says_so_and_offers_to_hold_again_when_it_has_ended(visit, fresh, pools, keep):
    page = visit("/?lang=en")
    sign_in(page, fresh("applicant-8"), f"/?pool={pools['subject-2']}")
    page.clock.install()
    page.locator("button.hold").first.click()
    # Only a page whose script has begun can be told that time has passed.
    page.wait_for_url("**/hold/**")
    expect(page.locator(".clock-left")).to_be_visible()
    page.wait_for_load_state()
    page.clock.run_for(3 * MINUTE_MS + 5_000)
    expect(page.locator("#told-left")).to_have_text("Two minutes left to confirm.")
    page.clock.run_for(MINUTE_MS)
    expect(page.locator("#holding")).to_have_class(re.compile("soon"))
    page.clock.run_for(30_000)
    expect(page.locator("#told-left")).to_have_text("Thirty seconds left to confirm.")
    keep(page, "hold-soon")
    page.clock.run_for(30_000)
    expect(page.get_by_role("heading", name="The hold has ended")).to_be_visible()
    expect(page.get_by_role("button", name="Confirm the booking")).to_be_hidden()
    keep(page, "hold-ended")
    page.get_by_role("button", name="Hold it again").click()
    expect(page.get_by_role("button", name="Confirm the booking")).to_be_visible()


def test_the_first_page_is_small(browser: Browser, demo):
    context = browser.new_context(locale="zh-CN", service_workers="block")
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    loaded: list[float] = []
    asked: list[str] = []
    devtools.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    devtools.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    page.goto(demo, wait_until="load")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "on")
    assert 10_000 < sum(loaded) < PAGE_LIMIT
    assert len(asked) <= REQUESTS_LIMIT, asked
    assert all(address.startswith((demo, "data:")) for address in asked)
    context.close()
