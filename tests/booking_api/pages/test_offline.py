"""What a browser needs to install the application and to show one's bookings without a network."""

import json
import re
import struct

import pytest

from booking_api.pages.assets import ASSETS
from tests.booking_api.pages.visitors import Shown, opened


@pytest.fixture
async def client(settings, token, quick_hashes):
    async with opened(settings) as client:
        yield client


@pytest.mark.parametrize(("lang", "name"), [("en", "Gongdao"), ("zh-CN", "公道")])
async def test_the_manifest_speaks_the_pages_language_and_its_icons_are_what_it_says(client, lang, name):
    answer = await client.get(f"/manifest.webmanifest?lang={lang}")
    assert answer.headers["content-type"] == "application/manifest+json"
    told = answer.json()
    assert (told["lang"], told["short_name"], told["id"]) == (lang, name, "/")
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
    for icon in told["icons"]:
        picture = await client.get(icon["src"])
        assert picture.headers["content-type"] == "image/png"
        assert "{}x{}".format(*struct.unpack(">II", picture.content[16:24])) == icon["sizes"]


async def test_the_worker_is_asked_for_anew_and_every_file_it_keeps_is_there(client):
    answer = await client.get("/worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    told = json.loads(re.match(r"const TOLD = (\{.*\});\n", answer.text)[1])
    for path in told["files"]:
        assert (await client.get(path)).headers["cache-control"].endswith("immutable"), path
    for language in told["languages"]:
        page = await client.get(f"/offline/{language}")
        assert Shown(page).all("html", lang=language)
        # Everybody may be shown it: it is nobody's, and sets nothing.
        assert "set-cookie" not in page.headers
        needed = set(re.findall(r'(?:href|src)="(/static/[^"#]*)', page.text))
        assert needed - set(told["files"]) == set()
    assert (await client.get("/offline/tlh")).status_code == 404


def test_the_modules_that_kept_pages_import_are_kept_too():
    kept = {"page.js", "offline.js", "bookings.js", "offline_page.js"}
    for name in kept:
        for imported in re.findall(r'from "\./([^"]+)"', ASSETS[name].content.decode()):
            assert imported in kept
