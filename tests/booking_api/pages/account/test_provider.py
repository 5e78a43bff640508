"""Signing in through an identity provider on pages: a link leads there, a session comes back, in this browser only."""

import re
from html import unescape

import pytest

from tests.booking_api.identity.oidc.signing_in import linked, provided
from tests.booking_api.pages.visitors import Shown, Visiting
from tests.booking_api.signing_in.people import NAME, PASSWORD, ZHANG

BACK = "/sign-in/provider/callback"


@pytest.fixture
async def both(settings, token, quick_hashes):
    async with provided(settings) as (client, idp):
        client.follow_redirects = False
        yield client, idp


async def brought_back(browser, idp, url, **changed):
    told = idp.authorize(url) | changed
    return await browser.get(BACK + "?" + "&".join(f"{name}={value}" for name, value in told.items()))


async def test_a_linked_identity_signs_in_to_a_session(both):
    client, idp = both
    await linked(client, idp)
    browser = Visiting(client)
    assert (await browser.page("/sign-in")).all("a", href="/sign-in/provider")
    begun = await browser.get("/sign-in/provider")
    assert begun.status_code == 303
    entered = await brought_back(browser, idp, begun.headers["location"])
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert ZHANG["name"] in (await browser.page("/account")).text


async def test_another_browser_cannot_end_what_this_one_began(both):
    client, idp = both
    await linked(client, idp)
    begun = await Visiting(client).get("/sign-in/provider")
    other = Visiting(client)
    await other.get("/sign-in/provider")
    refused = Shown(await brought_back(other, idp, begun.headers["location"]))
    assert refused.status == 403
    assert NAME not in other.cookies


async def test_an_identity_is_linked_by_a_form_and_a_link_and_its_link_removed(both):
    client, idp = both
    browser = Visiting(client)
    await browser.get("/register")
    await browser.post("/register", **ZHANG)
    assert ZHANG["password"] == PASSWORD
    await browser.page("/account/security")
    # No form may lead to another site: the form's answer has the link.
    shown = await browser.post("/account/security/identities")
    assert shown.status_code == 200
    [url] = re.findall(r'href="([^"]*)" rel="noreferrer"', shown.text)
    done = await brought_back(browser, idp, unescape(url))
    assert done.headers["location"] == "/account/security?told=identity_linked"
    page = await browser.page("/account/security")
    [form] = [each for each in page.all("form") if (each["action"] or "").endswith("/remove")]
    gone = await browser.post(form["action"])
    assert gone.headers["location"] == "/account/security?told=identity_unlinked"
    begun = await Visiting(client).get("/sign-in/provider")
    assert begun.status_code == 303
