"""What a feed lacks: versions with a dependency that no version of the feed satisfies, directly or further down; pure.

Edges are checked, as each package declares them: no resolver is run, so that two dependents which cannot agree on one version are not
seen. A version is satisfied as long as nothing proves that it is not: versions that need each other are (the greatest fixed point).

The work is near linear. A need (package, range, extras) is looked at once for all who have it, and follows one candidate, the highest
that may still be satisfied; only when that one falls does it look for the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.decide.language import Language, key_of
from reconciler.model.closure import Gap, Supplied
from reconciler.model.packages import Edge
from reconciler.model.words import FeedName, Identity, PackageKey, VersionKey

MAX_STEPS: Final = 40
"""Steps of a path that are told: in a chain of thousands each version would else name all below it."""

Supply = Mapping[PackageKey, Sequence[Supplied]]


@dataclass(slots=True, eq=False)
class _Node:
    """A version with the extras that are asked for. `watched_by` are the needs that count on it."""

    package: PackageKey
    supplied: Supplied
    extras: frozenset[str]
    needs: list[_Need] = field(default_factory=list)
    watched_by: list[_Need] = field(default_factory=list)
    broken: bool = False
    way: _Need | None = None
    """Where it is broken: the first step to the nearest need that nothing satisfies."""

    @property
    def shown(self) -> str:
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"{self.supplied.name}{extras} {self.supplied.version.text}"


@dataclass(slots=True, eq=False)
class _Need:
    """An edge, shared by all that have it; `place` is the candidate that it counts on, by its place among those in range."""

    edge: Edge
    package: PackageKey | None
    candidates: _InRange
    dependents: list[_Node] = field(default_factory=list)
    place: int = 0
    lost: bool = False
    way: _Node | None = None
    """Where it is lost: the candidate from which it is nearest to a need that nothing satisfies; None where it is one itself."""
    root: _Need | None = None
    last: _Node | None = None
    """The end of the way: the need there is `root`, this is who has it (None where it is the first step already)."""
    steps: int = 0


class _InRange:
    """The versions of a package that a range admits, the highest first, found as they are asked for."""

    def __init__(self, versions: Sequence[Supplied], version_range: str, language: Language) -> None:
        self._versions = versions
        self._range = version_range
        self._language = language
        self._found: list[Supplied] = []
        self._next = 0

    def at(self, place: int) -> Supplied | None:
        """The one at this place, None after the last."""
        while len(self._found) <= place and self._next < len(self._versions):
            candidate = self._versions[self._next]
            self._next += 1
            try:
                if self._language.contains(self._range, candidate.version):
                    self._found.append(candidate)
            except ValueError:
                self._next = len(self._versions)  # nobody can say what satisfies it
        return self._found[place] if place < len(self._found) else None


def gaps_of(feed: FeedName, supply: Supply, targets: Sequence[str], language: Language) -> tuple[Gap, ...]:
    """All gaps of a feed for its targets (none: for any), sorted. A version whose dependencies are not known has none.

    Of several ways to one gap the shortest is told; what is beyond the nearest one on a way shows once that is mended.
    """
    ordered = {key: sorted(supply[key], key=lambda one: one.version, reverse=True) for key in sorted(supply)}
    ranges: dict[tuple[PackageKey | None, str], _InRange] = {}
    found: dict[tuple[Identity, Edge], Gap] = {}
    for target in targets or (None,):
        walk = _Walk(ordered, target, language, ranges)
        walk.run()
        for gap in walk.gaps(feed):
            one = found.setdefault((gap.identity, Edge(name=gap.needs, range=gap.range, extras=gap.extras)), gap)
            if target is not None:
                found[one.identity, Edge(name=one.needs, range=one.range, extras=one.extras)] = replace(one, targets=(*one.targets, target))
        walk.untie()
    return tuple(sorted(found.values()))


class _Walk:
    """One target: which versions cannot be satisfied, and why."""

    def __init__(
        self,
        supply: Supply,
        target: str | None,
        language: Language,
        ranges: dict[tuple[PackageKey | None, str], _InRange],
    ) -> None:
        self._supply = supply
        self._target = target
        self._language = language
        self._ranges = ranges
        self._nodes: dict[tuple[PackageKey, VersionKey, frozenset[str]], _Node] = {}
        self._needs: dict[tuple[PackageKey, str, tuple[str, ...]] | tuple[None, Edge], _Need] = {}
        self._keys: dict[str, PackageKey | None] = {}
        self._new: list[_Node] = []
        self._fallen: list[_Node] = []

    def run(self) -> None:
        """Until nothing falls any more. Without recursion: a chain may be as long as it likes."""
        for package, versions in self._supply.items():
            for supplied in versions:
                self._node(package, supplied, frozenset())
        while self._new or self._fallen:
            if self._fallen:
                watching = self._fallen.pop().watched_by
                for need in watching:
                    self._advance(need)
            else:
                self._expand(self._new.pop())
        self._measure()

    def gaps(self, feed: FeedName) -> Iterator[Gap]:
        """What is broken, once for each need at the end of a way from it."""
        for node in self._nodes.values():
            if node.broken and not node.extras:
                nearest: dict[int, _Need] = {}
                for need in sorted((need for need in node.needs if need.lost), key=lambda need: need.steps):
                    nearest.setdefault(id(need.root), need)
                identity = Identity(feed=feed, package=node.package, version=node.supplied.version.key)
                yield from (self._gap(identity, node, need) for need in nearest.values())

    def untie(self) -> None:
        """Takes the nodes and needs apart, which hold each other: the next target needs the room."""
        for need in self._needs.values():
            need.dependents.clear()
        for node in self._nodes.values():
            node.watched_by.clear()

    def _gap(self, identity: Identity, node: _Node, need: _Need) -> Gap:
        assert need.root is not None  # noqa: S101 - whatever is lost is lost by one
        edge = need.root.edge
        unread = _why(self._language, edge, node)
        return Gap(identity=identity, needs=edge.name, range=edge.range, extras=edge.extras, path=_path(node, need), unread=unread)

    def _node(self, package: PackageKey, supplied: Supplied, extras: frozenset[str]) -> _Node:
        key = (package, supplied.version.key, extras)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(package=package, supplied=supplied, extras=extras)
            self._new.append(node)
        return node

    def _expand(self, node: _Node) -> None:
        supplied, edges = node.supplied, self._language.targeting.edges
        if supplied.dependencies is None:
            return
        for edge in edges(supplied.dependencies, supplied.frameworks, self._target, node.extras):
            need = self._need(edge)
            node.needs.append(need)
            need.dependents.append(node)
            if need.lost:
                self._break(node)

    def _need(self, edge: Edge) -> _Need:
        package = self._key(edge.name)
        key = (None, edge) if package is None else (package, edge.range, edge.extras)
        need = self._needs.get(key)
        if need is None:
            need = self._needs[key] = _Need(edge=edge, package=package, candidates=self._in_range(package, edge.range))
            self._advance(need)
        return need

    def _key(self, name: str) -> PackageKey | None:
        if name not in self._keys:
            self._keys[name] = key_of(name, self._language)
        return self._keys[name]

    def _in_range(self, package: PackageKey | None, version_range: str) -> _InRange:
        key = (package, version_range)
        if key not in self._ranges:
            versions = self._supply.get(package, ()) if package is not None else ()
            self._ranges[key] = _InRange(versions, version_range, self._language)
        return self._ranges[key]

    def _advance(self, need: _Need) -> None:
        """Has a need count on the next candidate that has not fallen; where there is none, all that have it fall."""
        for node in self._candidates(need):
            if not node.broken:
                node.watched_by.append(need)
                return
            need.place += 1
        need.lost = True
        for dependent in need.dependents:
            self._break(dependent)

    def _candidates(self, need: _Need, place: int | None = None) -> Iterator[_Node]:
        at, extras = need.place if place is None else place, frozenset(need.edge.extras)
        while need.package is not None and (supplied := need.candidates.at(at)) is not None:
            yield self._node(need.package, supplied, extras)
            at += 1

    def _break(self, node: _Node) -> None:
        if not node.broken:
            node.broken = True
            self._fallen.append(node)

    def _measure(self) -> None:
        """The nearest need that nothing satisfies, of all that is lost: outwards from those."""
        lost = [need for need in self._needs.values() if need.lost]
        hoped: dict[int, list[_Need]] = {}
        waiting: deque[_Need] = deque()
        for need in lost:
            candidates = list(self._candidates(need, 0))
            for node in candidates:
                hoped.setdefault(id(node), []).append(need)
            if not candidates:
                need.root = need
                waiting.append(need)
        while waiting:
            need = waiting.popleft()
            for node in need.dependents:
                if node.way is None:
                    node.way = need
                    for other in hoped.get(id(node), ()):
                        if other.root is None:
                            other.root, other.way, other.steps, other.last = need.root, node, need.steps + 1, need.last or node
                            waiting.append(other)


def _path(node: _Node, need: _Need) -> tuple[str, ...]:
    """The versions from a dependent to the one whose need nothing satisfies."""
    steps = [node.shown]
    length = need.steps + 1
    here: _Need | None = need
    while here is not None and here.way is not None and len(steps) < MAX_STEPS:
        steps.append(here.way.shown)
        here = here.way.way
    if need.last is not None and length > len(steps):
        return (*steps[:-1], f"({length - len(steps)} more)", need.last.shown)
    return tuple(steps)


def _why(language: Language, edge: Edge, node: _Node) -> str:
    """Why name or range of an edge cannot be read; "" where they can."""
    readings: tuple[Callable[[], object], ...] = (
        lambda: language.normalize_name(edge.name),
        lambda: language.contains(edge.range, node.supplied.version),
    )
    for reading in readings:
        try:
            reading()
        except ValueError as error:
            return str(error)
    return ""
