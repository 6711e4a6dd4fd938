"""The steps of `approve`: what is asked for, looked up, fetched and judged; with what it needs, where that is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from reconciler.act.record import purl
from reconciler.cli.desk import Desk
from reconciler.decide.closure import gaps_of
from reconciler.decide.findings import waivable_as
from reconciler.decide.people import user_of
from reconciler.declare.revision import git_user
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound, PreconditionFailed
from reconciler.model.closure import Supplied
from reconciler.model.declared import Connector, DeclaredApproval, Feed
from reconciler.model.findings import Cure
from reconciler.model.verdicts import Judgement
from reconciler.model.words import FeedName, Identity, PackageKey, Version
from reconciler.observe.catalog import Wanted, look_up
from reconciler.propose.approve import Proposal, Request, choose, propose, require_new
from reconciler.propose.closure import Ground, Part, Tree, close
from reconciler.propose.judge import Judge
from reconciler.propose.market import Market, Offer
from reconciler.reconcile import UpstreamOf
from reconciler.show.proposed import Change, named

_EXTRAS: Final = re.compile(r"(.+)\[([A-Za-z0-9._, -]*)\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A version that somebody asked for by name. `offer` None: it is approved already, and only what it needs is wanted."""

    request: Request
    package: PackageKey
    version: Version
    offer: Offer | None

    @property
    def refused(self) -> bool:
        """Whether the rules do not let it in, today or later."""
        return self.offer is not None and self.offer.refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Counter:
    """Where packages are asked for: the working tree, the approved feed, the proxy feed, and what is judged by."""

    desk: Desk
    target: Feed
    source: FeedName
    upstream_of: UpstreamOf
    judge: Judge

    def fetched(self, requests: Sequence[Request], *, again: bool) -> list[Asked]:
        """All of them, fetched and judged, or none. `again`: a version that is approved already is no error."""
        ecosystem, declared = ECOSYSTEMS[self.target.type], self.desk.approvals.valid
        keys = {request: self._key(request) for request in requests}
        wanted = (Wanted(feed=self.source, package=keys[request], name=request.package) for request in requests)
        catalog = look_up(wanted, self.desk.rules.settings.feeds, self.upstream_of)
        chosen = []
        for request in requests:
            found, release = choose(request, catalog[self.source, keys[request]], source=self.source, ecosystem=ecosystem)
            identity = Identity(feed=self.target.name, package=keys[request], version=release.version.key)
            approved = again and identity in declared and counts(declared[identity], self.judge.now)
            if not approved:
                require_new(identity, request.package, declared.values())
            chosen.append((request, found, release, approved))
        asked = []
        for request, found, release, approved in chosen:
            upstream = self.upstream_of(self.desk.rules.settings.feeds[self.source], Connector(upstream=found.upstream))
            proposal = None if approved else propose(self.target, request, release, upstream, ecosystem)
            offer = Offer(proposal=proposal, judgements=self.judge.inspected(proposal)) if proposal else None
            asked.append(Asked(request=request, package=keys[request], version=release.version, offer=offer))
        return asked

    def closed(self, asked: Iterable[Asked], patterns: tuple[str, ...]) -> Tree:
        """The tree of what was asked for."""
        market = Market(self.judge, self.desk.rules.settings.feeds, self.upstream_of, taken=self._taken(), patterns=patterns)
        ground = Ground(feed=self.target, ecosystem=ECOSYSTEMS[self.target.type], approved=self._approved(), market=market)
        return close([self._part(one) for one in asked], ground)

    def change(self, offers: Iterable[Offer], *, reason: str, ticket: str) -> Change:
        """What these approvals come to, as commit and pull request tell it."""
        proposals = [offer.proposal for offer in offers]
        names = tuple(f"{proposal.package} {proposal.version}" for proposal in proposals)
        return Change(
            task="approve",
            subject=f"Approve {named(names)} for {self.target.name}",
            reason=reason,
            feed=self.target.name,
            names=names,
            packages=tuple(purl(self.target.type, proposal.package, proposal.version) for proposal in proposals),
            ticket=ticket,
        )

    def lacking(self, proposals: Iterable[Proposal]) -> list[str]:
        """The packages that these need and of which nothing in range is approved, nor asked for with them; as they name them, with the range."""
        ecosystem = ECOSYSTEMS[self.target.type]
        supply = {
            key: [Supplied(name=part.name, version=part.version, dependencies=None) for part in parts]
            for key, parts in self._approved().items()
        }
        for one in proposals:
            version = ecosystem.parse_version(one.version)
            new = Supplied(name=one.package, version=version, dependencies=one.dependencies, frameworks=one.frameworks)
            supply.setdefault(one.identity.package, []).append(new)
        gaps = gaps_of(self.target.name, supply, self.target.targets, ecosystem)
        return sorted({f"{gap.needs} {gap.range}".strip() for gap in gaps})

    def cure(self, judgement: Judgement, proposal: Proposal) -> Cure | None:
        """The waiver that would cover a verdict; None where no waiver may."""
        id_ = waivable_as(judgement)
        if id_ is None:
            return None
        return Cure(
            rule=judgement.rule,
            id=id_,
            feed=self.target.name,
            package=proposal.package,
            version=proposal.version,
            owner=self._owner(),
        )

    def _owner(self) -> str:
        """Who might answer for a waiver: whoever runs this, if they are declared; else nobody."""
        with suppress(PreconditionFailed):
            return user_of(self.desk.rules.permissions, git_user(self.desk.root)) or ""
        return ""

    def _key(self, request: Request) -> PackageKey:
        try:
            return ECOSYSTEMS[self.target.type].normalize_name(request.package)
        except ValueError as error:
            message = f"{request.package!r} is no name of a {self.target.type} package: {error}"
            raise NotFound(message) from error

    def _part(self, asked: Asked) -> Part:
        proposal = asked.offer.proposal if asked.offer else None
        return Part(
            package=asked.package,
            name=proposal.package if proposal else asked.request.package,
            version=asked.version,
            extras=frozenset(asked.request.extras),
            offer=asked.offer,
            whole=asked.offer is None,
        )

    def _approved(self) -> Mapping[PackageKey, Sequence[Part]]:
        """What counts as approved for the feed, the highest version first."""
        found: dict[PackageKey, list[Part]] = {}
        for declared in self._declared():
            if counts(declared, self.judge.now):
                version = ECOSYSTEMS[self.target.type].parse_version(declared.version)
                part = Part(package=declared.identity.package, name=declared.package, version=version)
                found.setdefault(part.package, []).append(part)
        return {key: sorted(parts, key=lambda part: part.version, reverse=True) for key, parts in found.items()}

    def _taken(self) -> Mapping[Identity, str]:
        """Versions whose file is there, and does not approve them."""
        found = {
            declared.identity: f"its approval is {'withdrawn' if declared.approval.withdrawn else 'over'}: {declared.path}"
            for declared in self._declared()
            if not counts(declared, self.judge.now)
        }
        malformed = self.desk.approvals.malformed
        return found | {one.identity: f"its approval cannot be read: {one.path}" for one in malformed if one.identity is not None}

    def _declared(self) -> Iterable[DeclaredApproval]:
        return (one for one in self.desk.approvals.valid.values() if one.identity.feed == self.target.name)


def counts(declared: DeclaredApproval, now: datetime) -> bool:
    """Whether an approval approves: it is not withdrawn, and has not expired."""
    expires = declared.approval.expires
    return declared.approval.withdrawn is None and (expires is None or datetime.combine(expires, time(), UTC) > now)


def with_extras(request: Request) -> Request:
    """`PACKAGE[extra,...]`, as Python writes it, for what it means."""
    match = _EXTRAS.fullmatch(request.package)
    if match is None:
        return request
    extras = tuple(sorted({extra.strip() for extra in match[2].split(",") if extra.strip()}))
    return Request(package=match[1].strip(), version=request.version, patterns=request.patterns, unlisted=request.unlisted, extras=extras)
