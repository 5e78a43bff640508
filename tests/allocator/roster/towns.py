"""Small staffs for the tests, and every roster of a tiny one by brute force."""

import json
from itertools import combinations, pairwise, product

from allocator.roster.staff import minute_of, read_staff

DAY = "2026-12-14"
LONGEST = 4
"""Sessions of an examiner: a day of the tests has four hours."""


def window(start="08:00", end="12:00"):
    return {"from": start, "to": end}


def plain(**changes):
    """One site with a lane and a car, two examiners, two types on a grid of an hour."""
    return {
        "version": 1,
        "days": [DAY],
        "slot_minutes": 60,
        "types": [
            {"id": "yard", "minutes": 60, "seats": 4, "needs": ["lane", "vehicle"]},
            {"id": "theory", "minutes": 120, "seats": 10, "needs": ["room"]},
        ],
        "sites": [
            {"id": "east", "open": [window()]},
            {"id": "west", "open": [window("09:00", "12:00")]},
        ],
        "places": [
            {"id": "lane", "site": "east", "kind": "lane", "types": ["yard"]},
            {"id": "hall", "site": "west", "kind": "room", "types": ["theory"]},
        ],
        "vehicles": [{"id": "car", "site": "east", "types": ["yard"]}],
        "examiners": [
            {"id": "li", "types": ["yard", "theory"], "hours": [window()], "most_minutes": 240},
            {"id": "wu", "types": ["yard"], "hours": [window()], "breaks": [window("10:00", "11:00")]},
        ],
        "travel": [{"between": ["east", "west"], "minutes": 30}],
        "demand": [{"type": "yard", "seats": 14, "weight": 3}, {"type": "theory", "seats": 15}],
        **changes,
    }


def staff_of(**changes):
    return read_staff(json.dumps(plain(**changes)).encode())


def best_by_force(staff):
    """(weighted seats, fewest trips, fewest sessions) of the best roster, out of all there are; None: none keeps the minimums.

    In minutes and by name, on one day: every examiner's every chain of sessions, then every choice of a chain each.
    """
    chains = [_chains(staff, one) for one in staff.examiners]
    found = [
        (_met(staff, sessions), -sum(trips for _, trips in chosen), -len(sessions))
        for chosen in product(*chains)
        if _shared(staff, sessions := [one for chain, _ in chosen for one in chain])
    ]
    return max(found, default=None)


def _chains(staff, examiner):
    kinds = {one.id: one for one in staff.types}
    step = staff.slot_minutes
    single = [
        (kind, site.id, start, start + kinds[kind].minutes)
        for kind in examiner.types
        for site in staff.sites
        for start in range(0, 1440, step)
        if _inside(site.open, start, start + kinds[kind].minutes)
        and _free(examiner, start, start + kinds[kind].minutes)
    ]
    found = [((), 0)]
    for size in range(1, LONGEST + 1):
        for chain in combinations(sorted(single, key=lambda one: one[2:]), size):
            trips = _trips(staff, examiner, chain)
            if trips is not None:
                found.append((chain, trips))
    return found


def _trips(staff, examiner, chain):
    minutes, trips = sum(end - start for _, _, start, end in chain), 0
    for (_, here, _, end), (_, there, start, _) in pairwise(chain):
        if start < end:
            return None
        if here != there:
            way = next((one.minutes for one in staff.travel if {here, there} == set(one.between)), None)
            if way is None or not any(_free(examiner, at, at + way) for at in range(end, start - way + 1)):
                return None
            minutes, trips = minutes + way, trips + 1
    return trips if minutes <= examiner.most_minutes else None


def _shared(staff, sessions):
    """Do lanes, rooms and vehicles suffice (each kind of a site serves alike here), and are the minimums kept?"""
    kinds = {one.id: one for one in staff.types}
    for need, site in product(("lane", "room", "vehicle"), staff.sites):
        own = [one for one in sessions if one[1] == site.id and need in kinds[one[0]].needs]
        for kind in {one[0] for one in own}:
            units = sum(
                one.at_once
                for one in staff.places
                if (one.kind, one.site) == (need, site.id) and kind in one.types
            )
            if need == "vehicle":
                units = sum(one.site == site.id and kind in one.types for one in staff.vehicles)
            starts = [start for name, _, start, _ in own if name == kind]
            if any(sum(n == kind and a <= at < b for n, _, a, b in own) > units for at in starts):
                return False
    return all(_seats(staff, sessions, row) >= row.seats for row in staff.minimum)


def _seats(staff, sessions, row):
    kinds = {one.id: one for one in staff.types}
    return sum(
        kinds[kind].seats for kind, site, _, _ in sessions if kind == row.type and row.site in {None, site}
    )


def _met(staff, sessions):
    """Rows of these tests do not overlap."""
    return sum(row.weight * min(row.seats, _seats(staff, sessions, row)) for row in staff.demand)


def _inside(windows, start, end):
    return any(minute_of(one.start) <= start and end <= minute_of(one.end) for one in windows)


def _free(examiner, start, end):
    rests = [(minute_of(one.start), minute_of(one.end)) for one in examiner.breaks]
    return _inside(examiner.hours, start, end) and not any(a < end and start < b for a, b in rests)
