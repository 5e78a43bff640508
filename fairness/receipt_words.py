"""What is said of a receipt that holds, in sentences: for whoever holds it, not for programs."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from fairness.policy import Cosigned
from fairness.receipt_steps import CheckedReceipt, Fate

_PERCENT = 100
_DAY_S = 86_400
_ERA_DAYS = 146_097
"""400 years."""
_DAYS_FROM_MARCH_0000_TO_1970 = 719_468


def sentences_of(checked: CheckedReceipt) -> Iterator[str]:
    """The sentences, the most important first."""
    receipt, frozen = checked.receipt, checked.receipt.frozen
    if receipt.own is None:
        yield f"NOT IN THE LIST of {frozen.draw}: {receipt.id_hash.hex()} is none of its {frozen.entrants} entrants."
    else:
        entrant = receipt.own.entrant
        yield (
            f"In the list of {frozen.draw}: {receipt.id_hash.hex()}, in {entrant.category} with a weight of "
            f"{entrant.weight}, entrant {receipt.own.place + 1} of {frozen.entrants}."
        )
    if not receipt.salt:
        yield "It tells no id and no salt, and so not whose it is."
    yield _logged(checked.cosigned)
    if checked.draw is None:
        yield "What became of the draw, or of this freeze, its bundle says: --bundle."
    elif checked.draw.demo:
        yield "The draw's procedure holds, with this freeze; its beacon is a demonstration and proves nothing."
    else:
        yield "The draw holds, with this freeze."
    if checked.fate is not None:
        yield from _said_of(checked.fate)


def _logged(cosigned: Cosigned) -> str:
    times = ", ".join(f"{name} on {_moment(time_s)}" for name, time_s in sorted(cosigned.times.items()))
    return f"Frozen in the log {cosigned.checkpoint.origin}, cosigned by {times or 'nobody'}."


def _moment(time_s: int) -> str:
    """Seconds since 1970 as a date and time in UTC (Hinnant, "chrono-Compatible Low-Level Date Algorithms").

    No calendar is asked, for this package has no clock, and a witness may say any time below 2^63 seconds.

    >>> _moment(1_700_000_000), _moment(951_782_399), _moment(951_782_400)
    ('2023-11-14 22:13:20 UTC', '2000-02-28 23:59:59 UTC', '2000-02-29 00:00:00 UTC')
    """
    days, second = divmod(time_s, _DAY_S)
    # Years begin in March, so that a leap day is the last of its year.
    era, day_of_era = divmod(days + _DAYS_FROM_MARCH_0000_TO_1970, _ERA_DAYS)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = (month_from_march + 2) % 12 + 1
    year = 400 * era + year_of_era + (month <= 2)
    return f"{year:04}-{month:02}-{day:02} {second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02} UTC"


def _said_of(fate: Fate) -> Iterator[str]:
    category, outcome = fate.category, fate.outcome
    if fate.rank is not None:
        yield f"A PLACE: rank {fate.rank} of {outcome.winners} in {category}."
    elif outcome.winners:
        yield f"No place in {category}: the score is above the cutoff. The smaller score wins."
    else:
        yield f"No place in {category}: it had none."
    yield f"score  {fate.score.hex()}"
    yield f"cutoff {outcome.cutoff.hex() or 'none'}"
    if outcome.winners == outcome.entrants:
        yield f"There were places for all {outcome.entrants} entrants."
        return
    yield (
        f"{outcome.winners} of {outcome.entrants} entrants in {category} got a place: "
        f"{_percent(Fraction(outcome.winners, outcome.entrants))}. With {fate.weight} of {outcome.tickets} tickets "
        f"the chance of the first place was {_percent(Fraction(fate.weight, outcome.tickets))}; for each place "
        "it is the weight's share of the weights still left."
    )


def _percent(share: Fraction) -> str:
    """Three digits that count.

    >>> _percent(Fraction(1, 3)), _percent(Fraction(1, 70_000))
    ('33.3 %', '0.00143 %')
    """
    return f"{float(share * _PERCENT):.3g} %"


def facts_of(checked: CheckedReceipt) -> Mapping[str, Any]:
    """The same for programs."""
    receipt, fate = checked.receipt, checked.fate
    return {
        "verified": True,
        "demo": checked.draw is not None and checked.draw.demo,
        "draw": receipt.frozen.draw,
        "id_hash": receipt.id_hash.hex(),
        "listed": receipt.own is not None,
        "witnessed": dict(checked.cosigned.times),
        "result": None
        if fate is None
        else {
            "category": fate.category,
            "weight": fate.weight,
            "score": fate.score.hex(),
            "cutoff": fate.outcome.cutoff.hex(),
            "rank": fate.rank,
        },
    }
