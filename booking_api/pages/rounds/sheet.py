"""A page as one file: styles inside, no script, and a policy that lets nothing else in. Imports Jinja2."""

import base64
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
from markupsafe import Markup

from booking_api.pages.catalogue import Words
from booking_api.pages.rendering import part_of_page

WIDTH = 1000
"""A bar's whole width in its own units."""


class Part(msgspec.Struct, frozen=True):
    """A part of a bar; `colour` is 1 to 5, as the style sheet has `series-1`."""

    colour: int
    x: float
    width: float


class Row(msgspec.Struct, frozen=True):
    """A bar with its name and what it says in words."""

    name: str
    said: str
    parts: list[Part]


class Table(msgspec.Struct, frozen=True):
    """`rows`: the first cell names the row, so many of the next ones are words, the others are numbers in words."""

    head: list[str]
    rows: list[list[str]]
    words: int = 0


def row(name: str, said: str, amounts: list[tuple[int, float]], *, whole: float) -> Row:
    """A bar of stacked amounts, each as (colour, amount); `whole` is what the full width stands for.

    >>> [(part.x, part.width) for part in row("a", "3", [(1, 1), (2, 2)], whole=4).parts]
    [(0.0, 250.0), (250.0, 500.0)]
    """
    parts: list[Part] = []
    at = 0.0
    for colour, amount in amounts:
        width = WIDTH * amount / whole if whole else 0.0
        parts.append(Part(colour, round(at, 1), round(width, 1)))
        at += width
    return Row(name, said, parts)


def sheet(template: str, words: Words, *, more_styles: Sequence[str] = (), **facts: Any) -> str:
    """The page's text. `more_styles`: what drawings in it have between `<style>` and `</style>`."""
    style = _style()
    allowed = " ".join(_source(one) for one in (style, *more_styles))
    return (
        part_of_page(
            template,
            words,
            style=Markup(style),  # noqa: S704 - our own style sheets
            policy=f"default-src 'none'; style-src {allowed}; img-src data:; base-uri 'none'; form-action 'none'",
            bar_width=WIDTH,
            **facts,
        )
        + "\n"
    )


def _source(style: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(style.encode()).digest()).decode()}'"


def _style() -> str:
    folder = files("booking_api.pages") / "static"
    return "\n" + (folder / "gongdao.css").read_text() + (folder / "rounds.css").read_text()
