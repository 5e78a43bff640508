"""A rule that can be lifted, as conflicts name them. Imports nothing."""

from typing import NamedTuple


class Rule(NamedTuple):
    """What is in force.

    Of one thing: `minimum` (at: its row), `room`, `lane`, `vehicle`, `open` (at: a site), `qualified` (at: a type). Of all
    examiners: `staff`, `hours`, `breaks`, `most`, `travel`.
    """

    kind: str
    at: str = ""
