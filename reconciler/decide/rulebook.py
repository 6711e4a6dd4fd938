"""The policies and waivers of a pass, found once for each package: what they say of a version, waivers counted in, worst first; pure.

A feed has a few policies and a hundred thousand versions, most of which all policies allow: so what holds where is looked up once, and
what allows is one object for all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.decide.language import Language, key_of
from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, Subject, applies
from reconciler.decide.rules.review import REVIEW
from reconciler.decide.waiving import ends, holds, waiver_for
from reconciler.model.declared import Policy, Rules
from reconciler.model.verdicts import ALLOW, LEVELS, Judgement, Verdict
from reconciler.model.waivers import Waivable, Waiver
from reconciler.model.words import FeedName, PackageKey


class Rulebook:
    """The rules about releases, at an instant (aware UTC). It remembers what it was asked: for one pass, and one thread."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        self._articles = tuple(_Article(policy) for policy in rules.policies if policy.rule != REVIEW)
        self._waivers = tuple(waiver for waiver in rules.waivers if holds(waiver, now))
        self._of_package: dict[tuple[FeedName, PackageKey], tuple[_Article, ...]] = {}
        self._waived: dict[Language, dict[tuple[str, PackageKey], list[Waiver]]] = {}

    def judgements(self, subject: Subject, facts: Facts) -> tuple[Judgement, ...]:
        """What each policy says, worst first. A verdict that a waiver covers says which; `until` then is no later than its end."""
        found: list[Judgement] = []
        quiet = True
        for article in self._about(subject):
            for verdict in article.check(subject, article.policy, facts) or (ALLOW,):
                if verdict.level == "allow":
                    found.append(article.allowing(verdict))
                else:
                    found.append(self._excused(article.said(verdict), subject))
                    quiet = False
        return tuple(found if quiet else sorted(found, key=lambda one: -LEVELS.index(one.level)))

    def _about(self, subject: Subject) -> tuple[_Article, ...]:
        key = (subject.feed, subject.package)
        known = self._of_package.get(key)
        if known is None:
            known = self._of_package[key] = tuple(article for article in self._articles if applies(article.policy, subject))
        return known

    def _excused(self, judgement: Judgement, subject: Subject) -> Judgement:
        assert subject.language is not None, "releases have an ecosystem"  # noqa: S101 - without it no waiver would be found
        waivers = self._waivers_of(subject.language).get((judgement.rule, subject.package), ())
        waiver = waiver_for(judgement, subject, waivers, _waivable)
        if waiver is None:
            return judgement
        until = min(filter(None, (judgement.verdict.until, ends(waiver))))
        return replace(judgement, waiver=waiver.where, verdict=replace(judgement.verdict, until=until))

    def _waivers_of(self, language: Language) -> dict[tuple[str, PackageKey], list[Waiver]]:
        """Those whose package is a name in this language, by rule and package."""
        if language not in self._waived:
            found = self._waived[language] = {}
            for waiver in self._waivers:
                if (key := key_of(waiver.package, language)) is not None:  # else it is in the words of another ecosystem
                    found.setdefault((waiver.rule, key), []).append(waiver)
        return self._waived[language]


class _Article:
    """A policy and the rule that it is of. What it says of all that it allows is the same, and is kept as one."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.check = RULES[policy.rule].check
        self._allow = self.said(ALLOW)
        self._allowing: dict[Verdict, Judgement] = {}

    def allowing(self, verdict: Verdict) -> Judgement:
        """What it comes to that a verdict allows."""
        if verdict is ALLOW:
            return self._allow
        if verdict not in self._allowing:
            self._allowing[verdict] = self.said(verdict)
        return self._allowing[verdict]

    def said(self, verdict: Verdict) -> Judgement:
        """A verdict as this policy's."""
        return Judgement(rule=self.policy.rule, policy=self.policy.where, verdict=verdict, action=self.policy.on_existing)


def _waivable(rule: str) -> Waivable:
    return RULES[rule].waivable
