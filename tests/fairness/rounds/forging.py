"""Bent results: every value of one set to every other small one, every list cut, doubled, turned and added to."""

import json

from tests.allocator.by_the_rule import lines_by_trying_all, reserves_of
from tests.allocator.told_by_the_rule import cut_value


def canonical(result):
    """RFC 8785 for a value whose members' names are ASCII and whose strings have no control characters."""
    return json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bends(result, ids):
    """(where, this same result with one value or one list of it changed), for every one; it is put right after each.

    `ids`: what stands in for a string.
    """
    for path, value in list(parts_of(result)):
        place = result
        for key in path[:-1]:
            place = place[key]
        for other in others(value, ids, len(result["applications"])):
            place[path[-1]] = other
            yield path, result
        place[path[-1]] = value


def parts_of(value, path=()):
    """(path, value) of every value and list within, lists before what is in them."""
    if path and not isinstance(value, dict):
        yield path, value
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from parts_of(part, (*path, key))


def others(value, ids, people):
    if isinstance(value, list):
        yield from (value[:at] + value[at + 1 :] for at in range(len(value)))
        yield from (value[:at] + value[at : at + 1] + value[at:] for at in range(len(value)))
        if value[1:]:
            yield value[::-1]
        yield from ([*value, one] for one in ids if all(isinstance(part, str) for part in value))
        return
    for other in [*range(people + 2), None, *ids, "", True, -1, 2**53 - 1]:
        if type(other) is not type(value) or other != value:
            yield other


def without_choices(result):
    """What no certificate leaves open: lines, order, bound and measures.

    Within their promised lines people can often sit otherwise, and so can who took of a reserve in the first pass, which
    says how much of it is kept; places can often close earlier or later with the same effect; a witness can have more in
    it than it needs; and of several minimum cuts each shows the bound.
    """
    kept = {name: value for name, value in result.items() if name not in {"cut", "cut_schools", "first_pass"}}
    passes = [result] if result["first_pass"] is None else [result, result["first_pass"]]
    told = [
        {
            "applications": [one | {"session": None} for one in part["applications"]],
            "batches": [one | {"session": None, "witnesses": None} for one in part["batches"]],
            "sessions": [one["id"] for one in part["sessions"]],
            "reserved": [
                one | {"closed_at": None, "taken_by": None, "seats": None} for one in part["reserved"]
            ],
        }
        for part in passes
    ]
    return [{name: value for name, value in kept.items() if name not in told[0]}, *told]


def holds(problem, result):
    """Whether a result is true of its problem by its own sessions of batches and its own kept seats, and by trying all.

    Everybody sits in their line, and the line is the best that breaks no promise; the cut shows the bound.
    """
    passes = [(result, [one["seats"] for one in result["reserved"]])]
    if result["first_pass"]:
        passes.append((result["first_pass"], list(reserves_of(problem).values())))
    return cut_value(problem, result["cut"], result["cut_schools"]) == result["bound"] and all(
        pass_holds(
            problem, bytes.fromhex(result["seed"]), told, dict(zip(reserves_of(problem), seats, strict=True))
        )
        for told, seats in passes
    )


def pass_holds(problem, seed, told, reserved):
    forms = {one["id"]: one["lines"] for one in problem["applications"]}
    for batch in problem.get("batches", []):
        forms |= dict.fromkeys(batch["members"], batch["lines"])
    got = {one["id"]: one for one in told["applications"] if one["line"] is not None}
    sessions = {one["id"]: one["session"] for one in told["batches"]}
    return all(one["session"] in forms[name][one["line"]] for name, one in got.items()) and {
        name: one["line"] for name, one in got.items()
    } == lines_by_trying_all(problem, seed, reserved, sessions)
