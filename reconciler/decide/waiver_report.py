"""What becomes of waivers: which are used, which end soon, and which should not be there any more; pure.

An exception that nobody needs is an exception that somebody may use one day: `reconciler check` refuses those that have ended, that end
too far ahead, and that match nothing, and policies that hold nowhere. A pass goes on without them: what it cannot use it does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from reconciler.decide.language import Language, key_of
from reconciler.decide.rules.interface import Subject, applies
from reconciler.decide.waiving import LONGEST, concerns, ends, holds
from reconciler.model.declared import Approvals, DeclaredApproval, Policy, Rules
from reconciler.model.findings import WaiverUse
from reconciler.model.patterns import ANY, matching
from reconciler.model.verdicts import Judgement
from reconciler.model.waivers import SOON, Waiver
from reconciler.model.words import FeedName, PackageKey, Problem

MOST: Final = 20
"""Feeds that an expectation names."""


def waiver_report(waivers: Iterable[Waiver], judgements: Iterable[Judgement], now: datetime) -> tuple[WaiverUse, ...]:
    """A row for each waiver, the one that ends first at the top."""
    used = Counter(judgement.waiver for judgement in judgements if judgement.waiver is not None)
    rows = (
        WaiverUse(waiver=waiver, used=used[waiver.where], days_left=(ends(waiver) - now).days, holds=holds(waiver, now))
        for waiver in waivers
    )
    return tuple(sorted(rows, key=lambda row: (row.waiver.expires, row.waiver.where.path)))


def ending(waivers: Iterable[Waiver], now: datetime, days: int = SOON) -> tuple[Waiver, ...]:
    """Those that hold and end within so many days, first the one that ends first."""
    found = (waiver for waiver in waivers if holds(waiver, now) and ends(waiver) - now <= timedelta(days=days))
    return tuple(sorted(found, key=lambda waiver: (waiver.expires, waiver.where.path)))


def idle_problems(rules: Rules, approvals: Approvals, languages: Mapping[str, Language], now: datetime) -> tuple[Problem, ...]:
    """What `check` refuses though a pass goes on: waivers that have ended, end too far ahead or match nothing, policies without a feed.

    `languages` are those of the types of feeds. Where an approval cannot be read, no waiver is said to match nothing: it may be for that.
    """
    approved = _Approved(rules, approvals, languages)
    problems = [problem for waiver in rules.waivers if (problem := _untimely(waiver, now) or approved.unmatched(waiver))]
    problems += [problem for policy in rules.policies for problem in _nowhere(policy, rules)]
    return tuple(sorted(problems, key=lambda problem: (problem.path, problem.line)))


def _untimely(waiver: Waiver, now: datetime) -> Problem | None:
    if ends(waiver) <= now:
        return _problem(waiver, "expires", f"{waiver.expires}, which has come", "a later day, if it is still needed, or no such file")
    if not holds(waiver, now):
        last = (now + LONGEST).date()
        return _problem(
            waiver, "expires", f"{waiver.expires}, more than a year ahead", f"{last} at the latest (as it is, it does not hold)"
        )
    return None


class _Approved:
    """The approved versions, by package, with which waivers are compared."""

    def __init__(self, rules: Rules, approvals: Approvals, languages: Mapping[str, Language]) -> None:
        self.rules, self.languages = rules, languages
        self.complete = not approvals.malformed
        self.versions: dict[tuple[FeedName, PackageKey], list[DeclaredApproval]] = {}
        wanted = set(self._packages()) if rules.waivers else set()
        for identity, declared in approvals.valid.items():
            if (identity.feed, identity.package) in wanted:
                self.versions.setdefault((identity.feed, identity.package), []).append(declared)

    def unmatched(self, waiver: Waiver) -> Problem | None:
        """Why it excepts nothing: no approved version, or no policy of its rule for one."""
        subjects = list(self._subjects(waiver))
        if not subjects:
            found = f"{waiver.package!r}, of which it matches no approved version"
            expected = f"one that is approved in {' or '.join(waiver.feeds[:MOST])}, or no such file"
            return _problem(waiver, "package", found, expected) if self.complete else None
        policies = [policy for policy in self.rules.policies if policy.rule == waiver.rule]
        if not any(applies(policy, subject) for policy in policies for subject in subjects):
            expected = "a policy of this rule that holds for what it is about, or no such file"
            return _problem(waiver, "rule", f"{waiver.rule}, of which no policy holds there", expected)
        return None

    def _packages(self) -> Iterator[tuple[FeedName, PackageKey]]:
        for waiver in self.rules.waivers:
            for name, feed in self.rules.settings.approved().items():
                if (key := key_of(waiver.package, self.languages[feed.type])) is not None:
                    yield name, key

    def _subjects(self, waiver: Waiver) -> Iterator[Subject]:
        for name, feed in self.rules.settings.approved().items():
            language = self.languages[feed.type]
            key = key_of(waiver.package, language)
            for declared in self.versions.get((name, key), ()) if key is not None else ():
                version = language.parse_version(declared.version)
                subject = Subject(feed=name, package=declared.identity.package, name=declared.package, version=version, language=language)
                if concerns(waiver, subject):
                    yield subject


def _nowhere(policy: Policy, rules: Rules) -> Iterator[Problem]:
    """Each of its patterns is for some feed that packages are promoted into: else it looks like a rule, and is none."""
    approved = sorted(rules.settings.approved())
    for pattern in policy.feeds:
        if pattern != ANY and all(matching([pattern], name) is None for name in approved):  # ANY: the feeds that there will be, too
            expected = f"a pattern that matches an approved feed ({', '.join(approved[:MOST]) or 'there is none yet'})"
            yield Problem(
                path=policy.path, line=policy.where.line, key="feeds", found=f"{pattern!r}, which matches none", expected=expected
            )


def _problem(waiver: Waiver, key: str, found: str, expected: str) -> Problem:
    return Problem(path=waiver.where.path, line=waiver.where.line, key=key, found=found, expected=expected)
