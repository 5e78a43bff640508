"""May this booking still be cancelled or moved? Imports the standard library, msgspec and `refusal`."""

from datetime import datetime, timedelta

import msgspec

from booking_api.rules.refusal import Refusal, Times


class LeavingRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One authority's figures: how often per subject or inspection cycle, and how long before the start."""

    limit: Times = 3
    notice_hours: Times = 24


def check_leaving(
    *, starts_at: datetime, now: datetime, left_before: int, rules: LeavingRules
) -> list[Refusal]:
    """Every rule that stands against leaving this booking now. Waiting never helps: there is no first day.

    `left_before`: cancellations and changes of this subject or cycle that were the person's own doing.
    """
    found: list[Refusal] = []
    if left_before >= rules.limit:
        found.append(Refusal("leaving_limit", {"left_before": left_before, "limit": rules.limit}, None))
    last = starts_at - timedelta(hours=rules.notice_hours)
    if now > last:
        found.append(
            Refusal("leaving_too_late", {"last_moment": last, "notice_hours": rules.notice_hours}, None)
        )
    return found
