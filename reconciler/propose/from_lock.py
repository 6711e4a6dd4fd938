"""What a lock file names and a feed lacks: looked up, fetched, compared with the lock file's digests and judged, hundreds at once.

What the index says is asked first: a version that is not there, is yanked, or that a policy stops for certain is not fetched. The rest is
fetched by several threads (one of the places that have them); an upstream that does not answer ends it all, since nobody can tell what it would have said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from reconciler.errors import ArchiveRefused, ContentMismatch, NotFound, Refused, Unreachable
from reconciler.model.declared import Connector, Feed
from reconciler.model.packages import Release, RemoteFile
from reconciler.model.plan import Availability, Found
from reconciler.model.verdicts import Judgement
from reconciler.model.words import FeedName
from reconciler.observe.catalog import Wanted, look_up
from reconciler.observe.upstreams import Upstream
from reconciler.propose.approve import Proposal, Request, choose, chosen_files, propose
from reconciler.propose.judge import Judge, only_waits, stopping
from reconciler.propose.locks.digests import contradicted, contradiction
from reconciler.propose.locks.wanted import Locked
from reconciler.propose.market import Offer, UpstreamOf
from reconciler.wire import Downloaded

FETCHED_AT_ONCE: Final = 8
MAX_VERSIONS: Final = 2_000
"""Of one lock file that are not approved yet; all are kept in memory until the last is judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turned:
    """A version, or something else that a lock file names, that cannot be approved: in which group it is told, and why.

    `judged`: it is a policy that stops it.
    """

    group: str
    name: str
    reason: str
    judged: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathering:
    """Where and how versions are asked for. `patterns` and `unlisted` as in `Request`."""

    judge: Judge
    feeds: Mapping[FeedName, Feed]
    upstream_of: UpstreamOf
    patterns: tuple[str, ...]
    unlisted: bool

    def offers(self, locked: Sequence[Locked]) -> list[Offer | Turned]:
        """All of them, in their order. Raises Unreachable, and Refused for more than `MAX_VERSIONS`."""
        if len(locked) > MAX_VERSIONS:
            message = f"{len(locked):,} versions are not approved yet; at most {MAX_VERSIONS:,} are asked for at once"
            raise Refused(message, remedy="split the lock file")
        source = self.judge.source
        asked = (Wanted(feed=source, package=one.package, name=one.name) for one in locked)
        catalog = look_up(asked, self.feeds, self.upstream_of)
        chosen = [self._choose(one, catalog[source, one.package]) for one in locked]
        with ThreadPoolExecutor(FETCHED_AT_ONCE, thread_name_prefix="fetch") as pool:
            return [one if isinstance(one, Turned) else self._judged(one) for one in pool.map(self._fetch, chosen)]

    def _choose(self, one: Locked, answer: Availability) -> _Chosen | Turned:
        request = Request(package=one.name, version=one.version.text, patterns=self.patterns, unlisted=self.unlisted)
        try:
            found, release = choose(request, answer, source=self.judge.source, ecosystem=self.judge.ecosystem)
        except Unreachable as error:
            message = f"{one.name}: {error}"
            raise Unreachable(message, remedy=error.remedy) from error
        except NotFound as error:
            return turned(f"not in {self.judge.source}", one, str(error))
        except Refused as error:
            return turned("yanked or unlisted upstream (--allow-unlisted)", one, str(error))
        stops = self.judge.announced(one.package, release, chosen_files(release, self.patterns))
        if not only_waits(stops):
            return _denied(one, stops)
        return _Chosen(locked=one, request=request, found=found, release=release)

    def _fetch(self, chosen: _Chosen | Turned) -> _Fetched | Turned:
        """In a thread: what it takes to propose one version."""
        if isinstance(chosen, Turned):
            return chosen
        one, source = chosen.locked, self.feeds[self.judge.source]
        upstream = _Compared(self.upstream_of(source, Connector(upstream=chosen.found.upstream)), one)
        try:
            proposal = propose(self.judge.target, chosen.request, chosen.release, upstream, self.judge.ecosystem)
        except ContentMismatch as error:
            return turned("other bytes than they should have", one, str(error))
        except (ArchiveRefused, NotFound, Refused) as error:
            return turned("files that cannot be taken", one, str(error))
        if why := contradicted(one.claims, proposal.files):
            return turned("other bytes than they should have", one, why)
        return _Fetched(locked=one, proposal=proposal)

    def _judged(self, fetched: _Fetched) -> Offer | Turned:
        offer = Offer(proposal=fetched.proposal, judgements=self.judge.inspected(fetched.proposal))
        return _denied(fetched.locked, offer.judgements) if offer.refused else offer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    locked: Locked
    request: Request
    found: Found
    release: Release


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fetched:
    locked: Locked
    proposal: Proposal


class _Compared:
    """An upstream whose files are compared with what the lock file says of them, as they come."""

    def __init__(self, upstream: Upstream, locked: Locked) -> None:
        self._upstream = upstream
        self._claims = locked.claims
        self.name = upstream.name
        self.discover = upstream.discover
        self.fetch_companion = upstream.fetch_companion

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        """As the upstream's; ContentMismatch where the lock file names other bytes."""
        start = sink.tell()
        got = self._upstream.fetch(file, sink, max_bytes=max_bytes)
        sink.seek(start)
        if why := contradiction(self._claims, file.name, sink):
            raise ContentMismatch(why)
        return got


def turned(group: str, one: Locked, reason: str) -> Turned:
    """A version that cannot be approved."""
    return Turned(group=group, name=f"{one.name} {one.version.text}", reason=reason)


def _denied(one: Locked, judgements: Iterable[Judgement]) -> Turned:
    worst = stopping(judgements)[0]
    return replace(turned(f"{worst.level} [{worst.rule}] ({worst.policy})", one, worst.verdict.reason), judged=True)
