"""A round from its forms to its outcome: pass, release, pass again, bound, measures.

Loads no solver until the bound is asked for: `bound` is given by whoever has one (`allocator.bound.bound_of`).
"""

from collections.abc import Callable
from typing import TypeAlias

from allocator.promise_pass import Progress, promise_pass, silent
from fairness.rounds.cut import Cut
from fairness.rounds.measures import measure
from fairness.rounds.outcome import Outcome, taken
from fairness.rounds.round import Round

Bounding: TypeAlias = Callable[[Round], tuple[int, Cut]]


def allocate(round_: Round, seed: bytes, bounding: Bounding, *, progress: Progress = silent) -> Outcome:
    """The round's outcome. `seed` is what its order was drawn by."""
    # (1) Everybody's best line in the public order, schools' reserves kept for them.
    first = promise_pass(round_, round_.reserves, progress=progress)
    # (2) What of the reserves nobody took is everybody's, and the pass is run again.
    kept = taken(round_, first)
    final = first
    if kept != round_.reserves:
        final = promise_pass(round_, kept, progress=progress, stage="second pass")
    # (3) How many could have been seated, and how this outcome is to be judged.
    progress("bound", 0, 1)
    bound, cut = bounding(round_)
    progress("measures", 0, 1)
    measures = measure(round_, kept, final)
    return Outcome(seed, first if round_.reserves else None, final, kept, bound, cut, measures)
