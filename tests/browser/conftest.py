"""Debian's chromium on a demo that runs, with every complaint of the browser collected.

Skips loudly where there is no chromium; with GONGDAO_CI=1 a skip is a failure.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GONGDAO = [sys.executable, "-m", "booking_api.cli"]
START_TIMEOUT_S = 40
# What a refusal looks like to the browser's console: the page shows it to the person, so it is not a complaint.
REFUSAL = "Failed to load resource: the server responded with a status of"


class Served(NamedTuple):
    """Where the demo is, and the environment of commands beside it."""

    url: str
    env: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A `gongdao serve --demo`."""
    port, folder = free_port(), tmp_path_factory.mktemp("browser")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GONGDAO_")} | {
        "GONGDAO_DATA": str(folder / "data"),
        "GONGDAO_PORT": str(port),
        "GONGDAO_METRICS_PORT": str(free_port()),
    }
    served = Served(f"http://127.0.0.1:{port}", env)
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*GONGDAO, "serve", "--demo"], env=env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_ready(served.url, process, folder / "serve.log")
            yield served
        finally:
            process.terminate()
            process.wait(40)


@pytest.fixture(scope="session")
def demo(served: Served) -> str:
    """The demo's address."""
    return served.url


@pytest.fixture(scope="session")
def gongdao(served: Served) -> Callable[..., None]:
    """Runs a command beside the demo."""

    def run(*words: str) -> None:
        done = subprocess.run([*GONGDAO, *words], env=served.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.1)
    raise AssertionError("not ready in time:\n" + log.read_text())


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
