"""Pages that few see: secrets told once behind the password, choosers of who works at several places, a school's data."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pyotp.totp import TOTP

from tests.booking_api.signing_in.people import NUMBER, OTHER_NUMBER, PASSWORD
from tests.browser.axe import axe_everywhere
from tests.browser.door import move_to_the_past
from tests.browser.keeping import keep
from tests.serving import Serving, free_port

__all__ = ["keep"]
pytestmark = pytest.mark.browser

SCHOOL = "/school/hz-demo-school"
ENDED_MS = 60_000
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A demo that is reached by a name, as security keys need it, and that tells webhooks on this machine."""
    port = str(free_port())
    serving = Serving(
        tmp_path_factory.mktemp("seldom") / "data",
        "--demo",
        GONGDAO_PORT=port,
        GONGDAO_PUBLIC_URL=f"http://localhost:{port}",
        GONGDAO_WEBHOOKS_LOOPBACK="on",
    )
    try:
        serving.wait_ready()
        yield serving
    finally:
        serving.stop()


@pytest.fixture(scope="module")
def demo(served: Serving) -> str:
    return served.env["GONGDAO_PUBLIC_URL"]


@pytest.fixture
def look(keep) -> Iterator[Callable[[Page, str], None]]:
    """Looks at a page at both widths and in both schemes; a test that saw a violation has failed."""
    broken: list[str] = []

    def see(page: Page, name: str) -> None:
        broken.extend(axe_everywhere(page))
        keep(page, name)

    yield see
    assert broken == []


def register(page: Page, demo: str, lang: str, **who: str) -> None:
    page.goto(f"{demo}/register?lang={lang}")
    for name, said in (who | {"phone": "13800138000", "password": PASSWORD}).items():
        page.fill(f"#f-{name}", said)
    page.locator("main button.primary").click()
    page.wait_for_url("**/account")


def prove(page: Page) -> None:
    """The password again."""
    page.fill("#f-password", PASSWORD)
    page.locator("main button.primary").click()


def enter(page: Page, demo: str, account: str, path: str, lang: str = "en") -> None:
    page.goto(f"{demo}/sign-in?lang={lang}&next={path}")
    page.click(f"button[value={account}]")
    page.wait_for_url(f"**{path}")


def test_an_app_is_set_up_used_and_removed(visit, demo, look):
    page = visit("/styleguide?lang=zh-CN")
    register(page, demo, "zh-CN", login="zhang.wei", identity_number=NUMBER, name="张伟")
    page.goto(f"{demo}/account/security/app")
    prove(page)
    expect(page.locator(".secret-symbol svg")).to_be_visible()
    look(page, "seldom-app-secret-zh")
    secret = page.locator(".secret-text").inner_text().replace(" ", "")
    page.fill("#f-code", "000000")
    page.locator("main button.primary").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "seldom-app-refused-zh")
    page.fill("#f-code", TOTP(secret).now())
    page.locator("main button.primary").click()
    expect(page.locator(".codes li")).to_have_count(10)
    look(page, "seldom-recovery-codes-zh")
    recovery = page.locator(".codes li").first.inner_text()
    page.goto(f"{demo}/account/security")
    look(page, "seldom-security-with-app-zh")
    page.goto(f"{demo}/account/security/app/remove")
    look(page, "seldom-app-remove-zh")
    page.goto(f"{demo}/account")
    page.get_by_role("button", name="退出登录").click()
    page.goto(f"{demo}/sign-in?next=/account/security")
    page.fill("#f-login", "zhang.wei")
    prove(page)
    expect(page.locator("#f-code")).to_be_visible()
    look(page, "seldom-second-step-zh")
    page.fill("#f-code", recovery)
    page.locator("main form.stack button").click()
    page.wait_for_url("**/account/security")


def test_a_security_key_is_added_asked_for_and_removed(visit, demo, look):
    page = visit("/styleguide?lang=en")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    register(page, demo, "en", login="li.na", identity_number=OTHER_NUMBER, name="李娜")
    page.goto(f"{demo}/account/security/keys")
    look(page, "seldom-key-password")
    prove(page)
    expect(page.get_by_role("button", name="Touch the key now")).to_be_visible()
    look(page, "seldom-key-new")
    page.fill("#f-name", "the blue key")
    page.get_by_role("button", name="Touch the key now").click()
    expect(page.locator(".codes li")).to_have_count(10)
    look(page, "seldom-recovery-codes")
    page.goto(f"{demo}/account/security")
    look(page, "seldom-security-with-key")
    page.get_by_role("link", name="Remove the blue key").click()
    look(page, "seldom-key-remove")
    page.goto(f"{demo}/account")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{demo}/sign-in?next=/account/security")
    page.fill("#f-login", "li.na")
    prove(page)
    expect(page.get_by_role("button", name="Use the security key")).to_be_visible()
    look(page, "seldom-second-step")


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_who_works_at_several_places_chooses_one(visit, demo, gongdao, look, lang):
    stations = ("station:hz-demo-test-centre", "station:hz-demo-inspection")
    gongdao("account", "roles", "test-site-clerk", *stations)
    gongdao("account", "roles", "counter-clerk", "clerk:cn-zj-hz", "clerk:cn-zj-nb")
    page = visit(f"/styleguide?lang={lang}")
    for account, path in (("test-site-clerk", "/station"), ("counter-clerk", "/counter")):
        enter(page, demo, account, path, lang)
        expect(page.locator("main a.card")).to_have_count(2)
        look(page, f"seldom-choose{path.replace('/', '-')}-{lang}")
        page.locator("main a.card").first.click()
        page.wait_for_url(re.compile(f"{path}/."))


def test_a_school_sees_results_and_what_its_webhook_was_told(visit, demo, served, look):
    page = visit("/styleguide?lang=en")
    enter(page, demo, "school-agent", SCHOOL)
    page.goto(f"{demo}{SCHOOL}/webhooks/new")
    # Nobody listens there: what is sent is tried again.
    page.fill("#f-url", f"http://127.0.0.1:{free_port()}/gongdao/what-happened?from=hangzhou")
    for kind in page.locator("input[name=kinds]").all():
        kind.check()
    page.locator("main button.primary").click()
    expect(page.locator("#secret")).to_have_value(re.compile("^whsec_"))
    look(page, "seldom-webhook-made")
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("button", name="Ping").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    unit = book(page, demo, learners=4)
    here = page.url
    page.goto(f"{demo}{SCHOOL}/webhooks")
    look(page, "seldom-webhooks")
    page.locator("tbody a").first.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    look(page, "seldom-webhook")
    page.get_by_role("link", name="Delete").click()
    look(page, "seldom-webhook-delete")
    move_to_the_past(Path(served.env["GONGDAO_DATA"]), unit, outcomes=("passed", "failed"))
    page.goto(f"{demo}{SCHOOL}/results")
    expect(page.locator(".test .tag.good")).to_have_count(1)
    look(page, "seldom-results")
    page.goto(f"{here}?lang=zh-CN")
    page.goto(f"{demo}{SCHOOL}/results")
    look(page, "seldom-results-zh")


def book(page: Page, demo: str, *, learners: int) -> int:
    """A batch of this many of the school's learners in one session; gives its unit."""
    page.goto(f"{demo}{SCHOOL}/sessions?subject=1")
    rows = page.eval_on_selector_all(
        "tbody tr", "rows => rows.map(row => [row.querySelector('.code').textContent, row.textContent])"
    )
    unit = next(number for number, text in rows if " C1" in text and "priority" not in text)
    page.goto(f"{demo}{SCHOOL}/batches/new")
    page.fill("#f-list", "\n".join(f"learner-{n} {unit}" for n in range(1, learners + 1)))
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("button", name=f"Book {learners} rows").click()
    page.wait_for_url(re.compile(r"/batches/\d+"))
    expect(page.locator("script[src*='school_batch']")).to_have_count(0, timeout=ENDED_MS)
    return int(unit)
