"""The gate: who asks, and may they now? Sign-in, then rate limits; waiting room and eligibility join here.

When Valkey is down: writes are closed (503 with Retry-After), reads are open.
"""

from collections.abc import Mapping

from booking_api.gate.access import Access, check_access
from booking_api.gate.addresses import ClientAddress
from booking_api.gate.limits import Limits, network_prefix
from booking_api.identity.tokens import Account, TokenVerifier
from booking_api.request import AnyRequest, header
from booking_api.settings import Settings
from reservation import Kernel


class Gate:
    """What every request passes first."""

    def __init__(
        self,
        settings: Settings,
        kernel: Kernel,
        verifier: TokenVerifier,
        access: Mapping[tuple[str, str], Access],
    ) -> None:
        self._access = access
        self._verifier = verifier
        self._address = ClientAddress(settings.trusted_proxies)
        self._limits = Limits(kernel.valkey, account=settings.account_rate, network=settings.network_rate)

    async def enter(self, request: AnyRequest, *, reads: bool = False) -> tuple[Account, dict[str, str]]:
        """The account that asks, and the RateLimit headers its answer carries.

        Raises:
            TokenMissing, TokenInvalid, TokenExpired: sign in first.
            NotVerified, RoleMissing: this account may not (`access.ACCESS`).
            RateLimited: wait.
            Unavailable, Busy: a write, and Valkey does not answer.
        """
        account = self._verifier.account(header(request, b"authorization"))
        address = self._address.of(request.scope)
        # Counted before it is refused: a flood of what one may not do is a flood all the same.
        headers = await self._limits.check(account=account.id, address=address, reads=reads)
        check_access(account, self._access[request.scope["method"], request.scope["path_template"]])
        return account, headers

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
