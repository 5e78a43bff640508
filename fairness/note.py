"""Signed notes and their Ed25519 keys: c2sp.org/signed-note. Imports PyNaCl and the strict encodings.

A note is a text that ends with a newline, an empty line, and a line for each signature. Who may sign what is
said elsewhere: `checkpoint` and `cosignature` give the two kinds of key their meaning.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign, crypto_sign_open
from nacl.bindings import crypto_sign_seed_keypair as keypair_of_seed
from nacl.exceptions import BadSignatureError

from fairness.encoding import decode_base64, decode_utf8, encode_base64, encode_utf8

ED25519 = 0x01
COSIGNATURE = 0x04
KEY_BYTES = 32
KEY_ID_BYTES = 4
SIGNATURE_BYTES = 64
# The specification asks for at least 16 signatures; these are the limits of Go's sumdb/note.
NOTE_BYTES_LIMIT = 1_000_000
SIGNATURES_LIMIT = 100

_KEY_TEXT_LIMIT = 2000
_DASH = "— "
_SECRET = "PRIVATE+KEY+"  # noqa: S105 the field's name, not a key
_KINDS = (ED25519, COSIGNATURE)
# Unicode's White_Space, by number: a later Python's tables must not change who may bear which name.
_SPACES = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class NoteRefused(ValueError):
    """A note, key or signature that is not written as the specification says, or does not verify."""


class Signature(NamedTuple):
    """One signature line: the key's name, its id (4 bytes) and whatever that key's kind of signature holds."""

    name: str
    key_id: bytes
    blob: bytes


class Note(NamedTuple):
    """A text that ends with a newline, and its signatures in the order of their lines."""

    text: str
    signatures: tuple[Signature, ...]


class VerifierKey(NamedTuple):
    """A public key under a name. Written `<name>+<key id in hex>+<base64 of kind and key>`, by `str`."""

    name: str
    kind: int
    public_key: bytes
    key_id: bytes

    def __str__(self) -> str:
        """The vkey text."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.public_key)}"


def make_key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The first four bytes of SHA-256 over name, newline, kind and public key."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:KEY_ID_BYTES]


def _refuse_name(name: str) -> None:
    if not name or "+" in name or not _SPACES.isdisjoint(name) or min(name) < " ":
        raise NoteRefused(
            f"{name!r} is no key name: it is empty or has a space, a plus or a control character"
        )
    if encode_utf8(name) is None:
        raise NoteRefused(f"the key name {name!r} is not valid Unicode")


def make_verifier_key(name: str, kind: int, public_key: bytes) -> VerifierKey:
    """The key under its name, with its id.

    Raises:
        NoteRefused: a name with spaces or plus, a kind other than 0x01 and 0x04, a public key that is not 32
            bytes, not canonical, of small order or outside the prime-order group.
    """
    _refuse_name(name)
    if kind not in _KINDS:
        raise NoteRefused(f"keys of kind 0x{kind:02x} are not known here")
    if len(public_key) != KEY_BYTES or not crypto_core_ed25519_is_valid_point(public_key):
        raise NoteRefused(f"the public key of {name!r} is not a valid Ed25519 key")
    return VerifierKey(name, kind, public_key, make_key_id(name, kind, public_key))


def _parse_key_text(text: str) -> tuple[str, str, bytes]:
    """Name, key id in hex, and the bytes behind them, of `name+hex8+base64`."""
    # A name has no plus, base64 may.
    parts = text.split("+", 2) if len(text) <= _KEY_TEXT_LIMIT else []
    data = decode_base64(parts[2]) if len(parts) == 3 else None
    if data is None or len(data) != 1 + KEY_BYTES:
        raise NoteRefused("a key is written <name>+<8 hex digits>+<base64 of 33 bytes>")
    return parts[0], parts[1], data


def parse_vkey(text: str) -> VerifierKey:
    """Read a public key out of its vkey text.

    Raises:
        NoteRefused: not written as a vkey, an id that is not the key's, or a key `make_verifier_key` refuses.
    """
    name, key_id, data = _parse_key_text(text)
    key = make_verifier_key(name, data[0], data[1:])
    if key.key_id.hex() != key_id:
        raise NoteRefused(f"the key id of {name!r} is not that of its key")
    return key


@dataclass(frozen=True)
class SigningKey:
    """A secret key under a name: the 32 bytes of an Ed25519 seed, which never show in a printed value.

    Raises:
        NoteRefused: a name with spaces or plus, a seed of another length.
    """

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _refuse_name(self.name)
        if len(self.seed) != KEY_BYTES:
            raise NoteRefused(f"a seed has {KEY_BYTES} bytes, not {len(self.seed)}")

    def verifier(self, kind: int = ED25519) -> VerifierKey:
        """The public key: of kind `ED25519` a log's, of kind `COSIGNATURE` a witness's."""
        return make_verifier_key(self.name, kind, keypair_of_seed(self.seed)[0])

    def secret_text(self) -> str:
        """The form Go's note package reads: `PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and seed>`."""
        key_id = self.verifier().key_id.hex()
        return f"{_SECRET}{self.name}+{key_id}+{encode_base64(bytes([ED25519]) + self.seed)}"

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of RFC 8032's signature over the message."""
        return crypto_sign(message, keypair_of_seed(self.seed)[1])[:SIGNATURE_BYTES]


def parse_signing_key(text: str) -> SigningKey:
    """Read a secret key out of its `PRIVATE+KEY+...` text; a witness's is written the same way.

    Raises:
        NoteRefused: not written so, or the id is not the key's. The text itself is never in the sentence.
    """
    if not text.startswith(_SECRET):
        raise NoteRefused(f"a secret key begins with {_SECRET}")
    name, key_id, data = _parse_key_text(text.removeprefix(_SECRET))
    if data[0] != ED25519:
        raise NoteRefused(f"secret keys of kind 0x{data[0]:02x} are not known here")
    key = SigningKey(name, data[1:])
    if key.verifier().key_id.hex() != key_id:
        raise NoteRefused(f"the key id of {name!r} is not that of its secret key")
    return key


def format_signature(signature: Signature) -> str:
    """The signature's line, with its newline."""
    return f"{_DASH}{signature.name} {encode_base64(signature.key_id + signature.blob)}\n"


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    data = decode_base64(encoded)
    if not line.startswith(_DASH) or not space or data is None or len(data) <= KEY_ID_BYTES:
        raise NoteRefused("a signature's line is not written as a dash, a name and base64")
    _refuse_name(name)
    return Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _refuse_text(text: str) -> None:
    encoded = encode_utf8(text)
    if encoded is None or len(encoded) > NOTE_BYTES_LIMIT:
        raise NoteRefused(f"the note is not valid Unicode of at most {NOTE_BYTES_LIMIT} bytes")
    if any(character < " " and character != "\n" for character in set(text)):
        raise NoteRefused("the note has control characters")
    if not text.endswith("\n"):
        raise NoteRefused("the note does not end with a newline")


def parse_note(text: str | bytes) -> Note:
    """Take a signed note apart. Nothing is verified yet.

    Raises:
        NoteRefused: over a million bytes or a hundred signatures, not UTF-8, control characters, no empty line
            before the signatures, a signature's line not written as the specification says.
    """
    if isinstance(text, bytes):
        decoded = decode_utf8(text[: NOTE_BYTES_LIMIT + 1]) if len(text) <= NOTE_BYTES_LIMIT else None
        if decoded is None:
            raise NoteRefused(f"the note is not UTF-8 of at most {NOTE_BYTES_LIMIT} bytes")
        text = decoded
    _refuse_text(text)
    body, empty_line, lines = text.rpartition("\n\n")
    if not empty_line or not lines:
        raise NoteRefused("the note has no signatures after an empty line")
    signatures = lines.removesuffix("\n").split("\n")
    if len(signatures) > SIGNATURES_LIMIT:
        raise NoteRefused(f"the note has over {SIGNATURES_LIMIT} signatures")
    return Note(body + "\n", tuple(_parse_signature(line) for line in signatures))


def format_note(note: Note) -> str:
    """The note as text, signatures last."""
    return note.text + "\n" + "".join(map(format_signature, note.signatures))


def sign_note(text: str, key: SigningKey) -> str:
    """The signature line of an Ed25519 key over the text. The note is text, newline and such lines.

    Raises:
        NoteRefused: the text is not one a note may have.
    """
    _refuse_text(text)
    return format_signature(Signature(key.name, key.verifier().key_id, key.sign(text.encode())))


def find_signature(note: Note, key: VerifierKey) -> bytes | None:
    """What the key left in the note, unverified; None when it did not sign.

    Raises:
        NoteRefused: the key signed more than once, so that it would not be clear what it says.
    """
    found = [one.blob for one in note.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
    if len(found) > 1:
        raise NoteRefused(f"the note has more than one signature of {key.name!r}")
    return found[0] if found else None


def is_signature(signature: bytes, message: bytes, public_key: bytes) -> bool:
    """Whether these 64 bytes are the key's signature over the message, by RFC 8032 and libsodium's strictness."""
    if len(signature) != SIGNATURE_BYTES or len(public_key) != KEY_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def verify_signature(note: Note, key: VerifierKey) -> bool:
    """Whether this Ed25519 key signed the note; signatures of other keys are not looked at.

    Raises:
        NoteRefused: a signature under the key's name and id does not verify, or there are several: the whole
            note is then worth nothing. Also when the key is not of kind `ED25519`.
    """
    if key.kind != ED25519:
        raise NoteRefused(f"a key of kind 0x{key.kind:02x} does not sign notes as such")
    blob = find_signature(note, key)
    if blob is None:
        return False
    if not is_signature(blob, note.text.encode(), key.public_key):
        raise NoteRefused(f"the signature of {key.name!r} does not verify")
    return True
