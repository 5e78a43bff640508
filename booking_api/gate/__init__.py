"""The gate: who asks, and may they now? Sign-in, then rate limits; waiting room and eligibility join here.

When Valkey is down: writes are closed (503 with Retry-After), reads are open.
"""

from booking_api.gate.addresses import ClientAddress
from booking_api.gate.limits import Limits
from booking_api.identity.tokens import Account, TokenVerifier
from booking_api.request import AnyRequest, header
from booking_api.settings import Settings
from reservation import Kernel


class Gate:
    """What every request passes first."""

    def __init__(self, settings: Settings, kernel: Kernel, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._address = ClientAddress(settings.trusted_proxies)
        self._limits = Limits(kernel.valkey, account=settings.account_rate, network=settings.network_rate)

    async def enter(self, request: AnyRequest, *, reads: bool = False) -> tuple[Account, dict[str, str]]:
        """The account that asks, and the RateLimit headers its answer carries.

        Raises:
            TokenMissing, TokenInvalid, TokenExpired: sign in first.
            RateLimited: wait.
            Unavailable, Busy: a write, and Valkey does not answer.
        """
        account = self._verifier.account(header(request, b"authorization"))
        address = self._address.of(request.scope)
        return account, await self._limits.check(account=account.id, address=address, reads=reads)
