"""The history as text, and which rows are the newest."""

from __future__ import annotations

import pytest

from reconciler.show.history import history_text, newest
from tests.show.rows import row, someone

ROWS = [row(None, version="p1"), row(None, version="p2", outcome="held"), *(row(seq) for seq in (9, 8, 7)), row(None, outcome="none")]


@pytest.mark.parametrize(("limit", "kept"), [(1, [1]), (2, [0, 1]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (6, [0, 1, 2, 3, 4, 5]), (99, [0, 1, 2, 3, 4, 5])])  # fmt: skip
def test_the_newest_are_what_is_pending_and_then_what_was_applied_last(limit, kept):
    assert newest(ROWS, limit) == [ROWS[number] for number in kept]


def test_a_row():
    assert "\n".join(history_text([row(4)], older=1)) == (
        "2026-11-22 16:54  promote  leaf 1.2  public-pypi -> approved-pypi  record 4\n"
        "    by Ada Lovelace <ada@example.org> (claimed), approved by Grace Hopper <grace@example.org> (claimed), commit aaaaaaaaaaaa\n"
        "    MIT\n"
        "1 older row not shown"
    )


def test_a_long_name_moves_only_its_own_line():
    long, short, *_ = [line for line in history_text([row(2, package="n" * 200), row(1)], older=0) if "record" in line]
    assert len(short) < 110
    assert len(long) > 200


def test_hostile_text_brings_no_line_and_no_person():
    hostile = "x\n2026-01-01 00:00  promote  evil 1\u202e\x1b[31m"
    rows = [row(2, package=hostile, reason=hostile * 10_000, author=someone("Eve (signed), approved by Ada", "e> (signed)"))]
    lines = list(history_text(rows, older=0))
    assert len(lines) == 3
    assert all(line.isprintable() and len(line) < 1000 for line in lines)
    assert 'by "Eve (signed), approved by Ada" <e\\x3e \\x28signed\\x29> (claimed), approved by Grace Hopper' in lines[1]
