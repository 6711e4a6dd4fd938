"""The JSON that other tools rely on (DESIGN section 11), as pydantic models, and how to get there from our own types.

Fields are only ever added. Times are RFC 3339 in UTC; null means "not known" or "not yet".
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter

from reconciler.model.events import Assurance, Named
from reconciler.model.plan import AccessChange, Applied, Change, ChangeKind, Drift, DriftKind, Failure, Hold, HoldKind, Plan

Time = Annotated[datetime, PlainSerializer(lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PersonRow(_Row):
    """Somebody, and how the name is known."""

    name: str
    email: str
    assurance: Assurance

    def named(self) -> Named:
        """The same person as our own type."""
        return Named(name=self.name, email=self.email, assurance=self.assurance)


class FileRow(_Row):
    """A file with its size in bytes and its digest."""

    name: str
    size: int
    sha256: str


class DependentRow(_Row):
    """A listed version that needs a package in a range which nothing listed satisfies any more."""

    package: str
    version: str
    needs: str
    range: str


class ChangeRow(_Row):
    """Something that apply does, on whose word; `breaks` are those that lose their last candidate by it."""

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
    breaks: list[DependentRow] = []


class EvictionRow(_Row):
    """A file without approval and record that leaves the feed, because feeds.yaml says so there."""

    feed: str
    path: str
    sha256: str
    line: str


class FailedRow(ChangeRow):
    """A change that was tried, and why it did not come about."""

    error: str


class AccessRow(_Row):
    """A right that somebody gains or loses."""

    change: Literal["grant", "revoke"]
    user: str
    task: str
    feeds: list[str]
    line: str


class HoldRow(_Row):
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


class DriftRow(_Row):
    """A published state that nothing declared explains."""

    kind: DriftKind
    feed: str
    package: str
    version: str
    detail: str


class PlanV1(_Row):
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


class ApplyV1(PlanV1):
    """`reconciler apply --format json`: the plan, and what became of it."""

    schema_: Literal["apply/v1"] = Field(default="apply/v1", alias="schema")  # type: ignore[assignment]  # the one word that differs
    applied: list[ChangeRow]
    failed: list[FailedRow]


class HistoryRow(_Row):
    """An event of git joined with the ledger; `seq` and `applied_at` are null where it has not reached the feed."""

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


HISTORY: Final = TypeAdapter(list[HistoryRow])


class WithdrawnRow(_Row):
    """How a version was taken back, on whose word."""

    action: Literal["unlist", "quarantine"]
    reason: str
    since: str | None
    author: PersonRow
    approvers: list[PersonRow]
    commit: str


class ExplainV1(_Row):
    """`reconciler explain --format json`: one version, from the approval to the record."""

    schema_: Literal["explain/v1"] = Field(default="explain/v1", alias="schema")
    feed: str
    package: str
    version: str
    path: str | None
    declared: str
    published: str
    author: PersonRow | None
    approvers: list[PersonRow]
    commit: str | None
    right: str | None
    reason: str
    withdrawn: WithdrawnRow | None
    deprecated: str | None
    expires: str | None = None
    holds: list[HoldRow]
    history: list[HistoryRow]


class CanV1(_Row):
    """`reconciler can --format json`; `who_may` are all who may, by the same rules."""

    schema_: Literal["can/v1"] = Field(default="can/v1", alias="schema")
    user: str
    task: str
    allowed: bool
    line: str
    who_may: list[str]


def person_row(person: Named) -> PersonRow:
    """A person as JSON."""
    return PersonRow(name=person.name, email=person.email, assurance=person.assurance)


def _change_fields(change: Change) -> dict[str, object]:
    return {
        "change": change.kind,
        "feed": change.identity.feed,
        "source": change.source,
        "package": change.declared.package,
        "version": change.declared.version,
        "files": [FileRow(name=f.name, size=f.size, sha256=f.sha256) for f in change.files],
        "author": person_row(change.author),
        "approvers": [person_row(person) for person in change.approvers],
        "commit": change.landing.id,
        "reason": change.reason,
        "breaks": [DependentRow(package=d.package, version=d.version, needs=d.needs, range=d.range) for d in change.dependents],
    }


def change_row(change: Change) -> ChangeRow:
    """A change as JSON."""
    return ChangeRow.model_validate(_change_fields(change))


def _failed_row(failure: Failure) -> FailedRow:
    return FailedRow.model_validate({**_change_fields(failure.change), "error": failure.error})


def _access_row(row: AccessChange) -> AccessRow:
    return AccessRow(change=row.change, user=row.user, task=row.task, feeds=list(row.feeds), line=row.line)


def hold_row(hold: Hold) -> HoldRow:
    """A hold as JSON."""
    fields = {name: getattr(hold, name) for name in HoldRow.model_fields}
    return HoldRow.model_validate(fields)


def _drift_row(drift: Drift) -> DriftRow:
    return DriftRow(kind=drift.kind, feed=drift.feed, package=drift.package, version=drift.version, detail=drift.detail)


def _plan_fields(plan: Plan) -> dict[str, object]:
    return {
        "commit": plan.commit,
        "clock": plan.clock,
        "valid_until": plan.valid_until,
        "digest": plan.digest,
        "outcome": plan.outcome,
        "changes": [change_row(change) for change in plan.changes],
        "access": [_access_row(row) for row in plan.access],
        "holds": [hold_row(hold) for hold in plan.holds],
        "drift": [_drift_row(drift) for drift in plan.drift],
        "evictions": [EvictionRow(feed=e.feed, path=e.file.path, sha256=e.file.sha256, line=str(e.where)) for e in plan.evictions],
    }


def plan_v1(plan: Plan) -> PlanV1:
    """A plan as JSON."""
    return PlanV1.model_validate(_plan_fields(plan))


def apply_v1(applied: Applied) -> ApplyV1:
    """An applied plan as JSON."""
    rows = {"applied": [change_row(c) for c in applied.applied], "failed": [_failed_row(f) for f in applied.failed]}
    return ApplyV1.model_validate({**_plan_fields(applied.plan), **rows, "outcome": applied.outcome})


def to_json(row: BaseModel) -> str:
    """Indented JSON with a line feed at its end."""
    return row.model_dump_json(by_alias=True, indent=2) + "\n"


def history_json(rows: list[HistoryRow]) -> str:
    """`reconciler history --format json`: a list of rows."""
    return HISTORY.dump_json(rows, by_alias=True, indent=2).decode() + "\n"
