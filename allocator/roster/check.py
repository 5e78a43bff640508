"""Holds a roster against every rule of its staff, in minutes and by name, without a solver, grid or crew.

What breaks a rule is a sentence; a roster with none may be written. Shares nothing with the search but the reading of the
input and the sharing out of seats among demand.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

from allocator.roster.outcome import Roster, Session, met_of
from allocator.roster.staff import Examiner, SessionType, Staff, Window, minute_of, spans
from allocator.roster.town import town_of

Span = tuple[int, int]


def broken(staff: Staff, roster: Roster) -> list[str]:
    """Every rule the roster breaks, a sentence each."""
    unknown = list(_unknown(staff, roster.sessions))
    if unknown:
        return unknown
    found = [
        *_shapes(staff, roster.sessions),
        *_opening(staff, roster.sessions),
        *_things(staff, roster.sessions),
    ]
    ways = _ways(staff)
    for examiner in staff.examiners:
        own = [one for one in roster.sessions if one.examiner == examiner.id]
        found += _examiner(examiner, own, staff.days, ways)
    found += _minimums(staff, roster.sessions)
    return found or list(_sums(staff, roster))


def _unknown(staff: Staff, sessions: list[Session]) -> Iterator[str]:
    known = {
        "type": {one.id for one in staff.types},
        "site": {one.id for one in staff.sites},
        "day": set(staff.days),
        "examiner": {one.id for one in staff.examiners},
        "vehicle": {one.id for one in staff.vehicles} | {None},
        "room": {one.id for one in staff.places if one.kind == "room"} | {None},
        "lane": {one.id for one in staff.places if one.kind == "lane"} | {None},
    }
    seen = set[str]()
    for one in sessions:
        for field, names in known.items():
            if getattr(one, field) not in names:
                yield f"{one.id}: there is no {field} {getattr(one, field)}"
        for field in ("start", "end"):
            try:
                minute_of(getattr(one, field))
            except ValueError as error:
                yield f"{one.id}: {field}: {error}"
        if one.id in seen:
            yield f"{one.id} is there twice"
        seen.add(one.id)


def _shapes(staff: Staff, sessions: list[Session]) -> Iterator[str]:
    types = {one.id: one for one in staff.types}
    for one in sessions:
        kind = types[one.type]
        start, end = _span(one)
        if end - start != kind.minutes:
            yield f"{one.id}: lasts {end - start} minutes, {kind.id} lasts {kind.minutes}"
        if start % staff.slot_minutes:
            yield f"{one.id}: starts at {one.start}, not on a slot of {staff.slot_minutes} minutes"
        if one.capacity != kind.seats:
            yield f"{one.id}: has {one.capacity} seats, {kind.id} has {kind.seats}"


def _opening(staff: Staff, sessions: list[Session]) -> Iterator[str]:
    sites = {one.id: one.open for one in staff.sites}
    for one in sessions:
        if not _within(_span(one), sites[one.site], one.day):
            yield f"{one.id}: {one.start}-{one.end} is outside the opening hours of {one.site}"


def _things(staff: Staff, sessions: list[Session]) -> Iterator[str]:
    """Vehicles, rooms and lanes: the right ones, open, not more at once than they take."""
    types = {one.id: one for one in staff.types}
    opened = {one.id: one.open for one in staff.sites}
    stocks = [("vehicle", one, 1) for one in staff.vehicles]
    stocks += [(one.kind, one, one.at_once) for one in staff.places]
    for one in sessions:
        yield from _needs(one, types[one.type])
    for kind, thing, at_once in stocks:
        own = [one for one in sessions if getattr(one, kind) == thing.id]
        for one in own:
            if one.site != thing.site:
                yield f"{one.id}: {kind} {thing.id} is at {thing.site}"
            if one.type not in thing.types:
                yield f"{one.id}: {kind} {thing.id} does not serve {one.type}"
            if not _within(_span(one), opened[thing.site] if thing.hours is None else thing.hours, one.day):
                yield f"{one.id}: {one.start}-{one.end} is outside the hours of {kind} {thing.id}"
        for one in own:
            start = minute_of(one.start)
            together = [
                other for other in own if other.day == one.day and _span(other)[0] <= start < _span(other)[1]
            ]
            if len(together) > at_once:
                yield f"{one.id}: {kind} {thing.id} has {len(together)} sessions at {one.start}, it takes {at_once}"


def _needs(session: Session, kind: SessionType) -> Iterator[str]:
    for need in ("vehicle", "room", "lane"):
        has = getattr(session, need) is not None
        if has != (need in kind.needs):
            yield f"{session.id}: has {'a' if has else 'no'} {need}, {kind.id} needs {'none' if has else 'one'}"


def _examiner(
    examiner: Examiner, own: list[Session], days: list[str], ways: dict[tuple[str, str], int]
) -> Iterator[str]:
    yield from _able(examiner, own)
    for one, other in combinations(own, 2):
        if one.day == other.day and _overlap(_span(one), _span(other)):
            yield f"{one.id} and {other.id}: {examiner.id} cannot examine both at once"
    minutes = dict.fromkeys(days, 0)
    for day in days:
        today = sorted((one for one in own if one.day == day), key=_span)
        minutes[day] = sum(end - start for start, end in map(_span, today))
        for one, other in pairwise(today):
            way = ways.get((one.site, other.site))
            if way is None:
                yield f"{other.id}: there is no way from {one.site} for {examiner.id}"
                continue
            minutes[day] += way
            if not _time_for(way, (_span(one)[1], _span(other)[0]), examiner, day):
                yield f"{other.id}: {examiner.id} needs {way} minutes from {one.site}, where {one.id} ends at {one.end}"
    yield from _at_work(examiner, minutes)


def _able(examiner: Examiner, own: list[Session]) -> Iterator[str]:
    for one in own:
        if one.type not in examiner.types:
            yield f"{one.id}: {examiner.id} may not examine {one.type}"
        if not _within(_span(one), examiner.hours, one.day):
            yield f"{one.id}: {one.start}-{one.end} is outside the hours of {examiner.id}"
        if any(_overlap(_span(one), rest) for rest in spans(examiner.breaks, one.day)):
            yield f"{one.id}: {examiner.id} has a break within {one.start}-{one.end}"


def _at_work(examiner: Examiner, minutes: dict[str, int]) -> Iterator[str]:
    for day, today in minutes.items():
        if today > examiner.most_minutes:
            yield f"{examiner.id} is at work for {today} minutes on {day}, {examiner.most_minutes} are the most"
    in_all = sum(minutes.values())
    if examiner.most_minutes_in_all is not None and in_all > examiner.most_minutes_in_all:
        yield f"{examiner.id} is at work for {in_all} minutes in all, {examiner.most_minutes_in_all} are the most"


def _minimums(staff: Staff, sessions: list[Session]) -> Iterator[str]:
    for row in staff.minimum:
        seats = sum(
            one.capacity
            for one in sessions
            if one.type == row.type and row.site in {None, one.site} and row.day in {None, one.day}
        )
        if seats < row.seats:
            where = (f" at {row.site}" if row.site else "") + (f" on {row.day}" if row.day else "")
            yield f"{seats} seats of {row.type}{where}, {row.seats} are the minimum"


def _sums(staff: Staff, roster: Roster) -> Iterator[str]:
    rows, met = met_of(town_of(staff), roster.sessions)
    seats = sum(one.capacity for one in roster.sessions)
    if roster.seats != seats:
        yield f"seats: {roster.seats} are said, the sessions have {seats}"
    if roster.met != met or roster.demand != rows:
        yield f"met: {roster.met} are said, the sessions meet {met}"
    if roster.bound < met:
        yield f"bound: {roster.bound} is below the {met} that are met"
    trips = 0
    for examiner in staff.examiners:
        own = sorted(
            (one.day, *_span(one), one.site) for one in roster.sessions if one.examiner == examiner.id
        )
        trips += sum(one[0] == other[0] and one[3] != other[3] for one, other in pairwise(own))
    if roster.trips != trips:
        yield f"trips: {roster.trips} are said, there are {trips}"


def _span(session: Session) -> Span:
    return minute_of(session.start), minute_of(session.end)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _within(span: Span, windows: Iterable[Window], day: str) -> bool:
    """Is the span covered by windows, which may touch?"""
    at = span[0]
    for start, end in spans(list(windows), day):
        if start <= at < end:
            at = end
    return at >= span[1]


def _time_for(way: int, gap: Span, examiner: Examiner, day: str) -> bool:
    """Is there one piece of the gap, within the hours and outside the breaks, as long as the way?"""
    if not way:
        return gap[0] <= gap[1]
    rests = spans(examiner.breaks, day)
    starts = [gap[0], *(end for _, end in rests), *(start for start, _ in spans(examiner.hours, day))]
    return any(
        gap[0] <= at
        and at + way <= gap[1]
        and _within((at, at + way), examiner.hours, day)
        and not any(_overlap((at, at + way), rest) for rest in rests)
        for at in starts
    )


def _ways(staff: Staff) -> dict[tuple[str, str], int]:
    """Minutes between sites on the shortest way."""
    ways = {(one.id, one.id): 0 for one in staff.sites}
    for one in staff.travel:
        ways[one.between[0], one.between[1]] = ways[one.between[1], one.between[0]] = one.minutes
    names = [one.id for one in staff.sites]
    for over in names:
        for start in names:
            for end in names:
                if (start, over) in ways and (over, end) in ways:
                    length = ways[start, over] + ways[over, end]
                    ways[start, end] = min(length, ways.get((start, end), length))
    return ways
