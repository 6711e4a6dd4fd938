"""Tables for spreadsheets: read back as RFC 4180 has it, and without a cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.show.contract import FileRow, HistoryRow
from reconciler.show.csv_table import LONGEST, cell, csv_table
from tests.show.rows import row, someone

FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_columns_are_those_of_the_json_in_its_order():
    text = csv_table(HistoryRow, [row()])
    header, body, rest = text.split("\r\n")
    assert header.split(",") == list(row().model_dump(by_alias=True))
    assert rest == ""
    assert body == (
        "1,promote,applied,approved-pypi,public-pypi,leaf,1.2,Ada Lovelace <ada@example.org> (claimed),"
        "Grace Hopper <grace@example.org> (claimed),ci," + "a" * 40 + ",2026-11-22T16:54:03Z,2026-11-22T16:54:03Z,MIT,"
        f"leaf.whl sha256:{'1' * 64}; leaf.tar.gz sha256:{'2' * 64}," + "b" * 40 + ",listed,pkg:pypi/leaf@1.2,,"
    )


def test_what_is_not_known_is_an_empty_cell():
    (found,) = read(csv_table(HistoryRow, [row(None)]))
    assert (found["seq"], found["applied_at"], found["applier"], found["outcome"]) == ("", "", "", "pending")


def test_no_rows_leave_the_header():
    assert csv_table(HistoryRow, []).count("\r\n") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@scope/name", "'@scope/name"),
        ("-1", "'-1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\t=1", "'=1"),
        ("\r\n+1", "'+1"),
        ('"=1', "\"'=1"),
        ("'=1", "''=1"),
        ("MIT; =HYPERLINK(1)", "MIT; '=HYPERLINK(1)"),
        ('MIT;"=1', "MIT;\"'=1"),
        ("a-b = c@d, -e", "a-b = c@d, -e"),
        ("two\nlines", "two lines"),
        ("\x1b[31mred\u202e", "\\x1b[31mred\\u202e"),
    ],
)
def test_a_cell_is_text_to_a_spreadsheet(text, shown):
    assert cell(text) == shown


def test_a_name_cannot_pass_for_two_people_or_files():
    hostile = someone("Mallory <m@example.org> (signed); Grace", "x;y@example.org")
    assert cell([hostile, someone()]).count(";") == 1
    assert cell([FileRow(name="a.whl sha256:0; =b", size=1, sha256="1" * 64)]).count(";") == 0


def test_a_long_text_is_cut_and_the_digests_of_many_files_are_not():
    assert cell("x" * 100_000) == "x" * LONGEST + "… (100000 characters)"
    files = [FileRow(name=f"{'n' * 200}-{number}", size=1, sha256="1" * 64) for number in range(100)]
    assert cell(files).count("1" * 64) == 100


@given(st.text(), st.text(), st.lists(st.tuples(st.text(), st.text()), max_size=3))
def test_whatever_is_in_a_row_it_stays_one_row_of_harmless_cells(reason, package, people):
    text = csv_table(HistoryRow, [row(reason=reason, package=package, approvers=[someone(name, email) for name, email in people])])
    (found,) = read(text)
    assert None not in found
    assert len(text.splitlines()) == 2
    for value in found.values():
        assert not {unicodedata.category(character) for character in value} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert not any(part.lstrip(" \"'").startswith(FORMULA) and not re.match(r"""[\s"']*'""", part) for part in value.split(";"))
