"""What is no problem is refused in one line that says where and why; nothing else comes out of reading one."""

import copy
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fairness.rounds.problem import ProblemUnusable, read_problem

GOOD = {
    "version": 1,
    "sessions": [{"id": "a", "capacity": 2}, {"id": "b", "capacity": 0}],
    "applications": [
        {"id": "p", "class": 0, "lines": [["a"], ["b", "a"]], "school": "x"},
        {"id": "q", "class": -3, "lines": []},
        {"id": "r", "class": 0, "lines": []},
    ],
    "batches": [{"id": "g", "members": ["q"], "lines": [["a"]]}],
    "schools": [
        {"id": "x", "max": 1, "reserve": [{"session": "a", "seats": 1}]},
        {"id": "y", "reserve": [{"session": "a", "seats": 1}, {"session": "b", "seats": 0}]},
    ],
}
GONE = object()


def bent(*path, to):
    """The good problem's text with another value at one place."""
    problem = copy.deepcopy(GOOD)
    place = problem
    for key in path[:-1]:
        place = place[key]
    if to is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(problem).encode()


def added(*path, to):
    at = GOOD
    for key in path:
        at = at[key]
    return bent(*path, to=[*at, to])


def line(text):
    """The good problem with this text for its first line."""
    return json.dumps(GOOD).encode().replace(b'["a"]', text, 1)


NO_ID = "1 to 200 characters are, none of them a control character"
BENT = [
    (b"", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "not JSON"),
    (json.dumps(GOOD).encode()[:-1], "not JSON"),
    (json.dumps(GOOD).encode() + b"{}", "not JSON"),
    (json.dumps(GOOD).encode().replace(b'"g"', b'"\xff"'), "UTF-8"),
    (json.dumps(GOOD).encode().replace(b'"g"', b'"\\ud800"'), "not JSON"),
    (json.dumps(GOOD).encode().replace(b'"g"', b'"\x00"'), "not JSON"),
    (b"[]", "got `array`"),
    (b"null", "got `null`"),
    (b"[" * 100_000, "got `array`"),
    (bent("version", to=2), "version"),
    (bent("version", to="1"), "version"),
    (bent("version", to=GONE), "missing required field `version`"),
    (bent("sessions", to=GONE), "missing required field `sessions`"),
    (bent("applications", to=GONE), "missing required field `applications`"),
    (bent("sessions", to={}), "`sessions`"),
    (bent("more", to=1), "`more`"),
    (bent("sessions", 0, "more", to=1), "`more`"),
    (bent("applications", 0, "more", to=1), "`more`"),
    (bent("batches", 0, "more", to=1), "`more`"),
    (bent("schools", 0, "more", to=1), "`more`"),
    (bent("schools", 0, "reserve", 0, "more", to=1), "`more`"),
    (bent("sessions", 0, "id", to=GONE), "missing required field `id`"),
    (bent("sessions", 0, "id", to=1), "at `sessions[0].id`"),
    (bent("sessions", 0, "capacity", to=-1), ">= 0"),
    (bent("sessions", 0, "capacity", to=2**31), "<= 2147483647"),
    (bent("sessions", 0, "capacity", to=1.5), "got `float`"),
    (bent("sessions", 0, "capacity", to=1.0), "got `float`"),
    (bent("sessions", 0, "capacity", to="1"), "got `str`"),
    (bent("sessions", 0, "capacity", to=True), "got `bool`"),
    (bent("sessions", 0, "capacity", to=None), "got `null`"),
    (json.dumps(GOOD).encode().replace(b": 2", b": " + b"9" * 5_000), "out of range"),
    (json.dumps(GOOD).encode().replace(b": 2", b": 1e400"), "sessions"),
    (bent("sessions", 1, "id", to="a"), "sessions[1].id: 'a' is there twice"),
    (bent("sessions", 0, "id", to=""), f"sessions[0].id: '' is no id: {NO_ID}"),
    (bent("sessions", 0, "id", to="c\x00"), NO_ID),
    (bent("sessions", 0, "id", to="c\x1f"), NO_ID),
    (bent("sessions", 0, "id", to="c\x7f"), NO_ID),
    (bent("sessions", 0, "id", to="c\x9f"), NO_ID),
    (bent("sessions", 0, "id", to="车" * 201), NO_ID),
    (bent("applications", 1, "id", to="p"), "applications[1].id: 'p' is there twice"),
    (bent("applications", 2, "id", to="\n"), f"applications[2].id: '\\n' is no id: {NO_ID}"),
    (bent("applications", 0, "class", to=GONE), "missing required field `class`"),
    (bent("applications", 0, "class", to="0"), "at `applications[0].class`"),
    (bent("applications", 0, "class", to=0.5), "got `float`"),
    (bent("applications", 0, "class", to=2**53), "<= 9007199254740991"),
    (bent("applications", 0, "class", to=-(2**53)), ">= -9007199254740991"),
    (bent("applications", 0, "school", to=1), "at `applications[0].school`"),
    (bent("applications", 0, "school", to=""), f"applications[0].school: '' is no id: {NO_ID}"),
    (bent("applications", 1, "school", to="\x85"), "applications[1].school: '\\x85' is no id"),
    (bent("applications", 1, "school", to="x" * 201), "applications[1].school"),
    (bent("applications", 0, "lines", to=GONE), "missing required field `lines`"),
    (bent("applications", 0, "lines", to=None), "got `null`"),
    (line(b'"a"'), "applications[0].lines[0]: a line is a list of session ids"),
    (line(b"[1]"), "applications[0].lines[0]: a line is a list of session ids"),
    (line(b'[["a"]]'), "applications[0].lines[0]: a line is a list of session ids"),
    (line(b'["\xff"]'), "applications[0].lines[0]: a line is a list of session ids"),
    (line(b"[]"), "applications[0].lines[0]: a line without sessions; leave it out"),
    (line(b'["a", "c"]'), "applications[0].lines[0]: there is no session 'c'"),
    (line(b'["a", "b", "a"]'), "applications[0].lines[0]: session 'a' is named twice"),
    (line(b'["a", "\\u0061"]'), "session 'a' is named twice"),
    (line(b"[" * 100_000 + b"]" * 100_000), "nested"),
    (added("batches", to={"id": "g", "members": ["r"], "lines": []}), "batches[1].id: 'g' is there twice"),
    (
        added("batches", to={"id": "h", "members": ["q"], "lines": []}),
        "batches[1].members[0]: 'q' is a member of 'g'",
    ),
    (bent("batches", 0, "id", to=""), "batches[0].id: '' is no id"),
    (bent("batches", 0, "members", to=[]), "length >= 1"),
    (bent("batches", 0, "members", to=["q", "q"]), "batches[0].members[1]: 'q' is a member of 'g' already"),
    (bent("batches", 0, "members", to=["z"]), "batches[0].members[0]: there is no application 'z'"),
    (bent("batches", 0, "members", to=["p"]), "their lines must be []"),
    (bent("batches", 0, "lines", to=[["c"]]), "batches[0].lines[0]: there is no session 'c'"),
    (bent("batches", 0, "lines", to=[[]]), "batches[0].lines[0]: a line without sessions"),
    (bent("schools", 1, "id", to="x"), "schools[1].id: 'x' is there twice"),
    (bent("schools", 1, "id", to=""), "schools[1].id: '' is no id"),
    (bent("schools", 0, "max", to=-1), ">= 0"),
    (bent("schools", 0, "max", to=2**31), "<= 2147483647"),
    (
        bent("schools", 0, "reserve", 0, "session", to="c"),
        "schools[0].reserve[0].session: there is no session 'c'",
    ),
    (
        bent("schools", 1, "reserve", 1, "session", to="a"),
        "schools[1].reserve[1].session: 'a' is there twice",
    ),
    (bent("schools", 0, "reserve", 0, "seats", to=-1), ">= 0"),
    (
        bent("schools", 0, "reserve", 0, "seats", to=2),
        "schools[1].reserve[0].seats: more is reserved in 'a' than its 2 seats",
    ),
    (bent("schools", 1, "reserve", 1, "seats", to=1), "schools[1].reserve[1].seats: more is reserved in 'b'"),
]


def test_the_problem_that_is_bent_below_is_good():
    problem = read_problem(json.dumps(GOOD).encode())
    assert [one.id for one in problem.sessions] == ["a", "b"]
    assert (problem.lines, problem.forms, problem.batch_lines) == ([(0,), (0, 1)], [(0, 1), (), ()], [(0,)])


@pytest.mark.parametrize(("text", "words"), BENT)
def test_what_is_no_problem_is_refused_in_one_line_that_says_why(text, words):
    with pytest.raises(ProblemUnusable) as refused:
        read_problem(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "id_",
    ["车", "🚗", "a\u0301", "\u202e", '"\\/', " ", "\u2028", "x" * 200, "\U0010ffff" * 200, "é", "e\u0301"],
)
def test_an_id_is_of_any_script(id_):
    problem = read_problem(bent("applications", 2, "id", to=id_))
    assert problem.applications[2].id == id_


def test_ids_that_only_look_alike_differ():
    problem = read_problem(
        bent("sessions", to=[{"id": one, "capacity": 2} for one in ("é", "e\u0301", "a", "b")])
    )
    assert [one.id for one in problem.sessions] == ["a", "b", "e\u0301", "é"]


def test_sessions_are_in_the_order_of_their_utf_8_bytes():
    """Not of UTF-16, in which U+1F697 comes before U+FB33."""
    ids = ["a", "\U0001f697", "\ufb33", "b"]
    problem = read_problem(bent("sessions", to=[{"id": one, "capacity": 2} for one in ids]))
    assert (
        [one.id for one in problem.sessions]
        == sorted(ids, key=str.encode)
        == ["a", "b", "\ufb33", "\U0001f697"]
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "b", "p", "", "\x00"])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "lines", "max"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths_of(value, path=()):
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths_of(part, (*path, key))


def read(text):
    """Whether it is a problem; whatever else comes out is a fault."""
    try:
        read_problem(text)
    except ProblemUnusable:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(paths_of(GOOD))), JSON)
def test_whatever_stands_anywhere_is_read_or_refused(path, value):
    read(bent(*path, to=value))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
@example(b"\x00")
@example(b'{"version":1,"sessions":[],"applications":[{"id":"a","class":0,"lines":[}')
def test_no_bytes_are_a_problem_and_none_raise_anything_else(text):
    assert not read(text)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(json.dumps(GOOD)) - 1), st.binary(max_size=2), st.integers(0, 3))
def test_no_bytes_within_a_problem_raise_anything_else(at, inserted, cut):
    text = json.dumps(GOOD).encode()
    read(text[:at] + inserted + text[at + cut :])
