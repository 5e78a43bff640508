"""Function libraries: named by what they are, so that two versions live side by side."""

import pytest
from redis.exceptions import ResponseError

from reservation.functions import POOL_FUNCTIONS, build_library, read_sources, reservation_library
from reservation.keys import fence_key

SOURCES = {"one": "local function one(keys, args) return { 'one' } end"}


def test_the_same_source_has_the_same_name_and_another_source_another():
    first = build_library("lib", sources=SOURCES, functions=["one"])
    same = build_library("lib", sources=dict(SOURCES), functions=["one"])
    other = build_library("lib", sources={"one": SOURCES["one"] + " -- changed"}, functions=["one"])
    assert first == same
    assert first.name != other.name
    assert first.names["one"] != other.names["one"]


def test_a_function_without_a_source_is_refused():
    with pytest.raises(ValueError, match="no Lua source for two"):
        build_library("lib", sources=SOURCES, functions=["one", "two"])


@pytest.mark.parametrize("function", ["free", "look", "inspect", "claimants"])
async def test_what_only_reads_runs_where_nothing_may_be_written(kernel, valkey, function):
    """On a full or read-only server the counts are still shown."""
    called = reservation_library().names[function]
    assert await valkey.execute_command("FCALL_RO", called, 1, fence_key(1), "0") in (
        [-1],
        [],
        ["0"],
        ["stale"],
    )


async def test_what_writes_says_so(kernel, valkey):
    called = reservation_library().names["hold"]
    with pytest.raises(ResponseError, match="write flag"):
        await valkey.execute_command("FCALL_RO", called, 1, fence_key(1), "0")


async def test_every_function_is_loaded_on_the_server(kernel, valkey):
    library = reservation_library()
    [loaded] = await valkey.execute_command("FUNCTION", "LIST", "LIBRARYNAME", library.name)
    names = {one["name"] for one in loaded["functions"]}
    assert names == {name.decode() for name in library.names.values()}


async def test_an_older_programs_library_is_left_on_the_server(kernel, kernels, valkey):
    """Two versions of the program run during a deployment."""
    sources = read_sources("reservation", ("pool", *POOL_FUNCTIONS))
    sources["pool"] += "\n-- another version"
    newer = build_library("reservation", sources=sources, functions=POOL_FUNCTIONS, read_only=("free",))
    await kernels(libraries=[newer])
    listed = await valkey.execute_command("FUNCTION", "LIST")
    names = {one["library_name"] for one in listed}
    assert names >= {reservation_library().name, newer.name}
