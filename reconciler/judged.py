"""What the policies say of every approved version: facts gathered, then judged; before it is let in, and at every pass again.

    Row ──► release at its index, archive, advisories ──► Facts ──► Judged
    Row ──► what was recorded of it, advisories       ──► Facts ──┘

A fact of what is published is what was recorded when it was promoted, so that judging needs no upstream; only advisories are new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.decide.advisories import Flaw, flaws_of, matched_flaws
from reconciler.decide.judging import (
    Judged,
    Obstacle,
    facts_of_published,
    facts_of_release,
    policies_for,
    read_archives,
    with_traits,
)
from reconciler.decide.rows import Row
from reconciler.decide.rulebook import Rulebook
from reconciler.decide.rules.interface import Facts, Subject
from reconciler.decide.sourcing import Available, available
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ContentMismatch, StoreUnavailable, Unreachable
from reconciler.model.advisories import Matched, Snapshot
from reconciler.model.closure import Supplied
from reconciler.model.declared import Connector, Feed, Rules
from reconciler.model.marks import vouched
from reconciler.model.packages import Release, Traits
from reconciler.model.plan import Catalog
from reconciler.model.verdicts import Judgement
from reconciler.model.words import FeedName, Identity, PackageKey, Version
from reconciler.observe.advisories import Advisories
from reconciler.observe.archives import Answer, Archives, Content, Wanted
from reconciler.observe.upstreams import Upstream

ABOUT_ADVISORIES: Final = frozenset({"vulnerability", "age"})
"""Rules that ask what the advisories say; where no policy of them is declared, no snapshot is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What releases are judged by: rules and clock, what upstreams announce, advisories (None: no policy asks for them, so that damage
    there stands in nobody's way), and who looks into archives."""

    rules: Rules
    now: datetime
    catalog: Catalog
    advisories: Advisories | None
    archives: Archives
    upstream_of: Callable[[Feed, Connector], Upstream]

    @property
    def snapshot(self) -> Snapshot | None:
        """The advisories, where a policy asks for them."""
        return self.advisories.snapshot if self.advisories else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdicts:
    """What was found. `contents` say what the files of approved versions need that are not published yet, where somebody has looked into
    all of them."""

    judged: Mapping[Identity, Judged]
    contents: Mapping[Identity, Supplied]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entrant:
    """Approved files that are not published: what their index announces, and whether their archives matter."""

    row: Row
    release: Release | None
    upstream: Upstream | None
    looks: bool


def asks_advisories(rules: Rules) -> bool:
    """Whether a policy asks what the advisories say."""
    return any(policy.rule in ABOUT_ADVISORIES for policy in rules.policies)


def judge_rows(rows: Iterable[Row], ground: Ground) -> Verdicts:
    """What the policies say of each version that somebody entitled approved. What no upstream has is not judged: it comes in no way."""
    approved = [row for row in rows if row.desired is not None and row.desired.state == "approved"]
    book, known = Rulebook(ground.rules, ground.now), _Known(approved, ground)
    entrants = {one.row.identity: one for row in approved if (one := _entrant(row, ground)) is not None}
    answers: dict[Identity, dict[str, Answer]] = {}
    for (identity, name), answer in ground.archives.look_into(w for one in entrants.values() for w in _wanted(one, ground)).items():
        answers.setdefault(identity, {})[name] = answer
    judged: dict[Identity, Judged] = {}
    contents: dict[Identity, Supplied] = {}
    for row in approved:
        identity = row.identity
        said = _Said(row=row, subject=subject_of(row, ground.rules), book=book, matched=known.of(row), now=ground.now)
        of_it = answers.get(identity, {})
        judged[identity] = said.judged(entrants.get(identity), of_it)
        found = [answer for answer in of_it.values() if isinstance(answer, Content)]
        if found and len(found) == len(of_it):
            contents[identity] = Supplied(
                name=said.subject.name,
                version=version_of(row, ground.rules.settings.feeds[identity.feed]),
                dependencies=tuple(dict.fromkeys(dependency for one in found for dependency in one.dependencies)),
                frameworks=tuple(dict.fromkeys(framework for one in found for framework in one.traits.frameworks)),
            )
    return Verdicts(judged=judged, contents=contents)


def subject_of(row: Row, rules: Rules) -> Subject:
    """What a rule is told that it judges."""
    feed = rules.settings.feeds[row.identity.feed]
    return Subject(
        feed=feed.name, package=row.identity.package, name=row.spelled[0], version=version_of(row, feed), language=ECOSYSTEMS[feed.type]
    )


def version_of(row: Row, feed: Feed) -> Version:
    """The version that a row is about."""
    return row.published.version if row.published else ECOSYSTEMS[feed.type].parse_version(row.spelled[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """One version, judged."""

    row: Row
    subject: Subject
    book: Rulebook
    matched: Matched | None
    now: datetime

    def judged(self, entrant: _Entrant | None, answers: Mapping[str, Answer]) -> Judged:
        row = self.row
        obstacle = next((_obstacle(answer) for answer in answers.values() if isinstance(answer, Exception)), None)
        traits = _traits(entrant, answers) if entrant is not None else {}
        entering = self._judge(self._entering(entrant, traits)) if entrant is not None and obstacle is None else ()
        if row.published is None:
            return Judged(judgements=entering, obstacle=obstacle, traits=traits)
        source = row.desired.source if row.desired else None
        facts = facts_of_published(row.published, source=source, now=self.now, matched=self.matched)
        return Judged(judgements=self._judge(facts), extension=entering, obstacle=obstacle, traits=traits)

    def _judge(self, facts: Facts) -> tuple[Judgement, ...]:
        return self.book.judgements(self.subject, facts)

    def _entering(self, entrant: _Entrant, traits: Mapping[str, Traits]) -> Facts:
        source = self.row.desired.source if self.row.desired else None
        facts = facts_of_release(entrant.row.files, entrant.release, source=source, now=self.now, matched=self.matched)
        return with_traits(facts, traits)


def _traits(entrant: _Entrant, answers: Mapping[str, Answer]) -> dict[str, Traits]:
    """What archives say, and what their index says that vouches for them: not of what lies in the feed already, whose attestations nobody
    has fetched."""
    comes = entrant.release.files if entrant.release and entrant.row.action != "adopt" else ()
    provenance = {file.name: file.provenance for file in comes}
    return {name: vouched(one.traits, provenance.get(name, ())) for name, one in answers.items() if isinstance(one, Content)}


def _obstacle(error: Exception) -> Obstacle:
    return Obstacle(
        reason=str(error),
        waiting=isinstance(error, Unreachable),
        integrity=isinstance(error, ContentMismatch),
        remedy=error.remedy if isinstance(error, StoreUnavailable) else "",
    )


def _entrant(row: Row, ground: Ground) -> _Entrant | None:
    """What would come in by this row; None for what brings nothing, and for what its upstream cannot deliver, which holds it anyway."""
    desired, rules = row.desired, ground.rules
    if desired is None or row.action not in {"promote", "extend", "adopt"}:
        return None
    feed = rules.settings.feeds[row.identity.feed]
    looks = feed.dependencies == "require" or read_archives(policies_for(subject_of(row, rules), rules))
    answer = available(desired, row.files, ground.catalog.get((desired.source or FeedName(""), row.identity.package)))
    if isinstance(answer, Available) and desired.source is not None:
        upstream = ground.upstream_of(rules.settings.feeds[desired.source], Connector(upstream=answer.upstream))
        return _Entrant(row=row, release=answer.release, upstream=upstream, looks=looks)
    return _Entrant(row=row, release=None, upstream=None, looks=False) if row.action == "adopt" else None


def _wanted(entrant: _Entrant, ground: Ground) -> Iterator[Wanted]:
    if not entrant.looks or entrant.release is None or entrant.upstream is None:
        return
    remote = {file.name: file for file in entrant.release.files}
    feed = ground.rules.settings.feeds[entrant.row.identity.feed]
    for approved in entrant.row.files:
        yield Wanted(
            identity=entrant.row.identity, type=feed.type, approved=approved, remote=remote[approved.name], upstream=entrant.upstream
        )


class _Known:
    """What the snapshot says of versions; what it says of a package is put together once for all of them."""

    def __init__(self, rows: Iterable[Row], ground: Ground) -> None:
        self._feeds = ground.rules.settings.feeds
        self._flaws: dict[tuple[str, PackageKey], tuple[Flaw, ...]] = {}
        self._nothing: dict[str, Matched] = {}
        advisories = ground.advisories
        if advisories is None or advisories.snapshot is None:
            return
        keys: dict[str, set[PackageKey]] = {}
        for row in rows:
            keys.setdefault(self._feeds[row.identity.feed].type, set()).add(row.identity.package)
        for kind, wanted in sorted(keys.items()):
            if (snapshot := advisories.snapshot_of(kind)) is not None:
                self._nothing[kind] = Matched(snapshot=snapshot, affecting=(), fixes=())
                self._flaws |= {(kind, key): flaws_of(found) for key, found in advisories.each(kind, wanted)}

    def of(self, row: Row) -> Matched | None:
        """None: there is no snapshot for its ecosystem."""
        feed = self._feeds[row.identity.feed]
        nothing, flaws = self._nothing.get(feed.type), self._flaws.get((feed.type, row.identity.package))
        if nothing is None or flaws is None:
            return nothing
        return matched_flaws(nothing.snapshot, flaws, version_of(row, feed), ECOSYSTEMS[feed.type])
