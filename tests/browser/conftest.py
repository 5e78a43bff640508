"""Debian's chromium on a demo that runs, with every complaint of the browser collected.

Skips loudly where there is no chromium; with NO_SKIPS=1 a skip is a failure.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.serving import Serving, token_of

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What a refusal looks like to the browser's console: the page shows it to the person, so it is not a complaint.
REFUSAL = "Failed to load resource: the server responded with a status of"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A `gongdao serve --demo` of each module's own: what one role's day leaves is not another's to find."""
    serving = Serving(tmp_path_factory.mktemp("browser") / "data", "--demo")
    try:
        serving.wait_ready()
        yield serving
    finally:
        serving.stop()


@pytest.fixture(scope="module")
def demo(served: Serving) -> str:
    """The demo's address."""
    return served.url


@pytest.fixture(scope="module")
def gongdao(served: Serving) -> Callable[..., None]:
    """Runs a command beside the demo."""

    def run(*words: str) -> None:
        done = served.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., Browser]]:
    """Launches Debian's chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        yield lambda *more: playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*ARGUMENTS, *more]
        )


@pytest.fixture(scope="session")
def browser(chromium: Callable[..., Browser]) -> Iterator[Browser]:
    browser = chromium()
    yield browser
    browser.close()


@pytest.fixture
def scriptless(chromium: Callable[..., Browser]) -> Iterator[Browser]:
    """A browser whose owner has switched scripts off, so that its parser shows `noscript` too."""
    browser = chromium("--blink-settings=scriptEnabled=false")
    yield browser
    browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What browsers complained about; a test that ends with any has failed."""
    return []


@pytest.fixture
def visit(browser: Browser, demo: str, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser of its own: nothing is shared with the other visitors of the test."""
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/?lang=en", *, width: int = 1280, **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        context.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP violation', e.violatedDirective))"
        )
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{message.type}: {message.text}")
                if message.type in {"error", "warning"} and REFUSAL not in message.text
                else None
            ),
        )
        page.goto(demo + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def fresh(demo) -> Callable[[str], str]:
    """Somebody of the demo without a hold or booking, whatever other tests have left them."""

    def emptied(account: str) -> str:
        mine = token_of(demo, account)
        for held in httpx.get(f"{demo}/api/v1/holds", headers=mine).json()["holds"]:
            httpx.delete(f"{demo}/api/v1/holds/{held['id']}", headers=mine)
        for booked in httpx.get(f"{demo}/api/v1/bookings?state=booked", headers=mine).json()["bookings"]:
            httpx.post(f"{demo}/api/v1/bookings/{booked['id']}/cancel", headers=mine)
        return account

    return emptied
