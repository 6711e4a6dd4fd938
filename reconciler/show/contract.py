"""The JSON that other tools rely on (DESIGN section 11), as pydantic models; `plan_json.py` makes plans of them.

Fields are only ever added. Times are RFC 3339 in UTC; null means "not known" or "not yet".
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final, Literal

from pydantic import BaseModel, Field, TypeAdapter

from reconciler.model.packages import ListedState
from reconciler.model.plan import ChangeKind, DriftKind, Hold, HoldKind
from reconciler.model.reanchored import Reanchored
from reconciler.show.rows import PersonRow, Row, Time, person_row
from reconciler.show.verdicts import CureRow, FindingRow, SnapshotRow, VerdictRow, WaiverRow


class FileRow(Row):
    """A file with its size in bytes and its digest."""

    name: str
    size: int
    sha256: str


class DependentRow(Row):
    """A listed version that needs a package in a range which nothing listed satisfies any more."""

    package: str
    version: str
    needs: str
    range: str


class ChangeRow(Row):
    """Something that apply does, on whose word; `breaks` are those that lose their last candidate by it, `verdicts` what policies say."""

    change: ChangeKind
    feed: str
    source: str = Field(alias="from")
    package: str
    version: str
    files: list[FileRow]
    author: PersonRow
    approvers: list[PersonRow]
    commit: str
    reason: str
    breaks: list[DependentRow] = Field(default_factory=list)
    verdicts: list[VerdictRow] = Field(default_factory=list)


class EvictionRow(Row):
    """A file without approval and record that leaves the feed, because feeds.yaml says so there."""

    feed: str
    path: str
    sha256: str
    line: str


class FailedRow(ChangeRow):
    """A change that was tried, and why it did not come about."""

    error: str


class AccessRow(Row):
    """A right that somebody gains or loses."""

    change: Literal["grant", "revoke"]
    user: str
    task: str
    feeds: list[str]
    line: str


class HoldRow(Row):
    """Something declared that is not carried out."""

    feed: str
    package: str
    version: str
    kind: HoldKind
    rule: str
    reason: str
    remedy: str
    path: str
    line: int
    cure: CureRow | None = None


class DriftRow(Row):
    """A published state that nothing declared explains."""

    kind: DriftKind
    feed: str
    package: str
    version: str
    detail: str


class ReanchoredRow(Row):
    """A feed goes on in another history than it was applied in; `shared`: its new commit had landed in the old one, too."""

    feed: str
    from_commit: str
    commit: str
    at: Time
    by: PersonRow
    reason: str
    shared: bool


class PlanV1(Row):
    """`reconciler plan --format json`."""

    schema_: Literal["plan/v1"] = Field(default="plan/v1", alias="schema")
    commit: str
    clock: Time
    valid_until: Time | None
    digest: str
    outcome: str
    changes: list[ChangeRow]
    access: list[AccessRow]
    holds: list[HoldRow]
    drift: list[DriftRow]
    evictions: list[EvictionRow]
    reanchored: list[ReanchoredRow] = Field(default_factory=list)
    alerts: list[FindingRow] = Field(default_factory=list)
    warnings: list[FindingRow] = Field(default_factory=list)
    waivers: list[WaiverRow] = Field(default_factory=list)
    snapshot: SnapshotRow | None = None


class NotesRow(Row):
    """What became of `apply --notes`: how many commits have a note, on how many it was written just now; the commit of the notes."""

    ref: str
    commit: str | None
    notes: int
    written: int


class ApplyV1(PlanV1):
    """`reconciler apply --format json`: the plan, and what became of it."""

    schema_: Literal["apply/v1"] = Field(default="apply/v1", alias="schema")  # type: ignore[assignment]  # the one word that differs
    applied: list[ChangeRow]
    failed: list[FailedRow]
    notes: NotesRow | None = None


class HistoryRow(Row):
    """An event of git joined with the ledger; `seq` and `applied_at` are null where it has not reached the feed.

    `state` is what its record leaves the version as, `head` the commit that was applied (not in records of version 0.1). A row `reanchor`
    is of no version: the ledger of the feed went on at `commit`, though it had been applied at `from_commit`. `rule` is set where not the
    author but a rule took the version back: "vulnerability, policies/vulnerabilities.yaml:1".
    """

    seq: int | None
    change: str
    outcome: Literal["applied", "pending", "held", "none"]
    feed: str
    source: str = Field(alias="from")
    package: str
    version: str
    author: PersonRow
    approvers: list[PersonRow]
    applier: str | None
    commit: str
    authored_at: Time
    applied_at: Time | None
    reason: str
    files: list[FileRow]
    head: str | None = None
    state: ListedState | None = None
    purl: str | None = None
    from_commit: str | None = None
    rule: str | None = None


HISTORY: Final = TypeAdapter(list[HistoryRow])


class CanV1(Row):
    """`reconciler can --format json`; `who_may` are all who may, by the same rules."""

    schema_: Literal["can/v1"] = Field(default="can/v1", alias="schema")
    user: str
    task: str
    allowed: bool
    line: str
    who_may: list[str]


def reanchored_row(one: Reanchored) -> ReanchoredRow:
    """That a feed was reanchored, as JSON."""
    fields = {name: getattr(one, name) for name in ReanchoredRow.model_fields if name != "by"}
    return ReanchoredRow(**fields, by=person_row(one.by))


def hold_row(hold: Hold) -> HoldRow:
    """A hold as JSON."""
    fields = {name: getattr(hold, name) for name in HoldRow.model_fields}
    return HoldRow.model_validate({**fields, "cure": asdict(hold.cure) if hold.cure else None})


def to_json(row: BaseModel) -> str:
    """Indented JSON with a line feed at its end."""
    return row.model_dump_json(by_alias=True, indent=2) + "\n"


def history_json(rows: list[HistoryRow]) -> str:
    """`reconciler history --format json`: a list of rows."""
    return HISTORY.dump_json(rows, by_alias=True, indent=2).decode() + "\n"
