"""The promotion history: events of git joined with the ledgers; pure.

Pending events come first in landing order, then everything that was applied, newest first. A record that no event asks for by
itself (a repair, a withdrawal because a day has come) is listed by the event that it goes back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from reconciler.model.events import Event, Named
from reconciler.model.facts import FILE
from reconciler.model.plan import TAKES_BACK
from reconciler.model.verification import WITHOUT_PEOPLE
from reconciler.model.words import FeedName
from reconciler.show.contract import FileRow, HistoryRow
from reconciler.show.inert import inert
from reconciler.show.people import people
from reconciler.show.rows import PersonRow, person_row
from reconciler.show.text import STAYS

WIDEST: Final = 40
"""Of a column: one long name does not push everything else off the screen."""
LONGEST_REASON: Final = 400
"""Some lines of a terminal; the JSON has all of it."""

Outcome = Literal["applied", "pending", "held", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An event as history tells it: who is behind it, whether it is held, whether an apply has seen its commit since."""

    event: Event
    source: str
    package: str
    version: str
    author: Named
    approvers: tuple[Named, ...]
    held: bool
    gone: bool
    """Whether the approval has left the repository since."""
    seen: bool


def history_rows(events: Iterable[Told], records: Mapping[FeedName, Sequence[Mapping[str, Any]]]) -> list[HistoryRow]:
    """All rows: pending ones in landing order, then by (applied_at, feed, seq), newest first."""
    reanchored = [record for rows in records.values() for record in rows if record["change"] == "reanchor"]
    by_landing: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for feed, rows in records.items():
        for record in rows:
            if is_change(record):
                by_landing.setdefault((feed, *record["identity"], record["commit"]), []).append(record)
    events = tuple(events)
    states = _states(records)
    held_files = _files(records)
    last = {told.event.identity: told for told in events if "withdrawn" in told.event.moved}
    movers = {(told.event.identity, fact): told for told in events for fact in told.event.moved}
    open_rows: list[HistoryRow] = []
    for told in events:
        identity = told.event.identity
        key = (identity.feed, identity.package, identity.version, told.event.landing.id)
        if key not in by_landing:
            state = states.get(key[:3])
            there = _told_before(told.event, held_files.get(key[:3], frozenset()))
            brought = [fact for fact in told.event.moved if fact.startswith(FILE)]
            overtaken = bool(brought) and not any(movers[identity, fact] is told for fact in brought)
            how = _Became(state=state, newest=last.get(identity) is told, there=there, overtaken=overtaken)
            open_rows.append(_event_row(told, _outcome(told, how)))
    applied = [record_row(record) for rows in by_landing.values() for record in rows] + list(map(reanchor_row, reanchored))
    settled = [row for row in open_rows if row.outcome in {"applied", "none"}]
    waiting = [row for row in open_rows if row.outcome in {"pending", "held"}]
    return waiting + sorted(applied, key=_recency, reverse=True) + settled[::-1]


def is_change(record: Mapping[str, Any]) -> bool:
    """Whether a record is of a version that somebody approved: nobody asked for the others by name."""
    return record["change"] not in WITHOUT_PEOPLE


def newest(rows: Sequence[HistoryRow], limit: int) -> list[HistoryRow]:
    """The newest of all rows, in their order: what is pending is newer than what was applied, and the last of it is the newest."""
    pending = [row for row in rows if row.outcome in {"pending", "held"}]
    kept = pending[max(0, len(pending) - limit) :]
    return [*kept, *rows[len(pending) :][: limit - len(kept)]]


def _recency(row: HistoryRow) -> tuple[datetime, str, int]:
    assert row.applied_at is not None, "records carry the time at which they were applied"  # noqa: S101 - rows of records only
    return row.applied_at, row.feed, row.seq or 0


def change_of(event: Event) -> str:
    """What an event asks for, in one word."""
    if event.approval is None:
        return "remove"
    if event.first:
        return "promote"
    if any(fact.startswith(FILE) for fact in event.moved):
        return "extend"
    if "withdrawn" in event.moved:
        return event.approval.withdrawn.action if event.approval.withdrawn else "relist"
    if "endorsed" in event.moved:
        return "endorse"
    if "deprecated" in event.moved:
        return "mark"
    return "expire" if "expires" in event.moved else "redirect"


def _states(records: Mapping[FeedName, Sequence[Mapping[str, Any]]]) -> dict[tuple[str, ...], str | None]:
    """What the last record of each version leaves it as; None where the record does not say (those of version 0.1)."""
    return {(feed, *record["identity"]): record.get("state") for feed, rows in records.items() for record in rows if is_change(record)}


def _files(records: Mapping[FeedName, Sequence[Mapping[str, Any]]]) -> dict[tuple[str, ...], frozenset[tuple[str, str]]]:
    """The files that the last record of each version names, by name and digest: of the file, and of its content where there is one."""
    return {
        (feed, *record["identity"]): frozenset(
            (f["name"], f[kind]) for f in record["files"] for kind in ("sha256", "content_hash") if f.get(kind)
        )
        for feed, rows in records.items()
        for record in rows
        if is_change(record)
    }


def _told_before(event: Event, files: frozenset[tuple[str, str]]) -> bool:
    """Whether the feed holds all that an approval names, by the record of another commit: of an endorsement, or of a history that was
    left."""
    approved = event.approval.files if event.approval else ()
    return bool(approved) and all({(f.name, f.sha256), (f.name, f.content_hash)} & files for f in approved)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Became:
    """What is known of what became of an event without a record of its own.

    `state`: what the version was left as (None: not known); `newest`: no later event takes it back or brings it back; `there`: the feed
    holds all that the approval names, by the record of another commit; `overtaken`: later events say otherwise of all files that it brings.
    """

    state: str | None
    newest: bool
    there: bool
    overtaken: bool


def _outcome(told: Told, became: _Became) -> Outcome:
    """That an apply has seen a withdrawal does not mean that it was carried out: limits, or a malformed file beside it, may forbid it."""
    if told.event.approval is None or told.gone:
        return "none"
    if told.held:
        return "held"
    asked = {"unlist": "unlisted", "quarantine": "quarantined", "relist": "listed"}.get(change_of(told.event))
    if told.seen and asked is not None and became.state is not None:
        if not became.newest:
            return "none"
        return "applied" if became.state == asked else "pending"
    brings = told.event.first or any(fact.startswith(FILE) for fact in told.event.moved)
    if brings and became.overtaken:
        return "none"
    return "applied" if told.seen and (became.there or not brings) else "pending"


def _reason(event: Event) -> str:
    """Why, in the words of what the event asks for, as its record will have them."""
    approval, change = event.approval, change_of(event)
    if approval is None:
        return ""
    if change in {"unlist", "quarantine"} and approval.withdrawn:
        return approval.withdrawn.reason
    if change == "mark" and approval.deprecated:
        return approval.deprecated.message
    return approval.reason


def _event_row(told: Told, outcome: Outcome) -> HistoryRow:
    event = told.event
    approval = event.approval
    return HistoryRow(
        seq=None,
        change=change_of(event),
        outcome=outcome,
        feed=event.identity.feed,
        source=told.source,
        package=told.package,
        version=told.version,
        author=person_row(told.author),
        approvers=[person_row(person) for person in told.approvers],
        applier=None,
        commit=event.landing.id,
        authored_at=event.author.authored_at,
        applied_at=None,
        reason=_reason(event),
        files=[FileRow(name=f.name, size=f.size, sha256=f.sha256) for f in approval.files] if approval else [],
    )


def record_row(record: Mapping[str, Any]) -> HistoryRow:
    """The row of a record of a change."""
    return HistoryRow(
        seq=record["seq"],
        change=record["change"],
        outcome="applied",
        feed=record["feed"],
        source=record["from"],
        package=record["package"],
        version=record["version"],
        author=PersonRow.model_validate(record["author"]),
        approvers=[PersonRow.model_validate(person) for person in record["approvers"]],
        applier=record["applier"],
        commit=record["commit"],
        authored_at=datetime.fromisoformat(record["authored_at"]),
        applied_at=datetime.fromisoformat(record["applied_at"]),
        reason=record["reason"],
        files=[FileRow(name=f["name"], size=f["size"], sha256=f["sha256"]) for f in record["files"]],
        head=record.get("head"),
        state=record.get("state", "unlisted" if record["change"] == "unlist" else "listed"),
        purl=record["purl"],
        rule=_rule(record),
    )


def _rule(record: Mapping[str, Any]) -> str | None:
    """The rule that took a version back, with its policy; None where somebody did, or a day has come."""
    if record["change"] not in TAKES_BACK:
        return None
    said = (one for one in record.get("verdicts", ()) if one["verdict"] in {"hold", "deny"} and one["reason"] == record["reason"])
    return next((f"{one['rule']}, {one['policy']}" for one in said), None)


def reanchor_row(record: Mapping[str, Any]) -> HistoryRow:
    """The row of a record that anchors a ledger to another history; who said so stands as its author."""
    at = datetime.fromisoformat(record["applied_at"])
    return HistoryRow(
        seq=record["seq"],
        change=record["change"],
        outcome="applied",
        feed=record["feed"],
        source="",
        package="",
        version="",
        author=PersonRow.model_validate(record["by"]),
        approvers=[],
        applier=record["applier"],
        commit=record["commit"],
        authored_at=at,
        applied_at=at,
        reason=record["reason"],
        files=[],
        head=record["head"],
        from_commit=record["from_commit"],
    )


def history_text(rows: Sequence[HistoryRow], *, older: int) -> Iterator[str]:
    """Three lines a row: when, what, from where to where; who; why. `older` rows were left out."""
    whats = [f"{row.change} ({row.outcome})" if row.seq is None else row.change for row in rows]
    packages = [f"{inert(row.package)} {inert(row.version)}" if row.package else "(all packages)" for row in rows]
    widths = max(map(len, whats)), min(WIDEST, max(map(len, packages)))
    for row, what, package in zip(rows, whats, packages, strict=True):
        when = row.applied_at or row.authored_at
        record = f"  record {row.seq}" if row.seq is not None else ""
        way = f"in {row.feed}" if row.change in {*STAYS, "expire", "reanchor"} else f"{row.source} -> {row.feed}"
        yield f"{when:%Y-%m-%d %H:%M}  {what:<{widths[0]}}  {package:<{widths[1]}}  {way}{record}"
        before = f", after {row.from_commit[:12]} of a history that was left" if row.from_commit else ""
        by = f"by the rule {inert(row.rule)}; approved " if row.rule else ""
        yield f"    {by}{people(row.author.named(), [person.named() for person in row.approvers])}, commit {row.commit[:12]}{before}"
        if row.reason:
            yield f"    {inert(row.reason, longest=LONGEST_REASON)}"
    if older:
        yield f"{older} older row{'s' if older != 1 else ''} not shown"
