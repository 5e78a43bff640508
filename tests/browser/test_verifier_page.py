"""The verifier's page in a real browser: files in, steps as they go, the result, one's own line; nothing goes out."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from booking_api.pages.headers import SECURITY_HEADERS
from tests.browser.axe import axe_everywhere
from tests.browser.keeping import keep  # noqa: F401 - a fixture
from tests.fairness.ceremonies import play, secret, trust_text
from tests.fairness.receipts import ABSENT, GOOD, LISTED, RECEIPT_TAMPERINGS, RECEIPTS

pytestmark = pytest.mark.browser

VERIFIER = Path(__file__).parent.parent.parent / "fairness" / "verifier"
LANGUAGES = ("zh-CN", "en")
DROP = """([zone, name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  for (const kind of ["dragover", "drop"]) {
    document.querySelector(zone).dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""


class Files(SimpleHTTPRequestHandler):
    """The folder as it is, with what the product's pages say to browsers."""

    def end_headers(self) -> None:
        for name, value in SECURITY_HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture(scope="module")
def folder() -> Iterator[str]:
    """The address of the verifier's folder on a server that knows nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(VERIFIER)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def opened(browser: Browser, folder: str, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens the page; what it asks the network for is itself only."""
    contexts = []

    def open_page(language: str = "en", *, width: int = 1280) -> Page:
        context = browser.new_context(locale=language, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on("console", lambda message: complaints.append(message.text))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(folder) else complaints.append(f"asked {asked.url}"),
        )
        page.goto(folder)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def give(page: Page, bundle: bytes, trust: str = trust_text(), *, demo: bool = True) -> None:
    """Drops the bundle, chooses the trust file and starts."""
    page.evaluate(DROP, ["#drop-bundle", "draw.bundle", bundle.decode()])
    page.locator("#trust").set_input_files(
        {"name": "trust.txt", "mimeType": "text/plain", "buffer": trust.encode()}
    )
    page.locator("#demo").set_checked(demo)
    page.locator("#start").click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draw_that_holds(opened, language, keep):  # noqa: F811
    draw = play()
    page = opened(language)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("#start")).to_be_disabled()
    expect(page.locator(".steps .waits")).to_have_count(11)
    violations = axe_everywhere(page)
    keep(page, f"verify-empty-{language}")
    give(page, draw.bundle())
    expect(page.locator("#verdict")).to_contain_text(
        "流程成立" if language == "zh-CN" else "The procedure holds"
    )
    expect(page.locator(".steps .holds")).to_have_count(11)
    # Every line about a demonstration says so.
    expect(page.locator(".steps .badge")).to_have_count(11)
    page.locator("details summary").first.click()
    rows = page.locator(".winners").first.locator("li")
    expect(rows).to_have_count(3)
    expect(rows.locator(".badge")).to_have_count(3)
    expect(rows.first).to_contain_text(draw.winners[0][1][0].id_hash.hex())
    violations += axe_everywhere(page)
    keep(page, f"verify-holds-{language}")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draw_that_was_bent_fails_at_its_step(opened, language, keep):  # noqa: F811
    page = opened(language, width=390)
    give(page, play().bundle().replace(b'"round":40000', b'"round":40001', 1))
    expect(page.locator(".steps .fails .number")).to_have_text("3")
    expect(page.locator(".steps .fails .note")).to_contain_text("was announced")
    expect(page.locator(".steps .holds")).to_have_count(3)
    expect(page.locator("#verdict .bad")).to_contain_text("第 3 步" if language == "zh-CN" else "at step 3")
    expect(page.locator("#result")).to_be_hidden()
    assert axe_everywhere(page) == []
    keep(page, f"verify-refused-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_finds_their_own_line(opened, language, keep):  # noqa: F811
    draw = play()
    winners = {
        winner.id_hash: (category, rank)
        for category, ranked in draw.winners
        for rank, winner in enumerate(ranked, 1)
    }
    page = opened(language)
    give(page, draw.bundle())
    expect(page.locator("#result")).to_be_visible()
    places = 0
    for number in range(30):
        page.locator("#line-id").fill(f"person {number}")
        page.locator("#line-salt").fill(secret(f"salt {number}").hex())
        page.locator("#line button").click()
        found = page.locator("#line-found .notice")
        id_hash = bytes.fromhex(found.locator("code").first.inner_text())
        if place := winners.get(id_hash):
            places += 1
            expect(found).to_contain_text(f"第 {place[1]} 名" if language == "zh-CN" else f"rank {place[1]} ")
        else:
            expect(found).to_contain_text("未中签" if language == "zh-CN" else "no place in")
    assert places == len(winners)
    page.locator("#line-id").fill("somebody else")
    page.locator("#line button").click()
    expect(page.locator("#line-found .bad")).to_contain_text("id_hash")
    keep(page, f"verify-receipt-{language}")
    page.locator("#line-salt").fill("12")
    page.locator("#line button").click()
    expect(page.locator("#line-salt")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#line-salt")).to_be_focused()
    assert axe_everywhere(page) == []


def hand_in(page: Page, receipt: bytes) -> None:
    """Drops a receipt beside the bundle and starts."""
    page.evaluate(DROP, ["#drop-receipt", "my.receipt", receipt.decode()])
    page.locator("#start").click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_is_checked_with_the_bundle(opened, language, keep):  # noqa: F811
    page = opened(language)
    give(page, GOOD.bundle())
    expect(page.locator("#result")).to_be_visible()
    found = page.locator("#receipt-verdict .notice").first
    hand_in(page, RECEIPTS["a winner without a name"]())
    expect(found).to_contain_text("您的回执成立" if language == "zh-CN" else "Your receipt holds")
    expect(found).to_contain_text("您是第 1 名" if language == "zh-CN" else "rank 1 of 3 in A")
    # Every sentence about a demonstration says so.
    assert found.locator("p .badge").count() == found.locator("p").count()
    violations = axe_everywhere(page)
    keep(page, f"verify-receipt-file-{language}")
    hand_in(page, ABSENT)
    expect(found).to_contain_text("证明不在名单中" if language == "zh-CN" else "shows an absence")
    for tampering in RECEIPT_TAMPERINGS:
        if tampering.name in {"id: another's", "line: heavier", "log: empty"}:
            hand_in(page, tampering.make())
            step = {"id": 1, "list": 2, "log": 3}[tampering.step]
            expect(found).to_contain_text(f"第 {step} 步" if language == "zh-CN" else f"at step {step},")
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations + axe_everywhere(page) == []


def test_a_receipt_is_checked_before_there_is_a_bundle_and_refused_with_one_that_does_not_hold(opened):
    page = opened()
    page.locator("#trust").set_input_files(
        {"name": "trust.txt", "mimeType": "text/plain", "buffer": trust_text().encode()}
    )
    hand_in(page, LISTED)
    found = page.locator("#receipt-verdict .notice").first
    expect(found).to_contain_text("Your receipt holds")
    expect(found).to_contain_text("its evidence bundle says")
    expect(page.locator(".steps .waits")).to_have_count(11)
    page.evaluate(DROP, ["#drop-bundle", "draw.bundle", GOOD.bundle().decode()])
    expect(page.locator("#receipt-verdict")).to_be_empty()
    page.locator("#start").click()
    expect(page.locator("#verdict .bad")).to_contain_text("at step 4")
    expect(found).to_contain_text("This receipt is refused at step 4")


def test_the_language_changes_and_what_was_found_stays(opened):
    page = opened("fr")
    give(page, play().bundle())
    expect(page.locator("#verdict")).to_contain_text("The procedure holds")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#verdict")).to_contain_text("流程成立")
    expect(page.get_by_role("button", name="中文")).to_be_focused()
    expect(page).to_have_title("核验一次摇号")


def test_a_demonstration_is_refused_unless_asked_for_and_no_trust_file_believes_no_log(opened):
    page = opened()
    give(page, play().bundle(), demo=False)
    expect(page.locator(".steps .fails")).to_contain_text("demonstration")
    give(page, play().bundle(), "quorum none\n")
    expect(page.locator(".steps .fails .number")).to_have_text("1")


def test_a_trust_file_that_cannot_be_used_names_its_line(opened):
    page = opened()
    give(page, play().bundle(), "quorum none\nbelieve everybody\n")
    expect(page.locator("#verdict")).to_contain_text("line 2")


def test_a_check_can_be_stopped_and_the_page_answers_meanwhile(opened):
    page = opened()
    give(page, play(20_000).bundle())
    expect(page.locator("#verdict")).to_contain_text("The procedure holds", timeout=60_000)
    # Pressed by the page's own clock, which ticks only if the check lets it.
    page.evaluate(
        "document.querySelector('#start').click(), setTimeout(() => document.querySelector('#stop').click(), 50)"
    )
    expect(page.locator("#verdict")).to_contain_text("Stopped")
    page.locator("#start").click()
    expect(page.locator("#verdict")).to_contain_text("The procedure holds", timeout=60_000)


def test_the_product_serves_it_under_a_narrower_policy(visit):
    page = visit("/styleguide?lang=en")
    page.get_by_role("link", name="Check a draw").click()
    expect(page.locator(".steps .waits")).to_have_count(11)
    give(page, play().bundle())
    expect(page.locator("#verdict")).to_contain_text("The procedure holds")
    page.goto(page.url.removesuffix("/"))
    expect(page.locator(".steps .waits")).to_have_count(11)


def test_without_a_secure_context_it_says_so(browser, folder):
    page = browser.new_page()
    try:
        page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
        page.goto(folder)
        expect(page.locator("#no-crypto")).to_be_visible()
        page.locator("#bundle").set_input_files({"name": "a", "mimeType": "text/plain", "buffer": b"a"})
        expect(page.locator("#start")).to_be_disabled()
    finally:
        page.close()
