"""`/verify/`: the verifier of draws as a page, the files of `fairness/verifier` as they are. Imports Litestar.

It computes in the browser and asks for nothing else, so what it says of a draw rests on nobody's word; who distrusts
these very files takes them from elsewhere.
"""

from collections.abc import Mapping
from importlib.resources import files

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from booking_api.gate.access import Access
from booking_api.pages.assets import TYPES, Asset
from booking_api.pages.compression import accepts_gzip, compressed_asset
from booking_api.pages.headers import SECURITY_HEADERS
from booking_api.pages.routing import page_get
from booking_api.request import AnyRequest, header

VERIFIER_PATH = "/verify/"
_PAGE = "index.html"
_TYPES = {name: TYPES[name] for name in (".css", ".js", ".svg")} | {".html": "text/html"}
# The page posts nothing and makes no markup of texts: narrower than the other pages, which may do both.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def _read_files() -> Mapping[str, Asset]:
    found: dict[str, Asset] = {}
    for entry in (files("fairness") / "verifier").iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if suffix in _TYPES:
            content = entry.read_bytes()
            found[entry.name] = Asset(content, _TYPES[suffix], compressed_asset(content))
    return found


VERIFIER_FILES = _read_files()


@page_get("/verify", access=Access.PUBLIC)
async def get_verifier(request: AnyRequest) -> Response[bytes] | Redirect:
    """The page. Its files are named beside it, so its address ends in a slash."""
    if not request.scope["raw_path"].endswith(b"/"):
        return Redirect(VERIFIER_PATH, status_code=308)
    return _answer(request, VERIFIER_FILES[_PAGE])


@page_get("/verify/{name:str}", access=Access.PUBLIC)
async def get_verifier_file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """One of its modules, or its styles."""
    file = VERIFIER_FILES.get(name)
    if file is None:
        raise NotFoundException(detail="There is no such file.")
    return _answer(request, file)


def _answer(request: AnyRequest, file: Asset) -> Response[bytes]:
    headers = {
        **SECURITY_HEADERS,
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        # Modules that import each other must be of one version.
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
    content = file.content
    if file.packed is not None and accepts_gzip(header(request, b"accept-encoding")):
        content, headers["Content-Encoding"] = file.packed, "gzip"
    return Response(content, media_type=file.media_type, headers=headers)


VERIFIER_PAGES = (get_verifier, get_verifier_file)
