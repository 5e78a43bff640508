"""The Merkle tree against the published vectors and against RFC 6962's own recursive definition."""

import json
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.merkle import (
    EMPTY_ROOT,
    SIZE_LIMIT,
    Accumulator,
    ProofRefused,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks,
    root_at,
    root_of,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "merkle_rfc6962.json").read_text())
LARGEST = 40
ENTRIES = [bytes([n]) * (n % 5) for n in range(LARGEST)]
OTHER = bytes(range(32))


# RFC 6962, section 2.1, word for word and without any care for time.


def k_of(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = k_of(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m, d):
    if len(d) == 1:
        return []
    k = k_of(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m, d, b):
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def hash_of(level, index):
    first, width = index << level, 1 << level
    assert first + width <= LARGEST, "a proof asked for a subtree that is not full"
    return mth(ENTRIES[first : first + width])


ROOTS = [mth(ENTRIES[:n]) for n in range(LARGEST + 1)]


def included(**changed):
    try:
        check_inclusion(**changed)
    except ProofRefused:
        return False
    return True


def consistent(**changed):
    try:
        check_consistency(**changed)
    except ProofRefused:
        return False
    return True


def flipped(value):
    """The hash with each one of its 256 bits changed."""
    for bit in range(256):
        yield bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(value))


def unhex(values):
    return [bytes.fromhex(value) for value in values]


def test_the_reference_trees_have_their_published_roots():
    leaves = [leaf_hash(entry) for entry in unhex(VECTORS["leaves"])]
    roots = unhex(VECTORS["roots"])
    assert [root_of(leaves[:n]) for n in range(9)] == roots
    assert roots[0] == EMPTY_ROOT
    nodes = [unhex(level) for level in VECTORS["nodes"]]
    assert nodes[0] == leaves
    for below, above in pairwise(nodes):
        assert above == [node_hash(*below[n : n + 2]) for n in range(0, len(below), 2)]
    assert [root_at(n, lambda level, index: nodes[level][index]) for n in range(9)] == roots


def test_the_reference_proofs_are_made_and_accepted():
    nodes = [unhex(level) for level in VECTORS["nodes"]]
    roots = unhex(VECTORS["roots"])
    for case in VECTORS["inclusion"]:
        index, size, proof = case["index"], case["size"], unhex(case["proof"])
        assert inclusion_proof(index, size, lambda level, place: nodes[level][place]) == proof
        check_inclusion(leaf=nodes[0][index], index=index, size=size, proof=proof, root=roots[size])
    for case in VECTORS["consistency"]:
        old, new, proof = case["old"], case["new"], unhex(case["proof"])
        assert consistency_proof(old, new, lambda level, place: nodes[level][place]) == proof
        check_consistency(old=old, new=new, old_root=roots[old], new_root=roots[new], proof=proof)


def test_roots_of_every_size_are_those_of_the_definition():
    tree = Accumulator()
    assert tree.root() == EMPTY_ROOT
    for n, entry in enumerate(ENTRIES, start=1):
        tree.append(leaf_hash(entry))
        assert (tree.size, tree.root()) == (n, ROOTS[n])
        assert root_at(n, hash_of) == ROOTS[n]
        taken_up = Accumulator(n, [hash_of(level, index) for level, index in peaks(n)])
        assert taken_up.root() == ROOTS[n]
        if n < LARGEST:
            taken_up.append(leaf_hash(ENTRIES[n]))
            assert taken_up.root() == ROOTS[n + 1]


def test_an_accumulator_is_not_taken_up_with_the_wrong_number_of_peaks():
    with pytest.raises(ValueError, match="1 hashes are not the peaks of a tree of 3 leaves"):
        Accumulator(3, [OTHER])
    with pytest.raises(ValueError, match="not the peaks"):
        Accumulator(-1, [OTHER])


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof_is_the_definitions_and_no_change_of_it_is_accepted(size):
    for index in range(size):
        proof = inclusion_proof(index, size, hash_of)
        assert proof == path(index, ENTRIES[:size])
        true = {
            "leaf": leaf_hash(ENTRIES[index]),
            "index": index,
            "size": size,
            "proof": proof,
            "root": ROOTS[size],
        }
        assert included(**true)
        changes = [{"leaf": OTHER}, {"root": OTHER}, {"leaf": true["root"], "proof": [*proof, OTHER]}]
        changes += [{"index": other} for other in range(-1, size + 2) if other != index]
        changes += [{"proof": [*proof[:n], OTHER, *proof[n + 1 :]]} for n in range(len(proof))]
        changes += [{"proof": [*proof[:n], *proof[n + 1 :]]} for n in range(len(proof))]
        changes += [{"proof": [*proof[:n], OTHER, *proof[n:]]} for n in range(len(proof) + 1)]
        changes += [{"proof": [*proof[:n], proof[n][:-1], *proof[n + 1 :]]} for n in range(len(proof))]
        changes += [{"proof": proof[::-1]}] if len(proof) > 1 else []
        assert [change for change in changes if included(**{**true, **change})] == []


@pytest.mark.parametrize("new", range(LARGEST + 1))
def test_every_consistency_proof_is_the_definitions_and_no_change_of_it_is_accepted(new):
    for old in range(new + 1):
        proof = consistency_proof(old, new, hash_of)
        assert proof == (subproof(old, ENTRIES[:new], True) if old else [])
        true = {"old": old, "new": new, "old_root": ROOTS[old], "new_root": ROOTS[new], "proof": proof}
        assert consistent(**true)
        changes = [{"old_root": OTHER}, {"old": -1}, {"old": new + 1}]
        # From the empty tree everything grows: there is nothing that the new root could contradict.
        changes += [{"new_root": OTHER}] if old else []
        changes += [{"old": other} for other in range(new + 1) if other != old]
        changes += [{"proof": [*proof[:n], OTHER, *proof[n + 1 :]]} for n in range(len(proof))]
        changes += [{"proof": [*proof[:n], *proof[n + 1 :]]} for n in range(len(proof))]
        changes += [{"proof": [*proof[:n], OTHER, *proof[n:]]} for n in range(len(proof) + 1)]
        changes += [{"proof": [*proof[:n], proof[n] + b"x", *proof[n + 1 :]]} for n in range(len(proof))]
        assert [change for change in changes if consistent(**{**true, **change})] == []


def test_no_single_bit_of_a_proof_may_change():
    index, size, old = 22, 37, 21
    proof = inclusion_proof(index, size, hash_of)
    true = {"leaf": leaf_hash(ENTRIES[index]), "index": index, "size": size, "root": ROOTS[size]}
    assert included(**true, proof=proof)
    growth = consistency_proof(old, size, hash_of)
    same = {"old": old, "new": size, "old_root": ROOTS[old], "new_root": ROOTS[size]}
    assert consistent(**same, proof=growth)
    for n in range(len(proof)):
        for bad in flipped(proof[n]):
            assert not included(**true, proof=[*proof[:n], bad, *proof[n + 1 :]])
    for n in range(len(growth)):
        for bad in flipped(growth[n]):
            assert not consistent(**same, proof=[*growth[:n], bad, *growth[n + 1 :]])


def test_another_history_is_not_a_beginning():
    """Every fork at every place: the root over changed entries is never accepted for the old tree."""
    size = 24
    for old in range(1, size):
        proof = consistency_proof(old, size, hash_of)
        for changed in range(old):
            fork = [*ENTRIES[:changed], b"forked", *ENTRIES[changed + 1 : old]]
            assert not consistent(old=old, new=size, old_root=mth(fork), new_root=ROOTS[size], proof=proof)


def test_the_empty_tree_begins_every_tree_and_has_one_root():
    assert consistent(old=0, new=0, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, proof=[])
    assert consistent(old=0, new=5, old_root=EMPTY_ROOT, new_root=ROOTS[5], proof=[])
    assert not consistent(old=0, new=0, old_root=OTHER, new_root=OTHER, proof=[])
    assert not consistent(old=0, new=5, old_root=OTHER, new_root=ROOTS[5], proof=[])
    assert not consistent(old=0, new=5, old_root=EMPTY_ROOT, new_root=ROOTS[5], proof=[OTHER])
    assert not consistent(old=5, new=5, old_root=ROOTS[5], new_root=ROOTS[5], proof=[OTHER])
    assert not consistent(old=1, new=0, old_root=ROOTS[1], new_root=EMPTY_ROOT, proof=[])
    assert not included(leaf=OTHER, index=0, size=0, proof=[], root=EMPTY_ROOT)


def test_a_proof_may_not_go_on_above_the_root_of_a_smaller_tree():
    """The larger tree's root and honest proof, but with the size and index of its subtree."""
    for size in (2, 4, 8, 16, 32):
        for index in range(size):
            proof = inclusion_proof(index, size, hash_of)
            small = {"index": index % (size // 2), "size": size // 2}
            assert not included(leaf=leaf_hash(ENTRIES[index]), proof=proof, root=ROOTS[size], **small)


def test_no_byte_may_move_between_two_hashes():
    left, right = hash_of(0, 0), hash_of(0, 1)
    assert included(leaf=left, index=0, size=2, proof=[right], root=ROOTS[2])
    for leaf, sibling in ((left[:-1], left[-1:] + right), (left + right[:1], right[1:]), (left + right, b"")):
        assert not included(leaf=leaf, index=0, size=2, proof=[sibling], root=ROOTS[2])


def test_sizes_beyond_the_formats_are_refused_and_proofs_of_no_leaf_are_not_made():
    assert not included(leaf=OTHER, index=0, size=SIZE_LIMIT + 1, proof=[OTHER] * 64, root=OTHER)
    huge = SIZE_LIMIT + 1
    assert not consistent(old=huge, new=huge, old_root=OTHER, new_root=OTHER, proof=[])
    for index, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(ProofRefused, match="has no leaf"):
            inclusion_proof(index, size, hash_of)
    for old, new in ((6, 5), (-1, 5)):
        with pytest.raises(ProofRefused, match="does not begin"):
            consistency_proof(old, new, hash_of)


hashes = st.binary(min_size=0, max_size=33) | st.binary(min_size=32, max_size=32)
sizes = st.integers(-2, 70) | st.integers(-(2**70), 2**70)


@given(leaf=hashes, index=sizes, size=sizes, proof=st.lists(hashes, max_size=70), root=hashes)
def test_a_made_up_inclusion_proof_is_only_ever_refused(leaf, index, size, proof, root):
    assert not included(leaf=leaf, index=index, size=size, proof=proof, root=root) or (
        (index, size, proof, leaf) == (0, 1, [], root)
    )


@given(old=sizes, new=sizes, old_root=hashes, new_root=hashes, proof=st.lists(hashes, max_size=70))
def test_a_made_up_consistency_proof_is_only_ever_refused(old, new, old_root, new_root, proof):
    assert not consistent(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof) or (
        proof == [] and ((old, old_root) == (new, new_root) or (old, old_root) == (0, EMPTY_ROOT))
    )
