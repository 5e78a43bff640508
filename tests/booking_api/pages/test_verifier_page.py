"""The verifier's page is served whole, under a policy of its own, and linked from every page."""

import re

from booking_api.pages.verifier import VERIFIER_FILES, VERIFIER_PATH
from tests.booking_api.pages.visitors import Shown


async def test_its_address_ends_in_a_slash_and_leads_to_all_its_files(client):
    answer = await client.get(VERIFIER_PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    without = await client.get(VERIFIER_PATH.rstrip("/"), follow_redirects=False)
    assert (without.status_code, without.headers["location"]) == (308, VERIFIER_PATH)
    named = set(re.findall(r'(?:href|src)="([^"#]+)"', answer.text))
    for name, file in VERIFIER_FILES.items():
        if name.endswith(".js"):
            named |= set(re.findall(r'from "\./([^"]+)"', file.content.decode()))
    assert named == set(VERIFIER_FILES) - {"index.html"}
    for name in named:
        file = await client.get(VERIFIER_PATH + name)
        assert (file.status_code, file.content) == (200, VERIFIER_FILES[name].content), name
        assert file.headers["cache-control"] == "no-cache"


async def test_it_may_ask_for_nothing_and_make_no_markup(client):
    for name in ("", "page.js"):
        policy = (await client.get(VERIFIER_PATH + name)).headers["content-security-policy"]
        assert policy.startswith("default-src 'self'; connect-src 'none'; ")
        assert policy.endswith("require-trusted-types-for 'script'; trusted-types 'none'")
        assert "unsafe" not in policy


async def test_nothing_but_its_files_is_reachable(client):
    for name in ("package.json", "cli.mjs", "..%2Fverify.py", "%2e%2e/verify.py", "none.js"):
        assert (await client.get(VERIFIER_PATH + name)).status_code == 404, name


async def test_every_page_links_to_it(client):
    for lang, said in (("en", "Check a draw"), ("zh-CN", "核验一次摇号")):
        shown = Shown(await client.get(f"/styleguide?lang={lang}"))
        assert shown.all("a", href=VERIFIER_PATH)
        assert said in shown.text
