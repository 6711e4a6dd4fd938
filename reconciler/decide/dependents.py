"""Who is left without: versions of a feed that no listed version satisfies any more once others are taken back; pure.

Only edges are checked, as each package declares them: no resolver is run. A dependency that nothing satisfied before is not counted,
since nothing is taken from it now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from reconciler.model.packages import Dependency, PublishedPackage, PublishedVersion
from reconciler.model.plan import Dependent, Stock
from reconciler.model.words import Identity, PackageKey, Version

INSIDE: Final = frozenset({"bundled", "optional bundled"})
"""Conditions of what a package brings with it (npm): nothing in a feed can be missing for it."""


class Language(Protocol):
    """How an ecosystem reads names and ranges; `reconciler.ecosystems.interface.Ecosystem` is one. ValueError for what is neither."""

    def normalize_name(self, name: str, /) -> PackageKey:
        """The name that names are compared by."""

    def contains(self, version_range: str, version: Version, /) -> bool:
        """Whether a range admits a version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Supply:
    """The listed versions of a package: all of them, and those that stay."""

    before: tuple[Version, ...]
    after: tuple[Version, ...]


def left_without(taken: Collection[Identity], stock: Stock, language: Language) -> dict[Identity, tuple[Dependent, ...]]:
    """For each of the versions to be taken back, the listed versions that lose their last candidate by it and the others."""
    supplies = {package.key: _supply(package, taken, stock) for package in stock.packages.values()}
    short = {key: supply for key, supply in supplies.items() if supply.before != supply.after}
    found: dict[Identity, list[Dependent]] = {identity: [] for identity in taken}
    for package in stock.packages.values() if short else ():
        for version in package.versions:
            own = Identity(feed=stock.feed, package=package.key, version=version.version.key)
            if version.state == "listed" and own not in taken:
                for key, dependent in _unsatisfied(package, version, short, language):
                    for identity in _took(taken, key, dependent.range, short[key], language):
                        found[identity].append(dependent)
    return {identity: tuple(dict.fromkeys(dependents)) for identity, dependents in found.items()}


def _supply(package: PublishedPackage, taken: Collection[Identity], stock: Stock) -> _Supply:
    before = tuple(v.version for v in package.versions if v.state == "listed")
    after = tuple(v for v in before if Identity(feed=stock.feed, package=package.key, version=v.key) not in taken)
    return _Supply(before=before, after=after)


def _unsatisfied(
    package: PublishedPackage, version: PublishedVersion, short: dict[PackageKey, _Supply], language: Language
) -> Iterator[tuple[PackageKey, Dependent]]:
    for dependency in version.dependencies:
        if dependency.condition in INSIDE:
            continue
        key = _key(dependency, language)
        if key is None or key not in short:
            continue
        before, after = (_any(dependency.range, versions, language) for versions in (short[key].before, short[key].after))
        if before and not after:
            yield key, Dependent(package=package.name, version=version.version.text, needs=dependency.name, range=dependency.range)


def _key(dependency: Dependency, language: Language) -> PackageKey | None:
    try:
        return language.normalize_name(dependency.name)
    except ValueError:
        return None  # what cannot be a package is not taken back either


def _any(version_range: str, versions: tuple[Version, ...], language: Language) -> bool:
    try:
        return any(language.contains(version_range, version) for version in versions)
    except ValueError:
        return False  # nobody can say what satisfies it


def _took(taken: Collection[Identity], key: PackageKey, version_range: str, supply: _Supply, language: Language) -> Iterator[Identity]:
    """Of the versions to be taken back, those that satisfied a range."""
    admitted = {version.key for version in supply.before if _any(version_range, (version,), language)}
    return (identity for identity in taken if identity.package == key and identity.version in admitted)
