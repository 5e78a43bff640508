"""How a request says who asks: OpenAPI's security schemes, and which of them an operation takes. Imports `gate.access`."""

from collections.abc import Mapping
from typing import Any

from booking_api.gate.access import KEY_SCOPES, Access

SCHEMES: Mapping[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`access_token` of a sign-in.",
    },
    "api_key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "gdk_...",
        "description": (
            "A school's or station's API key, sent like a token. What is named beside it is the scope that it needs."
        ),
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-gongdao_session",
        "description": "What `POST /api/v1/session` sets. Without TLS, on a machine of one's own: `gongdao_session`.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "`csrf_token` of the session: every request by cookie that changes something carries it.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Payment-Signature",
        "description": (
            "The payment provider's: `v1=` and the hexadecimal HMAC-SHA256, with the key both share, over method, path, "
            "`Payment-Timestamp` and `Payment-Nonce`, a line feed after each, and the body."
        ),
    },
}
NOBODY = {None, Access.PUBLIC, Access.UNKNOWN}


def security_of(route: tuple[str, str], access: Access | None) -> list[dict[str, list[str]]]:
    """Each way to ask this operation; empty when nobody need say who they are."""
    if access in NOBODY:
        return []
    if access is Access.SIGNED:
        return [{"signature": []}]
    session: dict[str, list[str]] = {"session": []}
    ways: list[dict[str, list[str]]] = [
        {"token": []},
        session if route[0] == "GET" else session | {"csrf": []},
    ]
    scope = KEY_SCOPES.get(route)
    return ways if scope is None else [*ways, {"api_key": [scope]}]
