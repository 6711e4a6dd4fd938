"""What approved versions need and their feed lacks, as verdicts: `dependencies: require | warn | off` of a feed in feeds.yaml.

Everything counts that clients will be able to install after the pass: what is let in now, and what is listed and stays so. A gap holds only
what is to be let in, and with it what needs it in turn; of what is published it is told, and nothing is taken back for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from reconciler.decide.closure import gaps_of
from reconciler.decide.judging import CLOSURE
from reconciler.decide.reliance import Reliance, reliances
from reconciler.decide.rows import Row
from reconciler.decide.rules.wording import enumerated
from reconciler.decide.sourcing import Available, available
from reconciler.decide.supply import supplied
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.judged import Ground, Verdicts, version_of
from reconciler.model.closure import Gap, Supplied
from reconciler.model.declared import Feed
from reconciler.model.plan import Absent, Availability, Found, Waiting
from reconciler.model.verdicts import Judgement, Level, Verdict
from reconciler.model.words import FeedName, Identity, PackageKey
from reconciler.observe.catalog import Wanted, look_up
from reconciler.propose.judge import Judge, known_to
from reconciler.propose.market import in_range

MAX_CANDIDATES: Final = 20
"""Dependencies for which a candidate is looked up in one pass: whoever lacks more is helped by `approve --with-dependencies`."""

_Needed = tuple[FeedName, str, str]
"""A feed, and what it lacks: a package as its dependent names it, and the range."""


def with_gaps(rows: Iterable[Row], verdicts: Verdicts, ground: Ground) -> tuple[Row, ...]:
    """The rows, with what nothing in their feeds satisfies; what may not come in for it is held."""
    rows = tuple(rows)
    settings = ground.rules.settings
    of_version: dict[Identity, list[Gap]] = {}
    of_extension: dict[Identity, list[Gap]] = {}
    for feed in settings.approved().values():
        if feed.dependencies != "off":
            mine = [row for row in rows if row.identity.feed == feed.name]
            gaps = _gaps(feed, mine, verdicts, ground)
            _sort(gaps, of_version)
            extended = {row.identity for row in mine if row.action == "extend" and feed.dependencies == "require"}
            new = set(_gaps(feed, mine, verdicts, ground, extended=extended)).difference(gaps) if extended else ()
            _sort((gap for gap in sorted(new) if gap.identity in extended), of_extension)
    if of_version or of_extension:
        candidates = _candidates(rows, of_version, ground)
        told = (_told(row, of_version.get(row.identity, ()), settings.feeds[row.identity.feed], candidates) for row in rows)
        rows = tuple(_extension_told(row, of_extension.get(row.identity, ()), settings.feeds[row.identity.feed]) for row in told)
    return _relying(rows, verdicts, ground)


def _relying(rows: tuple[Row, ...], verdicts: Verdicts, ground: Ground) -> tuple[Row, ...]:
    """The rows, with what each that comes in relies on among the others, where a feed requires its closure."""
    found: dict[Identity, tuple[Reliance, ...]] = {}
    for feed in ground.rules.settings.approved().values():
        mine = [row for row in rows if row.identity.feed == feed.name]
        entering = frozenset(row.identity for row in mine if row.action in {"promote", "adopt"})
        if feed.dependencies == "require" and entering:
            supply = _supply(feed, mine, verdicts, ground)
            found |= reliances(feed.name, supply, entering, feed.targets, ECOSYSTEMS[feed.type])
    return tuple(_with_reliance(row, found[row.identity]) if row.identity in found else row for row in rows)


def _with_reliance(row: Row, relies_on: tuple[Reliance, ...]) -> Row:
    if row.desired is None:
        return row
    return replace(row, desired=replace(row.desired, judged=replace(row.desired.judged, relies_on=relies_on)))


def _sort(gaps: Iterable[Gap], found: dict[Identity, list[Gap]]) -> None:
    for gap in gaps:
        found.setdefault(gap.identity, []).append(gap)


def _gaps(
    feed: Feed, rows: Iterable[Row], verdicts: Verdicts, ground: Ground, *, extended: AbstractSet[Identity] = frozenset()
) -> tuple[Gap, ...]:
    """The gaps of a feed; of these versions as they will be with the files that their approvals add."""
    supply = _supply(feed, rows, verdicts, ground, extended=extended)
    return gaps_of(feed.name, supply, feed.targets, ECOSYSTEMS[feed.type])


def _supply(
    feed: Feed, rows: Iterable[Row], verdicts: Verdicts, ground: Ground, *, extended: AbstractSet[Identity] = frozenset()
) -> dict[PackageKey, list[Supplied]]:
    supply: dict[PackageKey, list[Supplied]] = {}
    for row in rows:
        if (one := _supplied(row, feed, verdicts, ground)) is not None:
            more = verdicts.contents.get(row.identity) if row.identity in extended else None
            if more is not None:
                needed = (*(one.dependencies or ()), *(more.dependencies or ()))
                one = replace(one, dependencies=needed, frameworks=(*one.frameworks, *more.frameworks))
            supply.setdefault(row.identity.package, []).append(one)
    return supply


def _supplied(row: Row, feed: Feed, verdicts: Verdicts, ground: Ground) -> Supplied | None:
    """A version as clients will be able to install it; None where they will not."""
    name, published = row.spelled[0], row.published
    if published is not None:
        stays = published.state == "listed" and row.action not in {"unlist", "quarantine"}
        if not stays and row.action not in {"relist", "release"}:
            return None
        return supplied(name, published)
    if row.action != "adopt" and not (row.action == "promote" and _can_be_had(row, ground)):
        return None
    return verdicts.contents.get(row.identity) or Supplied(name=name, version=version_of(row, feed), dependencies=None)


def _can_be_had(row: Row, ground: Ground) -> bool:
    desired = row.desired
    if desired is None or desired.source is None:
        return False
    return isinstance(available(desired, row.files, ground.catalog.get((desired.source, row.identity.package))), Available)


def _told(row: Row, gaps: Iterable[Gap], feed: Feed, candidates: Mapping[_Needed, str]) -> Row:
    gaps = tuple(gaps)
    if not gaps or row.desired is None or row.desired.state != "approved":
        return row
    enters = row.published is None
    level: Level = "hold" if feed.dependencies == "require" and enters else "warn"
    said = tuple(_judgement(gap, level, row, feed, candidates) for gap in gaps)
    judged = replace(row.desired.judged, judgements=(*said, *row.desired.judged.judgements))
    action = "hold" if level == "hold" else row.action
    return replace(row, desired=replace(row.desired, judged=judged), action=action)


def _extension_told(row: Row, gaps: Iterable[Gap], feed: Feed) -> Row:
    """What only the files need that an approval adds to a published version holds these files."""
    said = tuple(_judgement(gap, "hold", row, feed, {}) for gap in gaps)
    if not said or row.desired is None:
        return row
    judged = replace(row.desired.judged, extension=(*said, *row.desired.judged.extension))
    return replace(row, desired=replace(row.desired, judged=judged))


def _judgement(gap: Gap, level: Level, row: Row, feed: Feed, candidates: Mapping[_Needed, str]) -> Judgement:
    extras = f"[{','.join(gap.extras)}]" if gap.extras else ""
    needed = f"{gap.needs}{extras} {gap.range}".strip()
    way = f" (by way of {' -> '.join(gap.path)})" if len(gap.path) > 1 else ""
    where = f", for {enumerated(gap.targets)}" if gap.targets and gap.targets != feed.targets else ""
    unread = f"; nobody can read this: {gap.unread}" if gap.unread else ""
    reason = f"nothing in {feed.name} satisfies {needed}, which {gap.path[-1]} needs{way}{where}{unread}"
    package, version = row.spelled
    whole = f"`reconciler approve {feed.name} {package}@{version} --with-dependencies -m REASON`"
    candidate = candidates.get((feed.name, gap.needs, gap.range), "")
    remedy = candidate or f"approve what satisfies it: {whole} shows what there is"
    return Judgement(rule=CLOSURE, policy=feed.where, verdict=Verdict(level=level, reason=reason, remedy=remedy))


def _candidates(rows: Iterable[Row], gaps: Mapping[Identity, Iterable[Gap]], ground: Ground) -> dict[_Needed, str]:
    """For what is needed by what is to be let in: the best version that passes the rules, by what its index says."""
    wanted: dict[_Needed, FeedName] = {}
    taken: set[Identity] = set()
    for row in rows:
        if row.desired is not None:
            taken.add(row.identity)
        if row.published is None and row.desired is not None and row.desired.source is not None:
            for gap in gaps.get(row.identity, ()):
                if len(wanted) < MAX_CANDIDATES and not gap.unread:
                    wanted.setdefault((row.identity.feed, gap.needs, gap.range), row.desired.source)
    feeds = ground.rules.settings.feeds
    keys = {one: ECOSYSTEMS[feeds[one[0]].type].normalize_name(one[1]) for one in wanted}
    asked = [Wanted(feed=source, package=keys[one], name=one[1]) for one, source in wanted.items()]
    catalog = look_up(asked, feeds, ground.upstream_of)
    return {one: _remedy(one, catalog[source, keys[one]], _judge(one[0], source, ground), taken) for one, source in wanted.items()}


def _remedy(needed: _Needed, answer: Availability, judge: Judge, taken: AbstractSet[Identity]) -> str:
    name, package, version_range = needed
    if isinstance(answer, Absent):
        return f"{judge.source} does not have {package}: {answer.reason}"
    if isinstance(answer, Waiting):
        return f"{judge.source} does not answer when asked for {package}: {answer.reason}"
    candidate = _passing(package, version_range, answer, judge, taken)
    if candidate is None:
        return f"{judge.source} has no version of {package} in {version_range or 'any range'} that passes the rules"
    return f"approve {answer.listing.name} {candidate}, the newest that passes the rules as far as its index tells: `reconciler approve {name} {answer.listing.name}@{candidate} --with-dependencies -m REASON`"


def _judge(feed: FeedName, source: FeedName, ground: Ground) -> Judge:
    target, advisories = ground.rules.settings.feeds[feed], ground.advisories
    ecosystem = ECOSYSTEMS[target.type]
    known = known_to(lambda: advisories, target.type, ecosystem) if advisories else lambda _package, _version: None
    return Judge(target=target, source=source, rules=ground.rules, now=ground.now, ecosystem=ecosystem, known=known)


def _passing(package: str, version_range: str, found: Found, judge: Judge, taken: AbstractSet[Identity]) -> str | None:
    """What `approve` would choose, as far as the index tells. `taken`: versions with an approval, in whatever state, so that none is new."""
    key = judge.ecosystem.normalize_name(package)
    for release in in_range(found, (version_range,), judge.ecosystem):
        identity = Identity(feed=judge.target.name, package=key, version=release.version.key)
        if release.listed and identity not in taken and not judge.announced(key, release, release.files):
            return release.version.text
    return None
