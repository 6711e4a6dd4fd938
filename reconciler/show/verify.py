"""What `verify` derived again, and what did not derive, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.model.verification import Checked, Finding, FindingKind
from reconciler.model.words import CommitId
from reconciler.show.contract import Time
from reconciler.show.inert import inert


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


class VerifyV1(_Row):
    """`reconciler verify --format json`."""

    schema_: Literal["verify/v1"] = Field(default="verify/v1", alias="schema")
    commit: str
    clock: Time
    outcome: Literal["done", "integrity"]
    feeds: list[CheckedRow]
    findings: list[FindingRow]


def verify_v1(checked: Sequence[Checked], findings: Sequence[Finding], *, commit: CommitId, clock: datetime) -> VerifyV1:
    """The report as JSON."""
    feeds = [CheckedRow(**{name: getattr(one, name) for name in CheckedRow.model_fields}) for one in checked]
    rows = [FindingRow(kind=f.kind, feed=f.feed, subject=f.subject, detail=f.detail, remedy=f.remedy) for f in findings]
    return VerifyV1(commit=commit, clock=clock, outcome="integrity" if findings else "done", feeds=feeds, findings=rows)


def verify_text(checked: Sequence[Checked], findings: Sequence[Finding]) -> Iterator[str]:
    """One line a feed, and three for each finding."""
    for one in checked:
        own = [finding for finding in findings if finding.feed == one.feed]
        yield f"{one.feed}: {_extent(one)}: {f'{len(own)} not as recorded' if own else 'all as recorded'}"
        for finding in own:
            yield f"  ! {finding.kind} {inert(finding.subject)}"
            yield f"      {inert(finding.detail)}"
            yield f"      to do: {inert(finding.remedy)}"
        if one.unfinished:
            yield "  a pass was stopped here; what it was at work on was left out: `reconciler apply` ends it"


def _extent(one: Checked) -> str:
    if not one.revision:
        return "never applied"
    return f"{_count(one.records, 'record')}, {_count(one.files, 'file')} ({_count(one.bytes, 'byte')}), {_count(one.pages, 'page')}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"
