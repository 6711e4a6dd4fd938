"""package-lock.json of npm, versions 2 and 3.

https://github.com/npm/cli/blob/latest/docs/lib/content/configuring-npm/package-lock-json.md

`packages` has an entry for each place of the tree: "" is the project, "node_modules/a/node_modules/b" an installed package, anything else a
folder of the project. An entry is named after its folder, unless it says another name: then the folder is an alias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.propose.locks.digests import from_integrity
from reconciler.propose.locks.interface import Aside, Claim, Lock, LockError, Pin, gathered
from reconciler.propose.locks.texts import field, mapping, needed, parse_json

_VERSIONS: Final = frozenset({2, 3})
_FOLDER: Final = "node_modules/"


def read(data: bytes) -> Lock:
    """What a package-lock.json names; LockError with the place."""
    found = parse_json(data)
    version = found.get("lockfileVersion")
    if type(version) is not int or version not in _VERSIONS:
        remedy = "`npm install --package-lock-only --lockfile-version 3` writes one that can be read" if version == 1 else "expected 2 or 3"
        raise LockError(place="lockfileVersion", reason=f"found {str(version)[:40]!r}: {remedy}")
    return gathered(_entries(mapping(found.get("packages"), "packages")))


def _entries(packages: Mapping[str, Any]) -> Iterator[Pin | Aside]:
    for path, value in packages.items():
        place = f'packages["{path[:200]}"]'
        entry = mapping(value, place)
        _, installed, folder = f"/{path}".rpartition(f"/{_FOLDER}")
        name = field(entry, "name", place) or folder
        if not path:
            continue
        if not installed or entry.get("link") is True or entry.get("inBundle") is True:
            yield Aside(kind="local", name=name or path, place=place)
            continue
        resolved = field(entry, "resolved", place) or ""
        if resolved.startswith("file:"):
            yield Aside(kind="local", name=name, place=place)
        elif resolved and not resolved.startswith(("https://", "http://")):
            yield Aside(kind="foreign", name=name, place=place)
        else:
            yield Pin(name=name, version=needed(entry, "version", place), place=place, claims=_claims(entry, place))


def _claims(entry: Mapping[str, Any], place: str) -> frozenset[Claim]:
    integrity = field(entry, "integrity", place)
    return frozenset({Claim(integrity=from_integrity(integrity, f"{place}.integrity"))}) if integrity else frozenset()
