"""A conflict's rules as sentences that an operator can act on. May import staff and conflict's rule."""

from collections.abc import Sequence

from allocator.roster.rule import Rule
from allocator.roster.staff import Examiner, Minimum, Staff, Window, clock_of, spans

NAMED = 6
"""So many examiners are named; the others are counted."""


def sentence_of(staff: Staff, rule: Rule, rules: Sequence[Rule]) -> str:
    """What the rule says, with the figures of this staff; `rules` are all of its conflict."""
    rows = [staff.minimum[int(one.at)] for one in rules if one.kind == "minimum"]
    if rule.kind == "minimum":
        return _minimum(staff, staff.minimum[int(rule.at)])
    if rule.kind in {"room", "lane", "vehicle"}:
        return _stock(staff, rule, rows)
    if rule.kind == "open":
        site = next(one for one in staff.sites if one.id == rule.at)
        return f"Site {_named(site)} is open {_hours(site.open, staff.days)}."
    types = {row.type for row in rows}
    able = sorted((one for one in staff.examiners if types & set(one.types)), key=lambda one: one.id)
    return _examiners(staff, rule, able)


def _minimum(staff: Staff, row: Minimum) -> str:
    kind = next(one for one in staff.types if one.id == row.type)
    count = -(-row.seats // kind.seats)
    sessions = f"{count} session{'s' * (count != 1)} of {kind.minutes} minutes with {kind.seats} seats"
    return f"At least {row.seats} seats of {_named(kind)}{_where(row)} are asked for: {sessions}."


def _stock(staff: Staff, rule: Rule, rows: list[Minimum]) -> str:
    kinds = [one for one in staff.types if rule.kind in one.needs and one.id in {row.type for row in rows}]
    site = next(one for one in staff.sites if one.id == rule.at)
    said: list[str] = []
    for kind in kinds:
        if rule.kind == "vehicle":
            things = [(one, 1) for one in staff.vehicles if one.site == site.id and kind.id in one.types]
        else:
            places = [one for one in staff.places if one.kind == rule.kind and one.site == site.id]
            things = [(one, one.at_once) for one in places if kind.id in one.types]
        windows = [site.open if one.hours is None else one.hours for one, _ in things]
        units = sum(at_once for _, at_once in things)
        if not units:
            said.append(f"Site {_named(site)} has no {rule.kind} for {_named(kind)}.")
            continue
        hours = sorted({_hours(one, staff.days) for one in windows})
        sentence = f"Site {_named(site)} has {rule.kind}s for {units} session{'s' * (units != 1)} of {_named(kind)} at once, {'; '.join(hours)}"
        most = max(
            sum((end - start) // kind.minutes for d in staff.days for start, end in spans(w, d))
            for w in windows
        )
        for row in rows:
            if row.type == kind.id and row.site == site.id and row.day is None and most:
                sentence += (
                    f"; {row.seats} seats there need {-(-row.seats // kind.seats // most) or 1} at once"
                )
        said.append(sentence + ".")
    return " ".join(said)


def _examiners(staff: Staff, rule: Rule, able: list[Examiner]) -> str:
    if rule.kind == "qualified":
        kind = next(one for one in staff.types if one.id == rule.at)
        who = [one for one in able if rule.at in one.types]
        names = _list([_named(one) for one in who])
        return f"{len(who)} examiner{'s' * (len(who) != 1)} may examine {_named(kind)}" + (
            f": {names}." if who else "."
        )
    if rule.kind == "staff":
        return f"There are {len(staff.examiners)} examiners, each in one place at a time."
    if rule.kind == "travel":
        ways = [f"{' and '.join(sorted(one.between))} {one.minutes}" for one in staff.travel]
        return (
            "Examiners need time between sites, in minutes: "
            + (_list(ways) if ways else "there is no way")
            + "."
        )
    if rule.kind == "hours":
        return (
            "Working hours: "
            + _list([f"{_named(one)} {_hours(one.hours, staff.days)}" for one in able])
            + "."
        )
    if rule.kind == "breaks":
        resting = [one for one in able if one.breaks]
        return (
            "Breaks: " + _list([f"{_named(one)} {_hours(one.breaks, staff.days)}" for one in resting]) + "."
        )
    limits = [
        f"{_named(one)} {one.most_minutes}"
        + (f" ({one.most_minutes_in_all} in all)" if one.most_minutes_in_all is not None else "")
        for one in able
    ]
    return "Most minutes at work in a day: " + _list(limits) + "."


def _hours(windows: Sequence[Window], days: Sequence[str]) -> str:
    """`08:00-12:00, 13:00-17:00`, by day where days differ."""
    by_day = {
        day: ", ".join(f"{clock_of(start)}-{clock_of(end)}" for start, end in spans(list(windows), day))
        or "never"
        for day in days
    }
    if len(set(by_day.values())) == 1:
        return by_day[days[0]]
    return "; ".join(f"{day} {hours}" for day, hours in by_day.items())


def _named(thing: object) -> str:
    """`east (东郊考场)`."""
    name, ident = getattr(thing, "name", None), str(getattr(thing, "id", ""))
    return f"{ident} ({name})" if name else ident


def _where(row: Minimum) -> str:
    return (f" at {row.site}" if row.site else "") + (f" on {row.day}" if row.day else "")


def _list(said: Sequence[str]) -> str:
    rest = len(said) - NAMED
    return "; ".join(said[:NAMED]) + (f"; and {rest} more" if rest > 0 else "")
