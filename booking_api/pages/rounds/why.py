"""Why this, why not that: one applicant's explanation in words, for the page and the terminal. Pure but for the template."""

from collections.abc import Sequence

import msgspec

from booking_api.pages.catalogue import Words
from booking_api.pages.rounds.sheet import sheet
from fairness.rounds.measures import Measures
from fairness.rounds.why import SessionWhy, Why

AXIS = 1000
"""The axis of the drawing in its own units."""
LINES_TOLD = 5
"""How many got each of the first lines is told one by one."""
SESSIONS_TOLD = 12
"""Of a line of more sessions the first are told one by one, the others are counted."""


class SessionTold(msgspec.Struct, frozen=True):
    """A session and what is said of it; `kind` as `SessionWhy.answer`."""

    id: str
    kind: str
    said: list[str]


class LineTold(msgspec.Struct, frozen=True):
    """A line of the form: its name, one word for how it went, its sessions, and how many more there are."""

    name: str
    kind: str
    state: str
    sessions: list[SessionTold]
    rest: str


class Mark(msgspec.Struct, frozen=True):
    """A session's closing on the axis of positions. `before`: it closed before this applicant's turn."""

    id: str
    x: float
    said: str
    before: bool


class Told(msgspec.Struct, frozen=True):
    """Everything that is said."""

    title: str
    lead: str
    order: list[str]
    lines: list[LineTold]
    marks: list[Mark]
    own_x: float
    own_said: str
    facts: list[tuple[str, str]]
    check: list[str]
    commands: list[str]


def tell(why: Why, measures: Measures, bound: int, words: Words, commands: Sequence[str]) -> Told:
    """The explanation in words."""
    turn = why.order.position if why.batch is None else why.batch.turn
    people = why.order.people
    return Told(
        _title(why, words),
        _lead(why, words),
        _order(why, words),
        [_line(one.number, one.sessions, why, words) for one in why.lines],
        [
            Mark(
                session.id,
                _place(session.closed_at, people),
                words.number(session.closed_at + 1),
                session.closed_at <= turn,
            )
            for session in _first_of_each(why)
            if session.closed_at is not None
        ],
        _place(turn, people),
        words.number(turn + 1),
        _facts(measures, bound, words),
        [
            words.text(
                "The order: from the class in the problem file and the result's seed, with no more than SHA-256."
            ),
            words.text(
                "Every closing, witness and figure: the check reads the two files and solves nothing."
            ),
            words.text("The seed: the draw's evidence shows that nobody could choose it."),
        ],
        list(commands),
    )


def as_text(told: Told) -> str:
    """The same for a terminal."""
    lines = [told.title, told.lead, "", *told.order, ""]
    for line in told.lines:
        lines.append(f"{line.name}: {line.state}")
        lines += [f"  {one.id}: {' '.join(one.said)}" if one.said else f"  {one.id}" for one in line.sessions]
        lines += [f"  {line.rest}"] if line.rest else []
    lines.append("")
    lines += [f"{name}: {value}" for name, value in told.facts]
    lines += ["", *told.check, *(f"  {one}" for one in told.commands)]
    return "\n".join(lines)


def why_page(told: Told, words: Words) -> str:
    """The page's text."""
    return sheet("rounds/why.html", words, told=told, axis=AXIS)


def _title(why: Why, words: Words) -> str:
    if why.session is None:
        return words.text("%(id)s got no session", id=why.id)
    return words.text("%(id)s got %(session)s", id=why.id, session=why.session)


def _lead(why: Why, words: Words) -> str:
    if why.line is None:
        if not why.lines:
            return words.text("The form has no lines.")
        return words.plural(
            "The form's only line could not be honoured.",
            "None of the form's %(n)s lines could be honoured.",
            len(why.lines),
        )
    if why.in_reserve:
        return words.text(
            "It is on line %(line)s of the form, in a seat reserved for their school.",
            line=words.number(why.line + 1),
        )
    if why.line == 0:
        return words.text("It is on the first line of the form: no line is better.")
    return words.text(
        "It is on line %(line)s of the form, the best that broke no promise to anyone ahead.",
        line=words.number(why.line + 1),
    )


def _order(why: Why, words: Words) -> list[str]:
    order, number = why.order, words.number
    score = f"{order.score[:12]}…"
    said = [
        words.text(
            "Number %(number)s of %(people)s in the public order.",
            number=number(order.position + 1),
            people=number(order.people),
        ),
        words.text(
            "Waiting class %(class)s: applications in earlier classes %(earlier)s, in this one %(same)s.",
            **{"class": str(order.waiting_class)},
            earlier=number(order.earlier_classes),
            same=number(order.same_class),
        ),
        words.text(
            "Within the class the draw decides: %(before)s drew a better score than %(score)s.",
            before=number(order.drawn_before),
            score=score,
        ),
    ]
    if why.batch is not None:
        said.append(
            words.text(
                "In batch %(batch)s of %(members)s, which wants one session for all: its turn is that of its last member, number %(turn)s.",
                batch=why.batch.id,
                members=number(why.batch.members),
                turn=number(why.batch.turn + 1),
            )
        )
    if why.school is not None and why.school.most is not None:
        said.append(
            words.text(
                "School %(school)s: at most %(most)s may have a seat; of its people with earlier turns %(seated)s have one.",
                school=why.school.id,
                most=number(why.school.most),
                seated=number(why.school.seated_before),
            )
        )
    return said


def _line(number: int, sessions: Sequence[SessionWhy], why: Why, words: Words) -> LineTold:
    answers = {session.answer for session in sessions}
    kind = next(
        one for one in ("got", "barred", "witnessed", "closed", "not_reached", "equal") if one in answers
    )
    states = {
        "got": words.text("this is what they got"),
        "barred": words.text("their school's maximum was reached"),
        "witnessed": words.text("no room for all together"),
        "closed": words.text("closed before their turn"),
        "not_reached": words.text("not needed: a better line was honoured"),
    }
    mine = [session for session in sessions if session.answer == "got"]
    shown = [*mine, *(session for session in sessions if session.answer != "got")][:SESSIONS_TOLD]
    rest = len(sessions) - len(shown)
    return LineTold(
        words.text("Line %(number)s", number=words.number(number + 1)),
        kind,
        states[kind],
        [SessionTold(one.id, one.answer, _session(one, why, words)) for one in shown],
        words.plural("and %(n)s session more", "and %(n)s sessions more", rest) if rest else "",
    )


def _session(one: SessionWhy, why: Why, words: Words) -> list[str]:
    if one.answer == "not_reached":
        return []
    said = [_answer(one, why, words)]
    if one.answer == "closed":
        said.append(_held(one, words))
    elif one.answer in {"got", "equal"}:
        said.append(
            words.text(
                "Seats with people ahead: %(ahead)s of %(seats)s; ahead %(asked)s had named it.",
                seats=words.number(one.seats),
                ahead=words.number(one.earlier_class + one.same_class),
                asked=words.number(one.asked_before),
            )
        )
    if one.reserved_for_others:
        said.append(
            words.plural(
                "%(n)s seat more is reserved for other schools.",
                "%(n)s seats more are reserved for other schools.",
                one.reserved_for_others,
            )
        )
    return said


def _answer(one: SessionWhy, why: Why, words: Words) -> str:
    turn = why.order.position if why.batch is None else why.batch.turn
    number = words.number
    match one.answer:
        case "got":
            return words.text("Their seat is here.")
        case "equal":
            return words.text("Equal to the one they got, by their own form.")
        case "closed":
            closed = one.closed_at or 0
            if closed == turn:
                return words.text(
                    "It closed at their turn, number %(turn)s: for the first time nothing could be given.",
                    turn=number(turn + 1),
                )
            return words.text(
                "It closed at number %(closed)s; theirs is %(turn)s, %(behind)s later.",
                closed=number(closed + 1),
                turn=number(turn + 1),
                behind=number(turn - closed),
            )
        case "barred":
            return words.text("It was not looked at: their school had no seat left.")
        case _:
            return _crowd(one, words)


def _held(one: SessionWhy, words: Words) -> str:
    """Who has the seats of a closed session."""
    earlier, same, number = one.earlier_class, one.same_class, words.number
    facts = {"earlier": number(earlier), "same": number(same), "asked": number(one.asked_before)}
    if not one.seats:
        return words.text("It has no seats.")
    if not same:
        return words.text(
            "Its seats are with people of an earlier class (%(earlier)s); ahead %(asked)s had named it.",
            **facts,
        )
    if not earlier:
        return words.text(
            "Its seats are with people of the same class who drew before (%(same)s); ahead %(asked)s had named it.",
            **facts,
        )
    return words.text(
        "Its seats are with people ahead: %(earlier)s of an earlier class, %(same)s of the same class who drew before; ahead %(asked)s had named it.",
        **facts,
    )


def _crowd(one: SessionWhy, words: Words) -> str:
    crowd = one.crowd
    if crowd is None:
        return words.text("It closed for one of the members.")
    return words.text(
        "People ahead who can sit only in %(sessions)s: %(held)s; of the batch: %(members)s. Together they are more than the seats there, %(seats)s.",
        sessions=", ".join(crowd.sessions),
        seats=words.number(crowd.seats),
        held=words.number(crowd.held),
        members=words.number(crowd.members),
    )


def _first_of_each(why: Why) -> list[SessionWhy]:
    """Each session of the form once, those told first."""
    found: dict[str, SessionWhy] = {}
    for line in why.lines:
        for session in line.sessions:
            found.setdefault(session.id, session)
    return list(found.values())[:SESSIONS_TOLD]


def _by_line(counts: Sequence[int], words: Words) -> str:
    """How many got each line; the last ones together."""
    shown = ", ".join(words.number(count) for count in counts[:LINES_TOLD])
    if len(counts) <= LINES_TOLD:
        return shown or words.number(0)
    return words.text(
        "%(counts)s, and later ones %(rest)s", counts=shown, rest=words.number(sum(counts[LINES_TOLD:]))
    )


def _place(position: int, people: int) -> float:
    return round(AXIS * position / max(people - 1, 1), 1)


def _facts(measures: Measures, bound: int, words: Words) -> list[tuple[str, str]]:
    number = words.number
    return [
        (words.text("Applications"), number(measures.applications)),
        (
            words.text("Seated"),
            words.text(
                "%(seated)s; at most %(bound)s could be", seated=number(measures.seated), bound=number(bound)
            ),
        ),
        (
            words.text("By line of their form"),
            _by_line(measures.by_line, words),
        ),
        (words.text("Passed over"), number(measures.envy.people + measures.envy.batches)),
        (words.text("Refused for a school's maximum"), number(measures.barred)),
    ]
