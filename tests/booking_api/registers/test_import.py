"""A file goes into its register whole or not at all, every bad row is told, and where rows came from stays known."""

import asyncio
import json
import os
import signal
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from booking_api.identity.numbers import check_character
from booking_api.registers import (
    REGISTERS,
    BadRow,
    FileUnusable,
    Format,
    ImportRefused,
    RegisterKind,
    import_register,
    importing,
    read_imports,
    read_rows,
)
from booking_api.registers.reading import LINE_LIMIT, format_of
from booking_api.registers.rows import RowError, parse_row
from reservation.database import create_engine

TODAY = date(2026, 11, 25)
PERSON = "11010519491231002X"
OTHER_PERSON = "440524188001010014"
HEADER = "number,identity_number,vehicle_class,issued,last_day,school"


def certificate(number: str, identity: str = PERSON, *, day: str = "2026-03-01", school: str = "") -> str:
    return f"{number},{identity},C1,{day},2029-02-28,{school}"


@pytest.fixture
async def engine(database_url):
    engine = create_engine(database_url, connections=2)
    yield engine
    await engine.dispose()


@pytest.fixture
def imports(engine, tmp_path):
    """Imports these lines; gives what was imported and the bad rows."""

    async def run(
        *lines,
        kind=RegisterKind.CERTIFICATE,
        skip_bad=False,
        name="file.csv",
        encoding="utf-8-sig",
        progress=None,
    ):
        path = tmp_path / name
        path.write_bytes("\n".join(lines).encode("utf-8" if encoding == "utf-8-sig" else encoding))
        bad: list[BadRow] = []
        done = await import_register(
            engine,
            kind=kind,
            path=path,
            form=format_of(path),
            encoding=encoding,
            source="the city's office",
            today=TODAY,
            skip_bad=skip_bad,
            on_bad=bad.append,
            progress=progress or (lambda *_: None),
        )  # fmt: skip
        return done, bad

    return run


@pytest.fixture
def rows(engine):
    async def read(table="learner_certificate"):
        async with engine.connect() as connection:
            found = await connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))
            return [dict(row) for row in found.mappings()]

    return read


async def test_rows_arrive_with_their_values_and_their_import(imports, rows, engine):
    done, bad = await imports("\ufeff" + HEADER, certificate("L1", school="远大驾校"), certificate("L2"))
    assert (done.rows, done.bad_rows, bad) == (2, 0, [])
    first, second = await rows()
    assert first == {
        "number": "L1",
        "identity_number": PERSON,
        "vehicle_class": "C1",
        "issued": date(2026, 3, 1),
        "last_day": date(2029, 2, 28),
        "school": "远大驾校",
        "authority": None,
        "import_id": done.id,
    }
    assert second["school"] is None
    assert await read_imports(engine) == [done]
    assert (done.source, done.file, len(done.sha256)) == ("the city's office", "file.csv", 64)


async def test_a_known_row_is_replaced_and_one_not_named_stays(imports, rows):
    one, _ = await imports(HEADER, certificate("L1"), certificate("L2"))
    two, _ = await imports(HEADER, certificate("L2", day="2026-04-01"))
    first, second = await rows()
    assert (first["import_id"], second["import_id"]) == (one.id, two.id)
    assert second["issued"] == date(2026, 4, 1)


BAD = [
    (certificate("L9", "110105194912310021"), "identity_number"),
    (certificate("L9", ""), "identity_number"),
    (certificate("L9", day="2026-02-30"), "issued"),
    (certificate("L9", day="2030-01-01"), "row"),
    (f"L9,{PERSON},Z9,2026-03-01,2029-02-28,", "vehicle_class"),
    (f"L9,{PERSON},C1", "row"),
    (certificate("L9\x00"), "number"),
    (certificate("x" * 65), "number"),
    (certificate("L1"), "number"),
]


@pytest.mark.parametrize(("line", "field"), BAD, ids=[repr(line)[:30] for line, _ in BAD])
async def test_one_bad_row_stops_all_and_is_named(imports, rows, engine, line, field):
    with pytest.raises(ImportRefused) as refused:
        await imports(HEADER, certificate("L1"), line, certificate("L3"))
    assert (refused.value.rows, refused.value.bad_rows) == (3, 1)
    assert await rows() == []
    assert await read_imports(engine) == []


@pytest.mark.parametrize(("line", "field"), BAD, ids=[repr(line)[:30] for line, _ in BAD])
async def test_bad_rows_can_be_left_out_and_each_is_told(imports, rows, line, field):
    done, bad = await imports(HEADER, certificate("L1"), line, certificate("L3"), skip_bad=True)
    assert (done.rows, done.bad_rows) == (2, 1)
    assert [(row.line, row.field) for row in bad] == [(3, field)]
    assert bad[0].reason
    assert [row["number"] for row in await rows()] == ["L1", "L3"]


async def test_a_file_without_a_good_row_is_refused(imports):
    with pytest.raises(ImportRefused, match="no row"):
        await imports(HEADER)
    with pytest.raises(ImportRefused, match="no row"):
        await imports(HEADER, certificate("L1", "x"), skip_bad=True)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("",), "first line names the fields"),
        (("number,colour",), "colour"),
        (("number,number",), "twice"),
        ((HEADER, 'L1,"' + "x" * (LINE_LIMIT + 1)), "field larger than"),
        ((HEADER, 'L1,"open'), "unexpected end"),
    ],
)
async def test_a_file_that_cannot_be_read_is_told_and_nothing_is_left(imports, rows, lines, says):
    with pytest.raises(FileUnusable, match=says):
        await imports(*lines)
    assert await rows() == []


async def test_text_of_another_encoding_is_told_in_the_middle_and_nothing_is_left(imports, rows, tmp_path):
    lines = (HEADER, *(certificate(f"L{n}") for n in range(3_000)), certificate("Z", school="远大驾校"))
    done, _ = await imports(*lines, encoding="gb18030")
    assert done.rows == 3_001
    with pytest.raises(FileUnusable, match="try --encoding"):
        list(read_rows(tmp_path / "file.csv", form=Format.CSV, fields=tuple(HEADER.split(","))))
    with pytest.raises(FileUnusable, match="No such file"):
        list(read_rows(tmp_path / "none.csv", form=Format.CSV, fields=("number",)))
    with pytest.raises(FileUnusable, match="unknown encoding"):
        list(read_rows(tmp_path / "file.csv", form=Format.CSV, fields=("number",), encoding="klingon"))


async def test_an_error_in_the_middle_of_the_stream_leaves_nothing(imports, rows, tmp_path, engine):
    path = tmp_path / "broken.csv"
    good = "\n".join([HEADER, *(certificate(f"L{n}") for n in range(5_000))])
    path.write_bytes(good.encode() + b"\n\xff\xfe")
    with pytest.raises(FileUnusable, match="not text"):
        await import_register(
            engine,
            kind=RegisterKind.CERTIFICATE,
            path=path,
            form=Format.CSV,
            encoding="utf-8",
            source="s",
            today=TODAY,
            skip_bad=True,
            on_bad=lambda _: None,
            progress=lambda *_: None,
        )
    assert await rows() == []
    assert (await imports(HEADER, certificate("L1")))[0].rows == 1  # the connection is good for the next one


async def test_json_lines_say_what_is_no_row(imports, rows):
    good = {"plate": "浙A12345", "plate_kind": "02", "identity_number": PERSON, "registered": "2020-01-01", "valid_until": "2026-12-31"}  # fmt: skip
    lines = [json.dumps(good), "", "[1]", '{"plate": ', json.dumps({"plate": "x" * LINE_LIMIT}), json.dumps(good | {"plate": "浙A00001", "seats": 7})]  # fmt: skip
    done, bad = await imports(*lines, kind=RegisterKind.VEHICLE, name="v.jsonl", skip_bad=True)
    assert done.rows == 2
    assert [row.line for row in bad] == [3, 4, 5]
    assert [(row["plate"], row["seats"]) for row in await rows("vehicle")] == [
        ("浙A00001", 7),
        ("浙A12345", 5),
    ]


async def test_a_json_array_says_which_item_is_no_row(imports, rows):
    good = {"plate": "浙A12345", "plate_kind": "02", "identity_number": PERSON, "registered": "2020-01-01", "valid_until": "2026-12-31"}  # fmt: skip
    other = good | {"plate": "浙A00001", "seats": 7}
    items = [json.dumps(good, indent=1), "[1]", '{"plate": }', json.dumps({"plate": "x" * LINE_LIMIT}), "", json.dumps(other), json.dumps(good)]  # fmt: skip
    done, bad = await imports(
        f" [{' , '.join(items)}]\n", kind=RegisterKind.VEHICLE, name="v.json", skip_bad=True
    )
    assert done.rows == 2
    assert [row.line for row in bad] == [2, 3, 4, 5, 7]
    assert bad[-1].reason == "the same as item 1"
    assert [(row["plate"], row["seats"]) for row in await rows("vehicle")] == [
        ("浙A00001", 7),
        ("浙A12345", 5),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON array"),
        ('{"plate": 1}', "does not begin with"),
        ('[{"a": 1}, {"b": 2}', "in or after item 2"),
        ('[{"a": 1}, {"b": "2]', "in or after item 2"),
        ("[1] [2]", "behind item 1"),
        ("[1, 2}]", "item 2 closes"),
    ],
)
async def test_what_is_not_one_array_is_told_and_nothing_is_left(imports, rows, text, says):
    with pytest.raises(FileUnusable, match=says):
        await imports(text, kind=RegisterKind.VEHICLE, name="v.json", skip_bad=True)
    assert await rows("vehicle") == []


async def test_every_register_takes_rows_and_takes_them_again(imports, rows):
    violation = "number,plate,plate_kind,at,code,points,fine_yuan,settled"
    for _ in range(2):
        await imports(violation, "V1,浙A12345,02,2026-11-01T08:00:00+08:00,1039,6,200,true", kind=RegisterKind.VIOLATION)  # fmt: skip
        await imports("identity_number,vehicle_class,issued,last_day,points", f"{PERSON},C1,2020-01-01,2030-01-01,3", kind=RegisterKind.LICENCE)  # fmt: skip
    assert [row["settled"] for row in await rows("violation")] == [True]
    assert [row["points"] for row in await rows("licence")] == [3]


async def test_long_work_tells_how_far_it_is(imports):
    told = []
    lines = [certificate(f"L{n}") for n in range(4_500)]
    await imports(HEADER, *lines, progress=lambda *seen: told.append(seen))
    assert told == [(2_000, 0), (4_000, 0), (4_500, 0)]


@given(raw=st.dictionaries(st.sampled_from(HEADER.split(",")), st.text() | st.integers() | st.none()))
def test_whatever_a_row_holds_it_is_taken_or_refused(raw):
    register = REGISTERS[RegisterKind.CERTIFICATE]
    try:
        outcome = len(parse_row(register, raw, today=TODAY))
    except RowError as error:
        outcome = error.field
    assert outcome in {len(register.fields), "row", *register.fields}


def test_a_right_row_of_any_foreigner_passes_too():
    first = "91112419810803002"
    raw = dict(
        zip(HEADER.split(","), certificate("L1", first + check_character(first)).split(","), strict=True)
    )
    assert parse_row(REGISTERS[RegisterKind.CERTIFICATE], raw, today=TODAY)[1].startswith("9111")


@pytest.mark.parametrize("field", ["plate", "plate_kind"])
async def test_a_line_feed_inside_a_value_is_no_part_of_it(imports, field):
    good = {"plate": "浙A12345", "plate_kind": "02", "identity_number": PERSON, "registered": "2020-01-01", "valid_until": "2026-12-31"}  # fmt: skip
    with pytest.raises(ImportRefused):
        await imports(
            json.dumps(good | {field: good[field] + "\n"}), kind=RegisterKind.VEHICLE, name="v.jsonl"
        )


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-12:00", "2026-11-01T08:00:00"]
)
async def test_a_moment_that_cannot_be_stored_is_a_bad_row(imports, at):
    header = "number,plate,plate_kind,at,code,points,fine_yuan"
    lines = (header, f"V1,浙A12345,02,{at},1039,6,200", "V2,浙A12345,02,2026-11-01T08:00:00+08:00,1039,6,200")
    done, bad = await imports(*lines, kind=RegisterKind.VIOLATION, skip_bad=True)
    assert (done.rows, [row.line for row in bad]) == (1, [2])


@pytest.mark.parametrize("way", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_a_database_that_gives_up_in_the_middle_leaves_nothing(imports, rows, engine, way):
    """The statement is cancelled, or its session killed, while we wait to send more: an error, no half of a file."""
    ended = []

    def progress(read, _):
        if read == 2_000:
            ended.append(asyncio.get_running_loop().create_task(_end_session(engine, way)))

    # More than fits into the sockets between us and a server that has stopped reading.
    lines = [certificate(f"L{n}") for n in range(40_000)]
    with pytest.raises((ConnectionError, SQLAlchemyError)):
        async with asyncio.timeout(5) as patience:
            await imports(HEADER, *lines, progress=progress)
    assert not patience.expired()
    assert await ended[0]
    assert await rows() == []
    assert await read_imports(engine) == []


async def _end_session(engine, way):
    """Ends the importing session while it reads nothing, so that its client certainly waits to write."""
    # Between two statements a cancellation would be nobody's.
    copying = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state = 'active' AND query ILIKE 'COPY%'"
    )
    async with engine.connect() as connection:
        # A transaction would see the activity of its own beginning for ever.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        while (pid := (await connection.execute(text(copying))).scalar_one_or_none()) is None:
            await asyncio.sleep(0.001)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(0.5)
            return (await connection.execute(text(f"SELECT {way}(:pid)"), {"pid": pid})).scalar_one()
        finally:
            os.kill(pid, signal.SIGCONT)


def test_what_is_no_file_is_told_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileUnusable, match="not a file"):
        importing._sha256(tmp_path / "pipe.csv")


async def test_persons_are_kept_in_one_spelling_and_a_phone_that_is_none_is_told(imports, rows):
    lines = ("identity_number,name,phone", f"{PERSON.lower()},张伟,+86 138-0013-8000")
    done, bad = await imports(*lines, f"{OTHER_PERSON},李娜,12345", kind=RegisterKind.PERSON, skip_bad=True)
    assert done.rows == 1
    assert [(row.line, row.field) for row in bad] == [(3, "phone")]
    assert "11 digits" in bad[0].reason
    assert await rows("person") == [
        {"identity_number": PERSON, "name": "张伟", "phone": "13800138000", "import_id": done.id}
    ]
