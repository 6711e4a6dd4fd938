"""Frameworks that are one under several names, as NuGet has it: a package for the one is a package for the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from reconciler.ecosystems.nuget.frameworks.names import NET, Framework, plain

_CLASSES: Final = tuple(
    tuple(map(plain, names.split()))
    for names in (
        "uap uap10.0",
        "win win8 winrt winrt45 netcore netcore45",
        "win81 netcore451",
        "wp wp7 sl3-wp",
        "wp71 sl4-wp71",
        "wp8 sl8-wp",
        "wp81 sl81-wp",
        "wpa wpa81",
        "tizen tizen3.0",
        "dnx dnx45 aspnet aspnet50",
        "dnxcore dnxcore50 aspnetcore aspnetcore50",
    )
)
_OTHERS: Final[Mapping[Framework, tuple[Framework, ...]]] = {
    one: tuple(other for other in several if other != one) for several in _CLASSES for one in several
}
_PROFILES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    NET: (("client", ""), ("full", "")),
    "silverlight": (("windowsphone71", "windowsphone"),),
    "windowsphone": (("windowsphone71", "windowsphone"),),
}
"""By framework, the pairs of profiles between which NuGet sees no difference."""


def equivalents(framework: Framework) -> tuple[Framework, ...]:
    """The framework, and all that are equivalent to it, each once."""
    seen = {framework: None}
    waiting = [framework]
    while waiting:
        for other in _direct(waiting.pop()):
            if other not in seen:
                seen[other] = None
                waiting.append(other)
    return tuple(seen)


def lower_equivalents(framework: Framework) -> Iterator[Framework]:
    """What lower versions of the framework are equivalent to: `win81` can use what `netcore45` can, as `win8` is that."""
    for one, others in _OTHERS.items():
        if (one.name, one.profile) == (framework.name, framework.profile) and one.version <= framework.version:
            yield from others


def _direct(framework: Framework) -> Iterator[Framework]:
    yield from _OTHERS.get(framework, ())
    for pair in _PROFILES.get(framework.name, ()):
        if framework.profile in pair:
            yield from (replace(framework, profile=profile) for profile in pair if profile != framework.profile)
