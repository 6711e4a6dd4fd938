"""Dependencies before dependents, so that no client finds a package whose dependencies are not there yet; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.packages import PublishedPackage
from reconciler.model.words import PackageKey


def dependencies_first(packages: Iterable[PublishedPackage], ecosystem: Ecosystem) -> tuple[PublishedPackage, ...]:
    """The packages in an order in which each comes after those of them that it depends on; by key where there is a cycle."""
    by_key = {package.key: package for package in sorted(packages, key=lambda p: p.key)}
    graph = {key: sorted(_dependencies(package, by_key, ecosystem)) for key, package in by_key.items()}
    try:
        return tuple(by_key[key] for key in TopologicalSorter(graph).static_order())
    except CycleError:
        return tuple(by_key.values())


def _dependencies(package: PublishedPackage, known: Mapping[PackageKey, PublishedPackage], ecosystem: Ecosystem) -> set[PackageKey]:
    found = set()
    for version in package.versions:
        for dependency in version.dependencies:
            try:
                key = ecosystem.normalize_name(dependency.name)
            except ValueError:
                continue  # a dependency on what cannot be a package orders nothing
            if key in known and key != package.key:
                found.add(key)
    return found
