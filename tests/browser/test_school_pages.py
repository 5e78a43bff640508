"""A school's whole way in a real browser: at a desk in English, on a phone in Chinese, without scripts, by keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from booking_api.demo.applicants import applicant
from booking_api.demo.numbers import identity_number
from tests.browser.axe import axe_everywhere
from tests.browser.keeping import keep  # noqa: F401 - a fixture

pytestmark = pytest.mark.browser

SCHOOL = "/school/hz-demo-school"
ENDED_MS = 60_000

Look = Callable[[str], None]
"""Has the page checked for everybody's access, and kept as a picture."""


def enter(
    page: Page, demo: str, *, lang: str = "en", account: str = "school-agent", path: str = SCHOOL
) -> None:
    page.goto(f"{demo}/sign-in?lang={lang}&next={path}")
    page.click(f"button[value={account}]")
    page.wait_for_url(f"**{path}")


def units_of(page: Page, demo: str, *, subject: int) -> list[str]:
    """Numbers of sessions for ordinary learners of C1, the last ones first: others of this run book early ones."""
    page.goto(f"{demo}{SCHOOL}/sessions?subject={subject}&lang=en")
    told = page.eval_on_selector_all(
        "tbody tr", "rows => rows.map(row => [row.querySelector('.code').textContent, row.textContent])"
    )
    found = [unit for unit, text in told if " C1" in text and "priority" not in text]
    return found[::-1]


def expect_ended(page: Page) -> None:
    """The page's own script finds that the batch has ended, and loads it again."""
    expect(page.locator("script[src*='school_batch']")).to_have_count(0, timeout=ENDED_MS)


def test_an_agent_asks_books_puts_right_substitutes_and_makes_keys(visit, demo, keep):  # noqa: F811
    page = visit("/styleguide?lang=en")
    enter(page, demo)
    broken = []

    def look(name: str) -> None:
        broken.extend(axe_everywhere(page))
        keep(page, f"school-{name}")

    narrow, wide, *_ = units_of(page, demo, subject=1)
    look("sessions")
    put_right_and_book(page, demo, look, narrow=narrow, wide=wide)
    be_refused_in_part(page, demo, look, unit=wide)
    for path in ("", "/batches", "/learners", "/seats", "/results"):
        page.goto(demo + SCHOOL + path)
        look(path.strip("/") or "overview")
    substitute(page, demo, look)
    make_and_revoke_a_key(page, demo, look)
    mistype_a_webhook(page, demo, look)
    assert broken == []


def put_right_and_book(page: Page, demo: str, look: Look, *, narrow: str, wide: str) -> None:
    """A list of four rows, two of them wrong; put right and booked."""
    page.goto(f"{demo}{SCHOOL}/batches/new")
    look("batch-new")
    lines = [
        "learner,sessions",
        f"learner-1,{wide}",
        f"learner-2,{wide}",
        "nobody-1,1",
        f"learner-3,{narrow}x",
    ]
    page.fill("#f-list", "\n".join(lines))
    page.get_by_role("button", name="Check the list").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 rows of 4 need to be put right")
    look("batch-check")
    page.get_by_label("Learner of row 3").fill("")
    page.get_by_label("Sessions of row 3").fill("")
    page.get_by_label("Sessions of row 4").fill(narrow)
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All 3 rows can be booked")
    look("batch-good")
    page.get_by_role("button", name="Book 3 rows").click()
    page.wait_for_url(re.compile(r"/batches/\d+"))
    expect_ended(page)
    expect(page.locator("h1 .tag")).to_have_text("done")
    expect(page.locator("#live-words")).to_contain_text("3 of 3 booked")
    look("batch-done")


def be_refused_in_part(page: Page, demo: str, look: Look, *, unit: str) -> None:
    """The same learners once more: each has a booking already."""
    page.goto(f"{demo}{SCHOOL}/batches/new?session={unit}")
    page.fill("#f-list", "learner-1\nlearner-2")
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("button", name="Book 2 rows").click()
    expect_ended(page)
    expect(page.get_by_role("heading", name="2 rows were not booked")).to_be_visible()
    look("batch-refused")
    with page.expect_download() as file:
        page.get_by_role("link", name="Download as CSV").click()
    assert "has a booking of this subject already" in file.value.path().read_text("utf-8-sig")


def substitute(page: Page, demo: str, look: Look) -> None:
    page.goto(f"{demo}{SCHOOL}/seats")
    page.get_by_role("link", name="Substitute").first.click()
    look("substitute")
    page.select_option("#f-learner", "learner-4")
    page.fill("#f-reason", "fell ill")
    page.get_by_role("button", name="Substitute").click()
    expect(page.get_by_role("status").first).to_contain_text("Substituted.")
    look("seats-substituted")


def make_and_revoke_a_key(page: Page, demo: str, look: Look) -> None:
    page.goto(f"{demo}{SCHOOL}/keys/new")
    look("key-new")
    page.fill("#f-name", "office system")
    page.get_by_label("read learners").check()
    page.get_by_role("button", name="Make the key").click()
    look("key-made")
    page.get_by_role("link", name="I have copied it").click()
    look("keys")
    page.get_by_role("link", name="Revoke office system").first.click()
    look("key-revoke")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status").first).to_contain_text("Revoked.")


def mistype_a_webhook(page: Page, demo: str, look: Look) -> None:
    page.goto(f"{demo}{SCHOOL}/webhooks/new")
    page.fill("#f-url", "http://127.0.0.1/")
    page.get_by_label("a batch has ended").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("the URL must begin with https://")
    look("webhook-new")
    page.goto(f"{demo}{SCHOOL}/webhooks")
    look("webhooks")


def test_a_learner_is_asked_on_a_phone_and_answers_and_ends_it_in_chinese(visit, demo, keep):  # noqa: F811
    agent = visit("/styleguide?lang=zh-CN", width=390)
    enter(agent, demo, lang="zh-CN")
    broken = []

    def look(page: Page, name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        broken.extend(axe_everywhere(page))
        keep(page, f"school-{name}-zh")

    person = applicant("applicant-1")
    assert person is not None
    agent.goto(f"{demo}{SCHOOL}/learners/ask")
    look(agent, "ask")
    agent.fill(
        "#f-list", f"身份证号\t姓名\n{identity_number(person.number)}\t{person.name['zh-CN']}\n123\t张三"
    )
    agent.get_by_role("button", name="全部征询").click()
    expect(agent.get_by_role("heading", level=1)).to_have_text("已向 1 名学员发出征询")
    look(agent, "asked")
    agent.goto(f"{demo}{SCHOOL}/learners?standing=asked")
    look(agent, "learners-asked")
    learner = visit("/styleguide?lang=zh-CN", width=390)
    enter(learner, demo, lang="zh-CN", account="applicant-1", path="/account/consents")
    look(learner, "consents")
    learner.get_by_role("link", name="答复").click()
    look(learner, "consent-give")
    learner.get_by_label("科目 4").uncheck()
    learner.get_by_role("button", name="同意", exact=True).click()
    expect(learner.get_by_role("status").first).to_contain_text("驾校现在可以为您代约")
    look(learner, "consents-given")
    agent.goto(f"{demo}{SCHOOL}/learners")
    agent.fill("#word", person.name["zh-CN"])
    agent.get_by_role("button", name="查找").click()
    expect(agent.locator("tbody tr")).to_have_count(1)
    look(agent, "learners-found")
    learner.get_by_role("link", name="终止").click()
    look(learner, "consent-end")
    learner.get_by_role("button", name="终止同意").click()
    expect(learner.get_by_role("status").first).to_contain_text("已终止")
    agent.goto(f"{demo}{SCHOOL}/learners?standing=ended")
    expect(agent.locator("tbody tr")).to_have_count(1)
    for path in ("", "/sessions?subject=2", "/batches/new", "/seats", "/learners"):
        agent.goto(demo + SCHOOL + path)
        assert agent.evaluate("document.documentElement.scrollWidth") <= 390, path
    agent.locator(".learners a.button").first.click()
    look(agent, "let-go")
    assert broken == []


def test_an_agent_without_scripts_books_and_stops_a_batch(scriptless, demo):
    page = scriptless.new_context().new_page()
    enter(page, demo)
    unit = units_of(page, demo, subject=2)[0]
    page.goto(f"{demo}{SCHOOL}/learners")
    for number in (13, 14):
        page.check(f"input[value=learner-{number}]")
    page.get_by_role("button", name="Book for those ticked").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 rows need to be put right")
    page.select_option("#f-session", unit)
    page.get_by_role("button", name="Check again").click()
    page.get_by_role("button", name="Book 2 rows").click()
    page.wait_for_url(re.compile(r"/batches/\d+"))
    # It comes again by itself until the batch has ended.
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0, timeout=ENDED_MS)
    expect(page.locator("#live-words")).to_contain_text("2 of 2 booked")


def test_a_batch_is_checked_and_sent_with_a_keyboard_only(visit, demo):
    page = visit("/styleguide?lang=en")
    enter(page, demo)
    unit = units_of(page, demo, subject=2)[1]
    page.goto(f"{demo}{SCHOOL}/batches")

    def press_until(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(selector)

    press_until("main a.primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/new")
    press_until("#f-list")
    page.keyboard.type(f"learner-15 {unit}x")
    press_until("button.primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("needs to be put right")
    press_until("input[name=sessions]")
    page.keyboard.type(unit)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 row can be booked")
    press_until("button[value=send]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/batches/\d+"))
    expect_ended(page)
    expect(page.locator("#live-words")).to_contain_text("1 of 1 booked")
