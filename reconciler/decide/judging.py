"""What the policies say of a release: facts that were gathered -> judgements, waivers counted in, worst first; pure.

The rule `review` is about people and is judged with the event that asks (`case.py`); all others are about the release and are judged
here, by the rules at HEAD: before it is let in, and again at every pass for what is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, JudgedFile, Marks, Subject, applies, judge
from reconciler.decide.rules.review import REVIEW
from reconciler.decide.waiving import Language, ends, waiver_for
from reconciler.model.advisories import Matched
from reconciler.model.declared import ApprovedFile, Policy, Rules
from reconciler.model.packages import PublishedVersion, Release, Traits
from reconciler.model.verdicts import LEVELS, Judgement
from reconciler.model.words import FeedName


def policies_for(subject: Subject, rules: Rules) -> tuple[Policy, ...]:
    """The policies about releases that hold for a subject."""
    return tuple(policy for policy in rules.policies if policy.rule != REVIEW and applies(policy, subject))


def read_archives(policies: Iterable[Policy]) -> bool:
    """Whether one of these policies asks what only the archive tells."""
    return any(RULES[policy.rule].reads_archives for policy in policies)


def judgements_of(subject: Subject, facts: Facts, rules: Rules, language: Language) -> tuple[Judgement, ...]:
    """What each policy says, worst first. A verdict that a waiver covers says which; `until` then is no later than its end."""
    now = facts.now
    assert now is not None, "releases are judged at an instant"  # noqa: S101 - a caller that forgets it would revive expired waivers
    valid = [waiver for waiver in rules.waivers if ends(waiver) > now]
    found = []
    for judgement in judge(RULES.__getitem__, policies_for(subject, rules), subject, facts):
        waiver = None if judgement.level == "allow" else waiver_for(judgement, subject, valid, language, lambda r: RULES[r].waivable)
        if waiver is not None:
            until = min(filter(None, (judgement.verdict.until, ends(waiver))))
            judgement = replace(judgement, waiver=waiver.where, verdict=replace(judgement.verdict, until=until))  # noqa: PLW2901
        found.append(judgement)
    return tuple(sorted(found, key=lambda one: -LEVELS.index(one.level)))


def facts_of_release(
    files: Iterable[ApprovedFile], release: Release | None, *, source: FeedName | None, now: datetime, matched: Matched | None
) -> Facts:
    """The facts of something that is not published yet; `with_traits` adds what its archives say. `release` is what its index announces."""
    remote = {file.name: file for file in release.files} if release else {}
    approved = tuple(files)
    times = [remote[file.name].uploaded_at if file.name in remote else None for file in approved]
    yanked = [remote[file.name].yanked for file in approved if file.name in remote]
    return Facts(
        now=now,
        source=source,
        files=tuple(JudgedFile(name=file.name, size=file.size, traits=None) for file in approved),
        uploaded_at=_last(times),
        marks=Marks(yanked=_all_yanked(yanked), deprecated=release.deprecated) if release else None,
        matched=matched,
    )


def with_traits(facts: Facts, traits: Mapping[str, Traits]) -> Facts:
    """The facts with what the archives of these files say, by name."""
    return replace(facts, files=tuple(replace(file, traits=traits.get(file.name)) for file in facts.files or ()))


def facts_of_published(version: PublishedVersion, *, source: FeedName | None, now: datetime, matched: Matched | None) -> Facts:
    """The facts of a published version, as they were recorded when it was promoted or its marks were taken anew."""
    return Facts(
        now=now,
        source=source,
        files=tuple(JudgedFile(name=file.name, size=file.size, traits=file.traits) for file in version.files),
        uploaded_at=_last([file.uploaded_at for file in version.files]),
        marks=Marks(yanked=_all_yanked([file.yanked for file in version.files]), deprecated=version.upstream_deprecated),
        matched=matched,
    )


def _last(times: Iterable[datetime | None]) -> datetime | None:
    """When the last file came; None if that of one is not known: it may be the last."""
    known = list(times)
    return None if None in known else max((when for when in known if when is not None), default=None)


def _all_yanked(marks: list[str | None]) -> str | None:
    """The reason where no file is left that is not yanked."""
    return next((mark for mark in marks if mark), "") if marks and None not in marks else None
