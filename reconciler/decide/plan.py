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
from reconciler.decide.dependents import left_without
from reconciler.decide.desired import Desired, authority_holds, malformed_holds
from reconciler.decide.drifting import drift_of, evictions_of
from reconciler.decide.findings import findings_of
from reconciler.decide.language import Language
from reconciler.decide.marks import gathered as gathered_holds
from reconciler.decide.marks import new_marks
from reconciler.decide.rows import Row
from reconciler.decide.rules_in_force import RefusedRule
from reconciler.decide.sourcing import available
from reconciler.decide.stands import backing_of, reason_of
from reconciler.decide.table import Action
from reconciler.decide.waiving import begins
from reconciler.model.advisories import Snapshot
from reconciler.model.declared import MalformedApproval, Rules
from reconciler.model.plan import ORDER as CHANGE_ORDER
from reconciler.model.plan import TAKES_BACK, AccessChange, Catalog, Change, ChangeKind, Dependent, Hold, Outcome, Plan, Stock
from reconciler.model.words import CommitId, FeedName, Identity

CHANGES: Mapping[Action, ChangeKind] = {
    "promote": "promote",
    "repair": "repair",
    "extend": "extend",
    "adopt": "adopt",
    "relist": "relist",
    "release": "release",
    "mark": "mark",
    "unlist": "unlist",
    "quarantine": "quarantine",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What one pass has gathered, for the plan. `languages` read each feed's names and ranges; `marks`: upstream was asked for
    new marks of what is published."""

    commit: CommitId
    now: datetime
    rules: Rules
    refused: tuple[RefusedRule, ...]
    malformed: tuple[MalformedApproval, ...]
    stocks: Mapping[FeedName, Stock]
    access: tuple[AccessChange, ...]
    languages: Mapping[FeedName, Language]
    marks: bool = False
    snapshot: Snapshot | None = None


def make_plan(gathered: Pass, rows: Iterable[Row], catalog: Catalog, *, accepted: bool) -> Plan:
    """The plan. `accepted`: limits have been lifted by somebody who named this plan's digest."""
    rows = tuple(rows)
    found = findings_of(rows, gathered.rules, gathered.now)
    changes: list[Change] = []
    holds = [*found.holds, *_rule_holds(gathered), *(h for m in gathered.malformed for h in malformed_holds(m))]
    for row in rows:
        change, held = _resolve(row, catalog, gathered)
        changes += change
        holds += held
        if row.desired is not None:
            holds += authority_holds(row.desired)
    holds = list(gathered_holds(holds))
    changes = _with_dependents(changes, gathered)
    kept, refused = (tuple(changes), ()) if accepted else limits.within(changes, gathered.rules.settings, gathered.stocks)
    plan = Plan(
        commit=gathered.commit,
        rules=gathered.rules,
        clock=gathered.now,
        valid_until=_valid_until(rows, gathered),
        digest="",
        outcome="done",
        changes=tuple(sorted(kept, key=_change_order)),
        access=gathered.access,
        holds=tuple(sorted({*holds, *refused}, key=_hold_order)),
        drift=tuple(drift_of(rows, gathered.stocks)),
        evictions=tuple(evictions_of(rows, gathered.rules.settings.feeds)),
        reanchored=tuple(one for _, stock in sorted(gathered.stocks.items()) for one in stock.reanchored),
        alerts=found.alerts,
        warnings=found.warnings,
        waivers=found.waivers,
        snapshot=gathered.snapshot,
    )
    unlimited = replace(plan, changes=tuple(sorted(changes, key=_change_order)), holds=tuple(h for h in plan.holds if h.kind != "limit"))
    return replace(plan, digest=digest.of_plan(unlimited, gathered.stocks), outcome=_outcome(plan))


def _valid_until(rows: Iterable[Row], gathered: Pass) -> datetime | None:
    """The first instant at which time alone changes the plan: an approval expires, or a verdict flips."""
    approved = [row.desired for row in rows if row.desired is not None and row.desired.state == "approved"]
    ends = [desired.expires for desired in approved if desired.expires]
    begin = [start for waiver in gathered.rules.waivers if (start := begins(waiver)) > gathered.now]
    return min((*ends, *begin, *(until for desired in approved if (until := desired.judged.until(gathered.now)))), default=None)


def _change_order(change: Change) -> tuple[int, Identity]:
    return CHANGE_ORDER.index(change.kind), change.identity


def _hold_order(hold: Hold) -> tuple[Any, ...]:
    """Where it belongs first, then everything else, so that no two differ and tie."""
    return hold.feed, hold.package, hold.version, hold.kind, hold.path, hold.line, *astuple(hold)


def _outcome(plan: Plan) -> Outcome:
    if any(d.kind == "differing" for d in plan.drift) or any(hold.integrity for hold in plan.holds):
        return "integrity"
    return "changes" if plan.changes or plan.access or plan.evictions else "done"


def _with_dependents(changes: Iterable[Change], gathered: Pass) -> list[Change]:
    """The changes, each withdrawal with those that lose their last candidate by it."""
    changes = list(changes)
    lost: dict[Identity, tuple[Dependent, ...]] = {}
    for feed, stock in gathered.stocks.items():
        taken = {c.identity for c in changes if c.identity.feed == feed and c.kind in TAKES_BACK}
        if taken:
            lost |= left_without(taken, stock, gathered.languages[feed])
    return [replace(change, dependents=lost.get(change.identity, ())) for change in changes]


def _resolve(row: Row, catalog: Catalog, gathered: Pass) -> tuple[list[Change], list[Hold]]:
    """A row as a change, or as the hold that stands in its way, or as neither."""
    desired = row.desired
    if desired is None:
        return [], []
    kind, release, upstream = CHANGES.get(row.action), None, ""
    if row.action == "extend" and desired.judged.extension_stops:
        return [], []  # the holds say why
    if row.needs_bytes and desired.source is not None:
        answer = available(desired, row.files, catalog.get((desired.source, row.identity.package)))
        if isinstance(answer, Hold):
            return [], [answer]
        release, upstream = answer.release, answer.upstream
    elif gathered.marks and row.wants_marks and row.published is not None and desired.source is not None:
        new = new_marks(desired, row.published, catalog.get((desired.source, row.identity.package)))
        if isinstance(new, Hold):
            return ([_change(row, desired, gathered, kind="mark")] if kind else []), [new]
        if new is not None:
            kind, release = "mark", new
    if kind is None:
        return [], _fewer(row)
    return [replace(_change(row, desired, gathered, kind=kind), release=release, upstream=upstream)], []


def _change(row: Row, desired: Desired, gathered: Pass, *, kind: ChangeKind) -> Change:
    backing = backing_of(kind, desired)
    return Change(
        kind=kind,
        declared=desired.declared,
        source=desired.source or FeedName(""),
        files=row.files,
        author=backing.author,
        approvers=backing.approvers,
        landing=backing.landing,
        author_commit=backing.author_commit,
        grounds=backing.grounds,
        release=None,
        upstream="",
        reason=reason_of(kind, desired),
        deprecated=desired.deprecated.message if desired.deprecated else None,
        snapshot=gathered.snapshot.digest if gathered.snapshot else "",
        judgements=desired.judged.extension if kind == "extend" else desired.judged.judgements,
        traits=desired.judged.traits,
        relies_on=desired.judged.relies_on if kind in {"promote", "adopt"} else (),
    )


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
            feed="",
            package="",
            version="",
            kind="authority",
            rule="",
            reason=reason,
            remedy=refused.remedy,
            path=refused.path,
            line=1,
            waiting=refused.waiting,
        )
