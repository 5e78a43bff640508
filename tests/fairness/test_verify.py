"""A draw that holds, and why one does not: the step that fails is the right one."""

import pytest

from fairness.policy import parse_policy
from fairness.verify import STEPS, Refused, verify
from tests.fairness.ceremonies import play, reading, trust_text
from tests.fairness.freezing_vectors import frozen_vectors
from tests.fairness.holding import HOLDING
from tests.fairness.tampering import TAMPERINGS
from tests.vectors import vectors

POLICY = parse_policy(trust_text())


@pytest.fixture(scope="module")
def good():
    return play()


def test_a_draw_as_it_should_be_is_verified(good):
    found = verify(reading(good.bundle()), POLICY, demo=True)
    assert found.demo
    assert len(found.notes) == len(STEPS)
    assert {category: outcome.winners for category, outcome in found.outcomes.items()} == {
        "A": 3,
        "B": 2,
        "新": 1,
    }


def test_a_demonstration_is_refused_unless_asked_for(good):
    with pytest.raises(Refused, match="demonstration") as refused:
        verify(reading(good.bundle()), POLICY)
    assert refused.value.name == "trust"


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.name)
def test_each_tampering_is_refused_at_its_step(tampering):
    with pytest.raises(Refused) as refused:
        verify(reading(tampering.make()), POLICY, demo=True)
    assert refused.value.name == tampering.step, refused.value


def test_names_of_tamperings_differ():
    assert len({tampering.name for tampering in TAMPERINGS}) == len(TAMPERINGS)


@pytest.mark.parametrize("name", HOLDING)
def test_draws_that_hold_in_their_own_way(name):
    assert verify(reading(HOLDING[name]()), POLICY, demo=True).draw == "test-draw"


def test_without_witnesses_nothing_shows_when():
    nobody = parse_policy(trust_text().replace("quorum two", "quorum none"))
    with pytest.raises(Refused) as refused:
        verify(reading(play().bundle()), nobody, demo=True)
    assert refused.value.name == "times"


def test_the_published_formats_are_what_they_were():
    assert frozen_vectors() == vectors("draw_v1")
