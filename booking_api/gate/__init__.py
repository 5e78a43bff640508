"""The gate: who asks, and may they now? Sign-in, then rate limits; waiting room and eligibility join here.

When Valkey is down: writes are closed (503 with Retry-After), reads are open.
"""

from collections.abc import Mapping

from booking_api import clock
from booking_api.errors import TokenInvalid, TokenMissing
from booking_api.gate.access import Access, check_access, check_key
from booking_api.gate.addresses import ClientAddress
from booking_api.gate.cookies import SessionCookie
from booking_api.gate.limits import Limits, network_prefix
from booking_api.identity.sessions.errors import SessionEnded
from booking_api.identity.sessions.memory import Sessions, Visit
from booking_api.identity.tokens import Account, TokenVerifier
from booking_api.organisations.keys import PREFIX, ApiKeys
from booking_api.request import AnyRequest, header
from booking_api.settings import Rate, Settings
from reservation import Kernel


class Gate:
    """What every request passes first."""

    def __init__(
        self,
        settings: Settings,
        kernel: Kernel,
        verifier: TokenVerifier,
        sessions: Sessions,
        access: Mapping[tuple[str, str], Access],
    ) -> None:
        self._access = access
        self._verifier = verifier
        self._sessions = sessions
        self.cookie = SessionCookie(settings)
        self.keys = ApiKeys(kernel)
        self._address = ClientAddress(settings.trusted_proxies)
        self._limits = Limits(kernel.valkey, account=settings.account_rate, network=settings.network_rate)

    async def enter(self, request: AnyRequest, *, reads: bool = False) -> tuple[Account, dict[str, str]]:
        """The account that asks, and the RateLimit headers its answer carries.

        Raises:
            TokenMissing, TokenInvalid, TokenExpired, SessionEnded: sign in first.
            CsrfRefused: a session's cookie came without proof that our own pages sent it.
            NotVerified, RoleMissing: this account may not (`access.ACCESS`).
            KeyScopeMissing, OrganisationSuspended: this API key may not (`access.KEY_SCOPES`).
            RateLimited: wait.
            Unavailable, Busy: a write, and Valkey does not answer.
        """
        authorization = header(request, b"authorization")
        if authorization is None:
            visit, headers = await self.enter_session(request, reads=reads)
            return visit.account, headers
        try:
            account = self._verifier.account(authorization)
        except TokenInvalid:
            # No signed token; only now is it asked whether it is a key.
            token = authorization[7:].strip()
            if not token.startswith(PREFIX):
                raise
            return await self._enter_by_key(request, token, reads=reads)
        address = self._address.of(request.scope)
        # Counted before it is refused: a flood of what one may not do is a flood all the same.
        headers = await self._limits.check(account=account.id, address=address, reads=reads)
        check_access(account, self._access[request.scope["method"], request.scope["path_template"]])
        return account, headers

    async def enter_session(
        self, request: AnyRequest, *, reads: bool = False
    ) -> tuple[Visit, dict[str, str]]:
        """The session whose cookie the request carries; `enter` for what concerns the session itself.

        Raises:
            As `enter`.
        """
        visit, headers = await self.visit(request, reads=reads)
        check_access(visit.account, self._access[request.scope["method"], request.scope["path_template"]])
        return visit, headers

    async def visit(
        self, request: AnyRequest, *, reads: bool = False, form_token: str | None = None
    ) -> tuple[Visit, dict[str, str]]:
        """The session, before it is asked what it may do. A form without scripts carries its token in a field.

        Raises:
            As `enter`, but for NotVerified and RoleMissing.
        """
        told = self.cookie.of(request)
        if told is None:
            raise TokenMissing(headers={"WWW-Authenticate": "Bearer"})
        try:
            visit = await self._sessions.find(told)
        except SessionEnded:
            # Ids that nobody has are not looked up for free.
            await self.enter_unknown(request)
            raise
        address = self._address.of(request.scope)
        headers = await self._limits.check(account=visit.account.id, address=address, reads=reads)
        self.cookie.check_write(request, csrf=visit.csrf, form_token=form_token)
        return visit, headers | (self.cookie.set(visit.offer) if visit.offer else {})

    async def _enter_by_key(
        self, request: AnyRequest, token: str, *, reads: bool
    ) -> tuple[Account, dict[str, str]]:
        if not self.keys.is_known(token):
            # A flood of keys that nobody has is not to become a flood of questions to the database.
            await self.enter_unknown(request)
        account = await self.keys.account(token, now=clock.now())
        address = self._address.of(request.scope)
        headers = await self._limits.check(account=account.id, address=address, reads=reads)
        route = request.scope["method"], request.scope["path_template"]
        check_key(account, route)
        check_access(account, self._access[route])
        return account, headers

    async def turn_of_school(self, school: str, *, per_s: float) -> int:
        """Counts one row of a school's batches, over all workers; 0, or the milliseconds after which to ask again.

        Raises:
            Unavailable, Busy: Valkey does not answer.
        """
        return await self._limits.turn(f"{{school:{school}}}:limit", Rate(per_s, 1))

    async def enter_unknown(self, request: AnyRequest) -> dict[str, str]:
        """The RateLimit headers for somebody who is not signed in yet: one network is one account here.

        Raises:
            RateLimited: wait.
            Unavailable, Busy: Valkey does not answer.
        """
        address = self._address.of(request.scope)
        return await self._limits.check(
            account=f"unknown of {network_prefix(address)}", address=address, reads=False
        )

    async def attempt_sign_in(self, request: AnyRequest, *, login: str) -> None:
        """Counts a try at a login's password, per network: nobody elsewhere can lock its owner out.

        Raises:
            RateLimited: too many tries from here.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._limits.check_sign_in(login=login, address=self._address.of(request.scope))

    async def act_for(self, account: str) -> None:
        """Counts what a clerk does for somebody as the person's own request too; the clerk's was counted on entering.

        Raises:
            RateLimited: too many for this person.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._limits.check_acted_for(account=account)

    async def ask_for_code(self, request: AnyRequest, account: Account) -> None:
        """Counts a code that an account asks for, per account and network.

        Raises:
            RateLimited: too many.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._limits.check_code_asked(account=account.id, address=self._address.of(request.scope))

    async def send_code(self, *, phone: str) -> None:
        """Counts a code that is sent to a phone.

        Only where the account's person matches: somebody who does not know the phone cannot use its codes up.

        Raises:
            RateLimited: too many, for whichever accounts.
            Unavailable, Busy: Valkey does not answer.
        """
        await self._limits.check_code_sent(phone=phone)
