"""What the policies would say of something before anybody asks for it: `approve` refuses what a pass would not let in.

Judged in two steps, as it costs: by what the index announces, then, fetched, by what the archives say. The rules are those of the
working tree, in which the approval is written, so that a waiver beside it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from reconciler.decide.advisories import matched
from reconciler.decide.judging import facts_of_release, judgements_of, policies_for, with_traits
from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Subject
from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.advisories import Advisory, Matched
from reconciler.model.declared import ApprovedFile, Feed, Rules
from reconciler.model.packages import Release, RemoteFile
from reconciler.model.verdicts import Judgement
from reconciler.model.words import FeedName, PackageKey, Sha256, Version
from reconciler.observe.advisories import Advisories
from reconciler.propose.approve import Proposal

Known = Callable[[PackageKey, Version], Matched | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """What is judged by. `known` says what advisories there are about a version (None: there is no snapshot)."""

    target: Feed
    source: FeedName
    rules: Rules
    now: datetime
    ecosystem: Ecosystem
    known: Known

    def announced(self, package: PackageKey, release: Release, files: Iterable[RemoteFile]) -> tuple[Judgement, ...]:
        """What stops these files of a release for certain by what its index says, worst first."""
        remote, subject = tuple(files), self._subject(package, release.version)
        outside = replace(self.rules, policies=tuple(p for p in policies_for(subject, self.rules) if not RULES[p.rule].reads_archives))
        if not outside.policies:
            return ()
        sized = all(file.size is not None for file in remote)
        approved = [ApprovedFile(name=f.name, size=f.size or 0, sha256=f.sha256 or Sha256(""), content_hash=None) for f in remote]
        about = self.known(package, release.version)
        facts = facts_of_release(approved, release, source=self.source, now=self.now, matched=about)
        found = judgements_of(subject, facts if sized else replace(facts, files=None), outside)
        return tuple(one for one in found if one.stops and (sized or not one.verdict.unknown))

    def inspected(self, proposal: Proposal) -> tuple[Judgement, ...]:
        """What each policy says of what was fetched, worst first."""
        package, release = proposal.identity.package, proposal.release
        subject = self._subject(package, release.version, name=proposal.package)
        if not policies_for(subject, self.rules):
            return ()
        about = self.known(package, release.version)
        facts = facts_of_release(proposal.files, release, source=self.source, now=self.now, matched=about)
        return judgements_of(subject, with_traits(facts, proposal.traits), self.rules)

    def _subject(self, package: PackageKey, version: Version, *, name: str = "") -> Subject:
        return Subject(feed=self.target.name, package=package, name=name or package, version=version, language=self.ecosystem)


def known_to(open_advisories: Callable[[], Advisories], feed_type: str, ecosystem: Ecosystem) -> Known:
    """What the snapshot says, which is opened when first asked. IntegrityError for what is not as it was written."""
    opened = cache(open_advisories)

    @cache
    def about(package: PackageKey) -> tuple[Advisory, ...]:
        return opened().about(feed_type, [package]).get(package, ())

    def known(package: PackageKey, version: Version) -> Matched | None:
        snapshot = opened().snapshot_of(feed_type)
        return matched(snapshot, about(package), version, ecosystem) if snapshot is not None else None

    return known


def stopping(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Those for which something may not be let in."""
    return tuple(one for one in judgements if one.stops)


def only_waits(judgements: Iterable[Judgement]) -> bool:
    """Whether nothing but time stands in the way, and will not for ever."""
    return all(one.level == "hold" and one.verdict.until is not None and not one.verdict.unknown for one in stopping(judgements))
