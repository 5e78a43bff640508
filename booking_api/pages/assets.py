"""Styles, modules and pictures: read once, served from memory under a path that carries their digest.

The digest in the path covers all of them, so a browser may keep them for good and modules that import each other
never mix two versions. A path with another version's digest gets the present file, not to be kept. Each file is packed
once, when the worker starts.
"""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from booking_api.pages.compression import accepts_gzip, compressed_asset
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.request import AnyRequest, header

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
KEEP = "public, max-age=31536000, immutable"
DIGEST_CHARACTERS = 16


class Asset(NamedTuple):
    """One file, its media type, and the file packed where that saves anything."""

    content: bytes
    media_type: str
    packed: bytes | None


def _read_assets() -> Mapping[str, Asset]:
    folder = files("booking_api.pages") / "static"
    assets: dict[str, Asset] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        suffix = entry.name[entry.name.rfind(".") :]
        if suffix in TYPES:
            content = entry.read_bytes()
            assets[entry.name] = Asset(content, TYPES[suffix], compressed_asset(content))
    return assets


def _digest(assets: Mapping[str, Asset]) -> str:
    digest = hashlib.sha256()
    for name, asset in assets.items():
        digest.update(f"{name} {len(asset.content)}\n".encode())
        digest.update(asset.content)
    return digest.hexdigest()[:DIGEST_CHARACTERS]


ASSETS = _read_assets()
DIGEST = _digest(ASSETS)


def asset_path(name: str) -> str:
    """Where a page finds this file.

    Raises:
        KeyError: there is none of this name.
    """
    if name not in ASSETS:
        raise KeyError(name)
    return f"/static/{DIGEST}/{name}"


@get("/static/{digest:str}/{name:str}", include_in_schema=False)
async def get_asset(request: AnyRequest, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One file."""
    asset = ASSETS.get(name)
    if asset is None:
        raise NotFoundException(detail="There is no such file.")
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": KEEP if digest == DIGEST else "no-cache",
        "Vary": "Accept-Encoding",
    }
    content = asset.content
    if asset.packed is not None and accepts_gzip(header(request, b"accept-encoding")):
        content, headers["Content-Encoding"] = asset.packed, "gzip"
    return Response(content, media_type=asset.media_type, headers=headers)
