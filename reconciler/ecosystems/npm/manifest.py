"""The manifest inside a package, package.json: https://github.com/npm/cli/blob/latest/docs/lib/content/configuring-npm/package-json.md.

What clients need to resolve and to install is kept as it is written, field by field and only in the shapes that npm documents: the
feed's pages repeat it, and nobody else has checked it. `devDependencies` are left out: nobody installs them from a feed, and they are
the larger half of many manifests; so is everything that only describes (keywords, readme, authors) or that is read after unpacking.

Names of dependencies become folders, so one that is no package name refuses the package, as it would stop npm; so does a program that
lies outside of the package, for which clients used to write links to anywhere (CVE-2019-16776). A range that is no text is dropped, as
npm does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.ecosystems.npm.json_text import parse_json
from reconciler.ecosystems.npm.licenses import concluded, either, file_named, licenses_of, name_of
from reconciler.ecosystems.npm.names import normalize_name
from reconciler.ecosystems.npm.ranges import target
from reconciler.ecosystems.npm.versions import parse_version
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency
from reconciler.model.words import Json, PackageKey, Version

MAX_MANIFEST_BYTES: Final = 1024 * 1024
"""Real ones have a few kilobytes, those with hundreds of entry points some hundred; clients keep all of a package in memory."""
MAX_TEXT: Final = 4096

SCRIPTS: Final = ("preinstall", "install", "postinstall")
"""Those that npm runs for a package of a registry, in its order
(https://github.com/npm/cli/blob/latest/docs/lib/content/using-npm/scripts.md)."""
_BUNDLED: Final = ("bundleDependencies", "bundledDependencies")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What is used of a package.json; `metadata` are the fields that pages repeat."""

    name: PackageKey
    version: Version
    license: str | None
    dependencies: tuple[Dependency, ...]
    metadata: Mapping[str, Json]
    scripts: Mapping[str, str]
    """Those of the scripts around installing that it has, in the order in which they run."""
    concluded: str
    """The license expression that its license fields come to; "" where they have no one meaning, and where `license_file` says it."""
    license_file: str
    """The file of the package that it names instead of a license, "" for none."""
    gyp: bool
    """Whether npm builds what a .gyp file describes, if there is one: `gypfile` is not false."""


def read_manifest(content: bytes) -> Manifest:
    """Reads a package.json. Raises ArchiveRefused for what is none, and where name, version or a dependency are no such."""
    try:
        stated = parse_json(content)
        json.dumps(stated, ensure_ascii=False).encode()  # a ValueError for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        message = f"package.json cannot be read: {str(error)[:200]}"
        raise ArchiveRefused(message) from error
    if not isinstance(stated, dict):
        message = "package.json is no object"
        raise ArchiveRefused(message)
    name, version = stated.get("name"), stated.get("version")
    try:
        key, parsed = normalize_name(_string(name) or ""), parse_version(_string(version) or "")
    except ValueError as error:
        message = f"package.json must have a valid name and version; found {str(name)[:80]!a} and {str(version)[:80]!a}: {error}"
        raise ArchiveRefused(message) from error
    metadata = _metadata(stated)
    return Manifest(
        name=key,
        version=parsed,
        license=_license(stated),
        dependencies=tuple(_dependencies(metadata)),
        metadata=metadata,
        scripts=scripts_of(stated),
        concluded=concluded(licenses_of(stated)),
        license_file=file_named(licenses_of(stated)),
        gyp=builds(stated),
    )


def scripts_of(stated: Mapping[str, Json]) -> Mapping[str, str]:
    """The scripts around installing that a manifest has, in the order in which they run."""
    scripts = stated.get("scripts")
    return {one: text for one in SCRIPTS if isinstance(scripts, dict) and (text := _string(scripts.get(one)))}


def builds(stated: Mapping[str, Json]) -> bool:
    """Whether npm builds what a .gyp file describes, if there is one and no script comes before it."""
    return stated.get("gypfile") is not False


# --- shapes: what of a value is kept, None for nothing ----------------------------------------------------------------------------


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _text(value: Json) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def _strings(value: Json) -> Json:
    """A list of strings, or one alone."""
    return [one for one in value if isinstance(one, str)] or None if isinstance(value, list) else _string(value)


def _flat(value: Json) -> Json:
    """An object of strings, or one alone."""
    return _object_of(value, _string) if isinstance(value, dict) else _string(value)


def _flats(value: Json) -> Json:
    """A list of such, or one alone."""
    return [kept for one in value if (kept := _flat(one))] or None if isinstance(value, list) else _flat(value)


def _map(value: Json) -> Json:
    return _object_of(value, lambda one: one if isinstance(one, str) else None)


def _folders(value: Json) -> Json:
    found = _string(value.get("bin")) if isinstance(value, dict) else None
    return {"bin": found} if found else None


def _peers(value: Json) -> Json:
    return _object_of(value, lambda one: {"optional": True} if isinstance(one, dict) and one.get("optional") is True else None)


def _bundle(value: Json) -> Json:
    return True if value is True else _strings(value) if isinstance(value, list) else None


def _object_of(value: Json, kept: Callable[[Json], Json]) -> Json:
    entries = value.items() if isinstance(value, dict) else ()
    return {key: found for key, one in entries if (found := kept(one)) is not None} or None


_FIELDS: Final[Mapping[str, Callable[[Json], Json]]] = {
    "bin": _flat,
    "bundleDependencies": _bundle,
    "cpu": _strings,
    "dependencies": _map,
    "description": _text,
    "directories": _folders,
    "engines": _map,
    "funding": _flats,
    "homepage": _text,
    "libc": _strings,
    "optionalDependencies": _map,
    "os": _strings,
    "peerDependencies": _map,
    "peerDependenciesMeta": _peers,
    "repository": _flat,
}


def _metadata(stated: Mapping[str, Json]) -> dict[str, Json]:
    for field in ("dependencies", "optionalDependencies", "peerDependencies"):
        if stated.get(field) and not isinstance(stated[field], dict):
            message = f"package.json has {field} that are no object"
            raise ArchiveRefused(message)
    if outside := next((text for text in _program_paths(stated) if ".." in re.split(r"[/\\]", text)), None):
        message = f"package.json has a program outside of the package: {outside[:200]!a}"
        raise ArchiveRefused(message)
    spelled = {**stated, _BUNDLED[0]: next((stated[name] for name in _BUNDLED if stated.get(name)), None)}
    found: dict[str, Json] = {field: kept for field, shape in _FIELDS.items() if (kept := shape(spelled.get(field))) is not None}
    if license_text := _license(stated):
        found["license"] = license_text
    return found


def _program_paths(stated: Mapping[str, Json]) -> Iterator[str]:
    """What clients make links from: names and places of programs, and the folder that has them."""
    programs, folders = stated.get("bin"), stated.get("directories")
    found = [*programs, *programs.values()] if isinstance(programs, dict) else [programs]
    found.append(folders.get("bin") if isinstance(folders, dict) else None)
    return (text for text in found if isinstance(text, str))


# --- what is made of it -------------------------------------------------------------------------------------------------------------


def _license(stated: Mapping[str, Json]) -> str | None:
    """SPDX expressions and `SEE LICENSE IN file` as they are; of the older lists of objects the types, any of which may be chosen."""
    found = [name for one in licenses_of(stated) if (name := _text(name_of(one)))]
    return either(found)[:MAX_TEXT] or None


def _dependencies(metadata: Mapping[str, Json]) -> Iterator[Dependency]:
    """Runtime dependencies, then optional ones, which replace those of the same name, then peers."""
    needed, optional, peers = (_entries(metadata, field) for field in ("dependencies", "optionalDependencies", "peerDependencies"))
    bundle = metadata.get("bundleDependencies")
    inside = {*needed, *optional} if bundle is True else {*bundle} if isinstance(bundle, list) else set()
    for name, wanted in needed.items():
        if name not in optional:
            yield _dependency(name, wanted, "bundled" if name in inside else "")
    for name, wanted in optional.items():
        yield _dependency(name, wanted, "optional bundled" if name in inside else "optional")
    waived = _entries(metadata, "peerDependenciesMeta")
    for name, wanted in peers.items():
        yield _dependency(name, wanted, "peer optional" if name in waived else "peer")


def _entries(metadata: Mapping[str, Json], field: str) -> Mapping[str, Json]:
    found = metadata.get(field)
    return found if isinstance(found, dict) else {}


def _dependency(name: str, wanted: Json, condition: str) -> Dependency:
    real, version_range = target(name, str(wanted))
    try:
        normalize_name(name)
        return Dependency(name=normalize_name(real), range=version_range.strip(), condition=condition)
    except ValueError as error:
        message = f"package.json depends on what cannot be a package: {error}"
        raise ArchiveRefused(message) from error
