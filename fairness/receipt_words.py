"""What is said of a receipt that holds, in sentences: for whoever holds it, not for programs."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from fairness.policy import Cosigned
from fairness.receipt_steps import CheckedReceipt, Standing

_PERCENT = 100
_CALENDAR_ENDS_S = 253_402_300_800


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
    if checked.standing is not None:
        yield from _fate(checked.standing)


def _logged(cosigned: Cosigned) -> str:
    times = ", ".join(f"{name} {_moment(time_s)}" for name, time_s in sorted(cosigned.times.items()))
    return f"Frozen in the log {cosigned.checkpoint.origin}, cosigned by {times or 'nobody'}."


def _moment(time_s: int) -> str:
    """A witness may say any time below 2^63 seconds; a calendar ends with the year 9999.

    >>> _moment(1_700_000_000), _moment(2**62)
    ('on 2023-11-14 22:13:20 UTC', '4611686018427387904 s after 1970')
    """
    if time_s >= _CALENDAR_ENDS_S:
        return f"{time_s} s after 1970"
    return f"on {datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _fate(standing: Standing) -> Iterator[str]:
    category, outcome = standing.category, standing.outcome
    if standing.rank is not None:
        yield f"A PLACE: rank {standing.rank} of {outcome.winners} in {category}."
    elif outcome.winners:
        yield f"No place in {category}: the score is above the cutoff. The smaller score wins."
    else:
        yield f"No place in {category}: it had none."
    yield f"score  {standing.score.hex()}"
    yield f"cutoff {outcome.cutoff.hex() or 'none'}"
    if outcome.winners == outcome.entrants:
        yield f"There were places for all {outcome.entrants} entrants."
        return
    yield (
        f"{outcome.winners} of {outcome.entrants} entrants in {category} got a place: "
        f"{_percent(Fraction(outcome.winners, outcome.entrants))}. With {standing.weight} of {outcome.tickets} tickets "
        f"the chance of the first place was {_percent(Fraction(standing.weight, outcome.tickets))}; for each place "
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
    receipt, standing = checked.receipt, checked.standing
    return {
        "verified": True,
        "demo": checked.draw is not None and checked.draw.demo,
        "draw": receipt.frozen.draw,
        "id_hash": receipt.id_hash.hex(),
        "listed": receipt.own is not None,
        "witnessed": dict(checked.cosigned.times),
        "result": None
        if standing is None
        else {
            "category": standing.category,
            "weight": standing.weight,
            "score": standing.score.hex(),
            "cutoff": standing.outcome.cutoff.hex(),
            "rank": standing.rank,
        },
    }
