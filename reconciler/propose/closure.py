"""An approval with everything that it needs: the tree of its run-time dependencies, each with a version that satisfies it.

A dependency that an approved version satisfies is closed, and not looked into. For another one the highest version that passes the rules
is chosen. Edges are walked for all targets of the feed, as each package declares them; no resolver is run, so one version of a package is
preferred by hand: one that is chosen already if it is in range, else the highest that is in range for all who ask (the walk then begins
again with it), else a second one beside the first, which is told. Without recursion; rounds, versions and work are bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reconciler.decide.language import admits, edges_for, key_of
from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.declared import Feed
from reconciler.model.packages import Edge
from reconciler.model.plan import Found
from reconciler.model.words import Identity, PackageKey, Version, VersionKey
from reconciler.propose.approve import Proposal
from reconciler.propose.market import Choice, Market, Offer

MAX_CHANGES_OF_MIND: Final = 3
"""How often one package may get another version for the sake of those that ask for it later."""
MAX_ROUNDS: Final = 100

Place: TypeAlias = tuple[PackageKey, VersionKey, frozenset[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A version in the tree, with the extras of it that are asked for. `offer` None: it is approved already.

    `whole`: it is looked into although it is approved, since somebody asked for it.
    """

    package: PackageKey
    name: str
    version: Version
    extras: frozenset[str] = frozenset()
    offer: Offer | None = None
    whole: bool = False

    @property
    def place(self) -> Place:
        """What it is known by."""
        return self.package, self.version.key, self.extras

    @property
    def shown(self) -> str:
        """The version, as `required_by` names it."""
        return f"{self.name} {self.version.text}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A dependency and what satisfies it: `part` None if nothing does, and then `choice` says why. `note`: what else a reader should know."""

    edge: Edge
    part: Part | None
    choice: Choice | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """What was asked for, the links of each part, and why it is not known what some parts need."""

    roots: tuple[Part, ...]
    links: Mapping[Place, tuple[Link, ...]]
    unknown: Mapping[Place, str]

    @property
    def missing(self) -> tuple[Link, ...]:
        """The dependencies that nothing satisfies."""
        return tuple(link for links in self.links.values() for link in links if link.part is None)

    def new(self) -> list[tuple[Offer, tuple[str, ...]]]:
        """What there is to approve, in the order of the tree, each with those that need it: nobody for what was asked for."""
        asked = {root.place[:2] for root in self.roots}
        needed: dict[Identity, tuple[Offer, dict[str, None]]] = {}
        for dependent, part in self._all():
            if part.offer is not None:
                _, by = needed.setdefault(part.offer.proposal.identity, (part.offer, {}))
                if dependent is not None and part.place[:2] not in asked:
                    by[dependent.shown] = None
        return [(offer, tuple(by)) for offer, by in needed.values()]

    def _all(self) -> Iterator[tuple[Part | None, Part]]:
        seen: set[Place] = {root.place for root in self.roots}
        waiting = deque(self.roots)
        yield from ((None, root) for root in self.roots)
        while waiting:
            dependent = waiting.popleft()
            for link in self.links.get(dependent.place, ()):
                if link.part is not None:
                    yield dependent, link.part
                    if link.part.place not in seen:
                        seen.add(link.part.place)
                        waiting.append(link.part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What a closure is built on: the feed with its targets, what is approved for it, the highest first, and the proxy feed."""

    feed: Feed
    ecosystem: Ecosystem
    approved: Mapping[PackageKey, Sequence[Part]]
    market: Market


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rather:
    """Another version of a package would do for all who ask for it."""

    package: PackageKey
    version: Version


def close(roots: Sequence[Part], ground: Ground) -> Tree:
    """The tree of these versions, as far as it can be closed; `Tree.missing` says what cannot. Unreachable if a feed does not answer."""
    preferred: dict[PackageKey, Version] = {}
    changes: dict[PackageKey, int] = {}
    for _ in range(MAX_ROUNDS):
        settled = frozenset(key for key, count in changes.items() if count >= MAX_CHANGES_OF_MIND)
        found = _Round(ground, preferred, settled).run(roots)
        if isinstance(found, Tree):
            return found
        preferred[found.package] = found.version
        changes[found.package] = changes.get(found.package, 0) + 1
    everything = frozenset(changes) | frozenset(preferred)
    last = _Round(ground, preferred, everything, minds=False).run(roots)
    assert isinstance(last, Tree)  # noqa: S101 - it does not change its mind
    return last


class _Round:
    """One walk from the roots to the leaves, with the versions that were preferred by the walks before."""

    def __init__(
        self, ground: Ground, preferred: Mapping[PackageKey, Version], settled: frozenset[PackageKey], *, minds: bool = True
    ) -> None:
        self._ground = ground
        self._preferred = preferred
        self._settled = settled
        self._minds = minds
        self._chosen: dict[PackageKey, list[Part]] = {}
        self._ranges: dict[PackageKey, list[str]] = {}
        self._roots: frozenset[PackageKey] = frozenset()

    def run(self, roots: Sequence[Part]) -> Tree | _Rather:
        """The tree, or what to do otherwise from the beginning."""
        self._roots = frozenset(root.package for root in roots)
        for root in roots:
            self._chosen.setdefault(root.package, []).append(root)
        links: dict[Place, tuple[Link, ...]] = {}
        unknown: dict[Place, str] = {}
        waiting = deque(roots)
        while waiting:
            part = waiting.popleft()
            if part.place in links:
                continue
            edges = self._edges(part)
            if isinstance(edges, str):
                unknown[part.place], edges = edges, ()
            self._look_up(edges)
            found = []
            for edge in edges:
                link = self._resolve(edge)
                if isinstance(link, _Rather):
                    return link
                found.append(link)
            links[part.place] = tuple(found)
            waiting.extend(link.part for link in found if link.part is not None)
        return Tree(roots=tuple(roots), links=links, unknown=unknown)

    def _edges(self, part: Part) -> tuple[Edge, ...] | str:
        """What a part needs for the targets of the feed, or why that is not known; of what is approved only where its extras are asked for."""
        if part.offer is None and not part.extras and not part.whole:
            return ()
        proposal = part.offer.proposal if part.offer else self._look_into(part)
        if isinstance(proposal, str):
            return proposal
        targets, language = self._ground.feed.targets, self._ground.ecosystem
        return edges_for(targets, proposal.dependencies, proposal.frameworks, language, part.extras)

    def _look_into(self, part: Part) -> Proposal | str:
        """An approved version as the proxy feed has it; why that cannot be seen."""
        answer = self._ground.market.answer(part.package, part.name)
        if not isinstance(answer, Found):
            return answer.reason
        release = next((one for one in answer.listing.releases if one.version == part.version), None)
        if release is None:
            return "the proxy feed does not have it any more"
        return self._ground.market.read(part.package, part.name, answer, release)

    def _look_up(self, edges: Iterable[Edge]) -> None:
        """Asks for all that may have to be chosen, at once."""
        keys = ((self._key(edge), edge) for edge in edges)
        self._ground.market.look_up(
            (key, edge.name) for key, edge in keys if key and not self._approved(key, edge) and key not in self._chosen
        )

    def _resolve(self, edge: Edge) -> Link | _Rather:
        key = self._key(edge)
        if key is None:
            return Link(edge=edge, part=None, choice=Choice(offer=None, reason=f"{edge.name!r} is no name of a package"))
        if approved := self._approved(key, edge):
            return Link(edge=edge, part=_asked(approved, edge))
        chosen = self._chosen.setdefault(key, [])
        for part in chosen:
            if self._admits(edge, part.version):
                self._ranges.setdefault(key, []).append(edge.range)
                return Link(edge=edge, part=_asked(part, edge))
        if chosen and self._minds and key not in self._settled and key not in self._roots:
            common = self._ground.market.best(key, edge.name, [*dict.fromkeys(self._ranges[key]), edge.range])
            if common.offer is not None:
                return _Rather(package=key, version=common.offer.proposal.release.version)
        return self._choose(key, edge, chosen)

    def _choose(self, key: PackageKey, edge: Edge, chosen: list[Part]) -> Link:
        choice = self._ground.market.best(key, edge.name, [edge.range], preferred=self._preferred.get(key))
        if choice.offer is None:
            return Link(edge=edge, part=None, choice=choice)
        proposal = choice.offer.proposal
        part = Part(package=key, name=proposal.package, version=proposal.release.version, offer=choice.offer)
        others = ", ".join(other.version.text for other in chosen)
        note = f"a second version beside {others}: none is in range for all that ask for it" if chosen else ""
        chosen.append(part)
        self._ranges.setdefault(key, []).append(edge.range)
        return Link(edge=edge, part=_asked(part, edge), choice=choice, note=note)

    def _approved(self, key: PackageKey, edge: Edge) -> Part | None:
        return next((part for part in self._ground.approved.get(key, ()) if self._admits(edge, part.version)), None)

    def _admits(self, edge: Edge, version: Version) -> bool:
        return admits(edge.range, version, self._ground.ecosystem)

    def _key(self, edge: Edge) -> PackageKey | None:
        return key_of(edge.name, self._ground.ecosystem)


def _asked(part: Part, edge: Edge) -> Part:
    """The part with the extras that an edge asks for."""
    return replace(part, extras=frozenset(edge.extras), whole=False)
