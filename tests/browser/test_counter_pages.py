"""A counter's morning in a real browser: an account opened, a session held, booked, printed, moved and cancelled."""

import re

import pytest
from playwright.sync_api import Page, expect

from booking_api.demo.numbers import identity_number
from tests.browser.axe import axe_everywhere
from tests.browser.keeping import keep

__all__ = ["keep"]

pytestmark = pytest.mark.browser
HOME = "/counter/cn-zj-hz"


def enter(page: Page, demo: str, lang: str) -> None:
    page.goto(f"{demo}/sign-in?lang={lang}&next=/counter")
    page.locator("button[value=counter-clerk]").click()
    page.wait_for_url(re.compile(HOME))


def serve(page: Page, number: int) -> str:
    """Begins a visit of a demo applicant; gives its address."""
    page.locator("#f-login").fill(f"applicant-{number}")
    page.locator("#f-identity_number").fill(identity_number(number))
    page.locator("form[action$=visits] button").click()
    page.wait_for_url(re.compile("/visits/"))
    return page.url.partition("?")[0]


def test_a_morning_at_the_counter(visit, demo, keep, fresh):
    fresh("applicant-1")
    page = visit("/sign-in?lang=en")
    enter(page, demo, "en")
    violations = axe_everywhere(page)
    keep(page, "counter-begin")
    page.locator("#f-card_number").fill("123")
    page.locator("#f-name").fill("Old Wang")
    page.get_by_role("button", name="Find or open the account").click()
    expect(page.locator("#f-name")).to_have_value("Old Wang")
    keep(page, "counter-refused")
    page.locator("#f-card_number").fill(identity_number(7_001))
    page.get_by_role("button", name="Find or open the account").click()
    expect(page.locator(".told")).to_contain_text("The account is open")
    page.goto(demo + HOME)
    here = serve(page, 1)

    def look(name: str) -> None:
        nonlocal violations
        violations += axe_everywhere(page)
        keep(page, f"counter-{name}")

    look("person")
    page.get_by_role("link", name="Find a session").click()
    look("find")
    free = page.locator("tr:has(td:text-is('C1')) td.acts a")
    free.first.click()
    look("unit")
    page.get_by_role("button", name="Hold").click()
    look("hold")
    page.get_by_role("button", name="Confirm for").click()
    expect(page.locator(".told")).to_contain_text("Booked")
    look("ticket")
    page.goto(f"{here}/find")
    free.nth(1).click()
    page.get_by_role("button", name="Hold").click()
    look("move")
    page.get_by_role("button", name="Move the booking here").click()
    page.goto(here)
    page.get_by_role("link", name=re.compile("^Cancel")).click()
    look("cancel")
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.locator(".told")).to_contain_text("Cancelled")
    for path in ("fees", "password", "verify", "factors"):
        page.goto(f"{here}/{path}")
        look(path)
    page.goto(f"{demo}{HOME}/today")
    expect(page.get_by_role("cell", name="moved a booking")).to_be_visible()
    look("today")
    assert violations == []


def test_on_a_chinese_phone_by_keyboard_alone(visit, demo):
    """Every step of verifying somebody with the tab and enter keys."""
    page = visit("/sign-in?lang=zh-CN", width=390)
    enter(page, demo, "zh-CN")
    page.locator("#f-login").focus()
    page.keyboard.type("newcomer")
    page.keyboard.press("Tab")
    page.keyboard.type(identity_number(51))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/visits/"))
    press(page, "核验身份")
    press(page, "是本人，核验")
    expect(page.locator(".told")).to_have_text("已核验身份。")
    assert axe_everywhere(page) == []
    press(page, "查找场次")
    expect(page.get_by_role("heading", level=1)).to_have_text("查找场次")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def press(page: Page, name: str) -> None:
    """Tabs to a link or button of this name, and presses it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"no {name} is reached by the tab key")


def test_without_scripts_somebody_is_booked_for(scriptless, demo, fresh):
    fresh("applicant-2")
    page = scriptless.new_page()
    enter(page, demo, "en")
    here = serve(page, 2)
    page.get_by_role("link", name="Find a session").click()
    page.get_by_role("link", name=re.compile("Subject 2")).click()
    page.locator("tr:has(td:text-is('C1')):not(:has-text('priority')) td.acts a").first.click()
    page.get_by_role("button", name="Hold").click()
    page.get_by_role("button", name="Confirm for").click()
    expect(page.locator(".qr")).to_be_visible()
    page.goto(here)
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".told")).to_have_text("Finished.")
    page.context.close()
