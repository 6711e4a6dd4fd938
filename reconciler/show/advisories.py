"""Which advisories are in use, for a person and for a program: where they come from, how old they are, what could not be used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.model.advisories import Current, Dump
from reconciler.model.text import rough_text
from reconciler.show.inert import inert
from reconciler.show.rows import Time

SHOWN_NOTES: Final = 5
UPDATE: Final = "To do: `reconciler advisories update`"

UpdateOutcome = Literal["new", "unchanged", "overtaken"]
"""Of an update: other advisories than before; the same, and fresh again; another update was finished meanwhile, and its snapshot stays."""


class DumpRow(BaseModel):
    """What was read of an ecosystem's dump; `ecosystem` as OSV names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ecosystem: str
    records: int
    advisories: int
    packages: int
    withdrawn: int
    skipped: int
    strange: int
    notes: list[str]


class AdvisoriesV1(BaseModel):
    """`reconciler advisories status|update --format json`. Null where there was never a snapshot; `outcome` is that of an update."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["advisories/v1"] = Field(default="advisories/v1", alias="schema")
    clock: Time
    digest: str | None
    fetched_at: Time | None
    age_seconds: int | None
    source: str | None
    dumps: list[DumpRow]
    missing: list[str]
    outcome: UpdateOutcome | None = None


def advisories_v1(current: Current | None, missing: list[str], now: datetime, outcome: UpdateOutcome | None = None) -> AdvisoriesV1:
    """The snapshot as JSON; `missing` are the ecosystems of declared feeds that it knows nothing about."""
    snapshot = current.snapshot if current else None
    return AdvisoriesV1(
        clock=now,
        digest=snapshot.digest if snapshot else None,
        fetched_at=snapshot.fetched_at if snapshot else None,
        age_seconds=int((now - snapshot.fetched_at).total_seconds()) if snapshot else None,
        source=snapshot.source if snapshot else None,
        dumps=[_row(dump) for dump in current.dumps] if current else [],
        missing=missing,
        outcome=outcome,
    )


def advisories_text(current: Current | None, missing: list[str], now: datetime) -> Iterator[str]:
    """The snapshot as lines: what it is, then each ecosystem."""
    if current is None:
        yield "There is no snapshot of the advisories: the rule `vulnerability` lets nothing new in."
        yield UPDATE
        return
    snapshot = current.snapshot
    yield f"Advisories of {inert(snapshot.source)}, fetched {snapshot.fetched_at:%Y-%m-%dT%H:%M:%SZ} ({_ago(now - snapshot.fetched_at)})"
    yield f"  snapshot {snapshot.digest}"
    for dump in current.dumps:
        yield from (f"  {line}" for line in _lines(dump))
    for ecosystem in missing:
        yield f"  {ecosystem}: nothing is known; a feed of this type was declared after these advisories were fetched"
    if missing:
        yield UPDATE


def _lines(dump: Dump) -> Iterator[str]:
    told = [f"{_counted(dump.records, 'record', 'records')} about {_counted(dump.packages, 'package', 'packages')}"]
    told += [f"{count:,} {what}" for count, what in ((dump.withdrawn, "withdrawn"), (dump.skipped, "skipped")) if count]
    told += [f"{dump.strange:,} about a name that no package can have here"] if dump.strange else []
    yield f"{inert(dump.ecosystem)}: {'; '.join(told)}"
    for note in dump.notes[:SHOWN_NOTES]:
        yield f"  ! skipped {inert(note)}"
    if dump.skipped > SHOWN_NOTES:
        yield f"  ! and {dump.skipped - SHOWN_NOTES:,} more"


def _ago(age: timedelta) -> str:
    return f"{rough_text(age)} ago" if age >= timedelta(minutes=1) else "just now"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _row(dump: Dump) -> DumpRow:
    return DumpRow(
        ecosystem=dump.ecosystem,
        records=dump.records,
        advisories=dump.advisories,
        packages=dump.packages,
        withdrawn=dump.withdrawn,
        skipped=dump.skipped,
        strange=dump.strange,
        notes=list(dump.notes),
    )
