"""Inspecting a .nupkg: a ZIP archive with exactly one manifest at its root, https://learn.microsoft.com/en-us/nuget/reference/nuspec.

Nothing is unpacked. The manifest is the authority for id, version, licence and dependencies; the file's name must say the same
id and version, compared after normalisation. Every entry is read once, in pieces, for its checksum: nuget.org's index gives no
digest that a first download could be held against, and a damaged file should fail at the review, not at the developer's desk.
"""

from __future__ import annotations

from typing import BinaryIO

from reconciler.ecosystems.nuget.content_hash import SIGNATURE, content_hash
from reconciler.ecosystems.nuget.names import PACKAGE_SUFFIX, normalize_name
from reconciler.ecosystems.nuget.nuspec import MAX_NUSPEC_BYTES, Group, Nuspec, read_nuspec
from reconciler.ecosystems.nuget.traits import traits_of
from reconciler.ecosystems.nuget.versions import parse_version
from reconciler.ecosystems.paths import place
from reconciler.ecosystems.zips import MAX_UNPACKED_BYTES, ZipArchive, open_zip
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection
from reconciler.model.words import Json


def inspect(filename: str, archive: BinaryIO, /) -> Inspection:
    """What the package says about itself. Raises ArchiveRefused for everything that must not enter a feed."""
    opened = open_zip(archive)
    manifest = opened.read(_manifest(opened), MAX_NUSPEC_BYTES)
    nuspec = read_nuspec(manifest)
    _check_name(filename, nuspec)
    opened.check(MAX_UNPACKED_BYTES)
    metadata = dict(nuspec.metadata)
    if nuspec.groups:
        metadata["dependencyGroups"] = [_group(group) for group in nuspec.groups]
    if SIGNATURE in opened.names:
        metadata["signed"] = True
    return Inspection(
        name=nuspec.id,
        version=nuspec.version,
        license=nuspec.license,
        dependencies=tuple(dependency for group in nuspec.groups for dependency in group.dependencies),
        metadata=metadata,
        companions={f"/{normalize_name(nuspec.id)}.nuspec": manifest},
        content_hash=content_hash(archive),
        traits=traits_of(nuspec, opened),
    )


def _manifest(archive: ZipArchive) -> str:
    """The one .nuspec at the root; NuGet also takes `./x.nuspec` for the root, in either slash."""
    found = [name for name in archive.names if len(path := place(name)) == 1 and path[0].endswith(".nuspec")]
    if len(found) != 1:
        message = f"the package has {len(found)} .nuspec files at its root, expected one"
        raise ArchiveRefused(message)
    return found[0]


def _check_name(filename: str, nuspec: Nuspec) -> None:
    prefix, lower = f"{nuspec.id.lower()}.", filename.lower()
    named = None
    # ASCII, since other letters (the Kelvin sign) turn into an id's when they are lowered.
    if filename.isascii() and lower.startswith(prefix) and lower.endswith(PACKAGE_SUFFIX):
        try:
            named = parse_version(filename[len(prefix) : -len(PACKAGE_SUFFIX)])
        except ValueError:
            named = None  # What stands between id and suffix is no version: the file is named for something else.
    if named != nuspec.version:
        message = f"file {filename[:200]!a} holds something else than its name says: {nuspec.id} {nuspec.version.text}"
        raise ArchiveRefused(message)


def _group(group: Group) -> Json:
    """As registration pages have it: a group without dependencies says that the framework is supported and needs none."""
    shown: dict[str, Json] = {"targetFramework": group.framework} if group.framework else {}
    if group.dependencies:
        shown["dependencies"] = [{"id": one.name, "range": one.range or "(, )"} for one in group.dependencies]
    return shown
