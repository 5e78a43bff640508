"""The evidence bundle of a draw, `gongdao/draw-bundle/v1`: written and read line by line (`docs/spec/draw.md`, section 7).

Reading here says only that a bundle has the right form; `verify` says whether it is true. Three million entrants need no
more memory than their hashes.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from fairness.beacon import PUBLIC_KEY_BYTES, SCHEME, SIGNATURE_BYTES, Chain
from fairness.canonical import NotCanonical, decode, encode, hex_of, members, name_of
from fairness.draw import Scored
from fairness.entrants import Entrant, line_of

FORMAT = "gongdao/draw-bundle/v1"
HEADER_LIMIT = 16 * 2**20
LINE_LIMIT = 4_096
CHECKPOINTS_LIMIT, ENTRIES_LIMIT, PROOF_LIMIT = 64, 256, 64
_HASH_BYTES = 32
_UINT32 = 2**32


class Readable(Protocol):
    """A file of bytes, or what reads like one."""

    def readline(self, limit: int = -1, /) -> bytes:
        """The next line with its line feed, at most `limit` bytes of it; empty at the end."""
        ...


class LoggedCheckpoint(NamedTuple):
    """A cosigned checkpoint as text, and the consistency proof from it to the last one."""

    note: str
    proof: tuple[bytes, ...]


class LoggedEntry(NamedTuple):
    """An entry's text with its index in the log, and its inclusion proof in the last checkpoint."""

    text: bytes
    place: int
    proof: tuple[bytes, ...]


class Header(NamedTuple):
    """Everything in a bundle but its lists."""

    draw: str
    chain: Chain
    round: int
    signature: bytes
    checkpoints: tuple[LoggedCheckpoint, ...]
    entries: tuple[LoggedEntry, ...]


def write_bundle(
    header: Header, entrants: Iterable[Entrant], winners: Sequence[tuple[str, Sequence[Scored]]]
) -> Iterator[bytes]:
    """The bundle's lines with their line feeds. `winners`: by category, in the order of canonical JSON."""
    yield encode(_told(header)) + b"\n"
    count = 0
    for entrant in entrants:
        count += 1
        yield line_of(entrant) + b"\n"
    for category, ranked in winners:
        for rank, scored in enumerate(ranked, 1):
            yield winner_line(category, rank, scored) + b"\n"
    yield end_line(entrants=count, winners=sum(len(ranked) for _, ranked in winners)) + b"\n"


def winner_line(category: str, rank: int, scored: Scored) -> bytes:
    """One winner's line, without its line feed."""
    return encode([category, rank, scored.id_hash.hex(), scored.weight, scored.score.hex()])


def end_line(*, entrants: int, winners: int) -> bytes:
    """The last line, which a bundle that was cut off lacks; without its line feed."""
    return encode({"end": FORMAT, "entrants": entrants, "winners": winners})


def in_order(categories: Iterable[str]) -> list[str]:
    """Categories as canonical JSON orders names: by UTF-16 code units (RFC 8785, section 3.2.3)."""
    return sorted(categories, key=lambda category: category.encode("utf-16-be"))


def read_line(source: Readable, *, limit: int = LINE_LIMIT) -> bytes:
    """The next line without its line feed; empty at the end of the file.

    Raises:
        NotCanonical: it is longer than `limit` bytes with its line feed, is empty, or the file ends in the middle of it.
    """
    line = source.readline(limit + 1)
    if not line:
        return b""
    if len(line) > limit:
        raise NotCanonical(f"longer than {limit} bytes")
    if line[-1:] != b"\n":
        raise NotCanonical("the file ends in the middle of a line")
    if line == b"\n":
        raise NotCanonical("an empty line")
    return line[:-1]


def read_header(line: bytes) -> Header:
    """The header of a bundle's first line.

    Raises:
        NotCanonical: it is none; the message names the member.
    """
    wanted = {"beacon": dict, "checkpoints": list, "draw": str, "entries": list, "format": str}
    told = members(decode(line), wanted, "the header")
    if told["format"] != FORMAT:
        raise NotCanonical(f"format is not {FORMAT}")
    beacon = members(told["beacon"], {"chain": dict, "round": int, "signature": str}, "beacon")
    if not 1 <= len(told["checkpoints"]) <= CHECKPOINTS_LIMIT:
        raise NotCanonical(f"there are not 1 to {CHECKPOINTS_LIMIT} checkpoints")
    if not 1 <= len(told["entries"]) <= ENTRIES_LIMIT:
        raise NotCanonical(f"there are not 1 to {ENTRIES_LIMIT} entries")
    if beacon["round"] < 1:
        raise NotCanonical("rounds begin with 1")
    return Header(
        draw=name_of(told["draw"], "draw"),
        chain=read_chain(beacon["chain"]),
        round=beacon["round"],
        signature=hex_of(beacon["signature"], SIGNATURE_BYTES, "signature"),
        checkpoints=tuple(_checkpoint(one) for one in told["checkpoints"]),
        entries=tuple(_entry(one) for one in told["entries"]),
    )


def chain_told(chain: Chain) -> dict[str, Any]:
    """A chain as a bundle tells it."""
    return {
        "beacon_id": chain.beacon_id,
        "genesis_seed": chain.genesis_seed.hex(),
        "genesis_time": chain.genesis_time_s,
        "period": chain.period_s,
        "public_key": chain.public_key.hex(),
        "scheme": SCHEME,
    }


def read_chain(value: Any) -> Chain:
    """The chain that a bundle tells of.

    Raises:
        NotCanonical: it is none, or of another scheme.
    """
    wanted = {
        "beacon_id": str,
        "genesis_seed": str,
        "genesis_time": int,
        "period": int,
        "public_key": str,
        "scheme": str,
    }
    told = members(value, wanted, "chain")
    if told["scheme"] != SCHEME:
        raise NotCanonical(f"scheme is not {SCHEME}")
    if not 1 <= told["period"] < _UINT32:
        raise NotCanonical("period is not a number of seconds")
    if told["genesis_time"] < 1:
        raise NotCanonical("genesis_time is not a number of seconds since 1970")
    return Chain(
        beacon_id=name_of(told["beacon_id"], "beacon_id") if told["beacon_id"] else "",
        public_key=hex_of(told["public_key"], PUBLIC_KEY_BYTES, "public_key"),
        period_s=told["period"],
        genesis_time_s=told["genesis_time"],
        genesis_seed=hex_of(told["genesis_seed"], _HASH_BYTES, "genesis_seed"),
    )


def _checkpoint(value: Any) -> LoggedCheckpoint:
    told = members(value, {"note": str, "proof": list}, "a checkpoint")
    return LoggedCheckpoint(told["note"], read_proof(told["proof"]))


def _entry(value: Any) -> LoggedEntry:
    told = members(value, {"entry": str, "index": int, "proof": list}, "an entry")
    return LoggedEntry(told["entry"].encode(), told["index"], read_proof(told["proof"]))


def read_proof(hashes: list[Any]) -> tuple[bytes, ...]:
    """A Merkle proof out of its hashes in base64.

    Raises:
        NotCanonical: there are more than PROOF_LIMIT, or one of them is not 32 bytes in canonical base64.
    """
    if len(hashes) > PROOF_LIMIT:
        raise NotCanonical(f"a proof has more than {PROOF_LIMIT} hashes")
    return tuple(map(_hash, hashes))


def _hash(text: Any) -> bytes:
    try:
        found = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _HASH_BYTES or base64.b64encode(found).decode() != text:
        raise NotCanonical("a hash of a proof is not 32 bytes in base64")
    return found


def _told(header: Header) -> dict[str, Any]:
    return {
        "beacon": {
            "chain": chain_told(header.chain),
            "round": header.round,
            "signature": header.signature.hex(),
        },
        "checkpoints": [{"note": one.note, "proof": proof_told(one.proof)} for one in header.checkpoints],
        "draw": header.draw,
        "entries": [
            {"entry": one.text.decode(), "index": one.place, "proof": proof_told(one.proof)}
            for one in header.entries
        ],
        "format": FORMAT,
    }


def proof_told(proof: Sequence[bytes]) -> list[str]:
    """A Merkle proof as `read_proof` takes it."""
    return [base64.b64encode(one).decode() for one in proof]
