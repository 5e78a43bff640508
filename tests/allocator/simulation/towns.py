"""Small towns to seat under each rule."""

from allocator.order import History
from allocator.simulation.demand import APP, HONEST, Parameters, Person, make_demand
from allocator.simulation.rules import Asked

SEEDS = [f"{number:02x}" * 32 for number in (3, 77, 200)]


def person(name, form, *, kind=HONEST, weeks=0, arrival_s=0, accepted_at_s=0):
    return Person(name, kind, APP, 0, weeks, arrival_s, History(accepted_at_s), tuple(form))


def asked_of(people, capacities, seed=bytes(32)):
    return Asked(people, [one.form for one in people], capacities, seed)


def a_town(seed, *, applications=240, sessions=15):
    demand = make_demand(Parameters(applications=applications, sessions=sessions, seed=seed))
    return asked_of(demand.people, demand.capacities, bytes.fromhex(seed))
