"""Cycles among names that refer to one another: feeds that promote from feeds, groups inside groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

MAX_CYCLES: Final = 10
"""Each one costs a look at the whole graph, which a hostile file can make large."""


def cycles(references: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """One way round for each cycle (ten at most), as `("a", "b", "a")`; a name may refer to names that are no key."""
    remaining = dict(references)
    for _ in range(MAX_CYCLES):
        try:
            TopologicalSorter(remaining).prepare()
        except CycleError as error:
            way = tuple(reversed(error.args[1]))
            yield way
            remaining[way[0]] = tuple(name for name in remaining[way[0]] if name != way[1])
        else:
            return


def arrows(way: Sequence[str]) -> str:
    """The way as text."""
    return " -> ".join(way)
