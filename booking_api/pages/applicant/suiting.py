"""What suits the person who looks, by what the registers know: their class, the subject that is next, their authority.

Imports eligibility's facts. A suggestion: nothing is refused by it.
"""

from collections.abc import Sequence

import msgspec

from booking_api.eligibility.facts import Dossier
from booking_api.offers import Market
from booking_api.rules import Outcome
from reservation import ClaimantKind, Pool

SUBJECTS = (1, 2, 3, 4)


class Suit(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's newest certificate, and the subject that is next; None when all are passed."""

    vehicle_class: str
    subject: int | None
    authority: str | None


def suit_of(dossier: Dossier) -> Suit | None:
    """What suits somebody of whom this is known; None without a certificate."""
    certificate = next(iter(dossier.certificates), None)
    if certificate is None:
        return None
    # Who may sit where is for the rules; sittings count alike at every authority.
    learner = dossier.learner(certificate.vehicle_class, authority=certificate.authority or "")
    passed = {attempt.subject for attempt in learner.attempts if attempt.outcome is Outcome.PASSED}
    return Suit(
        vehicle_class=certificate.vehicle_class,
        subject=next((subject for subject in SUBJECTS if subject not in passed), None),
        authority=certificate.authority,
    )


def suitable_pool(market: Market, suit: Suit | None, *, vehicles: Sequence[str]) -> Pool | None:
    """The pool somebody most likely looks for; None when nothing says so."""
    open_pools = [pool for pool in market.pools if pool.state == "open"]
    if suit is not None and suit.subject is not None:
        rule = f"subject-{suit.subject}"
        fitting = [pool for pool in open_pools if pool.rule == rule and pool.service == "driving_test"]
        at_home = [pool for pool in fitting if pool.authority == suit.authority]
        return next(iter(at_home or fitting), None)
    if vehicles:
        return next((pool for pool in open_pools if pool.claimant_kind is ClaimantKind.VEHICLE), None)
    return None
