"""Bars of a plot, in the plot's own units. Pure: the template draws them."""

from collections.abc import Sequence

import msgspec

from services.disclosure.plans import DayOfPlaces

WIDTH, HEIGHT = 700, 180
GAP = 0.3
LINES = 4


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One day: where its bar stands, how high its booked and free parts are, and where they begin."""

    x: float
    width: float
    booked_y: float
    booked: float
    free_y: float
    free: float
    day: DayOfPlaces


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Bars, and the heights of the lines behind them with their numbers."""

    bars: list[Bar]
    lines: list[tuple[float, int]]


def plot_of(days: Sequence[DayOfPlaces]) -> Plot:
    """Stacked bars, the highest line at the top.

    >>> plot_of([DayOfPlaces("2026-12-08", 30, 10)]).lines[-1]
    (0.0, 40)
    """
    top = _round_up(max((day.booked + day.free for day in days), default=1))
    step = WIDTH / max(len(days), 1)
    bars: list[Bar] = []
    for place, day in enumerate(days):
        booked, free = HEIGHT * day.booked / top, HEIGHT * day.free / top
        bars.append(
            Bar(
                x=round(step * (place + GAP / 2), 1),
                width=round(min(step * (1 - GAP), 48), 1),
                booked_y=round(HEIGHT - booked, 1),
                booked=round(booked, 1),
                free_y=round(HEIGHT - booked - free, 1),
                free=round(free, 1),
                day=day,
            )
        )
    lines = [(round(HEIGHT - HEIGHT * part / LINES, 1), top * part // LINES) for part in range(LINES + 1)]
    return Plot(bars=bars, lines=lines)


def _round_up(count: int) -> int:
    """The next number that LINES lines divide well: 4, 8, 20, 40, 80, 200 ..."""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if LINES * step * scale >= count:
                return LINES * step * scale
        scale *= 10
