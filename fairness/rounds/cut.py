"""The bound of a round: a cut that shows how many can be seated at most. Imports `round`."""

from typing import NamedTuple

from fairness.rounds.round import NEVER, Round


class CutRefused(ValueError):
    """The cut names what is not there."""


class Cut(NamedTuple):
    """Sessions and schools that show that no more can be seated: see `cut_value`."""

    sessions: frozenset[int]
    schools: frozenset[int]


def cut_value(round_: Round, cut: Cut) -> int:
    """The most that can be seated, as this cut shows it.

    Who names no session outside the cut's sits in its sessions' seats; of the others, each of the cut's schools has at
    most its maximum, and everybody else at most one seat each.

    Raises:
        CutRefused: the cut names a session or a school that there is not, or a school without a maximum.
    """
    if not all(0 <= session < len(round_.capacities) for session in cut.sessions):
        raise CutRefused("the cut names a session that there is not")
    if not all(0 <= school < len(round_.maxima) and round_.maxima[school] != NEVER for school in cut.schools):
        raise CutRefused("the cut names a school that has no maximum")
    confined = {
        number
        for number, line in enumerate(round_.lines)
        if all(round_.places[place].session in cut.sessions for place in line)
    }
    free = sum(
        1
        for position, form in enumerate(round_.forms)
        if round_.schools_at[position] not in cut.schools and not confined.issuperset(form)
    )
    for party in round_.parties:
        if not all(option.session in cut.sessions for options in party.lines for option in options):
            free += sum(round_.schools_at[member] not in cut.schools for member in party.members)
    return (
        sum(round_.capacities[session] for session in cut.sessions)
        + sum(round_.maxima[school] for school in cut.schools)
        + free
    )
