"""Styles and modules: right types, kept for good under their digest, nothing else reachable."""

import re

from booking_api.pages.assets import ASSETS, DIGEST, asset_path

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}


async def test_an_asset_has_its_type_and_may_be_kept_for_good(client):
    for name in sorted(ASSETS):
        await is_there(client, name)


async def is_there(client, name):
    answer = await client.get(asset_path(name))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[name.rpartition(".")[2]], name
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.content == ASSETS[name].content


async def test_a_page_of_another_version_gets_the_present_file_and_may_not_keep_it(client):
    answer = await client.get("/static/0000000000000000/counts.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


async def test_nothing_but_the_assets_is_reachable(client):
    for path in (
        "/static/x/none.js",
        f"/static/{DIGEST}/",
        f"/static/{DIGEST}/..%2Fassets.py",
        f"/static/{DIGEST}/%2e%2e/assets.py",
        "/static/assets.py",
    ):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_modules_import_only_each_other():
    for name, asset in ASSETS.items():
        if name.endswith(".js"):
            for imported in re.findall(r'from "([^"]+)"', asset.content.decode()):
                assert imported.removeprefix("./") in ASSETS, f"{name} imports {imported}"


def test_no_asset_names_another_host():
    for name, asset in ASSETS.items():
        hosts = re.findall(rb"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", asset.content)
        assert set(hosts) <= {b"http://www.w3.org"}, name
