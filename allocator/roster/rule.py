"""A rule that can be lifted, as conflicts name them. Imports nothing."""

from typing import NamedTuple


class Rule(NamedTuple):
    """What is in force: `minimum` (at: its row), `room`, `lane`, `vehicle`, `open` (at: a site), `qualified` (at: a type),
    or `staff`, `hours`, `breaks`, `most`, `travel` of all examiners."""

    kind: str
    at: str = ""
