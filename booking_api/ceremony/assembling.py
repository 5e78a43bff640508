"""An evidence bundle out of a log and a list: the entries of one draw, their proofs, and the checkpoints that time them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from booking_api.ceremony.beacons import Round
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import CHECKPOINT, KEPT, LogFolder, LogServer
from booking_api.ceremony.stages import Concluded
from fairness.beacon import Chain
from fairness.bundle import Header, LoggedCheckpoint, LoggedEntry, write_bundle
from fairness.canonical import NotCanonical
from fairness.checkpoint import parse_checkpoint
from fairness.entrants import Entrant
from fairness.entries import Entry, Frozen, KeyEntry, Voided, read
from fairness.merkle import consistency_proof, inclusion_proof
from fairness.note import NoteRefused, parse_note
from fairness.seed import freeze_hash
from fairness.tiles import ENTRIES, TILE_WIDTH, TileReader, TileRefused


class Found(NamedTuple):
    """An entry of a draw in a log: its index, its text and what it says."""

    place: int
    text: bytes
    entry: Entry


def size_of(log: LogFolder | LogServer) -> int:
    """How many entries the log's checkpoint covers; whether anybody signed it is not looked at.

    Raises:
        CeremonyUnusable: there is no checkpoint.
    """
    note = log.read(CHECKPOINT)
    if note is None:
        raise CeremonyUnusable("there is no log here: it has no checkpoint")
    try:
        return parse_checkpoint(parse_note(note).text).size
    except NoteRefused as error:
        raise CeremonyUnusable(f"the log's checkpoint: {error}") from error


def entries_of(log: LogFolder | LogServer, size: int) -> Iterator[tuple[int, bytes]]:
    """Every entry of the log with its index.

    Raises:
        CeremonyUnusable: a bundle of entries is missing or cannot be read.
    """
    reader = TileReader(size, log.read)
    try:
        for tile in range(-(-size // TILE_WIDTH)):
            yield from enumerate(reader.fetch(ENTRIES, tile), tile * TILE_WIDTH)
    except TileRefused as error:
        raise CeremonyUnusable(f"the log: {error}") from error


def draw_entries(log: LogFolder | LogServer, size: int, *, draw: str) -> list[Found]:
    """What the log says of a draw: its own entries, and the first entry of each of its contributors' keys.

    Raises:
        CeremonyUnusable: the log cannot be read.
    """
    own: list[Found] = []
    keys: dict[bytes, Found] = {}
    for place, text in entries_of(log, size):
        try:
            entry = read(text)
        except NotCanonical:
            # Most entries of a log are of something else.
            continue
        if isinstance(entry, KeyEntry):
            keys.setdefault(entry.key, Found(place, text, entry))
        elif entry.draw == draw:
            own.append(Found(place, text, entry))
    asked = {key for found in own if isinstance(found.entry, Frozen) for key in found.entry.contributors}
    return sorted([*own, *(found for key, found in keys.items() if key in asked)])


def freeze_that_counts(found: Sequence[Found], *, draw: str) -> tuple[Found, Frozen]:
    """The one freeze of a draw's entries that nothing voids.

    Raises:
        CeremonyRefused: there is none, or a second.
    """
    voided = {one.entry.freeze for one in found if isinstance(one.entry, Voided)}
    freezes = [
        (one, one.entry)
        for one in found
        if isinstance(one.entry, Frozen) and freeze_hash(one.text) not in voided
    ]
    if len(freezes) != 1:
        raise CeremonyRefused(f"the log has {len(freezes)} freezes of {draw} that count, there must be one")
    return freezes[0]


def write_evidence(
    path: Path,
    folder: LogFolder,
    *,
    draw: str,
    chain: Chain,
    beacon_round: Round,
    entrants: Iterator[Entrant],
    concluded: Concluded,
) -> None:
    """Writes the bundle of a draw whose result is in the log.

    Raises:
        CeremonyUnusable: the log cannot be read, or the file not written.
    """
    size = size_of(folder)
    found = draw_entries(folder, size, draw=draw)
    hash_of = TileReader(size, folder.read).hash_of
    header = Header(
        draw=draw,
        chain=chain,
        round=beacon_round.number,
        signature=beacon_round.signature,
        checkpoints=tuple(
            LoggedCheckpoint(
                (folder.read(f"{KEPT}/{kept}") or b"").decode(), tuple(consistency_proof(kept, size, hash_of))
            )
            for kept in _that_matter(folder.kept_sizes(), found, size)
        ),
        entries=tuple(
            LoggedEntry(one.text, one.place, tuple(inclusion_proof(one.place, size, hash_of)))
            for one in found
        ),
    )
    unfinished = path.with_name(path.name + ".part")
    try:
        # A crash here leaves the .part file; a bundle that is there is whole.
        with unfinished.open("wb") as file:
            file.writelines(write_bundle(header, entrants, concluded.winners))
        unfinished.replace(path)
    except OSError as error:
        raise CeremonyUnusable(f"{path}: {error.strerror or error}") from error


def _that_matter(kept: Sequence[int], found: Sequence[Found], size: int) -> list[int]:
    """For each entry the first checkpoint that has it and the last that has not; and the last of all."""
    matter = {size}
    for one in found:
        after = [at for at in kept if one.place < at <= size]
        before = [at for at in kept if 0 < at <= one.place]
        matter.update(after[:1], before[-1:])
    return sorted(matter)
