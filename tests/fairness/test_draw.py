"""The ranking: exact chances, and independence from everything but weight. Alpha is set before anything is drawn.

Seeds are hashes of counters, so each run draws the same: a test here fails always or never.
"""

import itertools
from collections import Counter
from fractions import Fraction
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.draw import Scored, join, rank, score_of, scored_within
from fairness.measures import chi_square, chi_square_p
from fairness.processes import scoring_with
from fairness.seed import category_seed

ALPHA = 1e-4
"""Below this chance a deviation counts as found. Wrong rankings are found far below it, right ones are far above."""
SEEDS = 20
TRAITS = ("day", "position", "region")
ALPHA_EACH = ALPHA / (SEEDS * len(TRAITS))
"""ALPHA shared out over all tests of independence (Bonferroni): that any of a right ranking's fails is no likelier than one."""
PER_GROUP, GROUPS, PLACES = 300, 10, 600
DRAWS = 6_000
WEIGHTS = (1, 2, 3, 4)

ENTRANTS = st.lists(
    st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 5)),
    unique_by=lambda one: one[0],
    max_size=40,
)


def seed(number):
    return sha256(b"seed %d" % number).digest()


def id_hash(number):
    return sha256(b"entrant %d" % number).digest()


ENTERED = [id_hash(number) for number in range(PER_GROUP * GROUPS)]
"""In the order in which they entered."""


def order_of(number, entrants, score):
    """The places in the list in the order of their scores."""
    scored = [(score(seed(number), one, weight), one) for one, weight in entrants]
    return tuple(sorted(range(len(entrants)), key=scored.__getitem__))


def order_p(score):
    """How likely the orders that this scoring gives are, when each pick is to be proportional to what is left."""
    entrants = [(id_hash(place), weight) for place, weight in enumerate(WEIGHTS)]
    found = Counter(order_of(number, entrants, score) for number in range(DRAWS))
    orders = list(itertools.permutations(range(len(WEIGHTS))))
    expected = [DRAWS * chance(order) for order in orders]
    statistic, degrees = chi_square([found[order] for order in orders], expected)
    return chi_square_p(float(statistic), degrees)


def chance(order):
    left, product = sum(WEIGHTS), Fraction(1)
    for place in order:
        product *= Fraction(WEIGHTS[place], left)
        left -= WEIGHTS[place]
    return product


def group_p(groups, winners, places):
    """How likely so uneven a share of the winners is over equal groups."""
    found = Counter(groups[winner] for winner in winners)
    names = sorted(set(groups.values()))
    statistic, degrees = chi_square(
        [found[name] for name in names], [Fraction(places, len(names))] * len(names)
    )
    return chi_square_p(float(statistic), degrees)


def test_every_order_has_its_exact_chance():
    assert order_p(score_of) > ALPHA


def test_a_weight_as_a_suffix_is_found_out():
    """Hashing the weight with the id instead of one key for each ticket gives everybody the same chance."""
    assert order_p(lambda seed, one, weight: sha256(seed + one + bytes([weight])).digest()) < ALPHA


def test_a_weight_that_divides_is_found_out():
    """A score over its weight: the heavier win more often, but not in proportion."""

    def divided(seed, one, weight):
        return int.from_bytes(sha256(seed + one).digest()[:8], "big") / weight

    assert order_p(divided) < ALPHA


def test_a_score_modulo_something_small_is_found_out():
    """The bias of a remainder: ties fall to the smaller id."""

    def remainder(seed, one, weight):
        return min(sha256(seed + one + bytes([ticket])).digest()[0] % 6 for ticket in range(weight))

    assert order_p(remainder) < ALPHA


def groups_of(trait):
    """Equal groups of the entrants by a trait that must not matter: their day of entry, place in the list, or region."""
    entrants = sorted(ENTERED)
    if trait == "day":
        return {one: number // PER_GROUP for number, one in enumerate(ENTERED)}
    if trait == "position":
        return {one: place // PER_GROUP for place, one in enumerate(entrants)}
    by_region = sorted(entrants, key=lambda one: sha256(b"region" + one).digest())
    return {one: place // PER_GROUP for place, one in enumerate(by_region)}


def smallest_p(trait, draw):
    """The least likely share of the winners over the trait's groups, of all the seeds."""
    groups = groups_of(trait)
    return min(group_p(groups, draw(seed(number)), PLACES) for number in range(SEEDS))


def drawn(by):
    return [winner.id_hash for winner in rank(by, *join((one, 1) for one in ENTERED), quota=PLACES)]


@pytest.mark.parametrize("trait", TRAITS)
def test_winning_depends_on_nothing_but_the_draw(trait):
    """Day of entry, position in the list and region of 3,000 entrants, 600 places, weights alike, over several seeds."""
    assert smallest_p(trait, drawn) > ALPHA_EACH


@pytest.mark.parametrize("trait", TRAITS)
def test_a_draw_that_leans_on_a_trait_is_found_out_by_one_seed_of_them(trait):
    """Only the last of the seeds draws those of the first groups twice as often as others."""
    groups = groups_of(trait)
    favoured = {one for one, group in groups.items() if group < GROUPS // 2}

    def leaning(by):
        weights = [(one, 2 if one in favoured and by == seed(SEEDS - 1) else 1) for one in ENTERED]
        return [winner.id_hash for winner in rank(by, *join(weights), quota=PLACES)]

    assert smallest_p(trait, leaning) < ALPHA_EACH


def test_a_draw_that_favours_the_first_days_is_found_out():
    """The diversity visa lottery of 2012: winners came almost all from the first two days, and it was annulled."""
    groups = {id_hash(number): number // 100 for number in range(3_000)}
    early = [id_hash(number) for number in range(3_000) if number // 100 < 2 or number % 10 == 0][:450]
    assert group_p(groups, early, 450) < ALPHA


@given(ENTRANTS, st.integers(0, 45), st.randoms())
def test_the_order_of_the_list_changes_nothing(entrants, quota, chance):
    shuffled = chance.sample(entrants, len(entrants))
    ranked = rank(bytes(32), *join(shuffled), quota=quota)
    assert ranked == rank(bytes(32), *join(entrants), quota=quota)
    everybody = sorted(Scored(score_of(bytes(32), *one), *one) for one in entrants)
    assert ranked == everybody[:quota]


@given(st.binary(min_size=32, max_size=32), st.integers(1, 30), st.integers(0, 30))
def test_more_weight_never_makes_a_score_worse(one, weight, more):
    assert score_of(bytes(32), one, weight + more) <= score_of(bytes(32), one, weight)


@pytest.mark.parametrize("quota", [0, 1, 10, 9_000, 20_000, 30_000])
def test_the_guess_of_the_cutoff_changes_nothing(quota):
    entrants = [(id_hash(number), 1 + number % 3) for number in range(20_000)]
    everybody = sorted(Scored(score_of(seed(1), *one), *one) for one in entrants)
    assert rank(seed(1), *join(entrants), quota=quota) == everybody[:quota]


def test_a_guess_that_is_too_low_is_raised():
    """One entrant with nearly all tickets: below the first guess there is nobody else."""
    entrants = [(id_hash(0), 100_000), *((id_hash(number), 1) for number in range(1, 4))]
    bounds = []

    def scoring(*asked):
        bounds.append(asked[-1])
        return scored_within(*asked)

    assert len(rank(seed(2), *join(entrants), quota=4, scoring=scoring)) == 4
    assert len(bounds) > 1
    assert bounds == sorted(bounds)


def test_categories_are_drawn_apart():
    assert category_seed(bytes(32), "A") != category_seed(bytes(32), "B")


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_more_processes_give_the_same(monkeypatch, processes):
    """Also where the list does not divide into equal parts."""
    monkeypatch.setattr("fairness.processes.WORTH_IT", 10)
    entrants = join((id_hash(number), 1 + number % 3) for number in range(1_000))
    scoring = scoring_with(processes)
    assert scoring is not scored_within
    assert rank(seed(3), *entrants, quota=50, scoring=scoring) == rank(seed(3), *entrants, quota=50)
