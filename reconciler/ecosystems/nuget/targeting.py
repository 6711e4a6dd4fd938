"""Which dependencies of a package apply for what: those of the group for the nearest target framework.

https://learn.microsoft.com/en-us/nuget/concepts/dependency-resolution: a client takes one group, that for the framework nearest to the
project's, and no dependencies where no group is compatible. What a project adds on its own (`AssetTargetFallback`, which lets .NET
projects use packages for the .NET Framework) is a setting of that project: a feed that serves such ones has `net48` among its targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from reconciler.ecosystems.nuget.frameworks.names import KNOWN, UNSUPPORTED, Framework
from reconciler.ecosystems.nuget.frameworks.nearest import nearest
from reconciler.ecosystems.nuget.frameworks.portable import parse
from reconciler.model.packages import Dependency, Edge

keys: Final = ("frameworks",)

MAX_GROUPS: Final = 100
"""Real packages have up to thirty; each is compared with each."""

_PROFILES: Final = frozenset({"", "client", "compactframework", "windowsphone", "windowsphone71"})


def targets(declared: Mapping[str, Sequence[str]], /) -> tuple[str, ...]:
    """The frameworks, as they are spelled, each once. ValueError for what is none that a project can be for."""
    found: dict[Framework, str] = {}
    for text in declared.get("frameworks", ()):
        found.setdefault(_project(text), text)
    return tuple(found.values())


@lru_cache(maxsize=256)
def _project(text: str) -> Framework:
    try:
        framework = parse(text)
    except ValueError:
        framework = UNSUPPORTED
    if not (_real(framework) or (framework.portable and framework.members and all(map(_real, framework.members)))):
        message = f"{text[:80]!a} is no target framework as in net8.0, net48, netstandard2.0 or net8.0-windows10.0.19041"
        raise ValueError(message)
    return framework


def _real(framework: Framework) -> bool:
    """Whether there is such a framework, as far as names tell: a misspelt one can use nothing, and would need nothing."""
    return framework.name in KNOWN and not framework.every_version and framework.profile in _PROFILES


def edges(
    dependencies: Sequence[Dependency],
    frameworks: Sequence[str],
    target: str | None,
    extras: frozenset[str],  # noqa: ARG001 the signature of `Targeting`
    /,
) -> tuple[Edge, ...]:
    """The dependencies of the group that a project for the target takes; for any target those of all groups. There are no extras.

    A group for what NuGet does not know as a framework is for nobody. Groups at which it stumbles, and all of a package with more
    than `MAX_GROUPS`, are for everybody.
    """
    groups = tuple(dict.fromkeys((*frameworks, *(one.condition for one in dependencies))))
    chosen = frozenset(groups) if target is None or len(groups) > MAX_GROUPS else _chosen(target, groups)
    return tuple(sorted({Edge(name=one.name, range=one.range) for one in dependencies if one.condition in chosen}))


@lru_cache(maxsize=1024)
def _chosen(target: str, groups: tuple[str, ...]) -> frozenset[str]:
    read = {group: _read(group) for group in groups}
    known = [framework for framework in read.values() if framework is not None]
    best = nearest(_project(target), known)
    return frozenset(group for group, framework in read.items() if framework is None or framework == best)


def _read(group: str) -> Framework | None:
    try:
        return parse(group)
    except ValueError:
        return None
