"""What a feed held at some moment, replayed from its ledger: the last record of each version says what became of it; pure.

Nothing of today's catalog is asked: it is what the ledger led to, and says nothing of yesterday.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.model.packages import ListedState
from reconciler.show.contract import FileRow, HistoryRow
from reconciler.show.history import LONGEST_REASON, WIDEST, is_change, record_row
from reconciler.show.inert import inert
from reconciler.show.people import people
from reconciler.show.rows import PersonRow, Time


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HeldRow(_Row):
    """A version that the feed held: how it came in (`record` is the first one that names it), and the last thing done to it."""

    package: str
    version: str
    state: ListedState
    source: str = Field(alias="from")
    author: PersonRow
    approvers: list[PersonRow]
    commit: str
    promoted_at: Time
    record: int
    reason: str
    last_change: str
    last_author: PersonRow
    last_approvers: list[PersonRow]
    last_at: Time
    last_record: int
    last_reason: str
    purl: str | None
    files: list[FileRow]


class ContentsV1(_Row):
    """`reconciler history --contents --format json`: `at` or `commit` is the moment that was asked for, `records` how many precede it."""

    schema_: Literal["contents/v1"] = Field(default="contents/v1", alias="schema")
    feed: str
    at: Time | None
    commit: str | None
    records: int
    versions: list[HeldRow]


def held(records: Iterable[Mapping[str, Any]]) -> list[HeldRow]:
    """The versions that records, in their order, leave in the feed; by package, then as they came in."""
    first: dict[tuple[str, ...], HistoryRow] = {}
    last: dict[tuple[str, ...], HistoryRow] = {}
    for record in filter(is_change, records):
        row = record_row(record)
        key = tuple(record["identity"])
        first.setdefault(key, row)
        last[key] = row
    return [_held_row(first[key], last[key]) for key in sorted(first, key=lambda key: (key[0], first[key].seq or 0))]


def _held_row(first: HistoryRow, last: HistoryRow) -> HeldRow:
    return HeldRow(
        package=last.package,
        version=last.version,
        state=last.state or "listed",
        source=first.source,
        author=first.author,
        approvers=first.approvers,
        commit=first.commit,
        promoted_at=_applied_at(first),
        record=first.seq or 0,
        reason=first.reason,
        last_change=last.change,
        last_author=last.author,
        last_approvers=last.approvers,
        last_at=_applied_at(last),
        last_record=last.seq or 0,
        last_reason=last.reason,
        purl=last.purl,
        files=last.files,
    )


def _applied_at(row: HistoryRow) -> datetime:
    assert row.applied_at is not None, "records carry the time at which they were applied"  # noqa: S101 - rows of records only
    return row.applied_at


def contents_text(contents: ContentsV1) -> Iterator[str]:
    """A table, a version a line; beneath one that was taken back, by whom and why."""
    moment = f"commit {contents.commit[:12]}" if contents.commit else f"{contents.at:%Y-%m-%d %H:%M:%S} UTC"
    if not contents.versions:
        yield f"{contents.feed} held nothing at {moment}."
        return
    yield f"{contents.feed} at {moment}: {_counts(contents.versions)}"
    table = [_cells(row) for row in contents.versions]
    widths = [min(WIDEST, max(map(len, column))) for column in zip(*table, strict=True)]
    for row, cells in zip(contents.versions, table, strict=True):
        yield "  " + "  ".join(f"{text:<{width}}" for text, width in zip(cells, widths, strict=True)).rstrip()
        if row.state != "listed":
            whom = people(row.last_author.named(), [person.named() for person in row.last_approvers])
            yield f"      {row.last_change} {row.last_at:%Y-%m-%d %H:%M} {whom}, record {row.last_record}: {inert(row.last_reason, longest=LONGEST_REASON)}"


def _cells(row: HeldRow) -> list[str]:
    files = f"{len(row.files)} file{'s' if len(row.files) != 1 else ''}"
    whom = people(row.author.named(), [person.named() for person in row.approvers])
    number = f"record {row.record}"
    return [inert(row.package), inert(row.version), row.state, files, f"{row.promoted_at:%Y-%m-%d %H:%M}", number, whom]


def _counts(rows: Sequence[HeldRow]) -> str:
    states = [row.state for row in rows]
    rest = [f"{states.count(state)} {state}" for state in ("unlisted", "quarantined") if state in states]
    total = f"{len(rows)} version{'s' if len(rows) != 1 else ''}"
    return f"{total} ({', '.join(rest)})" if rest else total
