"""An entrant's receipt, out of what is public: the log and the published list, or the draw's bundle."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from booking_api.ceremony.assembling import draw_entries, freeze_that_counts, size_of
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import CHECKPOINT, LogFolder, LogServer
from booking_api.ceremony.stages import read_frozen_list
from fairness.bundle import HEADER_LIMIT, read_header, read_line
from fairness.canonical import NotCanonical, hex_of
from fairness.ceremony import EntriesRefused, read_ceremony
from fairness.entrants import SALT_BYTES, Entrant, EntrantsRefused, hash_id, reader_of_lines
from fairness.entries import Frozen
from fairness.merkle import inclusion_proof
from fairness.receipt import Receipt, prove_line, write_receipt
from fairness.receipt_steps import ReceiptRefused, check_line
from fairness.tiles import TileReader, TileRefused
from fairness.tlog_proof import TlogProof, TlogProofRefused, format_tlog_proof


class Holder(NamedTuple):
    """Whose receipt it is: id and salt are empty where they are not to be in it."""

    id_hash: bytes
    entrant_id: str = ""
    salt: bytes = b""


class LoggedFreeze(NamedTuple):
    """A freeze with the proof that it is in a log, as the text of a c2sp.org/tlog-proof."""

    text: bytes
    frozen: Frozen
    proof: str


def holder_of(*, entrant_id: str, salt: str) -> Holder:
    """The holder by their id and the 64 digits of lower-case hex of their salt.

    Raises:
        CeremonyUnusable: there is no id, it cannot be hashed, or the salt is none.
    """
    if not entrant_id:
        raise CeremonyUnusable("--id: the id that was hashed is needed")
    try:
        octets = hex_of(salt, SALT_BYTES, "the salt")
    except NotCanonical:
        raise CeremonyUnusable(f"--salt: {2 * SALT_BYTES} digits of lower-case hex are needed") from None
    try:
        return Holder(hash_id(salt=octets, entrant_id=entrant_id), entrant_id, octets)
    except UnicodeEncodeError:
        raise CeremonyUnusable("--id: not UTF-8") from None


def receipt_from_log(log: LogFolder | LogServer, listed: Path, holder: Holder, *, draw: str) -> bytes:
    """The receipt's text, out of a log and the list that was published with the freeze.

    Raises:
        CeremonyUnusable: the log or the list cannot be read.
        CeremonyRefused: no freeze of the draw counts, or the list is not the frozen one.
    """
    size = size_of(log)
    counted, frozen = freeze_that_counts(draw_entries(log, size, draw=draw), draw=draw)
    try:
        proof = inclusion_proof(counted.place, size, TileReader(size, log.read).hash_of)
    except TileRefused as error:
        raise CeremonyUnusable(f"the log: {error}") from error
    note = (log.read(CHECKPOINT) or b"").decode(errors="replace")
    logged = LoggedFreeze(counted.text, frozen, _proof_text(counted.place, tuple(proof), note))
    return _receipt(logged, read_frozen_list(listed, frozen), holder)


def receipt_from_bundle(bundle: Path, holder: Holder) -> bytes:
    """The receipt's text, out of the draw's bundle, of which nothing but the list is verified.

    Raises:
        CeremonyUnusable: the bundle cannot be read.
        CeremonyRefused: its list is not the frozen one.
    """
    try:
        with bundle.open("rb") as source:
            header = read_header(read_line(source, limit=HEADER_LIMIT))
            ceremony = read_ceremony(header)
            entry = header.entries[ceremony.frozen_at]
            proof = _proof_text(entry.place, entry.proof, header.checkpoints[-1].note)
            read = reader_of_lines(ceremony.frozen.quotas)
            lines: Iterator[bytes] = iter(lambda: read_line(source), b"")
            entrants = map(read, islice(lines, ceremony.frozen.entrants))
            return _receipt(LoggedFreeze(entry.text, ceremony.frozen, proof), entrants, holder)
    except OSError as error:
        raise CeremonyUnusable(f"{bundle}: {error.strerror or error}") from error
    except (NotCanonical, EntriesRefused, EntrantsRefused) as error:
        raise CeremonyUnusable(f"{bundle}: {error}") from error


def _receipt(logged: LoggedFreeze, entrants: Iterable[Entrant], holder: Holder) -> bytes:
    receipt = Receipt(
        freeze=logged.text,
        frozen=logged.frozen,
        id_hash=holder.id_hash,
        entrant_id=holder.entrant_id,
        salt=holder.salt,
        lines=prove_line(entrants, holder.id_hash),
        log=logged.proof,
    )
    try:
        check_line(receipt)
    except ReceiptRefused as error:
        raise CeremonyRefused(f"the list is not the one that was frozen: {error.reason}") from error
    return write_receipt(receipt)


def _proof_text(place: int, proof: tuple[bytes, ...], note: str) -> str:
    try:
        return format_tlog_proof(TlogProof(index=place, proof=proof, checkpoint=note))
    except TlogProofRefused as error:
        raise CeremonyUnusable(str(error)) from error
