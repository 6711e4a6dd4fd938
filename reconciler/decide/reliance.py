"""Which of what is let in together relies on which other: so that what fails while it is fetched takes its dependents with it; pure.

Edges are checked, as in `closure.py`, and only where nothing that is published already would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from reconciler.decide.closure import Edges, Supply
from reconciler.decide.dependents import Language
from reconciler.model.closure import Supplied
from reconciler.model.packages import Edge
from reconciler.model.words import FeedName, Identity, PackageKey

Reliance: TypeAlias = tuple[Identity, ...]
"""Versions of which one must come in."""


def reliances(
    feed: FeedName, supply: Supply, entering: AbstractSet[Identity], targets: Sequence[str], *, language: Language, edges: Edges
) -> Mapping[Identity, tuple[Reliance, ...]]:
    """What each version that enters relies on among the others that do; one that relies on nothing is left out."""
    found: dict[Identity, tuple[Reliance, ...]] = {}
    known: dict[tuple[str, str], Reliance | None] = {}
    for key, versions in supply.items():
        for one in versions:
            identity = _identity(feed, key, one)
            if identity in entering and one.dependencies:
                asked = {edge for target in targets or (None,) for edge in edges(one.dependencies, one.frameworks, target, frozenset())}
                groups = {_group(edge, feed, supply, entering, language, known) for edge in asked}
                if relied := tuple(sorted(group for group in groups if group)):
                    found[identity] = relied
    return found


def _group(
    edge: Edge,
    feed: FeedName,
    supply: Supply,
    entering: AbstractSet[Identity],
    language: Language,
    known: dict[tuple[str, str], Reliance | None],
) -> Reliance | None:
    """The candidates of an edge; None where one of them is published already, or nobody can say."""
    about = (edge.name, edge.range)
    if about not in known:
        candidates = tuple(sorted(_candidates(edge, feed, supply, language)))
        known[about] = candidates if candidates and entering >= set(candidates) else None
    return known[about]


def _candidates(edge: Edge, feed: FeedName, supply: Supply, language: Language) -> Iterator[Identity]:
    try:
        key = language.normalize_name(edge.name)
        for one in supply.get(key, ()):
            if language.contains(edge.range, one.version):
                yield _identity(feed, key, one)
    except ValueError:
        return  # a name or range that nobody can read is a gap, which holds its dependent


def _identity(feed: FeedName, key: PackageKey, one: Supplied) -> Identity:
    return Identity(feed=feed, package=key, version=one.version.key)
