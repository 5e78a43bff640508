"""How a page's route says whom it serves. Imports Litestar and the access table's words.

A page without that cannot be built: `page_get` and `page_post` ask for it, and nothing else makes pages' routes.
"""

from collections.abc import Callable
from typing import Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from booking_api.gate.access import Access
from booking_api.request import BODY_LIMIT

ACCESS = "page_access"
"""The option of a page's route that names whom it serves."""


def page_get(path: str, *, access: Access) -> Callable[[Any], HTTPRouteHandler]:
    """A page that is read."""
    return get(path, include_in_schema=False, opt={ACCESS: access})


def page_post(
    path: str, *, access: Access, body_limit_bytes: int | None = None
) -> Callable[[Any], HTTPRouteHandler]:
    """A page's form; `body_limit_bytes` for one that is long or carries a file."""
    if body_limit_bytes is None:
        return post(path, status_code=200, include_in_schema=False, opt={ACCESS: access})
    # The framework bounds what it streams, a form with a file; our own request what is read whole.
    return post(
        path,
        status_code=200,
        include_in_schema=False,
        opt={ACCESS: access, BODY_LIMIT: body_limit_bytes},
        request_max_body_size=body_limit_bytes,
    )
