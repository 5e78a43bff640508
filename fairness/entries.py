"""What a draw writes into the log, one type a kind (`docs/spec/draw.md`, section 3). Imports `canonical`.

An entry is its canonical text: `write` gives it, `read` takes nothing else.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from fairness.canonical import NotCanonical, decode, encode, hex_of, members, name_of
from fairness.entrants import TICKETS_LIMIT

ALGORITHM = "gongdao/draw/v1"
VERSION = 1
CONTRIBUTORS_LIMIT = 16
CATEGORIES_LIMIT = 1_000
REASON_LENGTH = 2_000
HASH_BYTES, PROOF_BYTES = 32, 80


class Beacon(NamedTuple):
    """The round that a draw waits for."""

    chain: bytes
    round: int


class KeyEntry(NamedTuple):
    """A contributor's VRF key."""

    key: bytes
    name: str


class Announced(NamedTuple):
    """One draw for one quota and period of an authority."""

    draw: str
    authority: str
    quota: str
    period: str
    beacon: Beacon
    contributors: tuple[bytes, ...]


class Frozen(NamedTuple):
    """The frozen list. `quotas`: places by category; `tickets`: the sum of all weights."""

    draw: str
    root: bytes
    entrants: int
    tickets: int
    quotas: Mapping[str, int]
    beacon: Beacon
    contributors: tuple[bytes, ...]
    code: bytes


class Contributed(NamedTuple):
    """A contributor's proof for a freeze."""

    draw: str
    freeze: bytes
    key: bytes
    proof: bytes


class Voided(NamedTuple):
    """A freeze that no longer counts."""

    draw: str
    freeze: bytes
    reason: str


class Outcome(NamedTuple):
    """One category's result in figures. `cutoff`: the last winner's score, empty without winners."""

    entrants: int
    tickets: int
    winners: int
    cutoff: bytes


class Finished(NamedTuple):
    """A draw's result."""

    draw: str
    freeze: bytes
    randomness: bytes
    seed: bytes
    categories: Mapping[str, Outcome]


Entry: TypeAlias = KeyEntry | Announced | Frozen | Contributed | Voided | Finished


def write(entry: Entry) -> bytes:
    """The entry's text.

    Raises:
        NotCanonical: a name or a number in it cannot be.
    """
    kind = _KINDS[type(entry)]
    text = encode({"kind": kind, "version": VERSION, **_facts(entry)})
    read(text)
    return text


def read(text: bytes) -> Entry:
    """The entry of a text.

    Raises:
        NotCanonical: it is none; the message names the member.
    """
    found = decode(text)
    kind = found.get("kind") if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(kind, str) or kind not in _READERS:
        raise NotCanonical("not an entry of a draw")
    wanted, make = _READERS[kind]
    told = members(found, {"kind": str, "version": int, **wanted}, kind)
    if told["version"] != VERSION:
        raise NotCanonical(f"{kind} has version {told['version']}, this reads {VERSION}")
    return make(told)


def _facts(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: value.hex() if isinstance(value, bytes) else value for name, value in entry._asdict().items()
    }
    if isinstance(entry, Announced | Frozen):
        told["algorithm"] = ALGORITHM
        told["beacon"] = {"chain": entry.beacon.chain.hex(), "round": entry.beacon.round}
        told["contributors"] = [key.hex() for key in entry.contributors]
    if isinstance(entry, Frozen):
        told["quotas"] = dict(entry.quotas)
    if isinstance(entry, Finished):
        told["categories"] = {
            category: {**outcome._asdict(), "cutoff": outcome.cutoff.hex()}
            for category, outcome in entry.categories.items()
        }
    return told


def _key(told: dict[str, Any]) -> KeyEntry:
    return KeyEntry(hex_of(told["key"], HASH_BYTES, "key"), name_of(told["name"], "name"))


def _announced(told: dict[str, Any]) -> Announced:
    return Announced(
        draw=name_of(told["draw"], "draw"),
        authority=name_of(told["authority"], "authority"),
        quota=name_of(told["quota"], "quota"),
        period=name_of(told["period"], "period"),
        beacon=_beacon(told),
        contributors=_contributors(told),
    )


def _frozen(told: dict[str, Any]) -> Frozen:
    quotas: dict[str, Any] = told["quotas"]
    if not 1 <= len(quotas) <= CATEGORIES_LIMIT:
        raise NotCanonical(f"quotas has not 1 to {CATEGORIES_LIMIT} categories")
    for category, places in quotas.items():
        name_of(category, "a category of quotas")
        if not isinstance(places, int) or places > TICKETS_LIMIT:
            raise NotCanonical(f"the places of {category} are not a whole number up to {TICKETS_LIMIT}")
    if not 1 <= told["entrants"] <= told["tickets"] <= TICKETS_LIMIT:
        raise NotCanonical(f"entrants and tickets are not from 1 to {TICKETS_LIMIT}, entrants the fewer")
    return Frozen(
        draw=name_of(told["draw"], "draw"),
        root=hex_of(told["root"], HASH_BYTES, "root"),
        entrants=told["entrants"],
        tickets=told["tickets"],
        quotas=quotas,
        beacon=_beacon(told),
        contributors=_contributors(told),
        code=hex_of(told["code"], HASH_BYTES, "code"),
    )


def _contributed(told: dict[str, Any]) -> Contributed:
    return Contributed(
        draw=name_of(told["draw"], "draw"),
        freeze=hex_of(told["freeze"], HASH_BYTES, "freeze"),
        key=hex_of(told["key"], HASH_BYTES, "key"),
        proof=hex_of(told["proof"], PROOF_BYTES, "proof"),
    )


def _voided(told: dict[str, Any]) -> Voided:
    if not 1 <= len(told["reason"]) <= REASON_LENGTH:
        raise NotCanonical(f"reason has not 1 to {REASON_LENGTH} characters")
    return Voided(name_of(told["draw"], "draw"), hex_of(told["freeze"], HASH_BYTES, "freeze"), told["reason"])


def _finished(told: dict[str, Any]) -> Finished:
    return Finished(
        draw=name_of(told["draw"], "draw"),
        freeze=hex_of(told["freeze"], HASH_BYTES, "freeze"),
        randomness=hex_of(told["randomness"], HASH_BYTES, "randomness"),
        seed=hex_of(told["seed"], HASH_BYTES, "seed"),
        categories={category: _outcome(one, category) for category, one in told["categories"].items()},
    )


def _outcome(value: Any, category: str) -> Outcome:
    name_of(category, "a category")
    told = members(value, {"cutoff": str, "entrants": int, "tickets": int, "winners": int}, category)
    cutoff = hex_of(told["cutoff"], HASH_BYTES, "cutoff") if told["cutoff"] else b""
    return Outcome(told["entrants"], told["tickets"], told["winners"], cutoff)


def _beacon(told: dict[str, Any]) -> Beacon:
    if told["algorithm"] != ALGORITHM:
        raise NotCanonical(f"algorithm is not {ALGORITHM}")
    beacon = members(told["beacon"], {"chain": str, "round": int}, "beacon")
    if beacon["round"] < 1:
        raise NotCanonical("rounds begin with 1")
    return Beacon(hex_of(beacon["chain"], HASH_BYTES, "chain"), beacon["round"])


def _contributors(told: dict[str, Any]) -> tuple[bytes, ...]:
    keys = tuple(hex_of(key, HASH_BYTES, "a contributor") for key in told["contributors"])
    if not 1 <= len(keys) <= CONTRIBUTORS_LIMIT or len(set(keys)) < len(keys):
        raise NotCanonical(f"contributors are not 1 to {CONTRIBUTORS_LIMIT} different keys")
    return keys


_DRAWN = {"algorithm": str, "beacon": dict, "contributors": list, "draw": str}
_READERS: dict[str, tuple[dict[str, type], Callable[[dict[str, Any]], Entry]]] = {
    "draw.key": ({"key": str, "name": str}, _key),
    "draw.announced": ({**_DRAWN, "authority": str, "period": str, "quota": str}, _announced),
    "draw.frozen": (
        {**_DRAWN, "code": str, "entrants": int, "quotas": dict, "root": str, "tickets": int},
        _frozen,
    ),
    "draw.contributed": ({"draw": str, "freeze": str, "key": str, "proof": str}, _contributed),
    "draw.voided": ({"draw": str, "freeze": str, "reason": str}, _voided),
    "draw.finished": (
        {"categories": dict, "draw": str, "freeze": str, "randomness": str, "seed": str},
        _finished,
    ),
}
_KINDS: dict[type, str] = {
    KeyEntry: "draw.key",
    Announced: "draw.announced",
    Frozen: "draw.frozen",
    Contributed: "draw.contributed",
    Voided: "draw.voided",
    Finished: "draw.finished",
}
