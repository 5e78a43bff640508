"""An array is taken apart as a whole reader would take it apart, wherever the file happens to be cut in reading."""

import doctest
import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_api.registers import array
from booking_api.registers.array import ArrayBroken, split_array

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\[]{},é\n'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\],'), inner, max_size=3),
)


class Cut(io.StringIO):
    """A file that gives a few characters at a time."""

    def __init__(self, text: str, size: int) -> None:
        super().__init__(text)
        self._size = size

    def read(self, _: int | None = -1, /) -> str:
        return super().read(self._size)


def test_examples_are_true():
    assert doctest.testmod(array).failed == 0


@given(items=st.lists(VALUES, max_size=5), size=st.integers(1, 9), indent=st.sampled_from([None, 1]))
def test_items_are_those_a_whole_reader_finds(items, size, indent):
    text = json.dumps(items, indent=indent, ensure_ascii=False)
    assert [json.loads(item) for item in split_array(Cut(text, size), limit=10_000)] == items


@given(text=st.text('[]{},"\\ 1a'), size=st.integers(1, 9))
def test_whatever_stands_there_ends_in_items_or_in_a_reason(text, size):
    try:
        items = list(split_array(Cut(text, size), limit=5))
    except ArrayBroken:
        return
    assert text.strip().startswith("[")
    assert all(item is None or len(item) <= 5 for item in items)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_an_item_that_is_too_long_is_passed_over_and_the_next_one_is_read(size):
    text = json.dumps(["x" * 50, {"a": ["]" * 50]}, 3])
    assert list(split_array(Cut(text, size), limit=20)) == [None, None, " 3"]


def test_memory_stays_flat_however_long_an_item_is():
    class Endless(io.StringIO):
        left = 400

        def read(self, size: int | None = -1, /) -> str:
            self.left -= 1
            return '["' + "x" * 100 if self.left == 399 else "x" * (size or 0) if self.left > 0 else ""

    tracemalloc.start()
    with pytest.raises(ArrayBroken, match="in or after item 1"):
        list(split_array(Endless(), limit=64 * 1024))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
