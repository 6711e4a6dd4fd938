"""Text from outside can neither hide nor forge a line of a report."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.show.inert import inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("file\u202egnp.exe", "file\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("Grüße, 世界 🎉", "Grüße, 世界 🎉"),
        ("\ud800", "\\ud800"),
        ("##vso[task.setvariable]x\n::error::y", "#\\x23vso[task.setvariable]x ::error::y"),
        ("###VSO[x] ##[error]y ##\u200dvso[z", "##\\x23VSO[x] #\\x23[error]y ##\\u200dvso[z"),
        ("## a heading, issue #1, C##", "## a heading, issue #1, C##"),
    ],
)
def test_what_is_shown(text, shown):
    assert inert(text) == shown


def test_a_long_text_is_cut_and_says_so():
    assert inert("x" * 3000, longest=10) == "x" * 10 + "… (3000 characters)"


@given(st.text())
def test_no_text_brings_line_breaks_or_invisible_characters(text):
    shown = inert(text)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
