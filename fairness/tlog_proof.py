"""Receipts: c2sp.org/tlog-proof@v1, an entry's index, its inclusion proof and the checkpoint, in one text."""

from collections.abc import Iterator
from dataclasses import dataclass

from fairness.checkpoint import parse_checkpoint
from fairness.encoding import decode_base64, decode_decimal, decode_utf8, encode_base64, encode_utf8
from fairness.merkle import HASH_BYTES, SIZE_LIMIT, ProofRefused, check_inclusion, leaf_hash
from fairness.note import NOTE_BYTES_LIMIT, NoteRefused, parse_note
from fairness.policy import Cosigned, Policy, check_checkpoint

HEADER = "c2sp.org/tlog-proof@v1"
PROOF_LIMIT = 63

_EXTRA = "extra "
_INDEX = "index "
# A note of the largest size, as much again for extra data, and the proof.
_TEXT_BYTES_LIMIT = 2 * NOTE_BYTES_LIMIT + 10_000


class TlogProofRefused(ValueError):
    """A receipt that is not written as one, or that does not show the entry to be in the log."""


@dataclass(frozen=True)
class TlogProof:
    """A receipt. `checkpoint` is the signed note as it was given; `extra` is signed by nobody."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def _decoded(text: str | bytes) -> str:
    if len(text) <= _TEXT_BYTES_LIMIT:
        if isinstance(text, bytes):
            decoded = decode_utf8(text)
            if decoded is not None:
                return decoded
        elif encode_utf8(text) is not None:
            return text
    raise TlogProofRefused(f"the receipt is not UTF-8 of at most {_TEXT_BYTES_LIMIT} bytes")


def _parse_extra(line: str) -> bytes:
    extra = decode_base64(line.removeprefix(_EXTRA))
    if not extra:
        raise TlogProofRefused("the receipt's extra data is not base64, or there is none")
    return extra


def _parse_hashes(lines: Iterator[str]) -> Iterator[bytes]:
    for line in lines:
        value = decode_base64(line)
        if value is None or len(value) != HASH_BYTES:
            raise TlogProofRefused(f"a line of the receipt's proof is not base64 of {HASH_BYTES} bytes")
        yield value


def parse_tlog_proof(text: str | bytes) -> TlogProof:
    """Take a receipt apart. Nothing is verified yet.

    Raises:
        TlogProofRefused: another first line, no index, hashes or extra data that are not canonical base64, over
            63 hashes, or what follows the empty line is no signed checkpoint.
    """
    head, empty_line, checkpoint = _decoded(text).partition("\n\n")
    lines = head.split("\n")
    if not empty_line or lines[0] != HEADER:
        raise TlogProofRefused(
            f"a receipt begins with {HEADER!r} and has an empty line before its checkpoint"
        )
    extra = _parse_extra(lines.pop(1)) if len(lines) > 1 and lines[1].startswith(_EXTRA) else None
    index_line = lines[1] if len(lines) > 1 else ""
    index = decode_decimal(index_line.removeprefix(_INDEX), SIZE_LIMIT)
    if not index_line.startswith(_INDEX) or index is None:
        raise TlogProofRefused("the receipt has no index")
    if len(lines) - 2 > PROOF_LIMIT:
        raise TlogProofRefused(f"the receipt's proof has over {PROOF_LIMIT} hashes")
    proof = tuple(_parse_hashes(iter(lines[2:])))
    try:
        parse_checkpoint(parse_note(checkpoint).text)
    except NoteRefused as error:
        raise TlogProofRefused(f"the receipt's checkpoint: {error}") from error
    return TlogProof(index, proof, checkpoint, extra)


def format_tlog_proof(receipt: TlogProof) -> str:
    """The receipt as text.

    Raises:
        TlogProofRefused: `parse_tlog_proof` would not read it back as the same.
    """
    extra = [] if receipt.extra is None else [_EXTRA + encode_base64(receipt.extra)]
    lines = [HEADER, *extra, f"{_INDEX}{receipt.index}", *map(encode_base64, receipt.proof)]
    text = "\n".join(lines) + "\n\n" + receipt.checkpoint
    if parse_tlog_proof(text) != receipt:
        raise TlogProofRefused("the receipt would be read as another")
    return text


def check_tlog_proof(policy: Policy, receipt: TlogProof, entry: bytes) -> Cosigned:
    """The checkpoint under which the policy believes this entry to be in the log, at the receipt's index.

    Raises:
        TlogProofRefused: the policy does not accept the checkpoint, or the proof does not lead from the entry
            to its root. The cause tells which.
    """
    try:
        cosigned = check_checkpoint(policy, receipt.checkpoint)
        check_inclusion(
            leaf=leaf_hash(entry),
            index=receipt.index,
            size=cosigned.checkpoint.size,
            proof=receipt.proof,
            root=cosigned.checkpoint.root,
        )
    except (NoteRefused, ProofRefused) as error:
        raise TlogProofRefused(str(error)) from error
    return cosigned
