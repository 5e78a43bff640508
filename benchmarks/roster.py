"""The roster of a centre of real size: how far from its proved bound, after how many seconds of one core.

`python -m benchmarks.roster [--seeds 1 2 3] [--rounds 1000] [--days 1]`. Seconds are the process's own (it has one thread), so that
what else runs on the machine does not count; the goal is at most 1 % in 60 s.
"""

import argparse
import json
import time

from allocator.roster.making import make_roster
from allocator.roster.staff import read_staff
from benchmarks.centre import centre


def measure(seed: int, *, rounds: int, days: int, seconds: float) -> None:
    """Prints one line for one centre."""
    staff = read_staff(json.dumps(centre(seed, days)).encode())
    started = time.process_time()

    def left() -> float:
        return seconds - (time.process_time() - started)

    made = make_roster(staff, rounds=rounds, seconds_left=left)
    spent = time.process_time() - started
    roster = made.roster
    print(
        f"seed {seed}: {len(staff.examiners)} examiners, {len(staff.vehicles)} vehicles, {len(staff.sites)} sites, "
        f"{days} days: {len(roster.sessions)} sessions, met {roster.met:,}, bound {roster.bound:,} ({roster.bound_by}), "
        f"gap {100 * (roster.bound - roster.met) / roster.bound:.2f} %, {spent:.0f} s of one core"
        + (", ended by the clock" if made.stopped else ""),
        flush=True,
    )


def main() -> None:
    """Measures each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    for seed in chosen.seeds:
        measure(seed, rounds=chosen.rounds, days=chosen.days, seconds=chosen.seconds)


if __name__ == "__main__":
    main()
