"""The trust file: whom a checker believes. c2sp.org/tlog-policy, with four kinds of line of our own.

The specification's lines are `log`, `witness`, `group` and `quorum`. Ours name the contributors to a draw by
their VRF keys (`contributor <name> <64 hex>`), the beacons by their chain hashes (`chain <name> <64 hex>`), and
the seconds a draw must be announced ahead (`lead`) and clocks may differ (`margin`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from nacl.bindings import crypto_core_ed25519_is_valid_point

from fairness.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint, parse_checkpoint
from fairness.cosignature import read_cosignature
from fairness.encoding import decode_decimal
from fairness.note import (
    COSIGNATURE,
    ED25519,
    Note,
    NoteRefused,
    VerifierKey,
    find_signature,
    parse_note,
    parse_vkey,
    verify_signature,
)

LEAD_S = 86_400
MARGIN_S = 600

_NONE = "none"
_FILE_BYTES_LIMIT = 1_000_000
_SECONDS_LIMIT = 2**31 - 1
_HEX = frozenset("0123456789abcdef")
_HEX_DIGITS = 64


class PolicyUnusable(ValueError):
    """A trust file nobody can be trusted by. The text names the line."""


class Log(NamedTuple):
    """A log that is believed, by its key, whose name is the origin of its checkpoints."""

    key: VerifierKey
    url: str | None


class Witness(NamedTuple):
    """A witness under the name the policy gives it, which need not be its key's."""

    name: str
    key: VerifierKey
    url: str | None


class Group(NamedTuple):
    """Witnesses and groups of which at least `threshold` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


class Cosigned(NamedTuple):
    """A checkpoint the policy accepts: whose it is, and when each of the policy's witnesses cosigned (seconds)."""

    checkpoint: Checkpoint
    log: VerifierKey
    times: dict[str, int]


@dataclass(frozen=True)
class Policy:
    """What a trust file says. Groups stand in the file's order: members before the groups they are in.

    Names that are not UTF-8 are kept apart by Python's surrogate escapes. `lead_s` and `margin_s` are seconds.
    """

    logs: tuple[Log, ...]
    witnesses: dict[str, Witness]
    groups: dict[str, Group]
    quorum: str
    contributors: dict[str, bytes]
    chains: dict[str, bytes]
    lead_s: int = LEAD_S
    margin_s: int = MARGIN_S

    def is_quorum(self, names: Collection[str]) -> bool:
        """Whether these witnesses, by their names here, are enough. Other names count for nothing."""
        if self.quorum == _NONE:
            return True
        reached = {name for name in names if name in self.witnesses}
        for group in self.groups.values():
            if sum(member in reached for member in group.members) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached


class _Reading:
    """The file so far; each method takes the words after its keyword."""

    def __init__(self) -> None:
        self.line = 0
        self.logs: list[Log] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.contributors: dict[str, bytes] = {}
        self.chains: dict[str, bytes] = {}
        self.seconds: dict[str, int] = {}

    def refuse(self, sentence: str) -> NoReturn:
        raise PolicyUnusable(f"line {self.line}: {sentence}")

    def take(self, words: list[str]) -> None:
        """Read one line that is neither empty nor a comment."""
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self.log(self.key(vkey, ED25519), *url)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self.witness(name, self.key(vkey, COSIGNATURE), *url)
            case ["group", name, threshold, *members]:
                self.group(name, threshold, members)
            case ["quorum", name]:
                self.set_quorum(name)
            case ["contributor", name, value]:
                self.contributor(name, value)
            case ["chain", name, value]:
                self.add(self.chains, "chain", name, value)
            case ["lead" | "margin" as what, value]:
                self.set_seconds(what, value)
            case ["log" | "witness" | "group" | "quorum" | "contributor" | "chain" | "lead" | "margin", *_]:
                self.refuse(f"the wrong number of words for {words[0]!r}")
            case _:
                self.refuse(f"{words[0]!r} begins no line of a policy")

    def key(self, text: str, kind: int) -> VerifierKey:
        try:
            key = parse_vkey(text)
        except NoteRefused as error:
            self.refuse(str(error))
        if key.kind != kind:
            self.refuse(f"a key of kind 0x{key.kind:02x} where 0x{kind:02x} is wanted")
        return key

    def log(self, key: VerifierKey, url: str | None = None) -> None:
        self.refuse_known(key, [log.key for log in self.logs], "log")
        self.logs.append(Log(key, url))

    def witness(self, name: str, key: VerifierKey, url: str | None = None) -> None:
        self.refuse_name(name)
        self.refuse_known(key, [witness.key for witness in self.witnesses.values()], "witness")
        self.witnesses[name] = Witness(name, key, url)

    def refuse_known(self, key: VerifierKey, known: list[VerifierKey], what: str) -> None:
        for other in known:
            if key.public_key == other.public_key:
                self.refuse(f"another {what} has the same public key")
            if (key.name, key.key_id) == (other.name, other.key_id):
                self.refuse(f"another {what} has the same key name and key id")

    def refuse_name(self, name: str) -> None:
        if name == _NONE or name in self.witnesses or name in self.groups:
            self.refuse(f"the name {name!r} is taken")

    def group(self, name: str, threshold: str, members: list[str]) -> None:
        self.refuse_name(name)
        taken = {member for group in self.groups.values() for member in group.members}
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                self.refuse(f"no line above defines {member!r}")
            if member in taken:
                self.refuse(f"{member!r} is already a member of a group")
            taken.add(member)
        count = {"any": 1, "all": len(members)}.get(threshold) or decode_decimal(threshold, len(members))
        if not members or not count:
            self.refuse(f"{threshold!r} is no number of {len(members)} members")
        self.groups[name] = Group(name, count, tuple(members))

    def set_quorum(self, name: str) -> None:
        if self.quorum is not None:
            self.refuse("a second quorum")
        if name != _NONE and name not in self.witnesses and name not in self.groups:
            self.refuse(f"no line above defines {name!r}")
        self.quorum = name

    def contributor(self, name: str, value: str) -> None:
        self.add(self.contributors, "contributor", name, value)
        if not crypto_core_ed25519_is_valid_point(self.contributors[name]):
            self.refuse(f"the key of the contributor {name!r} is not a valid Ed25519 key")

    def add(self, known: dict[str, bytes], what: str, name: str, value: str) -> None:
        if len(value) != _HEX_DIGITS or not _HEX.issuperset(value):
            self.refuse(f"a {what} is a name and {_HEX_DIGITS} lower-case hex digits")
        data = bytes.fromhex(value)
        # One contributor under two names could contribute twice, one beacon stand in for another.
        if name in known or data in known.values():
            self.refuse(f"the {what} {name!r} is there already")
        known[name] = data

    def set_seconds(self, what: str, value: str) -> None:
        seconds = decode_decimal(value, _SECONDS_LIMIT)
        if seconds is None or what in self.seconds:
            self.refuse(f"{what!r} is said once, in seconds")
        self.seconds[what] = seconds

    def policy(self) -> Policy:
        if self.quorum is None:
            self.refuse("the file ends without a quorum")
        return Policy(
            logs=tuple(self.logs),
            witnesses=self.witnesses,
            groups=self.groups,
            quorum=self.quorum,
            contributors=self.contributors,
            chains=self.chains,
            lead_s=self.seconds.get("lead", LEAD_S),
            margin_s=self.seconds.get("margin", MARGIN_S),
        )


def _lines(text: str | bytes) -> list[str]:
    try:
        octets = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise PolicyUnusable("the policy is no valid Unicode") from error
    if len(octets) > _FILE_BYTES_LIMIT:
        raise PolicyUnusable(f"the policy has over {_FILE_BYTES_LIMIT} bytes")
    # Bytes beyond ASCII are opaque to the specification: the escapes keep any two of them apart.
    lines = octets.decode(errors="surrogateescape").split("\n")
    if lines.pop():
        raise PolicyUnusable(f"line {len(lines) + 1}: no newline at the end; the file may have been cut off")
    return lines


def parse_policy(text: str | bytes) -> Policy:
    """Read a trust file.

    Raises:
        PolicyUnusable: over a million bytes, control characters, a last line without a newline, a line that is
            not one of the eight kinds or not written as its kind is, a key that is unusable, of the wrong kind
            or there twice, a name defined twice or not yet, no quorum or two.
    """
    reading = _Reading()
    for reading.line, line in enumerate(_lines(text), start=1):
        if any((character < " " and character != "\t") or character == "\x7f" for character in set(line)):
            reading.refuse("a control character")
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if words and not words[0].startswith("#"):
            reading.take(words)
    return reading.policy()


def _times(policy: Policy, note: Note) -> dict[str, int]:
    """When each known witness cosigned; a cosignature that does not verify refuses the note."""
    return {
        name: read_cosignature(note, witness.key)
        for name, witness in policy.witnesses.items()
        if find_signature(note, witness.key) is not None
    }


def check_checkpoint(policy: Policy, note_text: str | bytes) -> Cosigned:
    """The checkpoint, if one of the policy's logs signed it and a quorum of its witnesses cosigned it.

    Raises:
        NoteRefused: not a signed note, or a signature of one of the policy's keys that does not verify.
        CheckpointRefused: the text is no checkpoint, no log of the policy signed it as its own, or too few
            witnesses cosigned it.
    """
    note = parse_note(note_text)
    origin = parse_checkpoint(note.text).origin
    signed = [log.key for log in policy.logs if verify_signature(note, log.key)]
    own = [key for key in signed if key.name == origin]
    if not own:
        raise CheckpointRefused(f"no log of the policy signed this checkpoint of {origin!r}")
    times = _times(policy, note)
    if not policy.is_quorum(times):
        raise CheckpointRefused(f"the witnesses who cosigned are no quorum: {sorted(times)}")
    return Cosigned(open_checkpoint(note, own[0]), own[0], times)


def witnessed_by(policy: Policy, times: Mapping[str, int], *, at_latest: int) -> bool:
    """Whether a quorum had cosigned by this moment (seconds, included)."""
    return policy.is_quorum({name for name, time in times.items() if time <= at_latest})


def witnessed_from(policy: Policy, times: Mapping[str, int], *, at_earliest: int) -> bool:
    """Whether a quorum cosigned at this moment or after it (seconds)."""
    return policy.is_quorum({name for name, time in times.items() if time >= at_earliest})
