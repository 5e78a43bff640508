"""What a worker remembers of sessions, for seconds. Imports `gathering` and this room's own modules.

A page's requests come in bursts. What is remembered is at most REMEMBERED_MS old, so that a new role, a verification, a
vehicle or a sign-out elsewhere counts within that time; what ends at this worker is forgotten at once.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.gathering import Reader
from booking_api.identity.derivation import derive_key
from booking_api.identity.sessions.csrf import LABEL, csrf_token
from booking_api.identity.sessions.rows import (
    Row,
    VehiclesOf,
    admit,
    begin_session,
    id_digest,
    read_sessions,
)
from booking_api.identity.tokens import Account

REMEMBERED_MS = 5_000
SESSIONS_REMEMBERED = 10_000


class Visit(NamedTuple):
    """A request's session: who asks, the token its writes must carry, and a new id for the browser if it is time.

    `name` is for the owner's own pages.
    """

    account: Account
    session: str
    csrf: str
    name: str
    offer: str | None = None


class Sessions:
    """Owns one worker's memory of sessions."""

    def __init__(
        self,
        engine: AsyncEngine,
        reads: AsyncEngine,
        key: OKPKey,
        *,
        now_ms: Callable[[], int],
        vehicles_of: VehiclesOf,
    ) -> None:
        self._engine = engine
        self._rows: Reader[bytes, Row | None] = Reader(
            lambda digests: read_sessions(reads, digests, vehicles_of=vehicles_of), nothing=None
        )
        self._csrf_key = derive_key(key, label=LABEL)
        self._now_ms = now_ms
        self._known: OrderedDict[bytes, tuple[Visit, int]] = OrderedDict()

    async def begin(self, account: str, *, instead_of: str | None) -> tuple[str, str]:
        """(a new session, its first id). The session whose id the browser came with ends, here at once."""
        begun = await begin_session(self._engine, account=account, instead_of=instead_of)
        ended, _ = self._known.get(id_digest(instead_of), (None, 0)) if instead_of else (None, 0)
        if ended is not None:
            self._forget(lambda visit: visit.session == ended.session)
        return begun

    def csrf(self, session: str) -> str:
        """The token of a session that has just begun."""
        return csrf_token(self._csrf_key, session)

    async def find(self, told: str) -> Visit:
        """The visit of an id in a cookie.

        Raises:
            SessionEnded: sign in again.
        """
        digest, now_ms = id_digest(told), self._now_ms()
        visit, read_ms = self._known.get(digest, (None, 0))
        if visit is not None and now_ms - read_ms < REMEMBERED_MS:
            return visit
        self._known.pop(digest, None)
        found = await admit(self._engine, digest, await self._rows.of(digest))
        account = Account(
            id=found.account,
            vehicles=found.vehicles,
            expires_at_s=int(found.expires_at.timestamp()),
            verified=found.verified,
            roles=found.roles,
        )
        visit = Visit(account, found.session, self.csrf(found.session), found.name)
        self._known[digest] = (visit, now_ms)
        if len(self._known) > SESSIONS_REMEMBERED:
            self._known.popitem(last=False)
        return visit._replace(offer=found.offer)

    def forget(self, account: str, *, but: str | None = None) -> None:
        """Sessions of this account, but this one, have ended or are not what they were."""
        self._forget(lambda visit: visit.account.id == account and visit.session != but)

    def _forget(self, ended: Callable[[Visit], bool]) -> None:
        for digest, (visit, _) in list(self._known.items()):
            if ended(visit):
                del self._known[digest]
