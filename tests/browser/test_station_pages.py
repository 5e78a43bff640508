"""A day at a test site's door in a real browser: typed, scanned, seen by the camera, photographed, and by card."""

import io
import re
from pathlib import Path

import pytest
import segno
from PIL import Image
from playwright.sync_api import Page, expect

from booking_api.demo.numbers import identity_number
from tests.browser.axe import axe_everywhere
from tests.browser.door import open_door
from tests.browser.keeping import keep

__all__ = ["keep"]

pytestmark = pytest.mark.browser
HOME = "/station/hz-demo-test-centre"
FIRST_NUMBER = 9_000
FRAME = (640, 480)


def qr(code: str) -> Image.Image:
    drawn = io.BytesIO()
    segno.make_qr(code, error="m").save(drawn, kind="png", scale=8, border=4)
    return Image.open(drawn).convert("RGB")


def photo(code: str) -> bytes:
    picture = Image.new("RGB", FRAME, "grey")
    picture.paste(qr(code).resize((360, 360)), (140, 60))
    saved = io.BytesIO()
    picture.save(saved, "JPEG")
    return saved.getvalue()


@pytest.fixture(scope="module")
def door(served):
    return open_door(served.env, first_number=FIRST_NUMBER)


def enter(page: Page, lang: str) -> None:
    page.goto(f"{page.url.split('/sign-in')[0]}/sign-in?lang={lang}&next={HOME}")
    page.locator("button[value=test-site-clerk]").click()
    page.wait_for_url(re.compile(HOME))


def test_a_whole_day_at_the_door_at_a_desk(visit, demo, door, keep):
    page = visit("/sign-in?lang=en")
    enter(page, "en")
    row = page.locator(f"tr[data-unit='{door.unit}']")
    expect(row.locator("[data-count='1']")).to_have_text("0")
    violations = axe_everywhere(page)
    keep(page, "station-day")
    row.locator("a").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    violations += axe_everywhere(page)
    keep(page, "station-session")
    page.get_by_role("link", name="Check in", exact=True).click()
    violations += axe_everywhere(page)
    keep(page, "station-check-in")
    # The keyboard alone, as a scanner types: the field has the focus, before and after each person.
    page.keyboard.type(door.codes[0].lower())
    page.keyboard.press("Enter")
    result = page.locator("#result.over")
    expect(result).to_contain_text("Checked in")
    expect(result.locator(".result-name")).to_have_text("欧阳明月")
    violations += axe_everywhere(page)
    keep(page, "station-result")
    expect(page.locator("#f-code")).to_be_focused()
    page.keyboard.type(door.codes[0])
    page.keyboard.press("Enter")
    expect(result).to_contain_text("Already in")
    page.keyboard.type("NONSENSE")
    page.keyboard.press("Enter")
    expect(result).to_contain_text("Unknown code")
    keep(page, "station-refused")
    page.keyboard.press("Escape")
    expect(page.locator("#result")).not_to_have_class(re.compile("over"))
    page.set_input_files(
        "#f-photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo(door.codes[1])}
    )
    page.get_by_role("button", name="Read the photo").click()
    expect(result.locator(".result-name")).to_have_text("陈晨")
    for path in ("/windows", "?day=2026-01-01"):
        page.goto(demo + HOME + path)
        violations += axe_everywhere(page)
        keep(page, f"station{re.sub('[^a-z]+', '-', path)}")
    assert violations == []


def test_the_counts_of_an_open_page_follow_without_a_reload(visit, demo, door):
    page = visit("/sign-in?lang=en")
    enter(page, "en")
    here = page.locator(f"tr[data-unit='{door.unit}'] [data-count='1']")
    before = int(here.inner_text())
    other = page.context.new_page()
    other.goto(f"{demo}{HOME}/check-in")
    other.locator("#f-code").fill(door.codes[5])
    other.keyboard.press("Enter")
    expect(other.locator("#result.over")).to_contain_text("Checked in")
    expect(here).to_have_text(str(before + 1), timeout=15_000)


def test_a_camera_that_sees_the_code_checks_in_and_goes_on(chromium, demo, door, tmp_path: Path):
    film = tmp_path / "code.mjpeg"
    film.write_bytes(photo(door.codes[2]) * 2)
    browser = chromium(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    try:
        page = browser.new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{demo}/sign-in")
        enter(page, "en")
        page.goto(f"{demo}{HOME}/check-in")
        page.get_by_role("button", name="Use the camera").click()
        expect(page.locator("#result.over .result-name")).to_have_text(
            "Alexandra Konstantinopoulos-Wellington", timeout=15_000
        )
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Camera off").click()
        expect(page.locator("#view")).to_be_hidden()
    finally:
        browser.close()


def test_on_a_chinese_phone_somebody_without_a_code_comes_in_by_their_card(visit, demo, door):
    page = visit("/sign-in?lang=zh-CN", width=390)
    enter(page, "zh-CN")
    page.goto(f"{demo}{HOME}/sessions/{door.unit}")
    page.locator(f"a[href$='{door.bookings[3]}']").click()
    page.get_by_label("证件号码后六位").fill("000000")
    page.get_by_role("button", name="签到").click()
    expect(page.locator("#summary")).to_contain_text("没有签到")
    page.get_by_label("证件号码后六位").fill(identity_number(FIRST_NUMBER + 3)[-6:])
    assert axe_everywhere(page) == []
    page.get_by_role("button", name="签到").click()
    expect(page.locator(".told")).to_have_text("已签到。")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_without_scripts_the_code_and_the_photo_check_in_too(scriptless, demo, door):
    page = scriptless.new_page()
    page.goto(f"{demo}/sign-in")
    enter(page, "en")
    page.goto(f"{demo}{HOME}/check-in")
    assert page.locator("#camera").is_hidden()
    page.locator("#f-code").fill(door.codes[4])
    page.keyboard.press("Enter")
    expect(page.locator(".result.good .result-name")).to_have_text("王小明")
    page.set_input_files(
        "#f-photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo(door.codes[4])}
    )
    page.get_by_role("button", name="Read the photo").click()
    expect(page.locator(".result.wait")).to_contain_text("Already in")
    page.context.close()
