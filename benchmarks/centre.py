"""A test centre of real size, made from a number: 30 examiners, 20 vehicles, 4 sites, 12 hours, more wanted than there is.

`python -m benchmarks.centre --out STAFF.json [--seed N] [--days N]` writes it for `gongdao roster`.
"""

import argparse
import json
from datetime import date, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator of a benchmark
from typing import Any

EXAMINERS = 30
SITES = {"east": "东郊考场", "north": "北山考场", "south": "南湖考场", "west": "西站考场"}
TYPES = [
    {"id": "subject-1", "name": "科目一 theory", "minutes": 60, "seats": 40, "needs": ["room"]},
    {"id": "subject-2", "name": "科目二 yard", "minutes": 60, "seats": 8, "needs": ["lane", "vehicle"]},
    {"id": "subject-3", "name": "科目三 road", "minutes": 90, "seats": 6, "needs": ["vehicle"]},
    {"id": "subject-4", "name": "科目四 safety", "minutes": 45, "seats": 40, "needs": ["room"]},
]
QUALIFIED = [
    ["subject-1", "subject-4"],
    ["subject-1", "subject-2"],
    ["subject-2", "subject-3"],
    ["subject-2", "subject-3"],
    ["subject-1", "subject-2", "subject-3", "subject-4"],
]
SHIFTS = [
    ("08:00", "16:30", "11:30"),
    ("09:00", "18:00", "12:00"),
    ("11:30", "20:00", "15:00"),
    ("08:00", "20:00", "13:00"),
]
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = [
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "洋",
    "艳",
    "勇",
    "军",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀英",
    "霞",
    "平",
]


def centre(seed: int = 1, days: int = 1) -> dict[str, Any]:
    """The input of `gongdao roster`; the same number makes the same centre."""
    dice = Random(seed)  # noqa: S311 - the same number, the same centre
    sites = list(SITES)
    return {
        "version": 1,
        "days": [(date(2026, 12, 14) + timedelta(days=day)).isoformat() for day in range(days)],
        "slot_minutes": 15,
        "types": TYPES,
        "sites": [
            {"id": site, "name": SITES[site], "open": [{"from": "08:00", "to": "20:00"}]} for site in sites
        ],
        "places": [
            {"id": f"{site}-{kind}-{n}", "site": site, "kind": kind, "types": types, "at_once": at_once}
            for site in sites
            for kind, n, types, at_once in (
                ("room", 1, ["subject-1", "subject-4"], 1),
                ("room", 2, ["subject-4"], 1),
                ("lane", 1, ["subject-2"], dice.choice([1, 2])),
                ("lane", 2, ["subject-2"], 1),
            )
        ],
        "vehicles": [
            {
                "id": f"car-{n + 1:02d}",
                "site": sites[n % 4],
                "types": dice.choice([["subject-2"], ["subject-3"], ["subject-2", "subject-3"]]),
            }
            for n in range(20)
        ],
        "examiners": [_examiner(n, dice) for n in range(EXAMINERS)],
        "travel": [
            {"between": [a, b], "minutes": dice.choice([20, 25, 30, 40])}
            for at, a in enumerate(sites)
            for b in sites[at + 1 :]
        ],
        "demand": [
            {"type": kind, "site": site, "seats": days * dice.randint(*seats), "weight": weight}
            for kind, seats, weight in (
                ("subject-1", (200, 400), 1),
                ("subject-2", (120, 240), 5),
                ("subject-3", (80, 160), 8),
                ("subject-4", (160, 320), 1),
            )
            for site in sites
        ],
    }


def _examiner(n: int, dice: Random) -> dict[str, Any]:
    start, end, rest = dice.choice(SHIFTS)
    hour, minute = map(int, rest.split(":"))
    minutes = 60 * hour + minute + dice.choice([45, 60])
    return {
        "id": f"e{n + 1:02d}",
        "name": dice.choice(SURNAMES) + dice.choice(GIVEN),
        "types": dice.choice(QUALIFIED),
        "hours": [{"from": start, "to": end}],
        "breaks": [{"from": rest, "to": f"{minutes // 60:02d}:{minutes % 60:02d}"}],
        "most_minutes": dice.choice([360, 420, 450, 480]),
    }


def main() -> None:
    """Writes a centre."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=1)
    chosen = parser.parse_args()
    chosen.out.write_text(json.dumps(centre(chosen.seed, chosen.days), ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
