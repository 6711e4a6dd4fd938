"""Which of what is let in together relies on which other: so that what fails while it is fetched takes its dependents with it; pure.

Edges are checked, as in `closure.py`, and only where nothing that is published already would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from reconciler.decide.closure import Supply
from reconciler.decide.language import Language, admits, edges_for, key_of
from reconciler.model.packages import Edge
from reconciler.model.words import FeedName, Identity

Reliance: TypeAlias = tuple[Identity, ...]
"""Versions of which one must come in."""


def reliances(
    feed: FeedName, supply: Supply, entering: AbstractSet[Identity], targets: Sequence[str], language: Language
) -> Mapping[Identity, tuple[Reliance, ...]]:
    """What each version that enters relies on among the others that do; one that relies on nothing is left out."""
    found: dict[Identity, tuple[Reliance, ...]] = {}
    known: dict[tuple[str, str], Reliance] = {}
    for key, versions in supply.items():
        for one in versions:
            identity = Identity(feed=feed, package=key, version=one.version.key)
            if identity in entering and one.dependencies:
                groups = set()
                for edge in edges_for(targets, one.dependencies, one.frameworks, language):
                    about = (edge.name, edge.range)
                    if about not in known:
                        known[about] = tuple(sorted(_candidates(edge, feed, supply, language)))
                    groups.add(known[about])
                if relied := tuple(sorted(group for group in groups if group and entering >= set(group))):
                    found[identity] = relied
    return found


def _candidates(edge: Edge, feed: FeedName, supply: Supply, language: Language) -> Iterator[Identity]:
    """None where nobody can read name or range: that is a gap, which holds its dependent."""
    key = key_of(edge.name, language)
    if key is not None:
        for one in supply.get(key, ()):
            if admits(edge.range, one.version, language):
                yield Identity(feed=feed, package=key, version=one.version.key)
