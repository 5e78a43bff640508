"""A round goes on after declines: nobody loses, and people stay where they are (`docs/spec/round.md`, section 10)."""

from hashlib import sha256

from allocator.allocation import Bounding
from allocator.promise_pass import Progress, promise_pass, silent
from allocator.seating import Seating
from fairness.rounds.continuing import Continued, measure_continued
from fairness.rounds.outcome import Outcome
from fairness.rounds.passed import Passed
from fairness.rounds.result_file import Continues
from fairness.rounds.round import NOBODY


def continue_round(
    continued: Continued,
    before: Outcome,
    continues: Continues,
    bounding: Bounding,
    *,
    progress: Progress = silent,
) -> Outcome:
    """The outcome of the round that goes on after `before`, told in lines of the whole forms."""
    passed = promise_pass(continued.round_, before.kept, progress=progress)
    progress("staying", 0, 1)
    told = continued.told(passed._replace(place_at=_staying(continued, before, passed)))
    progress("bound", 0, 1)
    bound, cut = bounding(continued.round_)
    progress("measures", 0, 1)
    return Outcome(
        seed=before.seed,
        first=None,
        final=told,
        kept=before.kept,
        bound=bound,
        cut=cut,
        measures=measure_continued(continued, before.kept, told),
        continues=continues,
    )


def continues_of(text: bytes, *, declined: set[str], improving: set[str]) -> Continues:
    """What a continuation says of itself. `text`: the continued result's, without a line feed at its end."""
    return Continues(sha256(text).hexdigest(), sorted(declined), sorted(improving))


def _staying(continued: Continued, before: Outcome, passed: Passed) -> list[int]:
    """Places for the lines of a pass: whose line is as before stays, and moves only to make room."""
    round_ = continued.round_
    promised = _promised(continued, passed)
    seating = Seating(round_.place_capacities(before.kept), round_.lines, len(promised))
    as_before = [
        line != NOBODY and before.final.line_at[origin] == number
        for line, origin, number in zip(
            promised, continued.origins, continued.told(passed).line_at, strict=True
        )
    ]
    for position, stays in enumerate(as_before):
        if stays:
            seating.seat(position, promised[position], before.final.place_at[continued.origins[position]])
    for position, line in enumerate(promised):
        if line != NOBODY and not as_before[position]:
            seating.try_seat(position, line)
    return seating.place_at


def _promised(continued: Continued, passed: Passed) -> list[int]:
    """By position, the promised line of places, NOBODY where there is none."""
    round_ = continued.round_
    promised = [
        NOBODY if number == NOBODY or not form else form[number]
        for form, number in zip(round_.forms, passed.line_at, strict=True)
    ]
    for party, got in zip(round_.parties, passed.batches, strict=True):
        if got.line != NOBODY:
            for member, line in zip(party.members, party.lines[got.line][0].member_lines, strict=True):
                promised[member] = line
    return promised
