"""What a project for one framework can use: https://learn.microsoft.com/en-us/dotnet/standard/net-standard and the rules of
https://learn.microsoft.com/en-us/nuget/create-packages/supporting-multiple-target-frameworks#determining-the-closest-match.

A project for a framework can use packages for the same one of that or a lower version, for the same platform or none; and those for
what the framework implements (`_IMPLEMENTS`), for what it is equivalent to, and for portable frameworks that it is a member of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from reconciler.ecosystems.nuget.frameworks.equivalents import equivalents, lower_equivalents
from reconciler.ecosystems.nuget.frameworks.names import (
    AGNOSTIC,
    ANY,
    CORE_APP,
    NET,
    PLATFORM,
    STANDARD,
    STANDARD_APP,
    UNSUPPORTED,
    Framework,
    plain,
)
from reconciler.ecosystems.nuget.frameworks.portable import STANDARDS

_ROWS: Final = (
    # from this version on, all that the same row names
    ("net45", "netstandard1.1 dotnet5.2"),
    ("net451", "netstandard1.2 dotnet5.3"),
    ("net46", "netstandard1.3 dotnet5.4"),
    ("net461", "netstandard2.0 dotnet5.5"),
    ("net462", "netstandard2.0 dotnet5.6"),
    ("netcoreapp1.0", "netstandard1.6"),
    ("netcoreapp1.1", "netstandard1.7"),
    ("netcoreapp2.0", "netstandard2.0"),
    ("netcoreapp3.0", "netstandard2.1"),
    ("uap", "netstandard1.4 dotnet5.5 win81 wpa81 netcore50"),
    ("uap10.0.15064", "netstandard2.0"),
    ("tizen3.0", "netstandard1.6"),
    ("tizen4.0", "netstandard2.0"),
    ("tizen6.0", "netstandard2.1"),
    ("netcore45", "netstandard1.1 dotnet5.2"),
    ("netcore451", "netstandard1.2 dotnet5.3"),
    ("netcore50", "netstandard1.4 dotnet5.5"),
    ("win", "winrt45"),
    ("wp8", "netstandard1.0 dotnet5.1"),
    ("wpa81", "netstandard1.2 dotnet5.3"),
    ("dnxcore", "netstandard1.5 dotnet5.6"),
    *((name, "netstandard2.1 dotnet5.6") for name in ("monoandroid", "monomac", "monotouch")),
    *((f"xamarin{system}", "netstandard2.1 dotnet5.6") for system in ("ios", "mac", "tvos", "watchos")),
    *((f"xamarin{system}", "netstandard2.0 dotnet5.6") for system in ("psthree", "psfour", "psvita", "xboxthreesixty", "xboxone")),
)
_IMPLEMENTS: Final = tuple((plain(since), tuple(map(plain, names.split()))) for since, names in _ROWS)
_SUBSETS: Final[Mapping[str, str]] = {"dnx": NET, "dnxcore": PLATFORM, STANDARD_APP: STANDARD}
"""Frameworks that are, version by version, a larger one of another name."""

LEGACY: Final[Mapping[str, str]] = {"android": "monoandroid", "tizen": "tizen"}
"""What packages for a platform were for before .NET 6, where projects for that platform can still use them."""
FIRST_WITH_LEGACY: Final = 6


@lru_cache(maxsize=8192)
def compatible(project: Framework, package: Framework) -> bool:
    """Whether a project for the one framework can use what a package has for the other."""
    if UNSUPPORTED in {project, package}:
        return False
    if project == package or ANY in {project, package} or package == AGNOSTIC:
        return True
    if package.portable:
        wanting = project.members if project.portable else (project,)
        offered = (*package.members, *package.extras)
        return len(wanting) <= len(offered) and all(any(compatible(one, other) for other in offered) for one in wanting)
    return any(_serves(one, other) for other in equivalents(package) for one in _reach(project))


def _serves(project: Framework, package: Framework) -> bool:
    if project.name != package.name:
        modern = project.name == CORE_APP and project.version[0] >= FIRST_WITH_LEGACY
        return modern and LEGACY.get(project.platform) == package.name
    platform = not package.platform or (package.platform == project.platform and package.platform_version <= project.platform_version)
    return package.version <= project.version and package.profile == project.profile and platform


@lru_cache(maxsize=1024)
def _reach(project: Framework) -> tuple[Framework, ...]:
    """The framework, and everything whose packages it can use as if it were that."""
    seen = {project: None}
    waiting = [project]
    while waiting:
        for other in _next(waiting.pop()):
            if other not in seen:
                seen[other] = None
                waiting.append(other)
    return (*seen, *([STANDARDS[project.profile]] if project.portable and project.profile in STANDARDS else []))


def _next(framework: Framework) -> Iterator[Framework]:
    yield from equivalents(framework)
    yield from lower_equivalents(framework)
    if framework.profile:
        return
    if framework.name in _SUBSETS:
        yield replace(framework, name=_SUBSETS[framework.name])
    for since, names in _IMPLEMENTS:
        if since.name == framework.name and since.version <= framework.version:
            yield from names
