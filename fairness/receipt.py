"""An entrant's receipt, `gongdao/draw-receipt/v1`: their line of a frozen list, or that they have none, with the proof.

One line of canonical JSON (`docs/spec/draw.md`, section 9), written and read here; `receipt_steps` says whether it is true.
With id and salt in it, it is its holder's own: without them it names nobody.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from fairness.bundle import proof_told, read_proof
from fairness.canonical import NotCanonical, decode, encode, hex_of, members
from fairness.entrants import ID_HASH_BYTES, SALT_BYTES, WEIGHT_LIMIT, Entrant, ProvenLine
from fairness.entries import Frozen, read
from fairness.merkle import inclusion_proof, leaf_hash, root_of

FORMAT = "gongdao/draw-receipt/v1"
RECEIPT_LIMIT = 4 * 2**20
_HASH_BYTES = 32
_LINES_MOST = 2


class Receipt(NamedTuple):
    """`lines`: the entrant's own, or the neighbours between which they would be. `salt` is empty where id is not told.

    `freeze`: the text of the freeze; `log`: the proof that it is in the log, the text of a c2sp.org/tlog-proof.
    """

    freeze: bytes
    frozen: Frozen
    id_hash: bytes
    entrant_id: str
    salt: bytes
    lines: tuple[ProvenLine, ...]
    log: str

    @property
    def own(self) -> ProvenLine | None:
        """The entrant's own line, None where the receipt is of their absence."""
        first = self.lines[0]
        return first if len(self.lines) == 1 and first.entrant.id_hash == self.id_hash else None


def write_receipt(receipt: Receipt) -> bytes:
    """The receipt's text, without its line feed.

    Raises:
        NotCanonical: `read_receipt` would not take it.
    """
    text = encode(
        {
            "format": FORMAT,
            "freeze": receipt.freeze.decode(),
            "id": receipt.entrant_id,
            "id_hash": receipt.id_hash.hex(),
            "lines": [
                {
                    "category": line.entrant.category,
                    "id_hash": line.entrant.id_hash.hex(),
                    "index": line.place,
                    "proof": proof_told(line.proof),
                    "weight": line.entrant.weight,
                }
                for line in receipt.lines
            ],
            "log": receipt.log,
            "salt": receipt.salt.hex(),
        }
    )
    read_receipt(text + b"\n")
    return text


def read_receipt(text: bytes) -> Receipt:
    """The receipt of a file's bytes. Nothing is verified yet.

    Raises:
        NotCanonical: it is none; the message names the member.
    """
    if len(text) > RECEIPT_LIMIT:
        raise NotCanonical(f"longer than {RECEIPT_LIMIT} bytes")
    if text[-1:] != b"\n":
        raise NotCanonical("the line has no line feed")
    wanted = {
        "format": str,
        "freeze": str,
        "id": str,
        "id_hash": str,
        "lines": list,
        "log": str,
        "salt": str,
    }
    told = members(decode(text[:-1]), wanted, "the receipt")
    if told["format"] != FORMAT:
        raise NotCanonical(f"format is not {FORMAT}")
    frozen = read(told["freeze"].encode())
    if not isinstance(frozen, Frozen):
        raise NotCanonical("freeze is an entry of another kind")
    if not 1 <= len(told["lines"]) <= _LINES_MOST:
        raise NotCanonical(f"there are not 1 to {_LINES_MOST} lines")
    if (told["id"] == "") != (told["salt"] == ""):
        raise NotCanonical("id and salt are told both or not at all")
    return Receipt(
        freeze=told["freeze"].encode(),
        frozen=frozen,
        id_hash=hex_of(told["id_hash"], ID_HASH_BYTES, "id_hash"),
        entrant_id=told["id"],
        salt=hex_of(told["salt"], SALT_BYTES, "salt") if told["salt"] else b"",
        lines=tuple(map(_line, told["lines"])),
        log=told["log"],
    )


def prove_line(entrants: Iterable[Entrant], id_hash: bytes) -> tuple[ProvenLine, ...]:
    """The line of this hash in a list that is in order, or its neighbours where it has none. 32 bytes an entrant.

    Raises:
        NotCanonical: the list is empty.
    """
    hashes = bytearray()
    before: tuple[int, Entrant] | None = None
    own: tuple[int, Entrant] | None = None
    after: tuple[int, Entrant] | None = None
    for place, entrant in enumerate(entrants):
        hashes += leaf_hash(entrant.record())
        if entrant.id_hash < id_hash:
            before = place, entrant
        elif entrant.id_hash == id_hash:
            own = place, entrant
        elif after is None:
            after = place, entrant
    if not hashes:
        raise NotCanonical("the list is empty")
    leaves = bytes(hashes)

    def hash_of(level: int, place: int) -> bytes:
        start, end = (bound << level for bound in (place, place + 1))
        return root_of(leaves[_HASH_BYTES * leaf : _HASH_BYTES * (leaf + 1)] for leaf in range(start, end))

    return tuple(
        ProvenLine(entrant, place, tuple(inclusion_proof(place, len(leaves) // _HASH_BYTES, hash_of)))
        for place, entrant in filter(None, [own] if own else [before, after])
    )


def _line(value: Any) -> ProvenLine:
    wanted = {"category": str, "id_hash": str, "index": int, "proof": list, "weight": int}
    told = members(value, wanted, "a line")
    if not 1 <= told["weight"] <= WEIGHT_LIMIT:
        raise NotCanonical(f"weight of a line is not a whole number from 1 to {WEIGHT_LIMIT}")
    entrant = Entrant(
        hex_of(told["id_hash"], ID_HASH_BYTES, "id_hash of a line"), told["weight"], told["category"]
    )
    return ProvenLine(entrant, told["index"], read_proof(told["proof"]))
