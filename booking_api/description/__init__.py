"""The API described: what each route declares of itself (`told`), made into OpenAPI 3.1 (`building`).

The framework knows paths and parameters; bodies and answers are described by msgspec, which is what reads and writes them;
who may ask comes from the access table. Imports Litestar, msgspec, `gate.access` and `problems`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Litestar

from booking_api.description.building import describe_api
from booking_api.description.told import told
from booking_api.gate.access import Access

__all__ = ["Description", "told"]


class Description:
    """Owns the application's description, made when it is first asked for."""

    def __init__(
        self, access: Mapping[tuple[str, str], Access], *, tags: Mapping[str, str] | None = None
    ) -> None:
        self._access = access
        self._tags = tags or {}
        self._made: tuple[dict[str, Any], bytes] | None = None

    def schema(self, app: Litestar) -> dict[str, Any]:
        """As a mapping, for the page that shows it."""
        return self._make(app)[0]

    def document(self, app: Litestar) -> bytes:
        """As JSON."""
        return self._make(app)[1]

    def _make(self, app: Litestar) -> tuple[dict[str, Any], bytes]:
        if self._made is None:
            schema = describe_api(app, self._access, self._tags)
            self._made = schema, msgspec.json.encode(schema)
        return self._made
