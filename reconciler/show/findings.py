"""What rules say, as text for a person: verdicts on a change, alerts, warnings, waivers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from reconciler.model.findings import Cure, Finding, WaiverUse
from reconciler.model.plan import Plan
from reconciler.model.verdicts import Judgement
from reconciler.model.waivers import SOON
from reconciler.show.inert import inert
from reconciler.show.people import people
from reconciler.show.waiver_yaml import waiver_lines, waiver_path

SHOWN: Final = 20
"""How many warnings about what is published are shown; JSON has them all."""


def verdict_lines(judgements: Sequence[Judgement]) -> Iterator[str]:
    """What policies say of something that is let in: what was only warned of or waived, then the rules that had nothing to say."""
    for one in judgements:
        if one.waiver is not None:
            yield f"    waived [{one.rule}] by {inert(str(one.waiver))}: {inert(one.verdict.reason)}"
        elif one.level == "warn":
            yield f"    warning [{one.rule}] {inert(one.verdict.reason)}"
    silent = {one.rule for one in judgements if one.level == "allow" and one.waiver is None}
    passed = sorted(silent - {one.rule for one in judgements if one.level == "warn" or one.waiver is not None})
    if passed:
        yield f"    passes the rule{'s' if len(passed) > 1 else ''} {', '.join(passed)}"


def alert_lines(alert: Finding, now: datetime) -> Iterator[str]:
    """An alert: what, which rule, on whose word it is there, what to do."""
    yield f"! {inert(alert.package)} {inert(alert.version)} in {alert.feed}: {inert(alert.reason)}"
    consequence = {"alert": "stays", "unlist": "is unlisted", "quarantine": "is taken out of the feed"}
    yield f"    {inert(alert.path)}:{alert.line} [{alert.rule}]: it {consequence[alert.action]} (on_existing: {alert.action})"
    if alert.author is not None:
        yield f"    approved {people(alert.author, alert.approvers)}, commit {alert.commit[:12]}"
    if alert.remedy:
        yield f"    to do: {inert(alert.remedy)}"
    yield from cure_lines(alert.cure, now)


def cure_lines(cure: Cure | None, now: datetime) -> Iterator[str]:
    """The waiver that would end it, as the file to add."""
    if cure is not None:
        yield f"    or waive it, in {waiver_path(cure)}:"
        yield from (f"        {line}" for line in waiver_lines(cure, now))


def warning_lines(plan: Plan) -> Iterator[str]:
    """Warnings about what does not change in this plan; those about changes stand with them."""
    rest = standing_warnings(plan)
    for one in rest[:SHOWN]:
        yield f"{inert(one.package)} {inert(one.version)} in {one.feed}: {inert(one.reason)} [{one.rule}]"
    if len(rest) > SHOWN:
        yield f"and {len(rest) - SHOWN} more (--format json has all)"


def standing_warnings(plan: Plan) -> list[Finding]:
    """Warnings about what does not change in this plan."""
    changed = {(c.identity.feed, c.declared.package, c.declared.version) for c in plan.changes}
    return [one for one in plan.warnings if (one.feed, one.package, one.version) not in changed]


def waiver_summary(waivers: Sequence[WaiverUse]) -> Iterator[str]:
    """How many there are, and those that end soon, do not hold, or cover nothing."""
    if not waivers:
        return
    yield f"{len(waivers)} declared, {sum(bool(one.used) for one in waivers)} in use"
    for one in waivers:
        waiver = one.waiver
        about = f"{waiver.where}: {waiver.rule}{f' {inert(waiver.id)}' if waiver.id else ''}, {inert(waiver.package)}"
        said = ""
        if one.days_left < 0:
            said = f"ended on {waiver.expires}"
        elif not one.holds:
            said = f"does not hold: {waiver.expires} is more than a year ahead"
        elif one.days_left <= SOON:
            said = f"ends on {waiver.expires}, in {one.days_left} day{'' if one.days_left == 1 else 's'}"
        elif not one.used:
            said = "covers nothing"
        if said:
            yield f"{about}: {said}; owner {inert(waiver.owner)}"
