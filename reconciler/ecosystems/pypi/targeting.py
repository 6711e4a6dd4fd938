"""Which dependencies of a distribution apply for what: environment markers and extras, as pip evaluates them.

A target is a version of CPython and a platform, "3.11 linux_x86_64", or one of them where the feed declares no more: the other one is
then any. Platforms are spelled as in wheels' tags (https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/);
what markers compare is https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from operator import attrgetter
from typing import Final

from packaging.utils import canonicalize_name

from reconciler.ecosystems.pypi.markers import may_hold
from reconciler.ecosystems.pypi.names import split_extras
from reconciler.model.packages import Dependency, Edge

keys: Final = ("python", "platforms")

_PYTHON: Final = re.compile(r"([2-9]\.[0-9]{1,3})(?:\.[0-9]{1,3})?")
_PLATFORM: Final = re.compile(
    r"(?:(?P<linux>linux|(?:many|musl)linux_[0-9]{1,3}_[0-9]{1,3}|manylinux(?:1|2010|2014))"
    r"_(?P<machine>x86_64|i686|aarch64|armv[67]l|ppc64|ppc64le|s390x|riscv64|loongarch64)"
    r"|(?P<macosx>macosx(?:_[0-9]{1,3}_[0-9]{1,3})?)_(?P<mac>arm64|x86_64|universal2)"
    r"|(?P<win>win(?:32|_amd64|_arm64)))"
)
_SYSTEMS: Final[Mapping[str, Mapping[str, str]]] = {
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
    "macosx": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"},
    "win": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
}
_WINDOWS_MACHINES: Final[Mapping[str, str]] = {"win_amd64": "AMD64", "win_arm64": "ARM64"}
"""Under 32-bit Pythons it is that of the system, which may be either."""


def targets(declared: Mapping[str, Sequence[str]], /) -> tuple[str, ...]:
    """Each Python on each platform, each once. ValueError for what is neither."""
    for text in declared.get("python", ()):
        if not _PYTHON.fullmatch(text):
            message = f"{text[:80]!a} is no version of Python as in 3.11 or 3.11.4"
            raise ValueError(message)
    for text in declared.get("platforms", ()):
        if not _PLATFORM.fullmatch(text):
            message = f"{text[:80]!a} is no platform as in linux_x86_64, linux_aarch64, macosx_arm64, macosx_x86_64, win_amd64 or win32"
            raise ValueError(message)
    parts = [declared[key] for key in keys if declared.get(key)]
    return tuple(dict.fromkeys(map(" ".join, product(*parts)))) if parts else ()


def edges(
    dependencies: Sequence[Dependency],
    frameworks: Sequence[str],  # noqa: ARG001 the signature of `Targeting`
    target: str | None,
    extras: frozenset[str],
    /,
) -> tuple[Edge, ...]:
    """Dependencies whose marker can hold without an extra, or with one that is asked for.

    `extras` of an edge are those that the dependent asks for, normalised (PEP 685).
    """
    environments = [_environment(target, extra) for extra in ("", *sorted(map(canonicalize_name, extras)))]
    found = {
        _edge(one.name, one.range)
        for one in dependencies
        if not one.condition or any(may_hold(one.condition, known) for known in environments)
    }
    return tuple(sorted(found, key=attrgetter("name", "range", "extras")))


@lru_cache(maxsize=1 << 14)
def _edge(name: str, declared: str) -> Edge:
    """Kept, since versions of a package mostly need the same, and are asked for each target."""
    extras, version_range = split_extras(declared)
    return Edge(name=name, range=version_range, extras=extras)


@lru_cache(maxsize=1024)
def _environment(target: str | None, extra: str) -> tuple[tuple[str, str], ...]:
    known = {"extra": extra}
    for word in (target or "").split():
        known |= _python(word) if _PYTHON.fullmatch(word) else _platform(word)
    return tuple(known.items())


def _python(text: str) -> dict[str, str]:
    match = _PYTHON.fullmatch(text)
    short = match[1] if match else text
    exact = {} if short == text else {"python_full_version": text, "implementation_version": text}
    return {"python_version": short, "implementation_name": "cpython", "platform_python_implementation": "CPython", **exact}


def _platform(text: str) -> dict[str, str]:
    match = _PLATFORM.fullmatch(text)
    if match is None:
        return {}
    system = next(name for name in _SYSTEMS if match[name])
    machine = match["machine"] or (match["mac"] if match["mac"] != "universal2" else None) or _WINDOWS_MACHINES.get(text)
    return {**_SYSTEMS[system], **({"platform_machine": machine} if machine else {})}
