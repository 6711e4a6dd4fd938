"""Verdicts as parts of a plan: holds of what is not let in, alerts of what is published, warnings of either; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.decide.desired import Desired
from reconciler.decide.judging import CLOSURE
from reconciler.decide.people import user_of
from reconciler.decide.rights import Ask, decide_right
from reconciler.decide.rows import Row
from reconciler.decide.rules import RULES
from reconciler.decide.sourcing import remedy_of
from reconciler.decide.waiver_report import waiver_report
from reconciler.model.declared import Rules
from reconciler.model.events import Person
from reconciler.model.findings import Cure, Finding, WaiverUse
from reconciler.model.plan import Hold, HoldKind
from reconciler.model.verdicts import LEVELS, Judgement
from reconciler.model.waivers import Waivable

OTHER_BYTES: Final = "nothing of it is let in; find out why the upstream has other bytes now"


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What the verdicts on all rows come to."""

    holds: tuple[Hold, ...]
    alerts: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    waivers: tuple[WaiverUse, ...]


def findings_of(rows: Sequence[Row], rules: Rules, now: datetime) -> Findings:
    """Holds, and alerts and warnings worst first."""
    alerts: list[Finding] = []
    warnings: list[Finding] = []
    judgements: list[Judgement] = []
    for row in rows:
        if row.desired is None or row.desired.state != "approved":
            continue
        judged = row.desired.judged
        judgements += (*judged.judgements, *judged.extension)
        warnings += [_finding(row.desired, one, rules) for one in (*judged.judgements, *judged.extension) if one.level == "warn"]
        if row.published is not None:
            warnings += [_finding(row.desired, one, rules) for one in judged.judgements if _unsettled(one)]
            alerts += [_finding(row.desired, one, rules) for one in judged.judgements if one.stops and not one.verdict.unknown]
    return Findings(
        holds=tuple(hold for row in rows for hold in held_back(row, rules)),
        alerts=_sorted(alerts),
        warnings=_sorted(warnings),
        waivers=waiver_report(rules.waivers, judgements, now),
    )


def _unsettled(one: Judgement) -> bool:
    """Whether something about a published version waits for a person to find out, such as its license. What the next update or the registry
    settles for all versions together (`ids` is empty then) is told of none of them."""
    return one.stops and one.verdict.unknown and bool(one.verdict.ids)


def held_back(row: Row, rules: Rules) -> Iterator[Hold]:
    """Why policies do not let something in: a hold for each verdict that stops, or for what stood in the way of judging."""
    desired = row.desired
    if desired is None or desired.state != "approved":
        return
    judged = desired.judged
    entering = (
        judged.extension if row.action == "extend" else judged.judgements if row.action == "hold" or _stays_back(row, desired) else ()
    )
    if judged.obstacle is not None and row.action in {"extend", "hold"}:
        remedy = OTHER_BYTES if judged.obstacle.integrity else judged.obstacle.remedy or remedy_of(waiting=judged.obstacle.waiting)
        yield Hold(
            **_where(desired),
            kind="upstream",
            rule="",
            reason=judged.obstacle.reason,
            remedy=remedy,
            path=desired.declared.path,
            line=1,
            waiting=judged.obstacle.waiting,
            integrity=judged.obstacle.integrity,
        )
        return
    for one in entering:
        if one.stops:
            yield _hold(desired, one, rules)


def _stays_back(row: Row, desired: Desired) -> bool:
    """Whether it is not listed again only because something is not known: of what is known, alerts tell."""
    return row.published is not None and desired.denied(row.published.state) and not desired.denied("listed")


def _hold(desired: Desired, one: Judgement, rules: Rules) -> Hold:
    kind: HoldKind = (
        "closure"
        if one.rule == CLOSURE
        else "time"
        if one.verdict.until is not None and one.level == "hold" and not one.verdict.unknown
        else "rule"
    )
    return Hold(
        **_where(desired),
        kind=kind,
        rule=one.rule,
        reason=one.verdict.reason,
        remedy=one.verdict.remedy or "choose another version, or withdraw the approval",
        path=one.policy.path,
        line=one.policy.line,
        cure=_cure(desired, one, rules),
    )


def _finding(desired: Desired, one: Judgement, rules: Rules) -> Finding:
    backing = desired.standing.backing
    return Finding(
        **_where(desired),
        rule=one.rule,
        level=one.level,
        reason=one.verdict.reason,
        remedy=one.verdict.remedy,
        action=one.action,
        path=one.policy.path,
        line=one.policy.line,
        author=backing.author if backing else None,
        approvers=backing.approvers if backing else (),
        commit=backing.landing.id if backing else "",
        cure=_cure(desired, one, rules),
    )


def _where(desired: Desired) -> Mapping[str, Any]:
    declared = desired.declared
    return {"feed": declared.identity.feed, "package": declared.package, "version": declared.version}


def waivable_as(judgement: Judgement) -> str | None:
    """The id that a waiver must name to cover a verdict, "" where it covers all that the rule says; None where no waiver may."""
    waivable: Waivable = "no" if judgement.rule == CLOSURE else RULES[judgement.rule].waivable
    if judgement.verdict.ids and waivable in {"by id", "either"}:
        return judgement.verdict.ids[0]
    return "" if waivable in {"whole", "either"} else None


def _cure(desired: Desired, one: Judgement, rules: Rules) -> Cure | None:
    """The waiver that would cover a verdict; None where no waiver may."""
    id_ = waivable_as(one)
    return Cure(rule=one.rule, id=id_, owner=_owner(desired, rules), **_where(desired)) if id_ is not None else None


def _owner(desired: Desired, rules: Rules) -> str:
    """A declared user who may own it: the author of the approval, else somebody who administers; "" where there is nobody."""
    backing, permissions = desired.standing.backing, rules.permissions
    author = user_of(permissions, Person(name=backing.author.name, email=backing.author.email)) if backing else None
    able = (user for user in sorted(permissions.users) if decide_right(permissions, user, Ask(task="administer")).allowed)
    return author or next(able, "")


def _sorted(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(found, key=lambda one: (-LEVELS.index(one.level), one.feed, one.package, one.version, one.rule, one.path, one.reason))
    )
