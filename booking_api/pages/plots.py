"""Lines and bars of a plot in its own units; the templates draw them. Pure.

Charts of other makers need scripts or styles in the page, which its policy forbids; these are a few numbers each.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

WIDTH, HEIGHT = 700, 200
LINES = 4


class Series(NamedTuple):
    """Points of one line. `colour` is 1 to 5, as the style sheet has `series-1`."""

    colour: int
    points: Sequence[tuple[float, float]]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as SVG has it, and the area under it."""

    colour: int
    path: str
    area: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """`grid`: each line behind the plot with its number. `labels`: what stands under the plot, and where."""

    lines: list[Line]
    grid: list[tuple[float, int]]
    labels: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar: its parts from the bottom up as (colour, y, height), and its label."""

    x: float
    width: float
    parts: list[tuple[int, float, float]]
    label: str


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Stacked bars and the lines behind them."""

    bars: list[Bar]
    grid: list[tuple[float, int]]
    width: int = WIDTH
    height: int = HEIGHT


def line_plot(
    series: Sequence[Series], *, x_labels: Sequence[tuple[float, str]], top: int | None = None
) -> Plot:
    """Lines over one axis, the highest grid line at the top. `x_labels` are (x, words); `top` where it is known.

    >>> line_plot([Series(1, [(0, 0), (10, 40)])], x_labels=[]).lines[0].path
    'M0 200 L700 0'
    """
    points = [point for each in series for point in each.points]
    if top is None:
        top = _round_up(max((y for _, y in points), default=1))
    first = min((x for x, _ in points), default=0)
    span = max((x for x, _ in points), default=1) - first or 1

    def place(x: float) -> float:
        return round(WIDTH * (x - first) / span, 1)

    lines: list[Line] = []
    for each in series:
        steps = [f"{place(x):g} {HEIGHT - HEIGHT * y / top:.4g}" for x, y in each.points]
        path = "M" + " L".join(steps) if steps else ""
        ends = (
            f" L{place(each.points[-1][0]):g} {HEIGHT} L{place(each.points[0][0]):g} {HEIGHT} Z"
            if steps
            else ""
        )
        lines.append(Line(colour=each.colour, path=path, area=path + ends))
    return Plot(lines=lines, grid=_grid(top), labels=[(place(x), label) for x, label in x_labels])


def bar_plot(bars: Sequence[tuple[str, Sequence[tuple[int, float]]]], *, gap: float = 0.3) -> Bars:
    """Stacked bars: each a label and its parts as (colour, amount), from the bottom up.

    >>> bar_plot([("Mon", [(1, 30), (5, 10)])]).bars[0].parts
    [(1, 50.0, 150.0), (5, 0.0, 50.0)]
    """
    top = _round_up(max((sum(amount for _, amount in parts) for _, parts in bars), default=1))
    step = WIDTH / max(len(bars), 1)
    drawn: list[Bar] = []
    for place, (label, parts) in enumerate(bars):
        stacked: list[tuple[int, float, float]] = []
        under = 0.0
        for colour, amount in parts:
            height = HEIGHT * amount / top
            stacked.append((colour, round(HEIGHT - under - height, 1), round(height, 1)))
            under += height
        width = min(step * (1 - gap), 48)
        drawn.append(
            Bar(
                x=round(step * place + (step - width) / 2, 1),
                width=round(width, 1),
                parts=stacked,
                label=label,
            )
        )
    return Bars(bars=drawn, grid=_grid(top))


def _grid(top: int) -> list[tuple[float, int]]:
    return [(round(HEIGHT - HEIGHT * part / LINES, 1), top * part // LINES) for part in range(LINES + 1)]


def _round_up(count: float) -> int:
    """The next number that LINES lines divide well: 4, 8, 20, 40, 80, 200 ..."""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if LINES * step * scale >= count:
                return LINES * step * scale
        scale *= 10
