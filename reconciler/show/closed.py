"""Which dependencies of published versions nothing in their feed satisfies, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from reconciler.model.closure import Gap
from reconciler.model.words import CommitId, FeedName
from reconciler.show.inert import inert
from reconciler.show.rows import Row, Time

Outcome = Literal["done", "held"]
MOST_TARGETS: Final = 4
"""Targets that a line names; JSON has them all."""


class ClosedFeedRow(Row):
    """A feed that was looked at: the number of versions that clients can choose from, what they were judged for (none: for any)."""

    feed: str
    versions: int
    targets: list[str]


class GapRow(Row):
    """A version that cannot be installed from its feed: what is missing, and the shortest way to who asks for it.

    `targets`: for which of the feed's targets (none: it has none). `unread`: why name or range cannot be read ("": they can).
    """

    feed: str
    package: str
    version: str
    needs: str
    range: str
    extras: list[str]
    path: list[str]
    targets: list[str]
    unread: str


class ClosedV1(Row):
    """`reconciler verify --closed --format json`."""

    schema_: Literal["closed/v1"] = Field(default="closed/v1", alias="schema")
    commit: str
    clock: Time
    outcome: Outcome
    feeds: list[ClosedFeedRow]
    gaps: list[GapRow]


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """What was looked at in one feed, and its gaps."""

    feed: FeedName
    versions: int
    targets: tuple[str, ...]
    gaps: tuple[Gap, ...]


def closed_v1(feeds: Sequence[Closed], *, commit: CommitId, clock: datetime) -> ClosedV1:
    """The report as JSON."""
    return ClosedV1(
        commit=commit,
        clock=clock,
        outcome="held" if any(one.gaps for one in feeds) else "done",
        feeds=[ClosedFeedRow(feed=one.feed, versions=one.versions, targets=list(one.targets)) for one in feeds],
        gaps=[_row(gap) for one in feeds for gap in one.gaps],
    )


def _row(gap: Gap) -> GapRow:
    return GapRow(
        feed=gap.identity.feed,
        package=gap.identity.package,
        version=gap.identity.version,
        needs=gap.needs,
        range=gap.range,
        extras=list(gap.extras),
        path=list(gap.path),
        targets=list(gap.targets),
        unread=gap.unread,
    )


def closed_text(feeds: Sequence[Closed]) -> Iterator[str]:
    """A line a feed, and one for each gap, with what to do below."""
    for one in feeds:
        count = f"{one.versions:,} version{'' if one.versions == 1 else 's'}"
        told = f" for {_targets(one.targets)}" if one.targets else ""
        yield f"{one.feed}: {count}{told}: {_count(one.gaps)}"
        for gap in one.gaps:
            yield f"  ! {gap_text(gap, one.targets)}"
            if not gap.unread:
                what = f"{gap.needs}[{','.join(gap.extras)}]" if gap.extras else gap.needs
                yield f"      to do: approve a version of {inert(what)} in this range, or withdraw {inert(gap.path[-1])}"


def gap_text(gap: Gap, targets: Sequence[str]) -> str:
    """A gap in one line: what is missing, who asks for it, over which way, and for which of the feed's targets, if not for all."""
    extras = f"[{','.join(gap.extras)}]" if gap.extras else ""
    way = " -> ".join(gap.path)
    some = f", for {_targets(gap.targets)}" if gap.targets != tuple(targets) else ""
    missing = f"{gap.needs}{extras} {gap.range or '(any version)'}"
    why = f"cannot be read: {gap.unread}" if gap.unread else "nothing satisfies it"
    return inert(f"{way} needs {missing}: {why}{some}")


def _targets(targets: Sequence[str]) -> str:
    return ", ".join(map(inert, targets)) if len(targets) <= MOST_TARGETS else f"{len(targets)} targets"


def _count(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return "closed"
    short = len({gap.identity for gap in gaps})
    return f"{len(gaps):,} gap{'' if len(gaps) == 1 else 's'} in {short:,} version{'' if short == 1 else 's'}"
