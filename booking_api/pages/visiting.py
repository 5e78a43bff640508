"""Who looks at a page, in which language, and with what right: the pages' gate. Imports the gate and the catalogues.

A page is read by anybody it serves; somebody who is not signed in is sent to sign in and comes back. A form counts as a
write: it carries its session's token in a field, so that no script is needed.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from litestar.datastructures import Cookie

from booking_api.desk import Desk
from booking_api.errors import TokenMissing
from booking_api.gate.access import Access, check_access
from booking_api.identity.sessions.csrf import masked
from booking_api.identity.sessions.errors import SessionEnded
from booking_api.identity.tokens import Account
from booking_api.pages.catalogue import LANGUAGES, Language, Words, language_of, words_in
from booking_api.pages.compression import accepts_gzip
from booking_api.pages.forms import Form, read_form
from booking_api.pages.routing import ACCESS
from booking_api.request import AnyRequest, header

LANGUAGE_COOKIE = "gongdao_lang"
LANGUAGE_KEPT_S = 365 * 86_400
CSRF_FIELD = "csrf"
PERSON_HEADER = "Gongdao-Person"
"""Tells the service worker whose page this is, so that it keeps nobody's pages for somebody else."""
NOBODY = "nobody"
_ANYBODY = {Access.PUBLIC, Access.UNKNOWN}


class SignInNeeded(Exception):
    """The page is for somebody who has signed in; `back` is where they wanted to go."""

    def __init__(self, back: str) -> None:
        super().__init__("sign in first")
        self.back = back


class Visitor(NamedTuple):
    """A request as a page sees it. `account` None: nobody has signed in. `headers` go out with the answer.

    `csrf`: the token for this one page's forms, masked. `unread`: messages that wait, 0 on the answer to a form. `gzip`: the browser takes that.
    """

    words: Words
    path: str
    query: Mapping[str, str]
    headers: dict[str, str]
    account: Account | None = None
    name: str = ""
    csrf: str = ""
    session: str = ""
    unread: int = 0
    gzip: bool = False

    @property
    def lang(self) -> Language:
        """The page's language."""
        return self.words.lang

    @property
    def languages(self) -> dict[Language, str]:
        """This very page in each language."""
        kept = {name: value for name, value in self.query.items() if name not in {"lang", "told"}}
        return {lang: f"{self.path}?{urlencode({**kept, 'lang': lang})}" for lang in LANGUAGES}

    @property
    def cookies(self) -> list[Cookie]:
        """Keeps a language that was chosen for the pages that follow."""
        if self.query.get("lang") != self.lang:
            return []
        kept = Cookie(LANGUAGE_COOKIE, value=self.lang, path="/", max_age=LANGUAGE_KEPT_S, samesite="lax")
        return [kept]

    @property
    def told(self) -> str:
        """What the last step says has been done, for `?told=`; empty when nothing was done."""
        key = f"told.{self.query.get('told', '')}"
        return self.words.code(key) if self.words.has(key) else ""

    @property
    def me(self) -> Account:
        """The account, on a page that only signed-in people reach.

        Raises:
            SignInNeeded: nobody has signed in.
        """
        if self.account is None:
            raise SignInNeeded(self.path)
        return self.account

    def may(self, role: str) -> bool:
        """Whether the account has this role for anything."""
        return self.account is not None and bool(self.account.scopes(role))


def stranger(request: AnyRequest, packages: tuple[str, ...] = ()) -> Visitor:
    """A visitor whom nobody has asked who they are."""
    query = {name: str(value) for name, value in request.query_params.items()}
    lang = language_of(
        query.get("lang"), request.cookies.get(LANGUAGE_COOKIE), header(request, b"accept-language")
    )
    gzip = accepts_gzip(header(request, b"accept-encoding"))
    return Visitor(words_in(lang, packages), request.url.path, query, {}, gzip=gzip)


async def visit(request: AnyRequest, desk: Desk, packages: tuple[str, ...] = ()) -> Visitor:
    """Who reads this page.

    Raises:
        SignInNeeded: nobody has signed in, and the page is for those who have.
        NotVerified, RoleMissing: this account may not see it.
        RateLimited: too many requests.
    """
    known = await _recognised(request, desk, stranger(request, packages), form_token=None)
    _admit(request, known)
    return known


async def posted(request: AnyRequest, desk: Desk, packages: tuple[str, ...] = ()) -> tuple[Visitor, Form]:
    """Who sent this form, and what it says. A form of a stranger (a sign-in) must come from our own pages.

    Raises:
        SignInNeeded, NotVerified, RoleMissing, RateLimited: as `visit`.
        CsrfRefused: another site may have sent it.
        Unavailable, Busy: Valkey does not answer.
    """
    form = await read_form(request)
    came = stranger(request, packages)
    known = await _recognised(request, desk, came, form_token=form.one(CSRF_FIELD))
    if known.account is None:
        headers = await desk.gate.enter_unknown(request)
        desk.gate.cookie.check_origin(request)
        known = known._replace(headers=known.headers | headers)
    _admit(request, known)
    return known, form


async def _recognised(request: AnyRequest, desk: Desk, came: Visitor, *, form_token: str | None) -> Visitor:
    reads = request.scope["method"] in {"GET", "HEAD"}
    try:
        found, headers = await desk.gate.visit(request, reads=reads, form_token=form_token)
    except TokenMissing:
        return came._replace(headers=came.headers | {PERSON_HEADER: NOBODY})
    except SessionEnded:
        return came._replace(headers=came.headers | desk.gate.cookie.clear() | {PERSON_HEADER: NOBODY})
    known = came._replace(
        account=found.account,
        name=found.name,
        csrf=masked(found.csrf),
        session=found.session,
        # A press of a button at an opening is not to wait for a number that its answer, mostly a redirect, does not show.
        unread=await desk.belongings.unread(found.account.id) if reads else 0,
        headers=came.headers | headers | {PERSON_HEADER: person_digest(found.account.id)},
    )
    _remember(request, known)
    return known


def person_digest(account: str) -> str:
    """An account as a browser's caches are named after it; its id stays with us."""
    return hashlib.sha256(f"offline {account}".encode()).hexdigest()[:16]


def _remember(request: AnyRequest, visitor: Visitor) -> None:
    """For a refusal's page, which is built outside the route."""
    request.state["visitor"] = visitor


def visitor_or_stranger(request: AnyRequest) -> Visitor:
    """Who came, as far as it is known where a refusal is shown."""
    known: Any = request.state.get("visitor")
    return known if isinstance(known, Visitor) else stranger(request)


def _admit(request: AnyRequest, visitor: Visitor) -> None:
    access = request.scope["route_handler"].opt[ACCESS]
    if access in _ANYBODY:
        return
    if visitor.account is None:
        # After a form the way back is the page that has it, which has the form's path or is above it.
        raise SignInNeeded(_back(request))
    check_access(visitor.account, access)


def _back(request: AnyRequest) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query and request.scope["method"] == "GET" else request.url.path
