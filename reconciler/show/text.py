"""Plans and outcomes as text for a person: what will happen first, then what will not, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.plan import AccessChange, Applied, Change, ChangeKind, Drift, Failure, Hold, Plan
from reconciler.model.reanchored import Reanchored
from reconciler.model.text import rough_text
from reconciler.show.findings import alert_lines, cure_lines, verdict_lines, waiver_summary, warning_lines
from reconciler.show.inert import inert
from reconciler.show.people import people, person_text

SIGNS: Final[Mapping[ChangeKind, str]] = {
    "promote": "+",
    "extend": "+",
    "adopt": "+",
    "repair": "~",
    "relist": "~",
    "release": "~",
    "mark": "~",
    "unlist": "-",
    "quarantine": "-",
}
STAYS: Final = frozenset({"unlist", "quarantine", "relist", "release", "mark"})
"""What concerns a version where it is, and promotes nothing."""


def plan_text(plan: Plan) -> Iterator[str]:
    """The plan, line by line."""
    yield f"Plan for commit {plan.commit[:12]}: {plan_counts(plan)}"
    yield from _section("Changes", [*(line for change in plan.changes for line in change_lines(change)), *_eviction_lines(plan)])
    yield from _attention(plan)
    yield ""
    if plan.valid_until is not None:
        yield f"Valid until {plan.valid_until:%Y-%m-%dT%H:%M:%SZ}, when an approval expires or a verdict changes by itself."
    yield from advisories_lines(plan)
    yield f"Digest {plan.digest}"


def advisories_lines(plan: Plan) -> Iterator[str]:
    """What versions were judged by, and how old that is; that it is missing, where a policy asks for it."""
    if plan.snapshot is not None:
        age, fetched = plan.clock - plan.snapshot.fetched_at, f"{plan.snapshot.fetched_at:%Y-%m-%dT%H:%M:%SZ}"
        old = f", {rough_text(age)} ago," if age >= timedelta(minutes=1) else ""
        yield f"Advisories {plan.snapshot.digest[:12]}, fetched {fetched}{old} from {inert(plan.snapshot.source)}"
    elif any(policy.rule == "vulnerability" for policy in plan.rules.policies):
        yield "Advisories: none, so nothing is known of vulnerabilities; `reconciler advisories update` fetches them"


def applied_text(applied: Applied) -> Iterator[str]:
    """What an apply did, line by line; single changes have been reported as they came about."""
    plan = applied.plan
    yield from _attention(plan)
    yield from _section("Failed", [line for failure in applied.failed for line in failure_lines(failure)])
    yield ""
    yield f"Commit {plan.commit[:12]}: {applied_counts(applied)}"


def change_lines(change: Change) -> list[str]:
    """A change: what, from where to where, on whose word, why."""
    files = f"{len(change.files)} file{'s' if len(change.files) != 1 else ''}, {bytes_text(sum(f.size for f in change.files))}"
    declared = change.declared
    way = f"in {declared.identity.feed}" if change.kind in STAYS else f"{change.source} -> {declared.identity.feed}"
    line = f"{SIGNS[change.kind]} {change.kind} {inert(declared.package)} {inert(declared.version)}: {way} ({files})"
    lost = [
        f"    no other listed version satisfies {inert(d.package)} {inert(d.version)}, which needs {inert(d.needs)} {inert(d.range)}".rstrip()
        for d in change.dependents
    ]
    denied = next((one for one in change.judgements if one.stops and one.action == change.kind and not one.verdict.unknown), None)
    if denied is not None:  # nobody asked for that by name
        said = [
            f"    by the rule {denied.rule}, {inert(str(denied.policy))}: {inert(change.reason)}",
            f"    approved {people(change.author, change.approvers)}, commit {change.landing.id[:12]}",
        ]
        return [line, *said, *lost]
    said = [f"    {people(change.author, change.approvers)}: {inert(change.reason)}"]
    return [line, *said, *verdict_lines(change.judgements), *lost, *_marks(change)]


def _marks(change: Change) -> Iterator[str]:
    """What the registry says of a published version now."""
    if change.kind != "mark" or change.release is None:
        return
    yield (
        f"    {change.source} says now: deprecated: {inert(change.release.deprecated)}"
        if change.release.deprecated
        else f"    {change.source} has new marks"
    )
    yield from (
        f"    {inert(file.name)} is yanked: {inert(file.yanked) or 'no reason given'}"
        for file in change.release.files
        if file.yanked is not None
    )


def _eviction_lines(plan: Plan) -> Iterator[str]:
    """Files that leave a feed because nobody approved or recorded them."""
    for eviction in plan.evictions:
        yield f"- evict {inert(eviction.file.path)} from {eviction.feed}: nobody approved or recorded it, and {eviction.where} says `aliens: quarantine`"


def failure_lines(failure: Failure) -> list[str]:
    """A change that failed, and why."""
    declared = failure.change.declared
    return [
        f"! {failure.change.kind} {inert(declared.package)} {inert(declared.version)} in {declared.identity.feed}: {inert(failure.error)}"
    ]


def reanchored_lines(reanchored: Iterable[Reanchored]) -> Iterator[str]:
    """Each of them: which feed, when, from where to where, on whose word, why."""
    for one in reanchored:
        where = f"from commit {one.from_commit[:12]} to {one.commit[:12]}"
        unrelated = "" if one.shared else " (no commit landed in both histories)"
        yield f"! {one.feed} was reanchored {one.at:%Y-%m-%dT%H:%M:%SZ} {where}{unrelated}"
        yield f"    by {person_text(one.by)}: {inert(one.reason)}"


def hold_lines(hold: Hold, now: datetime) -> list[str]:
    """A hold: what, why, by which line, and what would cure it; a waiver as the file to add."""
    what = " ".join(inert(part) for part in (hold.package, hold.version, f"in {hold.feed}" if hold.feed else "") if part)
    rule = f" [{inert(hold.rule)}]" if hold.rule else ""
    where = f"    {inert(hold.path)}:{hold.line}{rule}"
    lines = [f"? {what + ': ' if what else ''}{inert(hold.reason)}", where, f"    to do: {inert(hold.remedy)}"]
    return [*lines, *cure_lines(hold.cure, now)]


def drift_lines(drift: Drift) -> list[str]:
    """A published state that nothing explains."""
    about = " ".join(inert(word) for word in (drift.kind, drift.package, drift.version) if word)
    return [f"! {about} in {drift.feed}: {inert(drift.detail)}"]


def _attention(plan: Plan) -> Iterator[str]:
    """What is not a change of a feed's content: rights, and everything that somebody should look at."""
    yield from _section("Reanchored", reanchored_lines(plan.reanchored))
    yield from _section("Access", access_lines(plan.access))
    now = plan.clock
    yield from _section("Alerts", [line for alert in plan.alerts for line in alert_lines(alert, now)])
    yield from _section("Held", [line for hold in plan.holds if not hold.waiting for line in hold_lines(hold, now)])
    waiting = [line for hold in plan.holds if hold.waiting for line in hold_lines(hold, now)]
    yield from _section("Waiting for an upstream or the forge", waiting)
    yield from _section("Warnings", warning_lines(plan))
    yield from _section("Waivers", waiver_summary(plan.waivers))
    yield from _section("Drift", [line for drift in plan.drift for line in drift_lines(drift)])


def _held(plan: Plan) -> str:
    waiting = sum(hold.waiting for hold in plan.holds)
    return f"{len(plan.holds) - waiting} held, {waiting} waiting"


def access_lines(rows: Iterable[AccessChange]) -> list[str]:
    """One line for what one line of the permissions gives or takes: its feeds together, and what `administer` implies left out."""
    rows = tuple(rows)
    everything = {(row.user, row.change, row.line) for row in rows if row.task == "administer"}
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for row in rows:
        if row.task != "administer" and (row.user, row.change, row.line) in everything:
            continue  # who may administer may do everything: one line says it all
        grouped.setdefault((row.user, row.change, row.task, row.line), []).append(" -> ".join(row.feeds))
    lines = []
    for (user, change, task, line), feeds in sorted(grouped.items()):
        sign, verb = ("+", "may") if change == "grant" else ("-", "may no longer")
        where = f" ({', '.join(feeds)})" if any(feeds) else ""
        lines.append(f"{sign} {inert(user)} {verb} {task}{where}{f', {inert(line)}' if line else ''}")
    return lines


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    rows = list(lines)
    if rows:
        yield ""
        yield title
        yield from (f"  {row}" for row in rows)


def plan_counts(plan: Plan) -> str:
    """How much there is to do, to cure and to look at, in one line."""
    changes = len(plan.changes) + len(plan.evictions)
    parts = [f"{changes} to change", _held(plan), f"{len(plan.drift)} drifted"]
    attention = changes or plan.holds or plan.drift or plan.access or plan.alerts
    return ", ".join(parts) + _alerted(plan) if attention else "nothing to do"


def _alerted(plan: Plan) -> str:
    """How much of what is published breaks a rule; nothing where none does."""
    return f", {len(plan.alerts)} alert{'' if len(plan.alerts) == 1 else 's'}" if plan.alerts else ""


def applied_counts(applied: Applied) -> str:
    """What became of it, in one line."""
    plan = applied.plan
    return f"{len(applied.applied)} applied, {len(applied.failed)} failed, {_held(plan)}{_alerted(plan)}: {applied.outcome}"


def bytes_text(size: int) -> str:
    """A size as people say it, in decimal units."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
