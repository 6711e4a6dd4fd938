"""What could satisfy a dependency: the versions that a proxy feed has of a package, looked at from the highest one down.

Cheap questions first: is it in range, listed, no prerelease, free to be approved, and does what its index says pass the rules. Only then
it is fetched, inspected and judged by what it contains, once, whoever asks for it. The work is bounded for each dependency and in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import ArchiveRefused, ContentMismatch, NotFound, Refused, Unreachable
from reconciler.model.declared import Connector, Feed
from reconciler.model.packages import Release
from reconciler.model.plan import Absent, Availability, Found, Waiting
from reconciler.model.verdicts import Judgement
from reconciler.model.words import FeedName, Identity, PackageKey, Version, VersionKey
from reconciler.observe.catalog import Wanted, look_up
from reconciler.observe.upstreams import Upstream
from reconciler.propose.approve import Proposal, Request, chosen_files, propose
from reconciler.propose.judge import Judge, only_waits, stopping

UpstreamOf = Callable[[Feed, Connector], Upstream]

MAX_FETCHED: Final = 5
"""Versions that are fetched for one dependency before it is given up."""
MAX_LOOKED_AT: Final = 200
MAX_PACKAGES: Final = 1_000
"""Versions that are fetched in all: a closure that is larger is approved in parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A version that passes the rules, or that only has to wait; `judgements` are all, worst first."""

    proposal: Proposal
    judgements: tuple[Judgement, ...]

    @property
    def waits(self) -> bool:
        """Whether it is not let in yet."""
        return bool(stopping(self.judgements))

    @property
    def refused(self) -> bool:
        """Whether it is not let in, today or later."""
        return not only_waits(self.judgements)


@dataclass(frozen=True, kw_only=True, slots=True)
class PassedOver:
    """A version in range that was not taken, and why."""

    version: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The version that is taken, None for none; `reason` says why there is none, `over` which ones before it were not taken."""

    offer: Offer | None
    over: tuple[PassedOver, ...] = ()
    reason: str = ""


class Market:
    """One proxy feed, as it is asked in one run. `taken`: versions that cannot be approved anew, and why."""

    def __init__(
        self,
        judge: Judge,
        feeds: Mapping[FeedName, Feed],
        upstream_of: UpstreamOf,
        *,
        taken: Mapping[Identity, str],
        patterns: tuple[str, ...] = (),
    ) -> None:
        self._judge = judge
        self._feeds = feeds
        self._upstream_of = upstream_of
        self._taken = taken
        self._patterns = patterns
        self._answers: dict[PackageKey, Availability] = {}
        self._read: dict[tuple[PackageKey, VersionKey], Proposal | str] = {}
        self._looked_at: dict[tuple[PackageKey, VersionKey], Offer | PassedOver] = {}

    def look_up(self, names: Iterable[tuple[PackageKey, str]]) -> None:
        """Asks for several packages at once; Unreachable if it cannot be told whether the feed has one of them."""
        source = self._judge.source
        wanted = [Wanted(feed=source, package=key, name=name) for key, name in names if key not in self._answers]
        for (_, key), answer in look_up(wanted, self._feeds, self._upstream_of).items():
            if isinstance(answer, Waiting):
                message = f"{source} does not answer for {key}: {answer.reason}"
                raise Unreachable(message, remedy="try again later")
            self._answers[key] = answer

    def answer(self, key: PackageKey, name: str) -> Availability:
        """What the feed has of a package."""
        self.look_up([(key, name)])
        return self._answers[key]

    def best(self, key: PackageKey, name: str, ranges: Iterable[str], *, preferred: Version | None = None) -> Choice:
        """The highest version in all of these ranges that passes; where there is none, the highest that only has to wait.

        `preferred` is taken first if it is in range.
        """
        answer = self.answer(key, name)
        if isinstance(answer, Absent | Waiting):
            return Choice(offer=None, reason=f"{self._judge.source} does not have it: {answer.reason}")
        try:
            found = in_range(answer, ranges, self._judge.ecosystem)
        except ValueError as error:
            return Choice(offer=None, reason=f"its range cannot be read: {error}")
        found.sort(key=lambda release: release.version != preferred)
        over: list[PassedOver] = []
        waiting: list[Release] = []
        for look in self._looks(key, name, answer, found[:MAX_LOOKED_AT], waiting):
            if isinstance(look, Offer):
                return Choice(offer=look, over=tuple(over))
            over.append(look)
        for release in waiting[:MAX_FETCHED]:
            look = self.examine(key, name, answer, release)
            over = [one for one in over if one.version != release.version.text]
            if isinstance(look, Offer):
                return Choice(offer=look, over=tuple(over))
            over.append(look)
        newest = answer.listing.releases[-1].version.text if answer.listing.releases else "none"
        nothing = "no version in range passes" if found else f"{self._judge.source} has no version in range; its newest is {newest}"
        return Choice(offer=None, over=tuple(over), reason=nothing)

    def _looks(
        self, key: PackageKey, name: str, answer: Found, releases: Iterable[Release], waiting: list[Release]
    ) -> Iterator[Offer | PassedOver]:
        """One version after the other; those that only have to wait are gathered, in case nothing else is left."""
        fetched = 0
        for release in releases:
            if early := self._early(key, release, waiting):
                yield early
                continue
            if (key, release.version.key) not in self._looked_at:
                fetched += 1
                if fetched > MAX_FETCHED:
                    yield PassedOver(
                        version=release.version.text, reason=f"{MAX_FETCHED} versions were fetched; this and older ones are not"
                    )
                    return
            look = self.examine(key, name, answer, release)
            if isinstance(look, Offer) and look.waits:
                waiting.append(release)
                yield _over(release, look.judgements)
            else:
                yield look

    def _early(self, key: PackageKey, release: Release, waiting: list[Release]) -> PassedOver | None:
        """Why a version is not even fetched."""
        identity = Identity(feed=self._judge.target.name, package=key, version=release.version.key)
        if reason := self._taken.get(identity):
            return PassedOver(version=release.version.text, reason=reason)
        if not release.listed:
            said = next((file.yanked for file in release.files if file.yanked), "")
            return PassedOver(version=release.version.text, reason=f"yanked or unlisted upstream{f': {said}' if said else ''}")
        stops = self._judge.announced(key, release, chosen_files(release, self._patterns))
        if not stops:
            return None
        if only_waits(stops):
            waiting.append(release)
        return _over(release, stops)

    def examine(self, key: PackageKey, name: str, answer: Found, release: Release) -> Offer | PassedOver:
        """A version, fetched, inspected and judged; once, whoever asks."""
        known = self._looked_at.get((key, release.version.key))
        if known is None:
            known = self._looked_at[key, release.version.key] = self._examine(key, name, answer, release)
        return known

    def read(self, key: PackageKey, name: str, answer: Found, release: Release) -> Proposal | str:
        """A version, fetched and inspected, once; why it cannot be approved at all."""
        known = self._read.get((key, release.version.key))
        if known is None:
            if len(self._read) >= MAX_PACKAGES:
                message = f"more than {MAX_PACKAGES} packages would have to be fetched"
                raise Refused(message, remedy="approve a part of them first: what is approved is not looked into again")
            known = self._read[key, release.version.key] = self._fetch(name, answer, release)
        return known

    def _fetch(self, name: str, answer: Found, release: Release) -> Proposal | str:
        upstream = self._upstream_of(self._feeds[self._judge.source], Connector(upstream=answer.upstream))
        request = Request(package=name, version=release.version.text, patterns=self._patterns, unlisted=False)
        try:
            return propose(self._judge.target, request, release, upstream, self._judge.ecosystem)
        except (ArchiveRefused, ContentMismatch, NotFound, Refused) as error:
            return str(error)

    def _examine(self, key: PackageKey, name: str, answer: Found, release: Release) -> Offer | PassedOver:
        proposal = self.read(key, name, answer, release)
        if isinstance(proposal, str):
            return PassedOver(version=release.version.text, reason=proposal)
        offer = Offer(proposal=proposal, judgements=self._judge.inspected(proposal))
        return _over(release, offer.judgements) if offer.refused else offer


def in_range(answer: Found, ranges: Iterable[str], ecosystem: Ecosystem) -> list[Release]:
    """The releases in all of these ranges, the highest first; prereleases only where there is nothing else. ValueError for what is no
    range."""
    wanted = tuple(ranges)
    found = [one for one in reversed(answer.listing.releases) if all(ecosystem.contains(each, one.version) for each in wanted)]
    return [one for one in found if not one.version.prerelease] or found


def _over(release: Release, judgements: Iterable[Judgement]) -> PassedOver:
    reasons = "; ".join(f"{one.rule}: {one.verdict.reason}" for one in stopping(judgements))
    return PassedOver(version=release.version.text, reason=reasons)
