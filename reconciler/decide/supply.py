"""What of a feed can satisfy dependencies, as `closure.py` takes it; pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.closure import Supplied
from reconciler.model.packages import PublishedPackage, PublishedVersion
from reconciler.model.words import PackageKey


def listed(packages: Iterable[PublishedPackage]) -> dict[PackageKey, list[Supplied]]:
    """The versions that clients choose from: those that are listed."""
    return {
        package.key: [supplied(package.name, version) for version in package.versions if version.state == "listed"] for package in packages
    }


def supplied(name: str, version: PublishedVersion) -> Supplied:
    """A published version, with what all its files say."""
    traits = (file.traits for file in version.files if file.traits is not None)
    frameworks = tuple(dict.fromkeys(framework for one in traits for framework in one.frameworks))
    return Supplied(name=name, version=version.version, dependencies=version.dependencies, frameworks=frameworks)
