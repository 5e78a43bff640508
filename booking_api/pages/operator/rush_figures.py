"""What the rush page shows of a pool: figures, plots and tables, as numbers and words that page and stream share. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from booking_api.clock import SHANGHAI
from booking_api.pages.catalogue import Words
from booking_api.pages.plots import Bars, Plot, Series, bar_plot, line_plot
from booking_api.pulses import Now, UnitNow
from reservation.pulse import MINUTE_S

SPANS = (1, 5, 15)
"""Minutes one can look back."""
STEP_S = {1: 1, 5: 1, 15: 5}
SESSIONS_SHOWN = 8
OURS = {"held", "released", "expired", "confirmed"}
"""What the pace has beside refusals."""


class SessionNow(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is being booked."""

    unit: int
    title: str
    when: str
    day: str
    capacity: int
    booked: int
    held: int
    free: int


class RushView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows. `tables` have rows of words, as the page writes them."""

    at: str
    figures: dict[str, str]
    rates: Plot
    seats: Bars
    refusals: Bars
    sessions: list[SessionNow]
    reasons: list[tuple[str, int]]
    minutes: list[tuple[str, int, int, int, int, int]]


def rush_view(now: Now, words: Words, *, span: int) -> RushView:
    """The view of a pool's last `span` minutes."""
    pulse, units = now.pulse, now.units
    ends_s = pulse.at_ms // 1_000
    since_s = ends_s - span * MINUTE_S + 1
    refused = {
        code: times
        for code in pulse.pace
        if code not in OURS and (times := pulse.total(code, since_s=since_s))
    }
    sums = {what: pulse.total(what, since_s=since_s) for what in OURS}
    figures = {
        "free": sum(pulse.free.values()),
        "held": sum(pulse.held.values()),
        "booked": sum(unit.booked + unit.promised for unit in units),
        "confirming": pulse.confirming,
        "holds": sums["held"],
        "confirms": sums["confirmed"],
        "refused": sum(refused.values()),
        "abandoned": sums["expired"],
        "released": sums["released"],
    }
    reasons = sorted(refused.items(), key=lambda each: (-each[1], each[0]))
    named = [(reason_words(words, code), times) for code, times in reasons]
    busiest = _busiest(now)
    sessions = [_session(unit, now, words) for unit in busiest]
    return RushView(
        at=words.time(datetime.fromtimestamp(ends_s, UTC)) + f":{ends_s % MINUTE_S:02}",
        figures={name: words.number(value) for name, value in figures.items()},
        rates=_rates(now, words, since_s=since_s, ends_s=ends_s, step_s=STEP_S[span]),
        seats=bar_plot(
            [
                (one.day, [(1, float(one.booked)), (3, float(one.held)), (5, float(one.free))])
                for one in sessions
            ]
        ),
        refusals=bar_plot([(label, [(2, float(times))]) for label, times in named]),
        sessions=sessions,
        reasons=named,
        minutes=_minutes(now, words, since_s=since_s, ends_s=ends_s),
    )


def reason_words(words: Words, code: str) -> str:
    """A refusal's code in a word or two."""
    return words.code(f"reason.{code}", instead=code)


def _busiest(now: Now) -> Sequence[UnitNow]:
    """The sessions that are held most, then those with the largest share booked; in order of time."""
    held = now.pulse.held

    def busy(unit: UnitNow) -> tuple[int, float, int]:
        return held.get(unit.id, 0), unit.booked / max(unit.capacity, 1), unit.capacity

    chosen = sorted(now.units, key=busy, reverse=True)[:SESSIONS_SHOWN]
    order = {unit.id: place for place, unit in enumerate(now.units)}
    return sorted(chosen, key=lambda unit: order[unit.id])


def _session(unit: UnitNow, now: Now, words: Words) -> SessionNow:
    leaf = words.leaf(unit.starts_at.astimezone(SHANGHAI).date()) if unit.starts_at else None
    return SessionNow(
        unit=unit.id,
        title=words.named(unit.title),
        when=words.moment(unit.starts_at) if unit.starts_at else "",
        day=leaf.number if leaf else "",
        capacity=unit.capacity,
        booked=unit.booked + unit.promised,
        held=now.pulse.held.get(unit.id, 0),
        free=now.pulse.free.get(unit.id, 0),
    )


def _rates(now: Now, words: Words, *, since_s: int, ends_s: int, step_s: int) -> Plot:
    pace = now.pulse.pace
    series = [
        Series(colour, _per_second(pace.get(what, {}), since_s=since_s, ends_s=ends_s, step_s=step_s))
        for colour, what in ((4, "held"), (1, "confirmed"))
    ]
    first = since_s - since_s % MINUTE_S + MINUTE_S
    every = MINUTE_S * max(1, (ends_s - since_s) // MINUTE_S // 5)
    labels = [
        (float(second), words.time(datetime.fromtimestamp(second, UTC)))
        for second in range(first, ends_s + 1, every)
    ]
    return line_plot(series, x_labels=labels)


def _per_second(
    counted: dict[int, int], *, since_s: int, ends_s: int, step_s: int
) -> list[tuple[float, float]]:
    """The rate over each step. The second that has just begun is left out: it would always look like a fall."""
    return [
        (float(first), sum(counted.get(first + n, 0) for n in range(step_s)) / step_s)
        for first in range(since_s, ends_s - step_s + 1, step_s)
    ]


def _minutes(
    now: Now, words: Words, *, since_s: int, ends_s: int
) -> list[tuple[str, int, int, int, int, int]]:
    """By minute, the newest first: holds, confirms, refusals, abandoned and released."""
    found: dict[int, Counter[str]] = {}
    for what, counted in now.pulse.pace.items():
        for second, times in counted.items():
            if since_s <= second <= ends_s:
                key = what if what in OURS else "refused"
                found.setdefault(second // MINUTE_S, Counter())[key] += times
    kinds = ("held", "confirmed", "refused", "expired", "released")
    return [
        (words.time(datetime.fromtimestamp(minute * MINUTE_S, UTC)), *(found[minute][kind] for kind in kinds))  # pyright: ignore[reportReturnType]
        for minute in sorted(found, reverse=True)
    ]


def as_event(view: RushView) -> dict[str, Any]:
    """The view as the stream tells it: what the page's script writes where."""
    return {
        "at": view.at,
        "figures": view.figures,
        "rates": msgspec.to_builtins(view.rates),
        "seats": msgspec.to_builtins(view.seats),
        "refusals": msgspec.to_builtins(view.refusals),
        "sessions": [
            [one.when, one.title, one.capacity, one.booked, one.held, one.free] for one in view.sessions
        ],
        "reasons": view.reasons,
        "minutes": view.minutes,
    }
