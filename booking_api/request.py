"""Reading requests without the framework's costlier conveniences. Imports Litestar."""

from typing import Any

from litestar import Request
from litestar.datastructures import State

AnyRequest = Request[Any, Any, State]


def header(request: AnyRequest, name: bytes) -> str | None:
    """One header by its lower-case name, the last if it is repeated; no mapping of all headers is built for it."""
    found = None
    for key, value in request.scope["headers"]:
        if key == name:
            found = value
    return found.decode("latin-1") if found is not None else None
