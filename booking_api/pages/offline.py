"""The pages as an application that is installed, and what it shows without a network. Imports Litestar and the assets.

`/worker.js` keeps the offline page and its files, and the coming bookings of whoever is signed in: see `static/worker.js`.
"""

import json

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from booking_api.gate.access import Access
from booking_api.pages.assets import ASSETS, DIGEST, asset_path
from booking_api.pages.catalogue import LANGUAGES, words_in
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get
from booking_api.pages.visiting import NOBODY, PERSON_HEADER, stranger
from booking_api.request import AnyRequest

ICONS = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"))
MASKABLE = (
    ("icon-maskable-192.png", "192x192", "maskable"),
    ("icon-maskable-512.png", "512x512", "maskable"),
)
KEPT_FILES = (
    "gongdao.css",
    "bookings.css",
    "icons.svg",
    "mark.svg",
    "page.js",
    "offline.js",
    "bookings.js",
    "offline_page.js",
    "icon-192.png",
)
"""What the offline page and kept bookings need."""


@page_get("/offline/{lang:str}", access=Access.PUBLIC)
async def get_offline(request: AnyRequest, lang: FromPath[str]) -> Response[str]:
    """What is shown without a network, in one language: nobody's page, for a script to fill from what was kept."""
    language = next((each for each in LANGUAGES if each == lang), None)
    if language is None:
        raise NotFoundException(detail="There is no such page.")
    visitor = stranger(request)._replace(words=words_in(language))
    return render("offline.html", visitor)


@get("/manifest.webmanifest", include_in_schema=False, media_type="application/manifest+json")
async def get_manifest(request: AnyRequest) -> Response[bytes]:
    """The installed application: name, icons, colours (W3C Web Application Manifest)."""
    words = stranger(request).words
    manifest = {
        "id": "/",
        "name": words.text("Gongdao: test and inspection bookings"),
        "short_name": words.text("Gongdao"),
        "lang": words.lang,
        "start_url": "/bookings",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf7f2",
        "theme_color": "#b4372b",
        "icons": [
            {"src": asset_path(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in (*ICONS, *MASKABLE)
        ],
    }
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    content = json.dumps(manifest, ensure_ascii=False).encode()
    return Response(content, media_type="application/manifest+json", headers=headers)


@get("/worker.js", include_in_schema=False, media_type="text/javascript")
async def get_worker() -> Response[bytes]:
    """The service worker. At the root, so that its scope is every page; asked for anew each time, so that it is replaced."""
    told = {
        "digest": DIGEST,
        "files": [asset_path(name) for name in KEPT_FILES],
        "languages": list(LANGUAGES),
        "header": PERSON_HEADER,
        "nobody": NOBODY,
    }
    content = f"const TOLD = {json.dumps(told)};\n".encode() + ASSETS["worker.js"].content
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-cache"}
    return Response(content, media_type="text/javascript", headers=headers)
