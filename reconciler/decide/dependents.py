"""Who is left without: versions of a feed that no listed version satisfies any more once others are taken back; pure.

Only edges are checked, as each package declares them, for any target: no resolver is run. What nothing satisfied before is not counted,
since nothing is taken from it now, nor is what is optional.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reconciler.decide.language import Language, admits, edges_for, key_of
from reconciler.decide.supply import supplied
from reconciler.model.packages import PublishedPackage, PublishedVersion
from reconciler.model.plan import Dependent, Stock
from reconciler.model.words import Identity, PackageKey, Version


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
    frameworks = supplied(package.name, version).frameworks
    for edge in edges_for((), version.dependencies, frameworks, language):
        key = key_of(edge.name, language)
        if key is not None and key in short:
            supply = short[key]
            before, after = (any(admits(edge.range, one, language) for one in those) for those in (supply.before, supply.after))
            if before and not after:
                yield key, Dependent(package=package.name, version=version.version.text, needs=edge.name, range=edge.range)


def _took(taken: Collection[Identity], key: PackageKey, version_range: str, supply: _Supply, language: Language) -> Iterator[Identity]:
    """Of the versions to be taken back, those that satisfied a range."""
    admitted = {version.key for version in supply.before if admits(version_range, version, language)}
    return (identity for identity in taken if identity.package == key and identity.version in admitted)
