"""A round's whole result by `docs/spec/round.md`, sections 8 and 9: bound, cut and measures by counting everything."""

import itertools
from collections import Counter
from fractions import Fraction

from tests.allocator.by_the_rule import (
    Place,
    both_passes,
    can_honour,
    maxima_of,
    public_order,
    reserves_of,
    schools_of,
    seats_of,
    turns_of,
)


def result_of(problem, seed):
    """The result file's object."""
    order = public_order(problem, seed)
    first, kept, final = both_passes(problem, seed)
    reserves = reserves_of(problem)
    sessions, schools = cut_of(problem)
    return {
        "version": 1,
        "seed": seed.hex(),
        **pass_of(problem, order, final, kept),
        "first_pass": pass_of(problem, order, first, reserves) if reserves else None,
        "bound": bound_of(problem),
        "cut": sessions,
        "cut_schools": schools,
        "measures": measures_of(problem, order, final, kept),
    }


def pass_of(problem, order, told, reserved):
    """The four members that both passes have."""
    own = [place for place in seats_of(problem, reserved) if place.school is None]
    return {
        "applications": [
            {
                "id": one,
                "position": position,
                "line": told.lines.get(one),
                "session": told.places[one].session if one in told.places else None,
            }
            for position, one in enumerate(order)
        ],
        "batches": [
            {
                "id": turn.batch,
                "position": turn.position,
                "line": told.batch_lines.get(turn.batch),
                "session": told.places[turn.members[0]].session if turn.batch in told.batch_lines else None,
                "witnesses": [
                    {
                        "line": line,
                        "session": session,
                        "sessions": [place.session for place in places if place.school is None],
                        "reserved": [
                            {"school": place.school, "session": place.session}
                            for place in places
                            if place.school is not None
                        ],
                    }
                    for line, session, places in told.witnesses[turn.batch]
                ],
            }
            for turn in turns_of(problem, order)
            if turn.batch is not None
        ],
        "sessions": [{"id": place.session, "closed_at": told.closed_at.get(place)} for place in own],
        "reserved": [
            {
                "school": place.school,
                "session": place.session,
                "seats": seats,
                "closed_at": told.closed_at.get(place),
                "taken_by": [one for one in order if told.places.get(one) == place],
            }
            for place, seats in reserved.items()
        ],
    }


def sessions_wanted(problem):
    """Application -> the sessions that it, or its batch, names."""
    wanted = {one["id"]: {name for line in one["lines"] for name in line} for one in problem["applications"]}
    for batch in problem.get("batches", []):
        wanted |= {member: {name for line in batch["lines"] for name in line} for member in batch["members"]}
    return wanted


def bound_of(problem):
    """The most that can be seated: everybody is seated nowhere, and everywhere they ask for."""
    schools, maxima = schools_of(problem), maxima_of(problem)
    wanted = list(sessions_wanted(problem).items())
    reached = {(tuple(one["capacity"] for one in problem["sessions"]), tuple(maxima.values())): 0}
    names, limited = [one["id"] for one in problem["sessions"]], list(maxima)
    for application, sessions in wanted:
        for (seats, left), count in list(reached.items()):
            school = schools[application]
            spent = tuple(most - (name == school) for name, most in zip(limited, left, strict=True))
            for at in (names.index(session) for session in sessions):
                if seats[at] and min(spent, default=0) >= 0:
                    now = (*seats[:at], seats[at] - 1, *seats[at + 1 :]), spent
                    reached[now] = max(reached.get(now, 0), count + 1)
    return max(reached.values())


def cut_value(problem, sessions, schools):
    """Section 8: those who name nothing else sit in the sessions' seats; of the others schools have their maxima."""
    of, maxima = schools_of(problem), maxima_of(problem)
    others = [one for one, names in sessions_wanted(problem).items() if not names <= set(sessions)]
    return (
        sum(one["capacity"] for one in problem["sessions"] if one["id"] in sessions)
        + sum(maxima[school] for school in schools)
        + sum(of[one] not in schools for one in others)
    )


def cut_of(problem):
    """(sessions, schools) of the minimum cut that is nearest to the people: least of the sessions, most of the schools."""
    values = {
        (sessions, schools): cut_value(problem, sessions, schools)
        for sessions in subsets(one["id"] for one in problem["sessions"])
        for schools in subsets(maxima_of(problem))
    }
    least = min(values.values())
    minimum = [cut for cut, value in values.items() if value == least]
    nearest = (
        frozenset.intersection(*(sessions for sessions, _ in minimum)),
        frozenset.union(*(schools for _, schools in minimum)),
    )
    assert nearest in minimum
    return tuple(sorted(part, key=str.encode) for part in nearest)


def subsets(names):
    names = list(names)
    return [frozenset(one) for size in range(len(names) + 1) for one in itertools.combinations(names, size)]


def measures_of(problem, order, told, kept):
    """Section 9."""
    most = max(told.lines.values(), default=-1)
    lines = Counter(told.lines.values())
    wants = [
        (turn.batch is not None, *wants_of(problem, order, turn, told, kept))
        for turn in turns_of(problem, order)
        if told.barred.isdisjoint(turn.members)
    ]
    return {
        "applications": len(order),
        "seated": len(told.places),
        "by_line": [lines[line] for line in range(most + 1)],
        "barred": len(told.barred),
        "envy": {
            "people": sum(envies for batch, envies, _ in wants if not batch),
            "batches": sum(envies for batch, envies, _ in wants if batch),
        },
        "waste": {
            "people": sum(wastes for batch, _, wastes in wants if not batch),
            "batches": sum(wastes for batch, _, wastes in wants if batch),
        },
        "schools": rates_of(problem, told),
    }


def wants_of(problem, order, turn, told, kept):
    """(envies, wastes): what those behind have would do, or what nobody has, in a session of a better line."""
    turn_of = {member: one.position for one in turns_of(problem, order) for member in one.members}
    lines = turn.lines[: told.lines.get(turn.members[0], len(turn.lines))]
    better = [session for line in lines for session in line]
    schools, seats = schools_of(problem), seats_of(problem, kept)
    taken = Counter(told.places.values())
    behind = Counter(place for one, place in told.places.items() if turn_of[one] > turn.position)
    free = {place: seats[place] - taken[place] for place in seats}
    emptied = {place: free[place] + behind[place] for place in seats}

    def places(member, session):
        both = Place(session, schools[member]), Place(session, None)
        return [place for place in both if place in seats]

    def do(available, session):
        return can_honour([places(member, session) for member in turn.members], available)

    wastes = any(do(free, one) for one in better)
    if turn.batch is None:
        return any(behind[place] for one in better for place in places(turn.members[0], one)), wastes
    return any(do(emptied, one) and not do(free, one) for one in better), wastes


def rates_of(problem, told):
    """Each school's seated, of how many, and its rate beside the best."""
    schools = schools_of(problem)
    if not any(school is not None for school in schools.values()):
        return []
    of = Counter(school or "" for school in schools.values())
    seated = Counter(schools[one] or "" for one in told.places)
    best = max(Fraction(seated[school], of[school]) for school in of)
    return [
        {
            "id": school,
            "seated": seated[school],
            "of": of[school],
            "ratio": str(Fraction(seated[school], of[school]) / best) if best else None,
        }
        for school in sorted(of, key=str.encode)
    ]
