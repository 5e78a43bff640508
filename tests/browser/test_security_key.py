"""A real browser with an authenticator of its own: what our options ask, it understands; what it answers, we take."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.booking_api.signing_in.people import NUMBER, OTHER_NUMBER, PASSWORD
from tests.serving import Serving, free_port

pytestmark = pytest.mark.browser

ZHANG = {
    "login": "zhang.wei",
    "identity_number": NUMBER,
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}
SIGN_IN = {"login": "zhang.wei", "password": PASSWORD}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

SEND = """async ([method, path, body, csrf]) => {
    const headers = {"Content-Type": "application/json", ...(csrf && {"X-CSRF-Token": csrf})};
    const answer = await fetch(`/api/v1${path}`, {method, headers, body: body && JSON.stringify(body)});
    return {status: answer.status, ...(answer.status === 204 ? {} : await answer.json())};
}"""
CREATE = """async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({publicKey})).toJSON();
}"""
GET = """async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({publicKey})).toJSON();
}"""


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An installation that is reached by a name, as security keys need it."""
    port = free_port()
    url = f"http://localhost:{port}"
    serving = Serving(
        tmp_path_factory.mktemp("named") / "data", GONGDAO_PORT=str(port), GONGDAO_PUBLIC_URL=url
    )
    try:
        serving.wait_ready()
        yield url
    finally:
        serving.stop()


def test_a_browsers_key_is_added_and_signs_in_to_a_session(browser: Browser, named: str):
    page = browser.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto(f"{named}/health/live")

    def send(method, path, body=None, csrf=None):
        return page.evaluate(SEND, [method, path, body, csrf])

    assert send("POST", "/accounts", ZHANG)["status"] == 201
    csrf = send("POST", "/session", SIGN_IN)["csrf_token"]
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("gongdao_session", True, "Lax")
    assert page.evaluate("document.cookie") == ""

    keys, password = "/factors/security-keys", {"password": PASSWORD}
    assert send("POST", f"{keys}/options", password)["code"] == "csrf_refused"
    options = send("POST", f"{keys}/options", password, csrf)["public_key"]
    new = {"name": "virtual", "credential": page.evaluate(CREATE, options)}
    added = send("POST", keys, new, csrf)
    assert (added["status"], len(added["recovery_codes"])) == (201, 10)
    assert send("DELETE", "/session", csrf=csrf)["status"] == 204
    assert page.context.cookies() == []

    needed = send("POST", "/session", SIGN_IN)
    assert needed["code"] == "second_factor_needed"
    options = send("POST", "/sign-in/second/options", {"ticket": needed["ticket"]})["public_key"]
    step = {"ticket": needed["ticket"], "security_key": page.evaluate(GET, options)}
    begun = send("POST", "/session/second", step)
    assert (begun["status"], begun["account"]["login"]) == (200, "zhang.wei")
    assert send("GET", "/session")["csrf_token"] == begun["csrf_token"]
    page.close()


def test_a_key_is_added_on_a_page_and_signs_in_on_a_page(browser: Browser, named: str):
    page = browser.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto(f"{named}/register?lang=en")
    li = ZHANG | {"login": "li.na", "identity_number": OTHER_NUMBER, "name": "李娜"}
    for name, said in li.items():
        page.fill(f"#f-{name}", said)
    page.get_by_role("button", name="Open the account").click()
    page.goto(f"{named}/account/security/keys")
    page.fill("#f-password", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.fill("#f-name", "the blue key")
    page.get_by_role("button", name="Touch the key now").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have them").click()
    expect(page.get_by_text("the blue key").first).to_be_visible()
    page.goto(f"{named}/account")
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{named}/sign-in?next=/account/security")
    page.fill("#f-login", "li.na")
    page.fill("#f-password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    # A code would do as well: the form for it stays.
    expect(page.locator("#f-code")).to_be_visible()
    page.get_by_role("button", name="Use the security key").click()
    expect(page.get_by_text("last used")).to_be_visible()
    page.close()
