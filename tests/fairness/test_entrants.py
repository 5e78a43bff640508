"""Who is in a frozen list, and the proof that somebody is not."""

from hashlib import sha256

import pytest

from fairness.entrants import EntrantsRefused, ProvenLine, check_absence, hash_id, root_of_list
from fairness.merkle import ProofRefused, inclusion_proof, leaf_hash
from tests.fairness.ceremonies import entrants_of, hashes_of

LISTED = entrants_of(13)
ROOT = root_of_list(LISTED)
LEAVES = [leaf_hash(one.record()) for one in LISTED]


def neighbour(place):
    if not 0 <= place < len(LISTED):
        return None
    return ProvenLine(LISTED[place], place, inclusion_proof(place, len(LISTED), hashes_of(LEAVES)))


def absent(id_hash, place):
    """The claim that this hash would stand before the entrant at this place."""
    check_absence(id_hash, before=neighbour(place - 1), after=neighbour(place), size=len(LISTED), root=ROOT)


@pytest.mark.parametrize("number", range(40))
def test_whoever_is_not_in_the_list_is_shown_to_be_absent_by_their_neighbours_alone(number):
    stranger = sha256(b"stranger %d" % number).digest()
    place = sum(one.id_hash < stranger for one in LISTED)
    absent(stranger, place)
    for other in set(range(len(LISTED) + 1)) - {place}:
        with pytest.raises(EntrantsRefused):
            absent(stranger, other)


@pytest.mark.parametrize("place", range(13))
def test_nobody_who_is_in_the_list_can_be_shown_to_be_absent(place):
    for other in range(len(LISTED) + 1):
        with pytest.raises(EntrantsRefused):
            absent(LISTED[place].id_hash, other)


def test_neighbours_must_be_neighbours_and_in_the_list():
    stranger = sha256(b"stranger").digest()
    place = sum(one.id_hash < stranger for one in LISTED)
    before, after = neighbour(place - 1), neighbour(place)
    told = {"size": len(LISTED), "root": ROOT}
    with pytest.raises(EntrantsRefused, match="not neighbours"):
        check_absence(stranger, before=neighbour(0), after=neighbour(12), **told)
    with pytest.raises(ProofRefused):
        check_absence(stranger, before=before, after=after, size=len(LISTED), root=bytes(32))
    heavier = before._replace(entrant=before.entrant._replace(weight=9))
    with pytest.raises(ProofRefused):
        check_absence(stranger, before=heavier, after=after, **told)


def test_a_salt_has_one_length():
    assert hash_id(salt=bytes(32), entrant_id="a") == sha256(bytes(32) + b"a").digest()
    with pytest.raises(ValueError, match="32 bytes"):
        hash_id(salt=b"", entrant_id="a")
