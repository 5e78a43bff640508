"""The frozen list of a draw: its lines, its Merkle root, and proof that somebody is not in it. Imports `merkle`.

No line has personal data: an entrant is a salted hash (`docs/spec/draw.md`, section 2).
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from fairness.canonical import encode
from fairness.merkle import Accumulator, check_inclusion, leaf_hash

ID_HASH_BYTES = 32
SALT_BYTES = 32
WEIGHT_LIMIT = 1_000_000
TICKETS_LIMIT = 2**32 - 1
_HEX_END = 2 + 2 * ID_HASH_BYTES


class EntrantsRefused(ValueError):
    """The list is not one that can be drawn from; the message says where and why."""


class Entrant(NamedTuple):
    """One line of the list."""

    id_hash: bytes
    weight: int
    category: str

    def record(self) -> bytes:
        """What the Merkle tree hashes."""
        return self.id_hash + self.weight.to_bytes(4, "big") + self.category.encode()


class ProvenLine(NamedTuple):
    """A line of the list with its place, and the proof that it is there."""

    entrant: Entrant
    place: int
    proof: Sequence[bytes]


def hash_id(*, salt: bytes, entrant_id: str) -> bytes:
    """Who an entrant is in the list: SHA-256(salt ‖ id), 32 bytes.

    Raises:
        ValueError: the salt has another length than 32 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return sha256(salt + entrant_id.encode()).digest()


def root_of_list(entrants: Iterable[Entrant]) -> bytes:
    """The Merkle root of a list that is in order."""
    tree = Accumulator()
    for entrant in entrants:
        tree.append(leaf_hash(entrant.record()))
    return tree.root()


def line_of(entrant: Entrant) -> bytes:
    """The entrant's line in a bundle, without its line feed.

    >>> line_of(Entrant(bytes(32), 2, "A"))[-8:]
    b'",2,"A"]'
    """
    return encode([entrant.id_hash.hex(), entrant.weight, entrant.category])


def reader_of_lines(categories: Iterable[str]) -> Callable[[bytes], Entrant]:
    """A reader of entrants' lines in these categories. Millions are read: the line is cut, not decoded.

    Its EntrantsRefused says what is wrong with a line; where the line is, whoever reads many of them knows.
    """
    known = {encode(category): category for category in categories}

    def read(line: bytes) -> Entrant:
        weight, comma, category = line[_HEX_END + 2 : -1].partition(b",")
        if line[:2] != b'["' or line[_HEX_END : _HEX_END + 2] != b'",' or line[-1:] != b"]" or not comma:
            raise EntrantsRefused('not of the form ["<id_hash>",<weight>,"<category>"]')
        if category not in known:
            raise EntrantsRefused("the category has no quota")
        return Entrant(read_id_hash(line[2:_HEX_END]), read_weight(weight), known[category])

    return read


def check_absence(
    id_hash: bytes,
    *,
    before: ProvenLine | None,
    after: ProvenLine | None,
    size: int,
    root: bytes,
) -> None:
    """Passes when two neighbours of the list show that this hash is not in it. None: there is none on that side.

    Raises:
        EntrantsRefused: they do not show it.
        ProofRefused: a neighbour is not where it is said to be.
    """
    place = 0 if before is None else before.place + 1
    if place != (size if after is None else after.place):
        raise EntrantsRefused("the two are not neighbours")
    if before is not None and before.entrant.id_hash >= id_hash:
        raise EntrantsRefused("the one before is not below it")
    if after is not None and after.entrant.id_hash <= id_hash:
        raise EntrantsRefused("the one after is not above it")
    for neighbour in (before, after):
        if neighbour is not None:
            check_inclusion(
                leaf=leaf_hash(neighbour.entrant.record()),
                index=neighbour.place,
                size=size,
                proof=neighbour.proof,
                root=root,
            )


def read_id_hash(text: bytes) -> bytes:
    """32 bytes out of lower-case hex.

    Raises:
        EntrantsRefused: it is not that.
    """
    try:
        found = bytes.fromhex(text.decode())
    except ValueError:
        found = b""
    if found.hex().encode() != text or len(found) != ID_HASH_BYTES:
        raise EntrantsRefused("the id_hash is not 32 bytes in lower-case hex")
    return found


def read_weight(text: bytes) -> int:
    """A weight out of its decimal digits.

    Raises:
        EntrantsRefused: it is none.
    """
    plain = text.isdigit() and text[:1] != b"0" and len(text) <= len(str(WEIGHT_LIMIT))
    weight = int(text) if plain else 0
    if not 1 <= weight <= WEIGHT_LIMIT:
        raise EntrantsRefused(f"the weight is not a whole number from 1 to {WEIGHT_LIMIT}")
    return weight
