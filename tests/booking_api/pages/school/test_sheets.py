"""Lists as schools have them: encodings, headings, marks between columns."""

import doctest

import pytest

from booking_api.pages.forms import FieldsRefused
from booking_api.pages.school import sheets
from booking_api.pages.school.sheets import ROWS_LIMIT, decode, read_sheet

BATCH = ("number", "sessions")


def told(text, columns=BATCH):
    return [(row.learner, row.name, row.sessions) for row in read_sheet(text, columns=columns)]


def test_the_example_is_true():
    assert doctest.testmod(sheets).failed == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_is_read_in_the_encodings_spreadsheets_write(encoding):
    text = "学员,姓名,场次\nlearner-1,张㐂,7\n"
    assert told(decode(text.encode(encoding))) == [("learner-1", "张㐂", "7")]


@pytest.mark.parametrize("mark", ["\t", ",", ";", "|", "，", "；", " ", "  "])
def test_the_mark_between_columns_is_found(mark):
    assert told(f"learner-1{mark}7{mark}8\n") == [("learner-1", "", "7 8")]


@pytest.mark.parametrize(
    "heading",
    ["场次,电话,身份证号码,姓名", "Session(s),Phone,Identity number,Name", "units,x,ID_NUMBER,full name"],
)
def test_columns_are_found_by_their_headings_wherever_they_stand(heading):
    assert told(f"{heading}\n7、8,138,n-1,Li Lei\n") == [("n-1", "Li Lei", "7 8")]


def test_a_list_of_one_column_may_have_a_heading_of_two_words():
    assert told("Identity number\nn-1\nn-2\n") == [("n-1", "", ""), ("n-2", "", "")]


def test_what_spreadsheets_put_before_long_numbers_is_taken_away():
    lines = '\'330106196001010014,7\n"=""330106196001010022""",8'
    assert [row[0] for row in told(lines)] == ["330106196001010014", "330106196001010022"]


def test_empty_lines_are_left_out_and_the_others_counted():
    assert [row.number for row in read_sheet("a,1\n\n,,\nb,2\n", columns=BATCH)] == [1, 2]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "list_empty"),
        ("学员,场次\n".encode(), "list_empty"),
        (b"PK\x03\x04\x00\x00\xff\xff", "list_no_text"),
        (b"a,1\n" * (ROWS_LIMIT + 1), "list_too_long"),
    ],
)
def test_what_is_no_list_is_refused(content, code):
    with pytest.raises(FieldsRefused) as refused:
        read_sheet(decode(content), columns=BATCH)
    assert refused.value.errors["list"][0] == code


def test_as_many_lines_as_a_batch_may_have_are_taken():
    assert len(read_sheet("a,1\n" * ROWS_LIMIT, columns=BATCH)) == ROWS_LIMIT
