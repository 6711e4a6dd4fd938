"""Verdicts, alerts, warnings and waivers as JSON: parts of the contract (DESIGN section 11)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from reconciler.model.advisories import Snapshot
from reconciler.model.declared import OnExisting
from reconciler.model.findings import Finding, WaiverUse
from reconciler.model.verdicts import Judgement, Level
from reconciler.show.rows import PersonRow, Row, Time, person_row


class VerdictRow(Row):
    """What a policy says of a version, and the waiver that covers it (null: none).

    `unknown`: it only says that something is not known, which lets nothing in and takes nothing back.
    """

    rule: str
    policy: str
    verdict: Level
    reason: str
    waiver: str | None
    remedy: str = ""
    unknown: bool = False


class CureRow(Row):
    """The waiver that would let something in; `id` is "" where it waives all that the rule says."""

    rule: str
    id: str
    feed: str
    package: str
    version: str
    owner: str


class FindingRow(Row):
    """An alert about what is published, or a warning: which rule, why, what to do, and who approved the version."""

    feed: str
    package: str
    version: str
    rule: str
    level: Level
    reason: str
    remedy: str
    action: OnExisting
    path: str
    line: int
    author: PersonRow | None
    approvers: list[PersonRow]
    commit: str
    cure: CureRow | None


class WaiverRow(Row):
    """A waiver, how many verdicts it covers in this plan, the days until it ends (below 0: it has ended), whether it holds."""

    path: str
    line: int
    rule: str
    id: str
    package: str
    owner: str
    reason: str
    expires: date
    used: int
    days_left: int
    holds: bool


class SnapshotRow(Row):
    """The advisories that versions were judged by."""

    digest: str
    fetched_at: Time
    source: str


def verdict_row(one: Judgement) -> VerdictRow:
    """A verdict as JSON."""
    waiver = str(one.waiver) if one.waiver else None
    return VerdictRow(
        rule=one.rule,
        policy=str(one.policy),
        verdict=one.level,
        reason=one.verdict.reason,
        waiver=waiver,
        remedy=one.verdict.remedy,
        unknown=one.verdict.unknown,
    )


def finding_row(one: Finding) -> FindingRow:
    people = {"author": person_row(one.author) if one.author else None, "approvers": [person_row(person) for person in one.approvers]}
    return FindingRow.model_validate({**asdict(one), **people})


def waiver_row(one: WaiverUse) -> WaiverRow:
    waiver = one.waiver
    said = {name: getattr(waiver, name) for name in ("rule", "id", "package", "owner", "reason", "expires")}
    return WaiverRow(path=waiver.where.path, line=waiver.where.line, used=one.used, days_left=one.days_left, holds=one.holds, **said)


def snapshot_row(snapshot: Snapshot | None) -> SnapshotRow | None:
    """The advisories as JSON."""
    return SnapshotRow(**asdict(snapshot)) if snapshot else None
