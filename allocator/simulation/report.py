"""What a simulation found, as it is written in JSON and shown on the page. Imports msgspec and loads no solver.

Counts are of people unless they say seats. People are those who want a session for themselves: bots are counted apart.
"""

import msgspec

from allocator.simulation.demand import Parameters


class Share(msgspec.Struct, frozen=True):
    """So many of so many."""

    count: int
    of: int

    @property
    def rate(self) -> float:
        """From 0 to 1; 0 of nobody is 0."""
        return self.count / self.of if self.of else 0.0


class Group(msgspec.Struct, frozen=True):
    """A group's chance of a seat. `ratio` to the group with the highest, None where nobody has a seat; `p` by chi-square."""

    name: str
    seated: Share
    ratio: float | None
    p: float


class Fare(msgspec.Struct, frozen=True):
    """How people fare by their true forms. `mean_rank` counts lines from 1, and no seat as one more than there are lines."""

    people: int
    first: Share
    seated: Share
    mean_rank: float


class Lies(msgspec.Struct, frozen=True):
    """What a lie earns somebody who tells it alone; `best`: each tells the one that pays best, or the truth.

    `better_off`: whom a lie of the menu gets a better line than the truth. `together`: all of them do, and how it turns out
    for them and for the honest, who fared as in `honest_before`.
    """

    truth: Fare
    by_lie: dict[str, Fare]
    best: Fare
    better_off: Share
    told: dict[str, int]
    liars_together: Fare
    honest_before: Fare
    honest_together: Fare


class Waiting(msgspec.Struct, frozen=True):
    """Several rounds in a row: `needed[n]` people had a seat in their round n + 1; `longest` rounds at most, so far.

    `gini` and `jain` are of the rounds that each person needed, or has waited for until now.
    """

    needed: list[int]
    still: int
    mean: float
    longest: int
    gini: float
    jain: float


class Bots(msgspec.Struct, frozen=True):
    """Seats of bots: where identities are checked, each has one application, and where they are not."""

    bots: int
    seats_checked: int
    seats_unchecked: int


class RuleReport(msgspec.Struct, frozen=True):
    """One rule. Everybody tells the truth but in `lies` and `seats_by_kind`.

    `seats_by_kind`: seats of honest people, liars, bots, and free ones, where liars lie if it pays. `by_weeks[w]`: of those
    who have waited w weeks. `by_line[n]`: who got line n of their true form. `moved_by_file_order`: who gets another
    session when the same file is read from its end.
    """

    rule: str
    seats_by_kind: dict[str, int]
    seated: Share
    by_weeks: list[Share]
    by_line: list[int]
    envy: Share
    waste: Share
    moved_by_file_order: int
    channels: list[Group]
    districts: list[Group]
    bots: Bots
    lies: Lies
    waiting: Waiting


class Report(msgspec.Struct, frozen=True):
    """`bound`: how many applications could be seated at most. `seats`: of all sessions."""

    version: int
    parameters: Parameters
    seats: int
    bound: int
    people: dict[str, int]
    rules: list[RuleReport]
