"""One's own pages in a real browser: bookings with and without a network, on a desk and a phone, by keyboard, without scripts."""

import io
import re

import httpx
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.axe import axe_everywhere
from tests.browser.keeping import keep
from tests.serving import token_of

__all__ = ["keep"]
pytestmark = pytest.mark.browser

PAGES = (
    "/bookings",
    "/messages",
    "/account",
    "/account/security",
    "/account/security/app",
    "/account/data/erase",
)
OPEN = ("/sign-in", "/register", "/offline/en")


def sign_in(page: Page, account: str) -> None:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/sign-in?next=/bookings")
    page.click(f"button[value='{account}']")
    expect(page).to_have_url(re.compile("/bookings$"))


def book(demo: str, account: str, rule: str, authority: str = "cn-zj-jx") -> str:
    """A booking of one of the demo's people, made over the API."""
    mine = token_of(demo, account)
    pools = httpx.get(f"{demo}/api/v1/pools?limit=100").json()["pools"]
    [pool] = [each["id"] for each in pools if (each["authority"], each["rule"]) == (authority, rule)]
    units = httpx.get(f"{demo}/api/v1/pools/{pool}/units?limit=500").json()["units"]
    # Late enough that it may still be left.
    unit = [
        each["id"]
        for each in sorted(units, key=lambda each: each["starts_at"])
        if each["attributes"].get("class") == "C1" and each["attributes"].get("quota") != "priority"
    ][-1]
    held = httpx.post(f"{demo}/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=mine)
    assert held.status_code in {200, 201}, held.text
    path = f"{demo}/api/v1/holds/{held.json()['id']}/confirm"
    done = httpx.post(path, headers=mine | {"Idempotency-Key": f"{account}-{unit}"})
    assert done.status_code == 201, done.text
    return done.json()["id"]


def read_symbol(page: Page) -> str:
    """What a reader at the door sees of the code on the screen."""
    symbol = page.locator("svg.symbol").first
    # Where the bar at the thumb does not cover it.
    symbol.evaluate("(shown) => shown.scrollIntoView({block: 'center', behavior: 'instant'})")
    picture = symbol.screenshot()
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return found.text


def wait_for_worker(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def kept(page: Page) -> list[str]:
    return page.evaluate(
        """async () => {
            const paths = [];
            for (const name of await caches.keys()) {
                if (!name.startsWith("person-")) continue;
                for (const each of await (await caches.open(name)).keys()) paths.push(new URL(each.url).pathname);
            }
            return paths.sort();
        }"""
    )


def test_bookings_are_there_without_a_network_for_their_person_alone(visit, demo, complaints):
    booking = book(demo, "applicant-1", "subject-1")
    page = visit("/styleguide?lang=en", width=390)
    wait_for_worker(page)
    sign_in(page, "applicant-1")
    page.wait_for_function("caches.match('/bookings/kept').then((found) => found !== undefined)")
    page.wait_for_function(f"caches.match('/bookings/{booking}').then((found) => found !== undefined)")

    page.context.set_offline(True)
    page.reload()
    expect(page.locator("[data-offline]")).to_be_visible()
    page.locator(f"a[href='/bookings/{booking}']").click()
    expect(page.locator("svg.symbol")).to_be_visible()
    assert read_symbol(page).startswith("GD1.")
    shown = read_symbol(page)
    page.goto(f"{demo}/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no network")
    expect(page.locator(".kept-ticket")).to_have_count(1)
    assert read_symbol(page) == shown

    page.context.set_offline(False)
    page.goto(f"{demo}/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status").filter(has_text="You have signed out.")).to_be_visible()
    page.wait_for_function(
        "caches.keys().then((names) => names.every((name) => !name.startsWith('person-')))"
    )
    page.context.set_offline(True)
    page.goto(f"{demo}/bookings")
    expect(page.get_by_text("Nothing is kept")).to_be_visible()
    expect(page.locator(".kept-ticket")).to_have_count(0)

    page.context.set_offline(False)
    sign_in(page, "applicant-2")
    page.wait_for_function("caches.match('/bookings/kept').then((found) => found !== undefined)")
    page.context.set_offline(True)
    page.goto(f"{demo}/bookings/{booking}")
    expect(page.get_by_text("Nothing is kept")).to_be_visible()
    assert booking not in "".join(kept(page))
    page.context.set_offline(False)
    complaints[:] = [each for each in complaints if "ERR_INTERNET_DISCONNECTED" not in each]


@pytest.mark.parametrize(("lang", "width"), [("en", 1280), ("zh-CN", 390)])
def test_a_person_sees_the_cost_and_cancels_by_keyboard(visit, demo, lang, width):
    account = "applicant-4" if lang == "en" else "applicant-3"
    booking = book(demo, account, "subject-4" if lang == "en" else "subject-3")
    page = visit(f"/styleguide?lang={lang}", width=width)
    sign_in(page, account)
    page.locator(f"a[href='/bookings/{booking}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("svg.symbol")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(f"a[href='/bookings/{booking}/cancel']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".consequences li").first).to_contain_text("3")
    page.locator("form button.danger").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_be_visible()
    expect(page.locator("svg.symbol")).to_have_count(0)


def test_without_scripts_somebody_registers_is_verified_and_signs_out(scriptless, demo):
    page = scriptless.new_page()
    page.goto(f"{demo}/register?lang=en")
    for name, said in (
        ("name", "欧阳春"),
        ("identity_number", "11010519491231002X"),
        ("phone", "13800138000"),
        ("login", "ouyang.chun"),
        ("password", "four horses, one cart"),
    ):
        page.fill(f"#f-{name}", said)
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_text("not verified yet")).to_be_visible()
    page.get_by_role("button", name="Send me a code").click()
    expect(page.locator("#summary")).to_contain_text("do not match")
    page.goto(f"{demo}/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.close()


def test_every_page_is_accessible_and_kept_to_be_looked_at(visit, demo, keep):
    booking = book(demo, "applicant-11", "subject-3")
    page = visit("/sign-in?lang=en")
    found = []
    for path in OPEN:
        page.goto(demo + path)
        found += axe_everywhere(page)
        keep(page, "own" + path.replace("/", "-"))
    sign_in(page, "applicant-11")
    for path in (
        *PAGES,
        f"/bookings/{booking}",
        f"/bookings/{booking}/cancel",
        f"/bookings/{booking}/change",
    ):
        page.goto(demo + path)
        found += axe_everywhere(page)
        keep(page, "own" + path.replace("/", "-").replace(booking, "ticket"))
    assert found == []
