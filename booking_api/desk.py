"""What a route needs: the gate before it, the kernel behind it, the live counts beside it.

Given to handlers as their one dependency: the framework resolves several dependencies in a task group of their own,
which costs more than a hold.
"""

from typing import NamedTuple

from joserfc.jwk import OKPKey

from booking_api.availability import Availability
from booking_api.belongings import Belongings
from booking_api.description import Description
from booking_api.eligibility import Eligibility
from booking_api.gate import Gate
from booking_api.identity.oidc import Provider
from booking_api.identity.passwords import Passwords
from booking_api.identity.sessions.memory import Sessions
from booking_api.offers import Offers
from booking_api.outbound import Outbound
from booking_api.payments.provider import PaymentProvider
from booking_api.pulses import Pulses
from booking_api.settings import Settings
from booking_api.tickets.photo import PhotoReader
from booking_api.verification import Verification
from reservation import Kernel


class Desk(NamedTuple):
    """One worker's parts."""

    settings: Settings
    gate: Gate
    kernel: Kernel
    availability: Availability
    pulses: Pulses
    eligibility: Eligibility
    offers: Offers
    belongings: Belongings
    passwords: Passwords
    key: OKPKey
    description: Description
    payments: PaymentProvider
    sessions: Sessions
    outbound: Outbound
    verification: Verification | None
    provider: Provider | None
    photos: PhotoReader
