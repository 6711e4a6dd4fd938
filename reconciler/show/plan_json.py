"""Plans and their outcomes as the JSON of `contract.py`."""

from __future__ import annotations

from reconciler.model.plan import AccessChange, Applied, Change, Drift, Failure, Plan
from reconciler.show.contract import (
    AccessRow,
    ApplyV1,
    ChangeRow,
    DependentRow,
    DriftRow,
    EvictionRow,
    FailedRow,
    FileRow,
    NotesRow,
    PlanV1,
    hold_row,
    reanchored_row,
)
from reconciler.show.rows import person_row
from reconciler.show.verdicts import finding_row, snapshot_row, verdict_row, waiver_row


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
        "verdicts": [verdict_row(one) for one in change.judgements],
        "breaks": [DependentRow(package=d.package, version=d.version, needs=d.needs, range=d.range) for d in change.dependents],
    }


def change_row(change: Change) -> ChangeRow:
    """A change as JSON."""
    return ChangeRow.model_validate(_change_fields(change))


def _failed_row(failure: Failure) -> FailedRow:
    return FailedRow.model_validate({**_change_fields(failure.change), "error": failure.error})


def _access_row(row: AccessChange) -> AccessRow:
    return AccessRow(change=row.change, user=row.user, task=row.task, feeds=list(row.feeds), line=row.line)


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
        "reanchored": [reanchored_row(one) for one in plan.reanchored],
        "alerts": [finding_row(one) for one in plan.alerts],
        "warnings": [finding_row(one) for one in plan.warnings],
        "waivers": [waiver_row(one) for one in plan.waivers],
        "snapshot": snapshot_row(plan.snapshot),
    }


def plan_v1(plan: Plan) -> PlanV1:
    """A plan as JSON."""
    return PlanV1.model_validate(_plan_fields(plan))


def apply_v1(applied: Applied, notes: NotesRow | None = None) -> ApplyV1:
    """An applied plan as JSON."""
    rows = {"applied": [change_row(c) for c in applied.applied], "failed": [_failed_row(f) for f in applied.failed], "notes": notes}
    return ApplyV1.model_validate({**_plan_fields(applied.plan), **rows, "outcome": applied.outcome})
