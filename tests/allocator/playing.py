"""Tiny rounds drawn by chance, and how the product plays them."""

from allocator.allocation import allocate
from allocator.bound import bound_of
from fairness.rounds.outcome import write_outcome
from tests.allocator.rounds import ready

SEED = bytes(range(32))
KINDS = {
    "individuals": {},
    "maxima": {"maxima": True},
    "batches": {"batches": True},
    "reserves": {"reserves": True},
    "everything": {"batches": True, "maxima": True, "reserves": True},
}
NAMES = ["b", "a", "é", "水", "🚗", "a\u0301"]


def play(problem, seed=SEED):
    """The result's text."""
    round_ = ready(problem, seed)
    return write_outcome(round_, allocate(round_, seed, bound_of))


def drawn(chance, *, people=6, sessions=4, batches=False, maxima=False, reserves=False):
    """A problem as its file has it. Scarce on purpose: where there is enough for all, no rule shows."""
    names = NAMES[: chance.choice([*range(1, sessions + 1), *[sessions] * sessions])]
    schools = ["y", "x"] if maxima or reserves else []
    problem = {
        "version": 1,
        "sessions": [{"id": name, "capacity": chance.choice([0, 1, 1, 1, 2])} for name in names],
        "applications": [
            {"id": f"p{number}", "class": chance.randint(0, 1), "lines": drawn_form(chance, names)}
            for number in range(chance.choice([*range(1, people + 1), *[people] * people]))
        ],
    }
    for one in problem["applications"]:
        if schools and chance.randint(0, 3):
            one["school"] = chance.choice(schools)
    if batches:
        problem["batches"] = drawn_batches(chance, problem["applications"], names)
    if schools:
        problem["schools"] = [{"id": school} for school in schools]
    for school in problem.get("schools", []):
        if maxima and chance.randint(0, 1):
            school["max"] = chance.randint(0, 2)
    if reserves:
        draw_reserves(chance, problem)
    return problem


def drawn_with_chains(chance):
    """Those who hold two sessions equal sit in the first of them; those who come later want one, and push them on."""
    names = sorted(NAMES, key=str.encode)
    capacities = {name: chance.randint(1, 2) for name in names}
    early = sum(capacities.values()) - chance.randint(1, 3)
    return {
        "version": 1,
        "sessions": [{"id": name, "capacity": size} for name, size in capacities.items()],
        "applications": [
            {"id": f"p{number}", "class": 0, "lines": [chance.sample(names, 2)]} for number in range(early)
        ]
        + [
            {"id": f"q{number}", "class": 1, "lines": [[name] for name in chance.sample(names[:3], 2)]}
            for number in range(4)
        ],
    }


def drawn_form(chance, names):
    """Lines that part some of the sessions; now and then they overlap."""
    shuffled = chance.sample(names, chance.choice([0, *range(1, len(names) + 1), *range(1, len(names) + 1)]))
    lines = []
    while shuffled:
        size = chance.randint(1, min(3, len(shuffled)))
        lines.append(shuffled[:size])
        shuffled = shuffled[size if chance.randint(0, 7) else 1 :]
    return lines


def drawn_batches(chance, applications, names):
    ids = chance.sample([one["id"] for one in applications], len(applications))
    batches = []
    while ids and len(batches) < 2:
        size = chance.randint(1, 3)
        batches.append({"id": f"g{len(batches)}", "members": ids[:size], "lines": drawn_form(chance, names)})
        ids = ids[size:]
    for one in applications:
        if any(one["id"] in batch["members"] for batch in batches):
            one["lines"] = []
    return batches


def draw_reserves(chance, problem):
    left = {one["id"]: one["capacity"] for one in problem["sessions"]}
    for school in problem["schools"]:
        school["reserve"] = []
        for session in chance.sample(list(left), chance.randint(0, min(2, len(left)))):
            seats = chance.randint(0, left[session])
            left[session] -= seats
            school["reserve"].append({"session": session, "seats": seats})
