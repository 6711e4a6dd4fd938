"""Commit dates that run backwards are told, and what a clock that goes wrong by a little does is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.decide.clock import TOLERANCE, backwards, runs_backwards
from reconciler.model.events import Commit, Person
from reconciler.model.words import CommitId

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADA = Person(name="Ada Lovelace", email="ada@example.org")
PARENT = Commit(
    id=CommitId("a" * 40),
    parents=(),
    author=ADA,
    authored_at=NOON,
    committer=ADA,
    committed_at=NOON,
    message="",
    signature="",
    claimed_key="",
)


def child(earlier: timedelta) -> Commit:
    return replace(PARENT, id=CommitId("b" * 40), parents=(PARENT.id,), committed_at=NOON - earlier)


@pytest.mark.parametrize("earlier", [-timedelta(days=1), timedelta(), timedelta(seconds=1), TOLERANCE])
def test_what_is_later_or_earlier_by_no_more_than_clocks_differ_is_not_told(earlier):
    assert runs_backwards(child(earlier), PARENT) == ""


def test_both_dates_are_told():
    told = runs_backwards(child(TOLERANCE + timedelta(seconds=1)), PARENT)
    assert told == (
        "commit bbbbbbbbbbbb claims to be of 2026-11-22T11:54:59Z, and its parent aaaaaaaaaaaa of 2026-11-22T12:00:00Z: "
        "the date runs backwards"
    )


def test_the_date_of_the_author_does_not_matter():
    """A rebase keeps it."""
    assert runs_backwards(replace(child(timedelta()), authored_at=NOON - timedelta(days=900)), PARENT) == ""


def test_without_events_and_without_parents_there_is_nothing_to_tell():
    assert list(backwards([], {})) == []
