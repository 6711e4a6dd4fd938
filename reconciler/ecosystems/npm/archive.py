"""Inspecting a package: a compressed tar archive in which package.json lies in a first-level folder, `package/` as a rule.

https://github.com/npm/cli/blob/latest/docs/lib/content/commands/npm-pack.md

Clients leave out the first component of every path, whatever it is, so a package.json in any such folder is the package's own, and
there must be exactly one, spelled plainly: with two of them, the last one unpacked counts, on a file system that ignores case
`Package.JSON` is one more, and so are `package.json` without a folder for pnpm and `././package.json` for npm. Links that stay inside
(tars.py refuses the others) are let pass: `npm pack` writes hard links for files that are linked on the publisher's disk, and npm unpacks
none, so they do no harm; only package.json may be none.

The file is called `<name>-<version>.tgz` without the scope, as registries do, or with it, as `npm pack` does. Digests and counts that
the registry's pages state are computed from the bytes, never copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from reconciler.ecosystems.integrity import integrity_of
from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES, recognised
from reconciler.ecosystems.licenses import declared
from reconciler.ecosystems.npm.manifest import MAX_MANIFEST_BYTES, Manifest, read_manifest
from reconciler.ecosystems.npm.names import basename
from reconciler.ecosystems.npm.scripts import MAX_COMMAND, MAX_SCRIPTS, Bundled, commands
from reconciler.ecosystems.npm.versions import parse_version
from reconciler.ecosystems.paths import place
from reconciler.ecosystems.tars import open_tar
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection, License, Traits
from reconciler.model.words import Json

SUFFIX: Final = ".tgz"
MAX_CONTENT_BYTES: Final = 2 * 1024**3
"""Unpacked. Packages with compiled programs for one platform have about 200 MB."""

_MANIFEST: Final = "package.json"
_SHRINKWRAP: Final = "npm-shrinkwrap.json"
_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class _Content:
    """What the archive holds: its package.json, number and size of its files, and what else counts in the first-level folder."""

    manifest: bytes
    files: int
    size: int
    gyp: str
    """The .gyp file in it, "" for none."""
    shrinkwrap: bool
    bundled: Bundled


def inspect(filename: str, archive: BinaryIO, /) -> Inspection:
    """Reads a package; see `Ecosystem.inspect`. `metadata` of the result are the fields of its page that its bytes decide."""
    content = _read(archive)
    manifest = read_manifest(content.manifest)
    _check_name(filename, manifest)
    own = list(commands(manifest.scripts, content.gyp if manifest.gyp else ""))
    return Inspection(
        name=manifest.name,
        version=manifest.version,
        license=manifest.license,
        dependencies=manifest.dependencies,
        metadata={**manifest.metadata, **_facts(own, content), **_digests(archive)},
        traits=Traits(
            license=License(declared=declared(manifest.license), concluded=manifest.concluded or _of_file(archive, manifest.license_file)),
            install_scripts=tuple(map(_shown, (*own, *content.bundled.commands())[:MAX_SCRIPTS])),
        ),
    )


def _read(archive: BinaryIO) -> _Content:
    reader = open_tar(archive, MAX_CONTENT_BYTES)
    manifests: list[bytes] = []
    files = size = 0
    gyp, shrinkwrap, bundled = "", False, Bundled()
    for member in reader.members():
        files += member.file
        size += member.size
        inside = member.name.split("/")[1:]
        if _is_manifest(member.name):
            if inside != [_MANIFEST] or manifests:
                message = f"a package has one folder/{_MANIFEST}, spelled like this; found also {member.name[:200]!a}"
                raise ArchiveRefused(message)
            manifests.append(reader.read(member, MAX_MANIFEST_BYTES))
        elif len(inside) == 1 and member.file:
            gyp = gyp or (inside[0] if inside[0].lower().endswith(".gyp") else "")
            shrinkwrap = shrinkwrap or inside[0] == _SHRINKWRAP
        else:
            bundled.take(member, reader)
    if not manifests:
        message = f"a package has one folder/{_MANIFEST}; found none"
        raise ArchiveRefused(message)
    return _Content(manifest=manifests[0], files=files, size=size, gyp=gyp, shrinkwrap=shrinkwrap, bundled=bundled)


def _is_manifest(name: str) -> bool:
    """Whether any client, on any file system, takes a member of this name for the package's package.json."""
    folded = name.casefold()
    # pnpm keeps a path that has no folder; npm leaves out "." as the first folder; Windows leaves out dots and blanks at the end.
    paths = (place(folded), place(folded)[1:], place(folded.partition("/")[2]))
    return any(tuple(part.rstrip(". ") for part in path) == (_MANIFEST,) for path in paths)


def _check_name(filename: str, manifest: Manifest) -> None:
    for stem in (basename(manifest.name), manifest.name.removeprefix("@").replace("/", "-")):
        if filename.startswith(f"{stem}-") and filename.endswith(SUFFIX):
            try:
                if parse_version(filename[len(stem) + 1 : -len(SUFFIX)]) == manifest.version:
                    return
            except ValueError:
                continue  # What stands between name and suffix is no version: the file is named for something else.
    message = f"file {filename[:200]!a} holds something else than its name says: {manifest.name} {manifest.version.text}"
    raise ArchiveRefused(message)


def _of_file(archive: BinaryIO, path: str) -> str:
    """What the file that the manifest names says; "" where there is none, or two, or one that is too large. Reads the archive once more."""
    if not path:
        return ""
    reader = open_tar(archive, MAX_CONTENT_BYTES)
    found = [
        recognised(reader.read(member, MAX_TEXT_BYTES)) if member.file and member.size <= MAX_TEXT_BYTES else ""
        for member in reader.members()
        if place(member.name)[1:] == place(path)
    ]
    return found[0] if len(found) == 1 else ""


def _shown(line: str) -> str:
    """Bounded, and without halves of surrogate pairs, which names of files and JSON may hold, and which have no encoding."""
    return line[:MAX_COMMAND].encode("utf-8", "replace").decode()


def _facts(own: Sequence[str], content: _Content) -> dict[str, Json]:
    found: dict[str, Json] = {"fileCount": content.files, "unpackedSize": content.size}
    if own:
        found["hasInstallScript"] = True
    if content.shrinkwrap:
        found["hasShrinkwrap"] = True
    return found


def _digests(archive: BinaryIO) -> dict[str, Json]:
    sha512, sha1 = hashlib.sha512(), hashlib.sha1(usedforsecurity=False)
    archive.seek(0)
    while chunk := archive.read(_CHUNK_BYTES):
        sha512.update(chunk)
        sha1.update(chunk)
    return {"integrity": integrity_of("sha512", sha512.digest()), "shasum": sha1.hexdigest()}
