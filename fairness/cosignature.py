"""A witness's dated signature under a checkpoint: c2sp.org/tlog-cosignature, the Ed25519 kind (0x04).

It says: at this time (seconds since the epoch) the largest consistent tree I had seen of this log was this.
"""

from fairness.checkpoint import parse_checkpoint
from fairness.note import (
    COSIGNATURE,
    SIGNATURE_BYTES,
    Note,
    NoteRefused,
    Signature,
    SigningKey,
    VerifierKey,
    find_signature,
    format_signature,
    is_signature,
)

TIME_LIMIT = 2**63 - 1
_TIME_BYTES = 8


class CosignatureRefused(NoteRefused):
    """No cosignature of this witness, or one that does not verify."""


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(checkpoint_text: str, key: SigningKey, time: int) -> str:
    """The witness's signature line, with its newline, over a checkpoint's text at this time in seconds.

    The caller has seen the log grow consistently up to here; nothing of that is checked.

    Raises:
        CheckpointRefused: the text is no checkpoint.
        CosignatureRefused: the time is not a positive number of seconds.
    """
    parse_checkpoint(checkpoint_text)
    if not 0 < time <= TIME_LIMIT:
        raise CosignatureRefused(f"{time} is no time in seconds since the epoch")
    blob = time.to_bytes(_TIME_BYTES, "big") + key.sign(_message(checkpoint_text, time))
    return format_signature(Signature(key.name, key.verifier(COSIGNATURE).key_id, blob))


def read_cosignature(note: Note, key: VerifierKey) -> int:
    """When the witness cosigned the note, in seconds since the epoch.

    A time of 0, which other kinds of cosignature use for "no time stated", is not taken for one.

    Raises:
        CosignatureRefused: the key is no witness's, it did not cosign, or its cosignature does not verify.
        NoteRefused: it cosigned more than once.
        CheckpointRefused: the text is no checkpoint.
    """
    if key.kind != COSIGNATURE:
        raise CosignatureRefused(f"a key of kind 0x{key.kind:02x} does not cosign")
    parse_checkpoint(note.text)
    blob = find_signature(note, key)
    if blob is None:
        raise CosignatureRefused(f"the witness {key.name!r} did not cosign")
    time = int.from_bytes(blob[:_TIME_BYTES], "big")
    if len(blob) != _TIME_BYTES + SIGNATURE_BYTES or not 0 < time <= TIME_LIMIT:
        raise CosignatureRefused(f"the cosignature of {key.name!r} is not a time and a signature")
    if not is_signature(blob[_TIME_BYTES:], _message(note.text, time), key.public_key):
        raise CosignatureRefused(f"the cosignature of {key.name!r} does not verify")
    return time
