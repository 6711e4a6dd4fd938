"""What `verify` derived again, and what did not derive, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.model.reanchored import Reanchored
from reconciler.model.verification import Checked, Finding, FindingKind, Note, NoteKind
from reconciler.model.words import CommitId
from reconciler.show.contract import ReanchoredRow, reanchored_row
from reconciler.show.inert import inert
from reconciler.show.rows import Time
from reconciler.show.text import reanchored_lines


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CheckedRow(_Row):
    """What was derived again of one feed."""

    feed: str
    revision: int
    records: int
    files: int
    bytes: int
    pages: int
    unfinished: bool


class FindingRow(_Row):
    """Something that did not derive, at one place."""

    kind: FindingKind
    feed: str
    subject: str
    detail: str
    remedy: str


class NoteRow(_Row):
    """Something that is as it was recorded, and that a reader should know; `feed` is "" for what concerns all."""

    kind: NoteKind
    feed: str
    subject: str
    detail: str


class VerifyV1(_Row):
    """`reconciler verify --format json`."""

    schema_: Literal["verify/v1"] = Field(default="verify/v1", alias="schema")
    commit: str
    clock: Time
    outcome: Literal["done", "integrity"]
    feeds: list[CheckedRow]
    findings: list[FindingRow]
    notes: list[NoteRow] = []
    reanchored: list[ReanchoredRow] = []


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What was derived again, what did not derive, and what else a reader should know."""

    checked: Sequence[Checked]
    findings: Sequence[Finding]
    notes: Sequence[Note]
    reanchored: Sequence[Reanchored]


def verify_v1(verified: Verified, *, commit: CommitId, clock: datetime) -> VerifyV1:
    """The report as JSON."""
    return VerifyV1(
        commit=commit,
        clock=clock,
        outcome="integrity" if verified.findings else "done",
        feeds=[CheckedRow(**{name: getattr(one, name) for name in CheckedRow.model_fields}) for one in verified.checked],
        findings=[FindingRow(kind=f.kind, feed=f.feed, subject=f.subject, detail=f.detail, remedy=f.remedy) for f in verified.findings],
        notes=[NoteRow(kind=n.kind, feed=n.feed, subject=n.subject, detail=n.detail) for n in verified.notes],
        reanchored=[reanchored_row(one) for one in verified.reanchored],
    )


def verify_text(verified: Verified) -> Iterator[str]:
    """One line a feed, three for each finding, one for each note; what concerns no feed comes last."""
    for one in verified.checked:
        own = [finding for finding in verified.findings if finding.feed == one.feed]
        yield f"{one.feed}: {_extent(one)}: {f'{len(own)} not as recorded' if own else 'all as recorded'}"
        for finding in own:
            yield f"  ! {finding.kind} {inert(finding.subject)}"
            yield f"      {inert(finding.detail)}"
            yield f"      to do: {inert(finding.remedy)}"
        if one.unfinished:
            yield "  a pass was stopped here; what it was at work on was left out: `reconciler apply` ends it"
        yield from (f"  {line}" for line in reanchored_lines(row for row in verified.reanchored if row.feed == one.feed))
        yield from (f"  {_note(note)}" for note in verified.notes if note.feed == one.feed and note.kind != "reanchored")
    yield from (_note(note) for note in verified.notes if not note.feed)


def _note(note: Note) -> str:
    return f"note: {inert(note.subject)}: {inert(note.detail)}"


def _extent(one: Checked) -> str:
    if not one.revision:
        return "never applied"
    return f"{_count(one.records, 'record')}, {_count(one.files, 'file')} ({_count(one.bytes, 'byte')}), {_count(one.pages, 'page')}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def numbers_text(numbers: Sequence[int]) -> str:
    """Records by their numbers, ascending, in runs: `records 1 to 4, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return f"record{'s' if len(numbers) > 1 else ''} {', '.join(told)}"
