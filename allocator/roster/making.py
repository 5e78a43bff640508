"""From a staff to a checked roster, or to the reasons why there is none. Loads OR-Tools.

Nothing is handed out that `check` refuses, whatever the solver said.
"""

from collections.abc import Callable
from typing import NamedTuple

from allocator.roster.check import broken
from allocator.roster.conflict import conflict_of
from allocator.roster.outcome import Roster, met_of, sessions_of
from allocator.roster.rounding import SolverWrong
from allocator.roster.search import Found, Limits, Progress, Tell, find
from allocator.roster.staff import Staff
from allocator.roster.town import town_of
from allocator.roster.unmet import unmet_of
from allocator.roster.words import sentence_of

__all__ = ["Limits", "Made", "NoRoster", "Progress", "SolverWrong", "make_roster"]


class NoRoster(Exception):
    """The minimums cannot be kept, or nothing that keeps them was found.

    `reasons` are sentences; `proved_by` is `prices`, `solver` or None where it was not proved; `minimal` says that each reason
    is needed.
    """

    def __init__(self, reasons: list[str], *, proved_by: str | None, minimal: bool) -> None:
        super().__init__("; ".join(reasons))
        self.reasons, self.proved_by, self.minimal = reasons, proved_by, minimal


class Made(NamedTuple):
    """A roster, and whether the clock ended its search."""

    roster: Roster
    stopped: str | None


def make_roster(
    staff: Staff, *, rounds: int, seconds_left: Callable[[], float], tell: Tell = lambda _: None
) -> Made:
    """The best roster that is found, checked against every rule.

    The same staff and rounds give the same roster, unless the clock ended the search.

    Raises:
        NoRoster: the minimums cannot be kept.
        SolverWrong: the solver's answer breaks a rule or cannot be; nothing of it may be used.
    """
    town = town_of(staff)
    found = find(town, Limits(rounds, seconds_left), tell)
    if found.worth[0] < 0:
        raise _no_roster(staff, found, tell)
    sessions = sessions_of(town, found.chosen)
    rows, met = met_of(town, sessions)
    roster = Roster(
        version=1,
        sessions=sessions,
        seats=sum(one.capacity for one in sessions),
        met=met,
        bound=found.bound,
        bound_by="prices" if found.bound_by == "prices" else "solver",
        trips=-found.worth[2],
        demand=rows,
        unmet=unmet_of(town, found.chosen, rows),
    )
    wrong = broken(staff, roster)
    if wrong:
        raise SolverWrong(f"the roster found breaks a rule: {wrong[0]}")
    return Made(roster, found.stopped)


def _no_roster(staff: Staff, found: Found, tell: Tell) -> NoRoster:
    conflict = conflict_of(staff, lambda stage: tell(Progress(stage, None, None)))
    if conflict is None:
        short = f"No roster that keeps every minimum was found: the best is {-found.worth[0]} sessions short"
        return NoRoster(
            [f"{short}. That there is none is not proved; more rounds may find one."],
            proved_by=None,
            minimal=False,
        )
    reasons = [sentence_of(staff, rule, conflict.rules) for rule in conflict.rules]
    return NoRoster(reasons, proved_by=conflict.proved_by, minimal=conflict.minimal)
