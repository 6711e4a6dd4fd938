"""The plan: desired x published x what upstream has -> sorted, digested changes, holds and drift. Pure.

`rows.py` has found the row of the table for every version; those that need bytes were looked up in their proxy feeds; here rows and
answers become changes and holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.decide import digest, limits
from reconciler.decide.desired import authority_holds, malformed_holds
from reconciler.decide.people import named
from reconciler.decide.rows import Row
from reconciler.decide.rules_in_force import RefusedRule
from reconciler.decide.sourcing import available
from reconciler.decide.table import Action
from reconciler.model.declared import MalformedApproval, Rules
from reconciler.model.plan import ORDER as CHANGE_ORDER
from reconciler.model.plan import AccessChange, Catalog, Change, ChangeKind, Drift, DriftKind, Hold, Outcome, Plan, Stock
from reconciler.model.words import CommitId, FeedName, Identity

CHANGES: Mapping[Action, ChangeKind] = {
    "promote": "promote",
    "repair": "repair",
    "extend": "extend",
    "adopt": "adopt",
    "relist": "relist",
    "unlist": "unlist",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What one pass has gathered, for the plan."""

    commit: CommitId
    now: datetime
    rules: Rules
    refused: tuple[RefusedRule, ...]
    malformed: tuple[MalformedApproval, ...]
    stocks: Mapping[FeedName, Stock]
    access: tuple[AccessChange, ...]


def make_plan(gathered: Pass, rows: Iterable[Row], catalog: Catalog, *, accepted: bool) -> Plan:
    """The plan. `accepted`: limits have been lifted by somebody who named this plan's digest."""
    rows = tuple(rows)
    changes: list[Change] = []
    holds = [*_rule_holds(gathered), *(h for m in gathered.malformed for h in malformed_holds(m))]
    for row in rows:
        change, held = _resolve(row, catalog)
        changes += change
        holds += held
        if row.desired is not None:
            holds += authority_holds(row.desired)
    kept, refused = (tuple(changes), ()) if accepted else limits.within(changes, gathered.rules.settings, gathered.stocks)
    plan = Plan(
        commit=gathered.commit,
        rules=gathered.rules,
        clock=gathered.now,
        valid_until=min(
            (r.desired.expires for r in rows if r.desired and r.desired.state == "approved" and r.desired.expires), default=None
        ),
        digest="",
        outcome="done",
        changes=tuple(sorted(kept, key=_change_order)),
        access=gathered.access,
        holds=tuple(sorted({*holds, *refused}, key=_hold_order)),
        drift=tuple(_drift(rows)),
    )
    unlimited = replace(plan, changes=tuple(sorted(changes, key=_change_order)), holds=tuple(h for h in plan.holds if h.kind != "limit"))
    return replace(plan, digest=digest.of_plan(unlimited, gathered.stocks), outcome=_outcome(plan))


def _change_order(change: Change) -> tuple[int, Identity]:
    return CHANGE_ORDER.index(change.kind), change.identity


def _hold_order(hold: Hold) -> tuple[Any, ...]:
    """Where it belongs first, then everything else, so that no two differ and tie."""
    return hold.feed, hold.package, hold.version, hold.kind, hold.path, hold.line, *astuple(hold)


def _outcome(plan: Plan) -> Outcome:
    if any(d.kind == "differing" for d in plan.drift):
        return "integrity"
    return "changes" if plan.changes or plan.access else "done"


def _resolve(row: Row, catalog: Catalog) -> tuple[list[Change], list[Hold]]:
    """A row as a change, or as the hold that stands in its way, or as neither."""
    desired = row.desired
    if desired is None or row.action not in CHANGES or desired.source is None:
        return [], _fewer(row)
    answer = available(desired, row.files, catalog.get((desired.source, row.identity.package))) if row.needs_bytes else None
    if isinstance(answer, Hold):
        return [], [answer]
    standing = desired.standing
    if standing.author is None or standing.landing is None or standing.author_commit is None:
        return [], []
    change = Change(
        kind=CHANGES[row.action],
        declared=desired.declared,
        source=desired.source,
        files=row.files,
        author=named(standing.author),
        approvers=tuple(named(person) for person in standing.approvers),
        landing=standing.landing,
        author_commit=standing.author_commit,
        release=answer.release if answer else None,
        upstream=answer.upstream if answer else "",
    )
    return [change], []


def _fewer(row: Row) -> list[Hold]:
    if row.action != "fewer" or row.desired is None:
        return []
    declared = row.desired.declared
    hold = Hold(
        feed=row.identity.feed,
        package=declared.package,
        version=declared.version,
        kind="malformed",
        rule="",
        reason="the approval names fewer files than the feed holds: what is published stays",
        remedy="name all recorded files again",
        path=declared.path,
        line=1,
    )
    return [hold]


def _rule_holds(gathered: Pass) -> Iterator[Hold]:
    for refused in gathered.refused:
        reason = f"not in force: {refused.reason} (commit {refused.commit[:12]})"
        yield Hold(
            feed="", package="", version="", kind="authority", rule="", reason=reason, remedy=refused.remedy, path=refused.path, line=1
        )


def _drift(rows: Iterable[Row]) -> Iterator[Drift]:
    for row in rows:
        for kind, detail in _unexplained(row):
            yield Drift(kind=kind, feed=row.identity.feed, package=row.spelled[0], version=row.spelled[1], detail=detail)


def _unexplained(row: Row) -> Iterator[tuple[DriftKind, str]]:
    """What is published and not explained, of one version."""
    paths = ", ".join(row.strangers)
    if row.action == "orphan":
        command = f"`reconciler approve {row.identity.feed} {' '.join(row.spelled)}`"
        yield "orphan", f"published, but no approval in force names it; it stays. Approve it again: {command}"
    if row.action == "conflict":
        yield "differing", f"the feed holds other bytes than the approval names{f' ({paths})' if paths else ''}; nothing is overwritten"
    elif paths:
        yield "alien", f"in feed storage, but nobody approved or recorded it: {paths}"
    if row.damage:
        yield "missing", "; ".join(row.damage)
