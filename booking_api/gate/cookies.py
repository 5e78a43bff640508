"""A session's cookie, and whether a request that carries it comes from our own pages. Imports the settings and requests.

Cookies travel by themselves, so another site can make a browser send one: what changes anything must carry the session's
token in a header, which no other site can know or set. `SameSite=Lax`, `Origin` and `Sec-Fetch-Site` say the same again.
"""

import re

from booking_api.identity.sessions.csrf import same_token, unmasked
from booking_api.identity.sessions.errors import CsrfRefused
from booking_api.request import AnyRequest, header
from booking_api.settings import Settings

_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_OWN_SITES = {"same-origin", "none"}
_READS = {"GET", "HEAD"}


class SessionCookie:
    """One installation's cookie: its name, how it is set, and who may send it."""

    def __init__(self, settings: Settings) -> None:
        secure = settings.origin.startswith("https://")
        # With this prefix a browser takes the cookie from this host only, over TLS only (RFC 6265bis, section 4.1.3.2).
        self._name = "__Host-gongdao_session" if secure else "gongdao_session"
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
        self._origins = settings.own_origins

    def of(self, request: AnyRequest) -> str | None:
        """The id that a request carries, None without one; text that can be no id is none."""
        for name, value in request.scope["headers"]:
            if name == b"cookie":
                for pair in value.decode("latin-1").split(";"):
                    key, _, told = pair.strip().partition("=")
                    if key == self._name and _ID.fullmatch(told):
                        return told
        return None

    def set(self, told: str) -> dict[str, str]:
        """The header that gives the browser this id."""
        return {"Set-Cookie": f"{self._name}={told}{self._attributes}"}

    def clear(self) -> dict[str, str]:
        """The header that takes it away."""
        return {"Set-Cookie": f"{self._name}={self._attributes}; Max-Age=0"}

    def check_origin(self, request: AnyRequest) -> None:
        """Lets pass what our own pages sent, and what no browser sent.

        Raises:
            CsrfRefused: the browser says that another site did.
        """
        origin, site = header(request, b"origin"), header(request, b"sec-fetch-site")
        if (origin is not None and origin not in self._origins) or (
            site is not None and site not in _OWN_SITES
        ):
            raise CsrfRefused(expected=sorted(self._origins))

    def check_write(self, request: AnyRequest, *, csrf: str, form_token: str | None = None) -> None:
        """Lets reads pass, and writes that carry the session's token from our own pages: in a form's field, or the header.

        Raises:
            CsrfRefused: another site may have caused it.
        """
        if request.scope["method"] in _READS:
            return
        self.check_origin(request)
        # A page's form carries it masked; a program has it as it is.
        told = unmasked(form_token) if form_token is not None else header(request, b"x-csrf-token")
        if not same_token(told or "", csrf):
            raise CsrfRefused(expected=sorted(self._origins))
