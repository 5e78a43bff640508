"""Small rounds by chance, with everything that a problem file can have."""

import json

from fairness.rounds.problem import read_problem
from fairness.rounds.round import make_ready, public_order

SCHOOLS = ("x", "y")


def a_problem(chance, *, batches=True, rules=True):
    """At most five sessions, ten people and three batches."""
    capacities = {f"s{number}": chance.randint(0, 3) for number in range(chance.randint(1, 5))}
    sessions = list(capacities)

    def lines():
        return [
            chance.sample(sessions, chance.randint(1, len(sessions))) for _ in range(chance.randint(0, 3))
        ]

    def person(name, form):
        school = chance.choice([*SCHOOLS, None]) if rules else None
        return {"id": name, "class": chance.randint(0, 2), "lines": form, "school": school}

    applications = [person(f"a{number}", lines()) for number in range(chance.randint(1, 10))]
    groups = []
    for number in range(chance.randint(0, 3) if batches else 0):
        members = [person(f"b{number}{place}", []) for place in range(chance.randint(1, 3))]
        applications += members
        groups.append({"id": f"g{number}", "members": [one["id"] for one in members], "lines": lines()})
    return {
        "version": 1,
        "sessions": [{"id": one, "capacity": size} for one, size in capacities.items()],
        "applications": applications,
        "batches": groups,
        "schools": _schools(chance, capacities) if rules else [],
    }


def _schools(chance, capacities):
    left = dict(capacities)
    schools = []
    for name in SCHOOLS:
        reserve = []
        for session, free in left.items():
            if free and chance.random() < 0.4:
                seats = chance.randint(1, free)
                left[session] -= seats
                reserve.append({"session": session, "seats": seats})
        most = {"max": chance.randint(0, 4)} if chance.random() < 0.5 else {}
        schools.append({"id": name, "reserve": reserve, **most})
    return schools


def text_of(problem):
    return json.dumps(problem, ensure_ascii=False).encode()


def ready(problem, seed=bytes(32)):
    read = read_problem(text_of(problem))
    return make_ready(read, public_order(read.applications, seed))
