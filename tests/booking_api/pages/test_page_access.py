"""Every page and form, asked by everybody: nobody gets further than the page says, and no form works from elsewhere."""

import re

import pytest
from msgspec.structs import replace

from booking_api.app import create_app
from booking_api.gate.access import ROLES_OF, Access
from booking_api.identity.accounts import ROLES
from booking_api.pages.routing import ACCESS
from booking_api.settings import Rate
from tests.booking_api.pages.visitors import Shown, Visiting, account_row, opened, signed_in

ASKERS = {
    "unverified": {"verified": False},
    "applicant": {},
    **{role: {"roles": (f"{role}:somewhere",)} for role in ROLES},
}
OPEN = {Access.PUBLIC, Access.UNKNOWN}
STREAMS = re.compile(r"/events\b")
REFUSED = re.compile('data-code="(role_missing|not_verified)"')


def pages(settings, method: str) -> list[tuple[str, Access]]:
    """Every page's path with whom it serves."""
    app = create_app(settings)
    return sorted(
        (route.path_format, handler.opt[ACCESS])
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if ACCESS in handler.opt and method in handler.http_methods
    )


def test_every_page_says_whom_it_serves(settings, token):
    app = create_app(settings)
    silent = [
        route.path_format
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if ACCESS not in handler.opt
        and not route.path_format.startswith(
            ("/api/", "/static/", "/health/", "/disclosure/disclosure.css", "/.framework")
        )
        and handler.http_methods - {"OPTIONS"}
    ]
    # What no visitor's rights matter for: files, and their like.
    assert set(silent) <= {"/manifest.webmanifest", "/worker.js", "/icons/{name}"}


@pytest.fixture
async def client(settings, token, quick_hashes):
    # Everybody asks for everything from one address, which is no test of the limits.
    wide = Rate(100_000, 100_000)
    async with opened(replace(settings, account_rate=wide, network_rate=wide)) as client:
        yield client


@pytest.fixture
async def browsers(client, database_url):
    found = {}
    for number, (asker, what) in enumerate(ASKERS.items()):
        await account_row(database_url, f"asker-{number}", **what)
        found[asker] = await signed_in(client, database_url, f"asker-{number}")
    return found


def passes(access: Access, asker: str) -> bool:
    if access is Access.VERIFIED:
        return asker != "unverified"
    return access not in ROLES_OF or asker in ROLES_OF[access]


def address(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "1", path)


async def test_pages_are_shown_to_those_they_are_for_and_to_nobody_else(client, settings, browsers):
    stranger = Visiting(client)
    for path, access in pages(settings, "GET"):
        if STREAMS.search(path):
            continue
        told = await stranger.get(address(path))
        if access in OPEN:
            assert told.status_code != 303 or "/sign-in" not in told.headers["location"], path
        else:
            assert (told.status_code, told.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
        for asker, browser in browsers.items():
            told = await browser.get(address(path))
            assert told.status_code < 500, (path, asker)
            if access in OPEN or passes(access, asker):
                assert not REFUSED.search(told.text), (path, asker)
            else:
                assert told.status_code == 403, (path, asker)
                assert REFUSED.search(told.text), (path, asker)


async def test_no_form_works_without_its_sessions_token_or_for_somebody_else(client, settings, browsers):
    stranger = Visiting(client)
    for path, access in pages(settings, "POST"):
        told = await stranger.post(address(path))
        if access not in OPEN:
            assert (told.status_code, told.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
        for asker, browser in browsers.items():
            token, browser.csrf = browser.csrf, "forged"
            told = await browser.post(address(path))
            browser.csrf = token
            assert told.status_code == 403, (path, asker)
            assert "csrf_refused" in told.text, (path, asker)
            if access not in OPEN and not passes(access, asker):
                told = await browser.post(address(path))
                browser.csrf = token
                assert told.status_code == 403, (path, asker)
                assert REFUSED.search(told.text), (path, asker)


async def test_a_form_of_another_site_is_refused_also_before_anybody_has_signed_in(client, pools_open):
    answer = await client.post(
        "/sign-in", data={"login": "a", "password": "b"}, headers={"Origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403
    assert "csrf_refused" in answer.text


@pytest.fixture
def pools_open():
    """Nothing has to be there for a refusal."""


async def test_the_switch_of_language_keeps_the_page_and_is_remembered(client):
    browser = Visiting(client)
    browser.cookies.clear()
    first = await browser.page("/sign-in?next=%2Fbookings")
    assert first.all("html", lang="zh-CN")
    [english] = first.all("a", hreflang="en")
    assert english["href"] == "/sign-in?next=%2Fbookings&lang=en"
    assert (await browser.page(english["href"])).all("html", lang="en")
    assert browser.cookies["gongdao_lang"] == "en"
    assert (await browser.page("/sign-in")).all("html", lang="en")


@pytest.mark.parametrize(("lang", "said"), [("en", "There is no such page."), ("zh-CN", "没有这个页面。")])
async def test_a_page_that_is_not_there_says_so_to_a_browser_and_is_a_problem_to_a_program(
    client, lang, said
):
    shown = Shown(await client.get(f"/nowhere?lang={lang}", headers={"Accept": "text/html"}))
    assert (shown.status, said in shown.text) == (404, True)
    told = await client.get("/nowhere")
    assert told.headers["content-type"] == "application/problem+json"


async def test_pages_may_run_nothing_that_is_not_their_own(client):
    answer = await client.get("/styleguide?lang=en")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    shown = Shown(answer)
    for tag, attributes in shown.elements:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))
