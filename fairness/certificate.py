"""Is a round's allocation the one the rule promises? Checked without the allocator, in the time it takes to read the forms.

The rule: in the public order everyone gets the best line on their own form that can still be honoured without breaking a
promise to anyone ahead. A form is an ordered list of lines; a line is a set of sessions its applicant holds equal.

The certificate is one closing position for each session that closed: from that position in the order on nobody can be
promised it any more, however those ahead are moved within their lines. Why it proves the rule: let a session close at
position p. Everybody in it is ahead of p and sits there by a line whose sessions had all closed by p, so that moving
within their lines leads to closed sessions only, and each of these is full. No chain of moves can end in a free place.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

NEVER = 2**63


class CertificateRefused(ValueError):
    """The allocation is not the one the rule promises, or the certificate does not show it; the message says where."""


class Form(NamedTuple):
    """An applicant's lines, best first. No session is in two of them."""

    lines: tuple[frozenset[str], ...]


class Seat(NamedTuple):
    """What somebody got: a session, and the line of their form (from 0) that it honours."""

    session: str
    line: int


def check_allocation(
    forms: Sequence[Form],
    seats: Sequence[Seat | None],
    *,
    capacities: Mapping[str, int],
    closed_at: Mapping[str, int],
) -> None:
    """Passes when the seats are those that the rule promises.

    `forms` and `seats` are in the public order, positions from 0. `closed_at`: session -> the position from which on it
    was closed; a session that is not in it never closed.

    Raises:
        CertificateRefused: it does not hold, or is not shown to hold.
    """
    if len(forms) != len(seats):
        raise CertificateRefused(f"there are {len(forms)} forms and {len(seats)} seats")
    _check_closings(len(forms), capacities, closed_at)
    loads = dict.fromkeys(capacities, 0)
    for position, (form, seat) in enumerate(zip(forms, seats, strict=True)):
        _check_form(position, form, capacities)
        if seat is not None:
            _check_seat(position, form, seat, closed_at)
            loads[seat.session] += 1
        _check_better_lines(position, form, seat, closed_at)
    for session, load in loads.items():
        if load > capacities[session]:
            raise CertificateRefused(f"session {session} has {load} in {capacities[session]} places")
        if session in closed_at and load < capacities[session]:
            raise CertificateRefused(
                f"session {session} closed with {capacities[session] - load} places free"
            )


def _check_closings(count: int, capacities: Mapping[str, int], closed_at: Mapping[str, int]) -> None:
    for session, position in closed_at.items():
        if session not in capacities:
            raise CertificateRefused(f"session {session} closed, but there is none")
        if not 0 <= position < count:
            raise CertificateRefused(f"session {session} closed at {position}, where nobody is")


def _check_form(position: int, form: Form, capacities: Mapping[str, int]) -> None:
    seen: set[str] = set()
    for line in form.lines:
        if not line:
            raise CertificateRefused(f"position {position}: a line without sessions")
        if unknown := line - capacities.keys():
            raise CertificateRefused(f"position {position}: there is no session {min(unknown)}")
        if twice := line & seen:
            raise CertificateRefused(f"position {position}: session {min(twice)} is in two lines")
        seen |= line


def _check_seat(position: int, form: Form, seat: Seat, closed_at: Mapping[str, int]) -> None:
    """Where the session closed: its occupant is ahead, and nowhere in their line is there a way out."""
    if not 0 <= seat.line < len(form.lines) or seat.session not in form.lines[seat.line]:
        raise CertificateRefused(f"position {position}: session {seat.session} is not in line {seat.line}")
    closed = closed_at.get(seat.session)
    if closed is None:
        return
    if position >= closed:
        raise CertificateRefused(
            f"position {position} has a place in {seat.session}, which closed at {closed}"
        )
    for session in form.lines[seat.line]:
        if closed_at.get(session, NEVER) > closed:
            raise CertificateRefused(
                f"session {seat.session} closed at {closed}, though position {position} could move to {session}"
            )


def _check_better_lines(position: int, form: Form, seat: Seat | None, closed_at: Mapping[str, int]) -> None:
    """Every line above the one they got, all of them where they got none, had closed when their turn came."""
    better = form.lines if seat is None else form.lines[: seat.line]
    for number, line in enumerate(better):
        for session in line:
            if closed_at.get(session, NEVER) > position:
                raise CertificateRefused(
                    f"position {position}: line {number} could be honoured, {session} had not closed"
                )
