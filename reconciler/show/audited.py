"""What `audit` tells of a project: as JSON, and as text with what is not approved first; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Literal

from pydantic import Field

from reconciler.model.audits import AUDIT_STATES, Audited, AuditState
from reconciler.show.inert import inert
from reconciler.show.rows import Row

LONGEST_REASON = 500


class AuditedRow(Row):
    """One entry of a lock file; `version` is null where it names none, `path` the file of its approval."""

    package: str
    version: str | None
    state: AuditState
    reason: str
    path: str | None
    place: str


class AuditV1(Row):
    """`reconciler audit --format json`: `approved` only if every row is; `left_out` are parts of the project itself.

    `notes` say what could not be asked.
    """

    schema_: Literal["audit/v1"] = Field(default="audit/v1", alias="schema")
    feed: str
    commit: str
    file: str
    format: str
    approved: bool
    packages: list[AuditedRow]
    left_out: list[str]
    notes: list[str]


def audited_rows(found: Sequence[Audited]) -> list[AuditedRow]:
    """The rows, the worst first, then as the lock file has them."""
    return [AuditedRow(**asdict(one)) for one in sorted(found, key=lambda one: AUDIT_STATES.index(one.state))]


def audit_text(audit: AuditV1) -> Iterator[str]:
    """Counts, then a line for everything that is not approved."""
    counted = Counter(row.state for row in audit.packages)
    total = len(audit.packages)
    told = ", ".join(f"{counted[state]:,} {state}" for state in AUDIT_STATES[::-1] if counted[state]) or "nothing is named"
    yield f"{inert(audit.file)} against {audit.feed} at {audit.commit[:12]}: {total:,} {'entry' if total == 1 else 'entries'}: {told}"
    open_rows = [row for row in audit.packages if row.state != "approved"]
    named = [inert(f"{row.package} {row.version or ''}", longest=120).strip() for row in open_rows]
    width = min(max(map(len, named), default=0), 60)
    for row, name in zip(open_rows, named, strict=True):
        yield f"{row.state:9}  {name:{width}}  {inert(row.reason, longest=LONGEST_REASON)}".rstrip()
    if audit.left_out:
        count = len(audit.left_out)
        yield f"left out: {count} {'entry' if count == 1 else 'entries'} of the project itself (folders, links, bundled packages)"
    yield from (f"note: {inert(note)}" for note in audit.notes)
