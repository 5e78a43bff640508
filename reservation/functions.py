"""Valkey function libraries, built from `.lua` files. Imports the standard library only.

A library and its functions are named by the digest of their source, so two versions of the program can run against
one server at the same time and neither replaces the other's functions.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple


class Library(NamedTuple):
    """`names` maps a function's plain name to the name it is called by."""

    name: str
    code: str
    names: Mapping[str, bytes]


def read_sources(package: str, names: Sequence[str]) -> dict[str, str]:
    """The text of `lua/<name>.lua` in a package, in the order given."""
    folder = files(package) / "lua"
    return {name: (folder / f"{name}.lua").read_text() for name in names}


def build_library(
    name: str, *, sources: Mapping[str, str], functions: Sequence[str], read_only: Sequence[str] = ()
) -> Library:
    """One library from several sources; each of `functions` is a local Lua function of that name.

    Raises:
        ValueError: a function has no source of its name.
    """
    missing = [function for function in functions if function not in sources]
    if missing:
        raise ValueError(f"no Lua source for {', '.join(missing)}")
    body = "\n".join(sources.values())
    digest = sha256(body.encode()).hexdigest()[:10]
    lines = [f"#!lua name={name}_{digest}", body]
    for function in functions:
        flags = ", flags = { 'no-writes' }" if function in read_only else ""
        lines.append(
            f"redis.register_function{{ function_name = '{function}_{digest}', callback = {function}{flags} }}"
        )
    return Library(
        name=f"{name}_{digest}",
        code="\n".join(lines),
        names={function: f"{function}_{digest}".encode() for function in functions},
    )


POOL_FUNCTIONS = (
    "hold",
    "mark",
    "unmark",
    "release",
    "apply",
    "look",
    "look_or_end",
    "overdue",
    "flip",
    "free",
    "inspect",
    "claimants",
    "note",
    "pulse",
    "join",
    "unlease",
)


def reservation_library() -> Library:
    """The kernel's own functions."""
    return build_library(
        "reservation",
        sources=read_sources("reservation", ("pool", *POOL_FUNCTIONS)),
        functions=POOL_FUNCTIONS,
        read_only=("free", "look", "inspect", "claimants"),
    )
