"""Which of several frameworks a project uses: the one that NuGet takes, where a package has something for each of them.

The same one, else the best of those that are compatible: the highest of its own kind before others, what is no portable framework
before what is one, what is built for the project's own kind of framework before what is for all, no profile before a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import groupby
from typing import Final

from reconciler.ecosystems.nuget.frameworks.compatible import FIRST_WITH_LEGACY, LEGACY, compatible
from reconciler.ecosystems.nuget.frameworks.names import (
    ANY,
    CORE,
    CORE_APP,
    NET,
    PLATFORM,
    STANDARD,
    STANDARD_APP,
    UNSUPPORTED,
    Framework,
)

_PACKAGES: Final = frozenset({CORE_APP, STANDARD_APP, STANDARD, PLATFORM, "dnxcore", "uap", "tizen"})
"""Frameworks that come as packages themselves, and with them .NET Core 5 of Windows 10."""
_PRECEDENCE: Final = (NET, CORE, "windows", "windowsphoneapp")
_PACKAGES_PRECEDENCE: Final = (CORE_APP, STANDARD_APP, STANDARD, PLATFORM)
_FIRST_CORE_OF_PACKAGES: Final = 5


def nearest(project: Framework, offered: Sequence[Framework]) -> Framework | None:
    """The one of these that a project for the framework uses; None where it can use none."""
    known = [one for one in offered if one != UNSUPPORTED]
    if project in known and project != UNSUPPORTED:
        return project
    best = _highest([one for one in known if compatible(project, one)])
    for choose in (_same_kind, _portables, _own_before_packages, _profiles, _platforms):
        best = choose(project, best) if len(best) > 1 else best
    # What is left cannot be told apart by meaning. Sorting is stable, so this is: by precedence, then the highest first.
    return min(sorted(best, reverse=True), key=_precedence, default=None)


def _keep(several: Sequence[Framework], wanted: Callable[[Framework], bool]) -> list[Framework]:
    """Those that are wanted, if there are any."""
    return [one for one in several if wanted(one)] or list(several)


def _highest(several: Sequence[Framework]) -> list[Framework]:
    """Without those that another one could use; where two could use each other, both, unless one is only named without a version."""
    found = list(dict.fromkeys(_keep(several, lambda one: one != ANY)))

    def beaten(one: Framework, other: Framework) -> bool:
        if one == other or not compatible(other, one):
            return False
        if not compatible(one, other):
            return True
        return one.name == other.name and one.every_version and not other.every_version

    return sorted(one for one in found if not any(beaten(one, other) for other in found))


def _same_kind(project: Framework, several: Sequence[Framework]) -> list[Framework]:
    if not any(one.name == project.name for one in several):
        return list(several)
    return [one for one in several if one.name == project.name or (_with_legacy(project) and _legacy(one))]


def _with_legacy(project: Framework) -> bool:
    return project.name == CORE_APP and project.version[0] >= FIRST_WITH_LEGACY and bool(project.platform)


def _legacy(framework: Framework) -> bool:
    return framework.name in LEGACY.values()


def _own_before_packages(project: Framework, several: Sequence[Framework]) -> list[Framework]:
    return list(several) if comes_as_packages(project) else _keep(several, lambda one: not comes_as_packages(one))


def comes_as_packages(framework: Framework) -> bool:
    return framework.name in _PACKAGES or (framework.name == CORE and framework.version[0] >= _FIRST_CORE_OF_PACKAGES)


def _profiles(project: Framework, several: Sequence[Framework]) -> list[Framework]:
    if any(one.portable for one in several):
        return list(several)
    if project.profile:
        several = _keep(several, lambda one: (one.name, one.profile) == (project.name, project.profile))
    return _keep(several, lambda one: not one.profile)


def _platforms(project: Framework, several: Sequence[Framework]) -> list[Framework]:
    """The highest version first, be it for the platform or for all; what was for the platform before .NET 6 only after these."""
    if not project.platform:
        return list(several)
    own = [one for one in several if one.name == project.name and (one.version[0] >= FIRST_WITH_LEGACY or not _with_legacy(project))]
    if own:
        last = max(one.version for one in several if one.name == project.name)
        return [one for one in several if one.name == project.name and one.version == last]
    return _keep(several, _legacy)


def _precedence(framework: Framework) -> tuple[bool, int]:
    packages = comes_as_packages(framework) and framework.name != CORE  # .NET Core 5 goes with what is no package here
    order = _PACKAGES_PRECEDENCE if packages else _PRECEDENCE
    return (packages, order.index(framework.name) if framework.name in order else len(order))


# --- portable frameworks ----------------------------------------------------------------------------------------------------------


def _portables(project: Framework, several: Sequence[Framework]) -> list[Framework]:
    """What is not portable; among portable ones those with the nearest members, then the one that stands for the fewest."""
    others = [one for one in several if not one.portable]
    return others or [reduce(_better, _with_nearest_members(project, several))]


def _with_nearest_members(project: Framework, several: Sequence[Framework]) -> list[Framework]:
    """Each framework that the project is for votes for those that have the member which is nearest to it."""
    members = sorted({member for one in several for member in _members(one)})
    wanted = [nearest(one, members) for one in (_members(project) if project.portable else (project,))]
    votes = sorted(((sum(near in _members(one) for near in wanted), one) for one in several), reverse=True, key=lambda vote: vote[0])
    _, most = next(groupby(votes, key=lambda vote: vote[0]))
    return sorted(one for _, one in most)


def _members(portable: Framework) -> tuple[Framework, ...]:
    return (*portable.members, *portable.extras)


def _better(one: Framework, other: Framework) -> Framework:
    """The one of fewer members, else the one whose members are higher, first of all in .NET, else the first by name."""
    if len(one.members) != len(other.members):
        return min(one, other, key=lambda portable: len(portable.members))
    ours, theirs = ({member.name: member.version for member in reversed(portable.members)} for portable in (one, other))
    higher = sum(_sign(theirs[name], ours[name]) for name in ours.keys() & theirs.keys())
    higher = higher or (_sign(theirs[NET], ours[NET]) if NET in ours and NET in theirs else 0)
    return other if higher > 0 or (higher == 0 and _names(other) < _names(one)) else one


def _sign(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return (one > other) - (one < other)


def _names(portable: Framework) -> list[str]:
    return sorted(member.name for member in portable.members)
