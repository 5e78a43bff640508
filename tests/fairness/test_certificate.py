"""Against brute force: what the rule gives is accepted with its certificate, and nothing that gives anybody less is."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairness.certificate import CertificateRefused, Form, Seat, check_allocation

CHANCE = st.randoms(use_true_random=False)
played = settings(max_examples=150, deadline=None)


def can_honour(lines, capacities):
    """Whether everybody can sit in their line's sessions at once: augmenting paths over single places."""
    holders = {}
    places = [(session, number) for session, size in capacities.items() for number in range(size)]

    def seat(person, tried):
        for place in places:
            if place[0] in lines[person] and place not in tried:
                tried.add(place)
                if place not in holders or seat(holders[place], tried):
                    holders[place] = person
                    return True
        return False

    return all(seat(person, set()) for person in range(len(lines))) and dict(holders)


def by_the_rule(forms, capacities):
    """(seats, closings): serial dictatorship with ties, by trying everything for everybody."""
    promised: dict[int, int] = {}
    closed_at: dict[str, int] = {}
    for position, form in enumerate(forms):
        for number in range(len(form.lines)):
            lines = [forms[one].lines[line] for one, line in promised.items()] + [form.lines[number]]
            if can_honour(lines, capacities):
                promised[position] = number
                break
        for session in capacities:
            lines = [forms[one].lines[line] for one, line in promised.items()]
            if session not in closed_at and not can_honour([*lines, frozenset({session})], capacities):
                closed_at[session] = position + 1
    lines = [forms[one].lines[line] for one, line in promised.items()]
    places = can_honour(lines, capacities)
    seats: list[Seat | None] = [None] * len(forms)
    people = list(promised)
    for (session, _), person in places.items():
        seats[people[person]] = Seat(session, promised[people[person]])
    return seats, {session: at for session, at in closed_at.items() if at < len(forms)}


def drawn(chance):
    names = ["a", "b", "c", "d"][: chance.randint(1, 4)]
    capacities = {name: chance.randint(0, 2) for name in names}
    forms = []
    for _ in range(chance.randint(1, 6)):
        shuffled = chance.sample(names, chance.randint(1, len(names)))
        cuts = sorted(chance.sample(range(1, len(shuffled) + 1), chance.randint(1, len(shuffled))))
        lines = [frozenset(shuffled[start:end]) for start, end in itertools.pairwise([0, *cuts])]
        forms.append(Form(tuple(line for line in lines if line)))
    return forms, capacities


@played
@given(CHANCE)
def test_what_the_rule_gives_is_accepted(chance):
    forms, capacities = drawn(chance)
    seats, closed_at = by_the_rule(forms, capacities)
    closed_at = with_empty(capacities, closed_at, len(forms))
    check_allocation(forms, seats, capacities=capacities, closed_at=closed_at)


def with_empty(capacities, closed_at, count):
    """Sessions without places were closed before anybody came."""
    return closed_at | {session: 0 for session, size in capacities.items() if size == 0 and count}


@played
@given(CHANCE)
def test_nothing_that_gives_somebody_another_line_is_accepted_by_any_certificate(chance):
    """Every other way to seat these people, under every certificate that small rounds can have."""
    forms, capacities = drawn(chance)
    forms = forms[:3]
    seats, _ = by_the_rule(forms, capacities)
    rule_lines = [seat.line if seat else None for seat in seats]
    options = [
        [None, *(Seat(session, line) for line, names in enumerate(form.lines) for session in sorted(names))]
        for form in forms
    ]
    closings = [
        dict(filter(lambda pair: pair[1] is not None, zip(capacities, chosen, strict=True)))
        for chosen in itertools.product([None, *range(len(forms))], repeat=len(capacities))
    ]
    others = [
        other
        for other in itertools.product(*options)
        if [seat.line if seat else None for seat in other] != rule_lines
    ]
    for other in chance.sample(others, min(len(others), 12)):
        for closed_at in closings:
            with pytest.raises(CertificateRefused):
                check_allocation(forms, other, capacities=capacities, closed_at=closed_at)


@pytest.mark.parametrize(
    ("forms", "seats", "closed_at", "reason"),
    [
        ([["a"]], [], {}, "1 forms and 0 seats"),
        ([["a"]], [None], {"x": 0}, "there is none"),
        ([["a"]], [None], {"a": 1}, "where nobody is"),
        ([["x"]], [None], {}, "there is no session x"),
        ([["a", "a"]], [None], {}, "in two lines"),
        ([[""]], [None], {}, "without sessions"),
        ([["a"]], [Seat("b", 0)], {}, "not in line"),
        ([["a"], ["a"]], [Seat("a", 0), Seat("a", 0)], {}, "2 in 1 places"),
        ([["a"], ["a"]], [None, Seat("a", 0)], {}, "could be honoured"),
        ([["a"], ["a"]], [None, None], {"a": 0}, "closed with 1 places free"),
        ([["ab"], ["a"]], [Seat("a", 0), None], {"a": 1}, "could move to b"),
        ([["a"], ["a"]], [None, Seat("a", 0)], {"a": 0}, "which closed at 0"),
    ],
)
def test_what_is_wrong_is_said(forms, seats, closed_at, reason):
    made = [Form(tuple(frozenset(line) for line in lines)) for lines in forms]
    with pytest.raises(CertificateRefused, match=reason):
        check_allocation(made, seats, capacities={"a": 1, "b": 1}, closed_at=closed_at)
