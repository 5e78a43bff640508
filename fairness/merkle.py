"""The Merkle tree of RFC 6962 and RFC 9162, section 2.1: roots, inclusion and consistency proofs.

All hashes are 32 bytes of SHA-256. A proof is made through `hash_of(level, index)`, the hash of the perfect
subtree over the leaves `[index * 2**level, (index + 1) * 2**level)`; where those hashes are kept is the
caller's affair (`fairness.tiles` keeps them in tiles). Imports hashlib only.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TypeAlias

HASH_BYTES = 32
# The C2SP formats carry sizes as decimals and times up to this number; no proof is longer than 63 hashes.
SIZE_LIMIT = 2**63 - 1
EMPTY_ROOT = sha256(b"").digest()

HashOf: TypeAlias = Callable[[int, int], bytes]


class ProofRefused(ValueError):
    """A proof that shows nothing, or was asked for leaves that are not there. The text says which."""


def leaf_hash(entry: bytes) -> bytes:
    """MTH({entry}): the hash of one leaf.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children's hashes."""
    return sha256(b"\x01" + left + right).digest()


def peaks(size: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees a tree of this size falls into, as (level, index), leftmost and largest first.

    >>> list(peaks(6))
    [(2, 0), (1, 2)]
    """
    start = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, start >> level
            start += 1 << level


class Accumulator:
    """A growing tree of which only the peaks are kept: O(log n) hashes (a compact range).

    Takes up an existing tree by its size and its peaks' hashes in the order of `peaks(size)`.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Raise ValueError when the number of hashes is not the number of peaks of that size."""
        self.size = size
        self._hashes = list(hashes)
        if size < 0 or len(self._hashes) != size.bit_count():
            raise ValueError(f"{len(self._hashes)} hashes are not the peaks of a tree of {size} leaves")

    def append(self, leaf: bytes) -> None:
        """Take the hash of the next leaf."""
        size, top = self.size, leaf
        while size & 1:
            top = node_hash(self._hashes.pop(), top)
            size >>= 1
        self._hashes.append(top)
        self.size += 1

    def root(self) -> bytes:
        """The root over everything appended so far; `EMPTY_ROOT` when that is nothing."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for peak in reversed(self._hashes[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes, read once and not kept.

    >>> root_of([]) == EMPTY_ROOT
    True
    """
    tree = Accumulator()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root()


def root_at(size: int, hash_of: HashOf) -> bytes:
    """The root of the tree's first `size` leaves, out of its subtrees' hashes."""
    return Accumulator(size, [hash_of(level, index) for level, index in peaks(size)]).root()


def _split(width: int) -> int:
    """The largest power of two smaller than a width of two or more: where RFC 6962 splits a tree."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_hash(start: int, end: int, hash_of: HashOf) -> bytes:
    """The hash of the subtree over leaves [start, end), whose start is aligned to its width."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return hash_of(level, start >> level)
    middle = start + _split(width)
    return node_hash(_range_hash(start, middle, hash_of), _range_hash(middle, end, hash_of))


def inclusion_proof(index: int, size: int, hash_of: HashOf) -> list[bytes]:
    """PATH(index, D[size]): the hashes that lead from a leaf to the root, the leaf's sibling first.

    Raises:
        ProofRefused: the tree of that size has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofRefused(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    proof: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, hash_of))
            end = middle
        else:
            proof.append(_range_hash(start, middle, hash_of))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, hash_of: HashOf) -> list[bytes]:
    """PROOF(old, D[new]): the hashes that show the smaller tree to be the beginning of the larger.

    Empty when the sizes are the same, and from the empty tree, with which everything begins.

    Raises:
        ProofRefused: the old tree is larger than the new, or its size is negative.
    """
    if not 0 <= old <= new:
        raise ProofRefused(f"a tree of {new} leaves does not begin with one of {old}")
    if old == 0:
        return []
    start, end = 0, new
    proof: list[bytes] = []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_hash(middle, end, hash_of))
            end = middle
        else:
            proof.append(_range_hash(start, middle, hash_of))
            start = middle
    if start:
        # Only where the old tree is itself a subtree of the new one does the verifier know its hash already.
        proof.append(_range_hash(start, end, hash_of))
    return proof[::-1]


def _refuse_unless_hashes(named: Sequence[tuple[str, bytes]], proof: Sequence[bytes]) -> None:
    for name, value in named:
        if len(value) != HASH_BYTES:
            raise ProofRefused(f"{name} has {len(value)} bytes, must have {HASH_BYTES}")
    for place, value in enumerate(proof):
        if len(value) != HASH_BYTES:
            raise ProofRefused(f"hash {place} of the proof has {len(value)} bytes, must have {HASH_BYTES}")


def check_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Refuse unless the proof leads from the leaf's hash at `index` to the root of the tree of `size` leaves.

    RFC 9162, section 2.1.3.2.

    Raises:
        ProofRefused: index or size out of range, a hash of another length, a proof too short, too long or
            leading to another root.
    """
    if not 0 <= index < size <= SIZE_LIMIT:
        raise ProofRefused(f"a tree of {size} leaves has no leaf {index}")
    _refuse_unless_hashes([("the leaf's hash", leaf), ("the root", root)], proof)
    position, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the inclusion proof is too long")
        if position & 1 or position == last:
            reached = node_hash(sibling, reached)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofRefused("the inclusion proof is too short")
    if reached != root:
        raise ProofRefused("the inclusion proof leads to another root")


def check_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Refuse unless the proof shows the tree of `old` leaves to be the beginning of the tree of `new` leaves.

    RFC 9162, section 2.1.4.2. Between equal sizes the roots must be equal and the proof empty. The empty tree
    begins every tree: its root must be `EMPTY_ROOT` and the proof empty.

    Raises:
        ProofRefused: sizes out of range or order, a hash of another length, a proof too short, too long or
            leading to other roots.
    """
    if not 0 <= old <= new <= SIZE_LIMIT:
        raise ProofRefused(f"a tree of {new} leaves does not begin with one of {old}")
    _refuse_unless_hashes([("the old root", old_root), ("the new root", new_root)], proof)
    for size, root in ((old, old_root), (new, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise ProofRefused("the tree without leaves has another root")
    if old in (0, new):
        if proof:
            raise ProofRefused("the consistency proof is too long")
        if old == new and old_root != new_root:
            raise ProofRefused("two trees of the same size have different roots")
        return
    _check_growth(old, new, old_root, new_root, proof)


def _check_growth(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """The part of the check for 0 < old < new; the names of RFC 9162 are fn, sn, fr and sr."""
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof:
        raise ProofRefused("the consistency proof is too short")
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_reached = new_reached = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the consistency proof is too long")
        if position & 1 or position == last:
            old_reached = node_hash(sibling, old_reached)
            new_reached = node_hash(sibling, new_reached)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            new_reached = node_hash(new_reached, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofRefused("the consistency proof is too short")
    if old_reached != old_root:
        raise ProofRefused("the consistency proof leads to another old root")
    if new_reached != new_root:
        raise ProofRefused("the consistency proof leads to another new root")
