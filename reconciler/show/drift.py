"""Drift for a person and for a program: what feed storage holds and nothing explains, since when on whose word, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.model.plan import Drift, DriftKind, Plan
from reconciler.model.reanchored import Reanchored
from reconciler.model.verification import ChangeRecord
from reconciler.show.contract import DriftRow, ReanchoredRow, reanchored_row
from reconciler.show.inert import inert
from reconciler.show.rows import Time
from reconciler.show.text import reanchored_lines

FETCH: Final = "`reconciler apply --refresh` fetches what is approved again, with the same digests"
REMEDIES: Final[Mapping[DriftKind, str]] = {
    "alien": "remove it by hand, or approve what it is; with `aliens: quarantine` in feeds.yaml, apply takes such files out",
    "missing": FETCH,
    "differing": "find out who wrote it and move it away; then `reconciler apply --refresh` fetches the approved bytes again",
}
"""What to do, where the detail does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """A row of drift with the last record of the version that it is about, None where there is none."""

    drift: Drift
    record: ChangeRecord | None


class DriftV1(BaseModel):
    """`reconciler drift --format json`; rows are those of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["drift/v1"] = Field(default="drift/v1", alias="schema")
    commit: str
    clock: Time
    outcome: Literal["done", "changes", "integrity"]
    drift: list[DriftRow]
    reanchored: list[ReanchoredRow] = []


def drift_v1(plan: Plan, rows: Iterable[Drift]) -> DriftV1:
    """The rows as JSON; the outcome is about them only."""
    rows = tuple(rows)
    return DriftV1(
        commit=plan.commit,
        clock=plan.clock,
        outcome=outcome_of(rows),
        drift=[DriftRow(kind=d.kind, feed=d.feed, package=d.package, version=d.version, detail=d.detail) for d in rows],
        reanchored=[reanchored_row(one) for one in plan.reanchored],
    )


def outcome_of(rows: Sequence[Drift]) -> Literal["done", "changes", "integrity"]:
    """What drift amounts to: other bytes than recorded are worse than everything else."""
    if any(row.kind == "differing" for row in rows):
        return "integrity"
    return "changes" if rows else "done"


def drift_text(rows: Iterable[Explained], feeds: Sequence[str], reanchored: Iterable[Reanchored], *, deep: bool) -> Iterator[str]:
    """Feed by feed: what, where, since which record, what to do."""
    reanchored = tuple(reanchored)
    rows = sorted(rows, key=lambda row: feeds.index(row.drift.feed))
    drifted = {feed: list(group) for feed, group in groupby(rows, key=attrgetter("drift.feed"))}
    compared = "every file was read" if deep else "sizes of files, and bytes of pages and of what lies beside files"
    for feed in feeds:
        found = drifted.get(feed, [])
        yield f"{feed}: {f'{len(found)} drifted' if found else 'as recorded'}"
        for row in found:
            yield from (f"  {line}" for line in _lines(row))
        yield from (f"  {line}" for line in reanchored_lines(one for one in reanchored if one.feed == feed))
    yield ""
    yield f"Compared: {compared}." + ("" if deep else " `reconciler drift --deep` reads every file.")


def _lines(row: Explained) -> Iterator[str]:
    drift = row.drift
    name = " ".join(inert(part) for part in (drift.package, drift.version) if part)
    yield f"! {drift.kind}{f' {name}' if name else ''}: {inert(drift.detail)}"
    if row.record is not None:
        record = row.record
        by = f"{inert(record.author.name)} <{inert(record.author.email)}>"
        others = "".join(f", approved by {inert(person.name)} <{inert(person.email)}>" for person in record.approvers)
        yield f"    record {record.seq}: {record.change}, by {by}{others}, commit {record.commit[:12]}"
    if drift.kind in REMEDIES and "`reconciler" not in drift.detail:
        yield f"    to do: {REMEDIES[drift.kind]}"
