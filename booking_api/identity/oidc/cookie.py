"""The cookie that a browser must bring back from the provider: without it nobody ends what another has begun.

Imports the settings.
"""

from booking_api.identity.oidc.attempts import LIFE
from booking_api.settings import Settings

COOKIE = "gongdao-oidc"
COOKIES_READ_BYTES = 8_192


def attempt_cookie_set(settings: Settings, browser: str) -> str:
    """The `Set-Cookie` that gives a browser its part of an attempt."""
    return _cookie(settings, browser, life_s=int(LIFE.total_seconds()))


def attempt_cookie_clear(settings: Settings) -> str:
    """The `Set-Cookie` that takes it away."""
    return _cookie(settings, "", life_s=0)


def attempt_cookie_of(settings: Settings, cookies: str) -> str | None:
    """The browser's part, from the header `Cookie`; None without one."""
    for part in cookies[:COOKIES_READ_BYTES].split(";"):
        key, _, value = part.strip().partition("=")
        if key == _name(settings) and value:
            return value
    return None


def _name(settings: Settings) -> str:
    # Browsers take a `__Host-` cookie from this very host over TLS only: no neighbour can plant one (RFC 6265bis).
    return f"__Host-{COOKIE}" if settings.origin.startswith("https://") else COOKIE


def _cookie(settings: Settings, value: str, *, life_s: int) -> str:
    name = _name(settings)
    secure = "; Secure" if name != COOKIE else ""
    # Lax: the provider sends the browser back from another site.
    return f"{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}"
