"""Commit dates that run backwards; pure.

The date of a commit is a claim of whoever made it. That a commit claims to be older than its parent proves nothing, since clocks differ, and
is no error; but whoever sets a date back, into the time when a key was valid, say, shows here. Five minutes are what Kerberos, too, lets
clocks differ by (RFC 4120, section 8.2); machines that ask a time server differ by less than a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from reconciler.model.events import Commit, Event
from reconciler.model.words import CommitId

TOLERANCE: Final = timedelta(minutes=5)


def runs_backwards(commit: Commit, parent: Commit) -> str:
    """How a commit claims to be older than its first parent, in words; "" if it does not, or by so little that a clock may be the cause."""
    if parent.committed_at - commit.committed_at <= TOLERANCE:
        return ""
    dates = [f"{one.committed_at:%Y-%m-%dT%H:%M:%SZ}" for one in (commit, parent)]
    return f"commit {commit.id[:12]} claims to be of {dates[0]}, and its parent {parent.id[:12]} of {dates[1]}: the date runs backwards"


def backwards(events: Iterable[Event], known: Mapping[CommitId, Commit]) -> Iterator[str]:
    """Of the commits behind these events, each that claims to be older than its first parent. `known` has the first parents."""
    commits = {one.id: one for event in events for one in (event.author, event.landing)}
    for commit in commits.values():
        parent = known.get(commit.parents[0]) if commit.parents else None
        if parent is not None and (told := runs_backwards(commit, parent)):
            yield told
