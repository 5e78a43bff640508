"""The round that is left when some decline: an order of its own, and forms that let nobody lose what they have.

`docs/spec/round.md`, section 10. Imports `outcome`, `passed` and `round`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from fairness.rounds.measures import Measures, histogram, measure
from fairness.rounds.outcome import Outcome
from fairness.rounds.passed import Passed
from fairness.rounds.round import NEVER, NOBODY, Option, Party, Round

KEPT, WAITING, OUT = range(3)
"""The continuation's order: promises and people without a maximum, people whose school has one, who has left."""


class ContinuationUnusable(ValueError):
    """Somebody who declines or asks for an improvement has nothing to decline or improve; the message names them."""


class Continued(NamedTuple):
    """`whole` has everybody's whole form, `round_` what is still asked for, both in the continuation's order.

    `skipped`: by position, how many lines of the whole form come before the first of `round_`; `parties_skipped`: by party.
    `origins`: by position, the position in the round that is continued.
    """

    whole: Round
    round_: Round
    skipped: Sequence[int]
    parties_skipped: Sequence[int]
    origins: Sequence[int]

    def asked(self, passed: Passed) -> Passed:
        """A pass told in lines of the whole forms, told in those of `round_`."""
        return self._told(passed, -1)

    def told(self, passed: Passed) -> Passed:
        """A pass over `round_`, told in lines of the whole forms."""
        return self._told(passed, 1)

    def _told(self, passed: Passed, sign: int) -> Passed:
        return passed._replace(
            line_at=[
                line if line == NOBODY else line + sign * skipped
                for line, skipped in zip(passed.line_at, self.skipped, strict=True)
            ],
            batches=[
                got if got.line == NOBODY else got._replace(line=got.line + sign * skipped)
                for got, skipped in zip(passed.batches, self.parties_skipped, strict=True)
            ],
        )


def continuing(
    round_: Round, outcome: Outcome, *, declined: Collection[str], improving: Collection[str]
) -> Continued:
    """The round that goes on after `outcome`. `declined`, `improving`: application ids.

    Raises:
        ContinuationUnusable: one of them is unknown, has no seat, or is both.
    """
    declined, improving = frozenset(declined), frozenset(improving)
    _check_ids(round_, outcome, declined, improving)
    final, gone = outcome.final, set(declined)
    groups = _groups(round_, final, gone)
    origins = sorted(range(len(groups)), key=groups.__getitem__)
    parties = _seated_parties(round_, final, gone, origins)
    whole = round_._replace(
        application_ids=[round_.application_ids[origin] for origin in origins],
        forms=[() if groups[origin] == OUT else round_.forms[origin] for origin in origins],
        schools_at=[round_.schools_at[origin] for origin in origins],
        parties=[party for party, _ in parties],
    )
    held = [final.line_at[origin] for origin in origins]
    skipped = [
        0 if line == NOBODY or one in improving else line
        for line, one in zip(held, whole.application_ids, strict=True)
    ]
    asked = whole._replace(
        forms=[
            form if line == NOBODY else form[skip : line + 1]
            for form, line, skip in zip(whole.forms, held, skipped, strict=True)
        ],
        parties=[
            party._replace(
                lines=(_pinned(party, line, round_.places[final.place_at[origins[party.turn]]].session),)
            )
            for party, line in parties
        ],
    )
    return Continued(whole, asked, skipped, [line for _, line in parties], origins)


def measure_continued(continued: Continued, reserved: Mapping[int, int], told: Passed) -> Measures:
    """The measures of a continuation, told in lines of the whole forms: nobody is said to want what they did not ask for."""
    found = measure(continued.round_, reserved, continued.asked(told))
    return msgspec.structs.replace(found, by_line=histogram(told.line_at))


def _check_ids(
    round_: Round, outcome: Outcome, declined: Collection[str], improving: Collection[str]
) -> None:
    lines = dict(zip(round_.application_ids, outcome.final.line_at, strict=True))
    members = {round_.application_ids[member] for party in round_.parties for member in party.members}
    for one in sorted([*declined, *improving]):
        if one not in lines:
            raise ContinuationUnusable(f"{one!r} is no application of this round")
        if lines[one] == NOBODY:
            raise ContinuationUnusable(f"{one!r} has no seat to decline or to improve")
    for one in sorted(improving):
        if one in declined:
            raise ContinuationUnusable(f"{one!r} cannot decline and ask for an improvement")
        if one in members:
            raise ContinuationUnusable(f"{one!r} is in a batch, which keeps its session")


def _groups(round_: Round, final: Passed, gone: set[str]) -> list[int]:
    """By position, where in the continuation's order somebody comes."""
    party_at = {member: index for index, party in enumerate(round_.parties) for member in party.members}
    groups: list[int] = []
    for position, (one, school) in enumerate(zip(round_.application_ids, round_.schools_at, strict=True)):
        seated = final.line_at[position] != NOBODY
        if one in gone or (position in party_at and not seated):
            groups.append(OUT)
        else:
            waits = not seated and school != NOBODY and round_.maxima[school] != NEVER
            groups.append(WAITING if waits else KEPT)
    return groups


def _seated_parties(
    round_: Round, final: Passed, gone: set[str], origins: Sequence[int]
) -> list[tuple[Party, int]]:
    """The batches that have seats, with their line, by their turns in the continuation, without those who declined."""
    positions = {origin: position for position, origin in enumerate(origins)}
    parties = [
        (_stayed(round_, party, gone, positions), got.line)
        for party, got in zip(round_.parties, final.batches, strict=True)
        if got.line != NOBODY
    ]
    return sorted((one for one in parties if one[0].members), key=lambda one: one[0].turn)


def _stayed(round_: Round, party: Party, gone: set[str], positions: dict[int, int]) -> Party:
    """The batch without those who declined, by the continuation's positions."""
    kept = [place for place, member in enumerate(party.members) if round_.application_ids[member] not in gone]
    return Party(
        party.id,
        tuple(positions[party.members[place]] for place in kept),
        tuple(
            tuple(
                option._replace(member_lines=tuple(option.member_lines[place] for place in kept))
                for option in options
            )
            for options in party.lines
        ),
    )


def _pinned(party: Party, line: int, session: int) -> tuple[Option, ...]:
    return tuple(option for option in party.lines[line] if option.session == session)
