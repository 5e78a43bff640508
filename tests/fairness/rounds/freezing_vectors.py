"""The frozen vectors of rounds: `python -m tests.fairness.rounds.freezing_vectors` prints them.

They are written once for a version. A change that moves them is a new version of the format, or a fault.
"""

import json
import sys
from hashlib import sha256
from typing import Any

from tests.allocator.playing import play

SCRIPTS = [
    "场次一",
    "موعد",
    "🚗🏁",
    "a\u0301",
    'a"b\\c/',
    "\u2028",
    "Ünïcode",
    "\U0010ffff",
    "\u202eabc",
    "<&>'",
]


def frozen_vectors() -> dict[str, Any]:
    """Problems as their files are, seeds, and the results' texts to the byte."""
    rounds = [
        {
            "about": about,
            "problem": json.dumps(problem, ensure_ascii=False),
            "seed": seed.hex(),
            "result": play(problem, seed).decode(),
        }
        for about, problem in PROBLEMS.items()
        for seed in [sha256(about.encode()).digest()]
    ]
    return {
        "source": "computed by allocator/ and, apart from it, by tests/allocator/by_the_rule.py",
        "rounds": rounds,
    }


def _form(name: str, *lines: str, waiting: int = 0, school: str | None = None) -> dict[str, Any]:
    """Each line's sessions by their first letters."""
    told = {"id": name, "class": waiting, "lines": [list(line) for line in lines]}
    return told if school is None else told | {"school": school}


def _problem(capacities: dict[str, int], applications: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    sessions = [{"id": name, "capacity": size} for name, size in capacities.items()]
    return {"version": 1, "sessions": sessions, "applications": applications, **more}


PROBLEMS = {
    "nobody and nothing": _problem({}, []),
    "ties in class, chains within lines": _problem(
        {"c": 1, "a": 1, "b": 1},
        [_form(f"p{number}", line, "abc") for number, line in enumerate(["ab", "a", "bc", "c", "abc", "b"])],
    ),
    "waiting classes, overlapping lines, empty forms": _problem(
        {"a": 2, "b": 1, "c": 0},
        [
            _form("late", "ab", "bc", waiting=9),
            _form("early", "c", "b", "ab", waiting=-1),
            _form("none"),
            _form("p", "b"),
        ],
    ),
    "names in every script": _problem(
        dict.fromkeys(SCRIPTS, 1),
        [
            {
                "id": name,
                "class": 0,
                "lines": [[SCRIPTS[place - 1], SCRIPTS[place - 2]]],
                "school": SCRIPTS[0],
            }
            for place, name in enumerate(SCRIPTS)
        ],
        schools=[{"id": SCRIPTS[0], "max": 8, "reserve": [{"session": SCRIPTS[2], "seats": 1}]}],
    ),
    "batches: moved for, refused with a witness, larger than any session": _problem(
        {"a": 2, "b": 2, "c": 1},
        [
            *(_form(f"p{number}", "abc", waiting=number) for number in range(2)),
            *(_form(f"m{number}", waiting=3) for number in range(2)),
            *(_form(f"n{number}", waiting=4) for number in range(2)),
            *(_form(f"o{number}", waiting=5) for number in range(3)),
        ],
        batches=[
            {"id": "o", "members": ["o0", "o1", "o2"], "lines": [["a", "b", "c"]]},
            {"id": "n", "members": ["n0", "n1"], "lines": [["a"], ["c"], ["b"]]},
            {"id": "m", "members": ["m1", "m0"], "lines": [["a"], ["b"]]},
        ],
    ),
    "maxima, reserves of two schools in one session, a second pass": _problem(
        {"a": 4, "b": 2},
        [
            *(_form(f"x{number}", "a", "b", school="x") for number in range(3)),
            *(_form(f"y{number}", "ab", school="y") for number in range(2)),
            *(_form(f"f{number}", "a", waiting=number) for number in range(3)),
            _form("gx", school="x"),
            _form("gy", school="y"),
        ],
        batches=[{"id": "g", "members": ["gx", "gy"], "lines": [["a"], ["b"]]}],
        schools=[
            {"id": "y", "reserve": [{"session": "a", "seats": 2}, {"session": "b", "seats": 0}]},
            {"id": "x", "max": 2, "reserve": [{"session": "a", "seats": 1}, {"session": "b", "seats": 1}]},
            {"id": "z", "max": 0},
        ],
    ),
    "what a school leaves of its reserve is everybody's": _problem(
        {"a": 3, "b": 1},
        [
            _form("y1", "a", "b", school="y", waiting=1),
            _form("y2", "a", "b", school="y", waiting=2),
            _form("y3", "a", "b", school="y", waiting=3),
            _form("x1", "ab", school="x", waiting=4),
            _form("x2", waiting=5, school="x"),
            _form("y4", waiting=6, school="y"),
        ],
        batches=[{"id": "g", "members": ["x2", "y4"], "lines": [["a"], ["b"]]}],
        schools=[{"id": "x", "reserve": [{"session": "a", "seats": 2}]}],
    ),
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(frozen_vectors(), ensure_ascii=False, indent=1) + "\n")
