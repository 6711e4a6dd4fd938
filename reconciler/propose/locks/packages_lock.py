"""packages.lock.json of NuGet: what each target framework of a project resolved to.

Format: https://learn.microsoft.com/en-us/nuget/consume-packages/package-references-in-project-files#locking-dependencies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.declare.scalars import CONTENT_HASH
from reconciler.propose.locks.interface import Aside, Claim, Lock, LockError, Pin, gathered
from reconciler.propose.locks.texts import field, mapping, needed, parse_json

_VERSIONS: Final = frozenset({1, 2, 3})
_PACKAGES: Final = frozenset({"Direct", "Transitive", "CentralTransitive"})


def read(data: bytes) -> Lock:
    """What a packages.lock.json names; LockError with the place."""
    found = parse_json(data)
    version = found.get("version")
    if type(version) is not int or version not in _VERSIONS:
        raise LockError(place="version", reason=f"found {str(version)[:40]!r}, expected 1, 2 or 3")
    return gathered(_entries(mapping(found.get("dependencies"), "dependencies")))


def _entries(frameworks: Mapping[str, Any]) -> Iterator[Pin | Aside]:
    for framework, packages in frameworks.items():
        where = f'dependencies["{framework[:100]}"]'
        for name, value in mapping(packages, where).items():
            place = f'{where}["{name[:200]}"]'
            entry = mapping(value, place)
            kind = needed(entry, "type", place)
            if kind == "Project":
                yield Aside(kind="local", name=name, place=place)
                continue
            if kind not in _PACKAGES:
                raise LockError(
                    place=f"{place}.type", reason=f"found {kind[:40]!r}, expected one of {', '.join(sorted(_PACKAGES))}, Project"
                )
            yield Pin(name=name, version=needed(entry, "resolved", place), place=place, claims=_claims(entry, place))


def _claims(entry: Mapping[str, Any], place: str) -> frozenset[Claim]:
    text = field(entry, "contentHash", place)
    if not text:
        return frozenset()
    if not CONTENT_HASH.fullmatch(text):
        raise LockError(place=f"{place}.contentHash", reason=f"{text[:80]!r} is no contentHash")
    return frozenset({Claim(content_hash=text)})
