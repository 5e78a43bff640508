"""An operator's whole way in a real browser: at a desk in English, on a phone in Chinese, without scripts, by keyboard."""

import re
import subprocess
from datetime import timedelta

import msgspec
import pytest
from playwright.sync_api import Page, expect

from booking_api import clock
from tests.browser.axe import axe_everywhere
from tests.browser.keeping import keep  # noqa: F401 - a fixture
from tests.serving import GONGDAO

pytestmark = pytest.mark.browser

HZ = "/operator/cn-zj-hz"
HEADER = "site,title,title_en,day,start,end,subject,vehicle_class,capacity,priority_capacity"
CLIENTS, SEATS = 60, 20
RUSHED = {"holds", "confirms", "refused", "released", "booked", "held"}


def enter(page: Page, demo: str, path: str, *, lang: str = "en") -> None:
    page.goto(f"{demo}/sign-in?lang={lang}&next={path}")
    page.click("button[value=operator]")
    page.wait_for_url(f"**{path}")


def file_of(day, *, wrong: bool = False) -> bytes:
    rows = [
        f"hz-xihu,西湖考场,Xihu site,{day + timedelta(days=n)},08:30,11:30,2,{'Z9' if wrong and n else 'C1'},20,2"
        for n in range(3)
    ]
    return "\n".join([HEADER, *rows]).encode("gb18030")


def draft_with_sessions(page: Page, demo: str, *, title: str) -> str:
    """From the list to a draft that is filled; gives its address."""
    page.goto(demo + HZ + "/plans/new")
    page.check("input[name=service][value=driving_test]")
    page.fill("#f-title", title)
    page.fill("#f-source", "No. 7")
    page.locator("main button.primary").click()
    page.wait_for_url(re.compile(r"/plans/\d+"))
    draft = page.url.partition("?")[0]
    page.goto(f"{draft}/import")
    page.set_input_files(
        "#f-file",
        {
            "name": "plan.csv",
            "mimeType": "text/csv",
            "buffer": file_of(clock.today() + timedelta(days=14)),
        },
    )
    page.locator("main button.primary").click()
    expect(page.locator(".week .block").first).to_be_visible()
    page.locator("main form button.primary").click()
    page.wait_for_url(re.compile(r"/plans/\d+"))
    return draft


def test_a_plan_is_imported_mended_published_and_a_session_of_it_cancelled(visit, demo, keep):  # noqa: F811
    page = visit("/styleguide?lang=en")
    enter(page, demo, HZ + "/plans")
    broken = []

    def look(name: str) -> None:
        broken.extend(axe_everywhere(page))
        keep(page, f"operator-{name}")

    look("plans")
    page.get_by_role("link", name="New plan").click()
    look("plan-new")
    draft = draft_with_sessions(page, demo, title="十二月计划")
    page.goto(f"{draft}/import")
    look("import")
    wrong = file_of(clock.today() + timedelta(days=14), wrong=True)
    page.set_input_files("#f-file", {"name": "plan.csv", "mimeType": "text/csv", "buffer": wrong})
    page.get_by_role("button", name="Show the calendar").click()
    expect(page.get_by_role("alert")).to_contain_text("2 rows cannot be used")
    look("import-wrong")
    page.fill("#f-rows", page.locator("#f-rows").input_value().replace("Z9", "C2"))
    page.get_by_role("button", name="Show the calendar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add these sessions?")
    look("preview")
    page.get_by_role("button", name="Add 6 sessions to the draft").click()
    expect(page.get_by_role("status").first).to_contain_text("The sessions are in the draft.")
    look("draft")
    page.goto(f"{draft}/schedule")
    look("schedule")
    page.goto(f"{draft}/publish")
    look("publish")
    page.get_by_role("button", name="Publish for good").click()
    expect(page.get_by_text("The plan is published.")).to_be_visible()
    page.locator("tbody a").first.click()
    look("session")
    page.get_by_role("link", name="Cancel this session").click()
    look("session-cancel")
    page.fill("#f-reason", "The site is flooded.")
    page.get_by_role("button", name="Cancel the session").click()
    expect(page.get_by_text("The site is flooded.")).to_be_visible()
    page.goto(f"{draft}/close")
    look("close")
    page.get_by_role("button", name="Close booking").click()
    expect(page.get_by_text("Booking is closed.")).to_be_visible()
    assert broken == []


def test_days_organisations_accounts_rules_and_days_off_on_a_phone_in_chinese(visit, demo, keep):  # noqa: F811
    page = visit("/styleguide?lang=zh-CN", width=390)
    enter(page, demo, HZ + "/day", lang="zh-CN")
    broken = []

    def look(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        broken.extend(axe_everywhere(page))
        keep(page, f"operator-{name}-zh")

    page.locator(".chips a").nth(1).click()
    look("day")
    page.goto(demo + HZ + "/organisations")
    look("organisations")
    page.goto(demo + HZ + "/organisations/new")
    look("organisation-new")
    page.goto(demo + HZ + "/organisations/hz-demo-inspection")
    look("organisation")
    page.get_by_role("link", name="暂停").click()
    look("suspend")
    page.fill("#f-reason", "年度检查未通过。")
    page.get_by_role("button", name="暂停").click()
    expect(page.get_by_text("年度检查未通过。")).to_be_visible()
    page.get_by_role("link", name="恢复").click()
    page.fill("#f-reason", "已整改。")
    page.get_by_role("button", name="恢复").click()
    expect(page.get_by_role("status").first).to_contain_text("已恢复")
    page.goto(demo + HZ + "/people")
    page.fill("#f-login", "school-agent")
    page.locator("main button.primary").click()
    expect(page.locator("#found")).to_contain_text("已核验")
    look("people")
    page.goto(demo + HZ + "/rules/inspection")
    page.locator("[name='leaving.limit']").fill("99999")
    page.fill("#f-reason", "市局决定。")
    page.get_by_role("button", name="查看变更").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("rules-wrong")
    page.locator("[name='leaving.limit']").fill("5")
    page.get_by_role("button", name="查看变更").click()
    look("rules-change")
    page.get_by_role("button", name="更改规定").click()
    expect(page.locator(".diff li").first).to_contain_text("5")
    look("rules")
    page.goto(demo + HZ + "/days-off")
    page.fill("#f-day", str(clock.today() + timedelta(days=60)))
    page.fill("#f-name", "春节")
    page.locator("main button.primary").click()
    look("days-off")
    assert broken == []


def test_an_operator_without_scripts_lays_out_a_pattern_and_watches(scriptless, demo):
    page = scriptless.new_context().new_page()
    enter(page, demo, HZ + "/plans")
    draft = draft_with_sessions(page, demo, title="无脚本")
    page.goto(f"{draft}/schedule")
    first = clock.today() + timedelta(days=20)
    for name, value in {
        "site": "hz-xihu",
        "title": "西湖",
        "vehicle_class": "C1",
        "first_day": str(first),
        "last_day": str(first + timedelta(days=6)),
        "slot-1-start": "08:30",
        "slot-1-end": "11:30",
        "slot-1-capacity": "20",
    }.items():
        page.fill(f"[name='{name}']", value)
    page.select_option("[name=subject]", "2")
    page.check("[name=weekdays][value='3']")
    page.locator("main button.primary").click()
    page.locator("main form button.primary").click()
    expect(page.locator(".figures dd").first).to_have_text("7")
    page.goto(f"{draft}/delete")
    page.locator("main button.primary").click()
    expect(page.get_by_role("status").first).to_be_visible()
    page.goto(demo + HZ + "/rush")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    expect(page.locator("[data-figure=free]")).to_have_text(re.compile(r"\d"))


def test_an_operator_with_a_keyboard_only_finds_and_suspends_nothing_by_accident(visit, demo):
    page = visit("/styleguide?lang=en")
    enter(page, demo, HZ + "/organisations")

    def press_until(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(selector)

    press_until("a[href$='/organisations/hz-demo-school']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hz-demo-school")
    press_until("a[href$='/suspend']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/suspend")
    press_until("a.quiet")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hz-demo-school")
    expect(page.locator("main .tag").first).to_have_text("active")
    press_until("#f-login")
    page.keyboard.type("nobody-at-all")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()


def test_a_rush_is_watched_live_and_its_numbers_are_what_the_reckoning_says(visit, demo, served, keep):  # noqa: F811
    page = visit("/styleguide?lang=en")
    enter(page, demo, HZ + "/rush")
    value = page.locator("#f-pool option", has_text="Subject 3").get_attribute("value")
    page.goto(f"{demo}{HZ}/rush?pool={value}&minutes=15")
    expect(page.locator("#pulse")).to_have_attribute("data-state", "on")

    def figures() -> dict[str, int]:
        shown = page.eval_on_selector_all(
            "[data-figure]", "all => all.map(each => [each.dataset.figure, each.textContent])"
        )
        return {name: int(text.replace(",", "")) for name, text in shown}

    before = figures()
    done = subprocess.run(
        [*GONGDAO, "demo", "rush", "--clients", str(CLIENTS), "--seats", str(SEATS), "--json"],
        env=served.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = msgspec.json.decode(done.stdout)
    assert (told["audit"], told["wrong"], told["stored"]) == ([], [], SEATS)
    expect(page.locator("[data-figure=confirms]")).to_have_text(str(before["confirms"] + SEATS))
    after = figures()
    gained = {name: after[name] - before[name] for name in RUSHED}
    assert gained == {
        "holds": told["stored"] + told["released"],
        "confirms": told["stored"],
        "refused": sum(told["refused"].values()),
        "released": told["released"],
        "booked": told["stored"],
        "held": 0,
    }
    assert page.locator("#sessions tr").count() > 1
    assert axe_everywhere(page) == []
    keep(page, "operator-rush")
