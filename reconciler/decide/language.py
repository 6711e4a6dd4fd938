"""How an ecosystem reads names, versions and ranges, as what is decided asks it, and what follows for what nobody can read; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from reconciler.model.packages import Dependency, Edge
from reconciler.model.words import PackageKey, Version


class Targeting(Protocol):
    """Which dependencies apply for what."""

    def edges(
        self, dependencies: Sequence[Dependency], frameworks: Sequence[str], target: str | None, extras: frozenset[str], /
    ) -> tuple[Edge, ...]:
        """What a version needs at run time for a target (None: for any), when these extras of it are asked for."""
        ...


class Language(Protocol):
    """`reconciler.ecosystems.interface.Ecosystem` is one. ValueError for what is no name, version or range."""

    @property
    def targeting(self) -> Targeting:
        """Which dependencies apply for what."""
        ...

    def normalize_name(self, name: str, /) -> PackageKey:
        """The name that names are compared by."""

    def parse_version(self, text: str, /) -> Version:
        """The version."""

    def contains(self, version_range: str, version: Version, /) -> bool:
        """Whether a range admits a version."""


def key_of(name: str, language: Language) -> PackageKey | None:
    """The name that names are compared by; None for what is no name, and so no package."""
    try:
        return language.normalize_name(name)
    except ValueError:
        return None


def admits(version_range: str, version: Version, language: Language) -> bool:
    """Whether a range admits a version; one that nobody can read admits none."""
    try:
        return language.contains(version_range, version)
    except ValueError:
        return False


def edges_for(
    targets: Iterable[str],
    dependencies: Sequence[Dependency],
    frameworks: Sequence[str],
    language: Language,
    extras: frozenset[str] = frozenset(),
) -> tuple[Edge, ...]:
    """What a version needs for one of the targets at least (none: for any), sorted, each once."""
    edges = language.targeting.edges
    return tuple(sorted({edge for target in tuple(targets) or (None,) for edge in edges(dependencies, frameworks, target, extras)}))
