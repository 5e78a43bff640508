"""A log's checkpoint: origin, size and root as the text of a signed note. c2sp.org/tlog-checkpoint."""

from typing import NamedTuple

from fairness.encoding import decode_base64, decode_decimal, encode_base64, encode_utf8
from fairness.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_LIMIT
from fairness.note import Note, NoteRefused, VerifierKey, verify_signature


class CheckpointRefused(NoteRefused):
    """A note whose text is no checkpoint, or one that is not the log's."""


class Checkpoint(NamedTuple):
    """What a log signs: its origin, the number of its entries, their root (32 bytes), and extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint out of a note's text.

    Raises:
        CheckpointRefused: fewer than three lines, an empty line, no newline at the end, control characters, a
            size or root that is not canonical, an empty tree with another root than the empty one.
    """
    if not text.endswith("\n") or encode_utf8(text) is None:
        raise CheckpointRefused("the checkpoint does not end with a newline or is not valid Unicode")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise CheckpointRefused("a checkpoint has an origin, a size, a root and no empty line")
    if any(character < " " for line in lines for character in set(line)):
        raise CheckpointRefused("the checkpoint has control characters")
    size = decode_decimal(lines[1], SIZE_LIMIT)
    if size is None:
        raise CheckpointRefused("the checkpoint's size is not a number")
    root = decode_base64(lines[2])
    if root is None or len(root) != HASH_BYTES:
        raise CheckpointRefused(f"the checkpoint's root is not base64 of {HASH_BYTES} bytes")
    if size == 0 and root != EMPTY_ROOT:
        raise CheckpointRefused("the checkpoint of an empty log has another root")
    return Checkpoint(lines[0], size, root, tuple(lines[3:]))


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The note's text.

    Raises:
        CheckpointRefused: `parse_checkpoint` would not read it back as the same.
    """
    origin, size, root, extensions = checkpoint
    text = "".join(f"{line}\n" for line in (origin, size, encode_base64(root), *extensions))
    if parse_checkpoint(text) != checkpoint:
        raise CheckpointRefused("a line of the checkpoint holds a newline")
    return text


def open_checkpoint(note: Note, key: VerifierKey) -> Checkpoint:
    """The checkpoint, verified to be signed by the log with this key, whose name is the origin.

    Raises:
        NoteRefused: the key's signature does not verify.
        CheckpointRefused: the key did not sign, the text is no checkpoint, or its origin is another log's.
    """
    if not verify_signature(note, key):
        raise CheckpointRefused(f"the log {key.name!r} did not sign this note")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != key.name:
        raise CheckpointRefused(f"the log {key.name!r} signed for the origin {checkpoint.origin!r}")
    return checkpoint
