"""Portable class libraries: frameworks that stand for several, by their names (`portable-net45+win8`) or as a numbered profile.

The profiles are facts of the reference assemblies; NuGet's list of them ended with Visual Studio 2015.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from reconciler.ecosystems.nuget.frameworks.equivalents import equivalents
from reconciler.ecosystems.nuget.frameworks.names import UNSUPPORTED, Framework, plain

_ROWS: Final = """
2 net40 win8 sl4 wp7|3 net40 sl4|4 net45 sl4 win8 wp7|5 net40 win8|6 net403 win8|7 net45 win8|14 net40 sl5|18 net403 sl4|19 net403 sl5
23 net45 sl4|24 net45 sl5|31 win81 wp81|32 win81 wpa81|36 net40 sl4 win8 wp8|37 net40 sl5 win8|41 net403 sl4 win8|42 net403 sl5 win8
44 net451 win81|46 net45 sl4 win8|47 net45 sl5 win8|49 net45 wp8|78 net45 win8 wp8|84 wp81 wpa81|88 net40 sl4 win8 wp75|92 net40 win8 wpa81
95 net403 sl4 win8 wp7|96 net403 sl4 win8 wp75|102 net403 win8 wpa81|104 net45 sl4 win8 wp75|111 net45 win8 wpa81|136 net40 sl5 win8 wp8
143 net403 sl4 win8 wp8|147 net403 sl5 win8 wp8|151 net451 win81 wpa81|154 net45 sl4 win8 wp8|157 win81 wp81 wpa81|158 net45 sl5 win8 wp8
225 net40 sl5 win8 wpa81|240 net403 sl5 win8 wpa81|255 net45 sl5 win8 wpa81|259 net45 win8 wpa81 wp8|328 net40 sl5 win8 wpa81 wp8
336 net403 sl5 win8 wpa81 wp8|344 net45 sl5 win8 wpa81 wp8
"""
_MEMBERS: Final[Mapping[int, tuple[Framework, ...]]] = {
    int(number): tuple(map(plain, names)) for number, *names in (row.split() for row in re.split(r"[|\n]", _ROWS.strip()))
}
_MONO: Final = tuple(map(plain, ("monoandroid", "monotouch", "xamarinios", "xamarinmac", "xamarinwatchos", "xamarintvos")))
_WITH_MONO: Final = frozenset({5, 6, 7, 14, 19, 24, 37, 42, 44, 47, 49, 78, 92, 102, 111, 136, 147, 151, 158, 225, 255, 259, 328, 336, 344})
"""Profiles that Mono's frameworks can use too, whether a package names these or not."""
STANDARDS: Final[Mapping[str, Framework]] = {
    f"profile{number}": plain(standard)
    for standard, numbers in (
        ("netstandard1.0", (31, 49, 78, 84, 157, 259)),
        ("netstandard1.1", (7, 111)),
        ("netstandard1.2", (32, 44, 151)),
    )
    for number in numbers
}
"""The highest .NET Standard that a project for the profile can use."""

_PROFILE: Final = re.compile(r"profile([0-9]{1,4})")


@lru_cache(maxsize=4096)
def parse(text: str) -> Framework:
    """The framework that a text names, a portable one with its members; `UNSUPPORTED` for a name that NuGet does not know.

    ValueError for what NuGet stumbles over: a version that is none, a portable framework of what cannot be in one.
    """
    found = plain(text)
    return _with_members(found) if found.portable else found


def _with_members(framework: Framework) -> Framework:
    if (profile := _PROFILE.fullmatch(framework.profile)) is not None:
        number = int(profile[1])
        members, extras = _MEMBERS.get(number, ()), _MONO if number in _WITH_MONO else ()
        return replace(framework, members=members, extras=extras)
    if "-" in framework.profile:
        message = f"the portable framework {framework.profile[:80]!a} is of frameworks that have profiles themselves"
        raise ValueError(message)
    members = tuple(plain(name) for name in framework.profile.split("+") if name)
    if not members:
        return UNSUPPORTED
    if numbered := _number(members):
        return _with_members(replace(framework, profile=f"profile{numbered}"))
    # Sorted, so that the order in which a package names them makes no difference.
    members = tuple(sorted(members))
    return replace(framework, profile="+".join(f"{m.name}{'.'.join(map(str, m.version))}" for m in members), members=members)


def _number(named: tuple[Framework, ...]) -> int | None:
    """The profile that has these members: `win`, `win8` and `netcore45` are one, and Mono's frameworks may be named or not."""
    kept: dict[frozenset[Framework], Framework] = {}
    for one in named:
        kept.setdefault(frozenset(equivalents(one)), one)
    mono = {one.name for one in _MONO}
    for number, members in _MEMBERS.items():
        needed = {frozenset(equivalents(one)) for one in members}
        if needed == {several for several, one in kept.items() if not (number in _WITH_MONO and one.name in mono and not one.profile)}:
            return number
    return None
