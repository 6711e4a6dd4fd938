"""Wheels and sdists: what they say about themselves, without unpacking or running anything of them.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
https://packaging.python.org/en/latest/specifications/source-distribution-format/

The file name, the folder of the metadata and the metadata must name one project and one version, and there must be exactly one
such metadata file: with two of them, pip and a reviewer could read different ones. An sdist is read to its end for that reason,
since a later member of a tar archive replaces an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from reconciler.ecosystems.paths import parts_of
from reconciler.ecosystems.pypi.metadata import MAX_METADATA_BYTES, read_metadata
from reconciler.ecosystems.pypi.names import normalize_name, parse_file_name, parse_version
from reconciler.ecosystems.pypi.traits import MAX_READ_BYTES, Beside, kind_of, sdist_scripts, traits_of, wheel_scripts
from reconciler.ecosystems.tars import open_tar
from reconciler.ecosystems.zips import ZipArchive, open_zip
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection
from reconciler.model.words import PackageKey, Version

MAX_SDIST_BYTES: Final = 2 * 1024**3
"""Unpacked."""

_WHEEL_FILE_BYTES: Final = 64 * 1024
_DIST_INFO: Final = ".dist-info"
_PKG_INFO: Final = "PKG-INFO"
_PATH_PARTS: Final = 2
_SHOWN_FOLDERS: Final = 5
_KEPT: Final = 2
"""Files of one kind that are read beside the metadata: of two, none counts."""
_ROOM_BYTES: Final = 1024 * 1024
"""What is kept of files in all folders, until it is known which folder is the package's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Content:
    """What is read of an archive: METADATA or PKG-INFO, files beside it, what of it would run."""

    metadata: bytes
    beside: tuple[Beside, ...]
    scripts: list[str]


def inspect(filename: str, archive: BinaryIO, /) -> Inspection:
    """Reads a wheel or sdist; see `Ecosystem.inspect`. `metadata` of the result, for `render`: `requires_python` (text or None),
    `core_metadata` (whether METADATA is a companion of the file, which only a wheel's is: an sdist's may change when it is built).
    """
    try:
        key, version = parse_file_name(filename)
    except ValueError as error:
        message = f"{filename[:80]!a} is not the file name of a wheel or sdist: {error}"
        raise ArchiveRefused(message) from error
    wheel = filename.endswith(".whl")
    read = _wheel if wheel else _zip_sdist if filename.endswith(".zip") else _tar_sdist
    content = read(archive, key, version)
    stated = read_metadata(content.metadata, "METADATA" if wheel else _PKG_INFO)
    if (stated.key, stated.version) != (key, version):
        message = f"{filename!a} holds {stated.name!a} {stated.version.text!a}, as its metadata says"
        raise ArchiveRefused(message)
    return Inspection(
        name=stated.name,
        version=stated.version,
        license=stated.license,
        dependencies=stated.dependencies,
        metadata={"requires_python": stated.requires_python, "core_metadata": wheel},
        companions={".metadata": content.metadata} if wheel else {},
        traits=traits_of(stated, content.beside, content.scripts),
    )


def _wheel(archive: BinaryIO, key: PackageKey, version: Version) -> _Content:
    opened = open_zip(archive)
    # A file system that ignores case unpacks `X.DIST-INFO` into `x.dist-info`, so case makes no second folder here.
    tops = {top for name in opened.names if (top := _top(name)) is not None}
    folders = sorted(top for top in tops if top.lower().endswith(_DIST_INFO))
    if len(folders) != 1 or not folders[0].endswith(_DIST_INFO):
        shown = ", ".join(ascii(folder[:80]) for folder in folders[:_SHOWN_FOLDERS])
        message = f"a wheel has one folder *.dist-info; found {shown or 'none'}"
        raise ArchiveRefused(message)
    _check_folder(folders[0], folders[0].removesuffix(_DIST_INFO), key, version)
    opened.read(f"{folders[0]}/WHEEL", _WHEEL_FILE_BYTES)
    metadata = opened.read(f"{folders[0]}/METADATA", MAX_METADATA_BYTES)
    return _Content(metadata=metadata, beside=_beside(opened, folders[0]), scripts=wheel_scripts(map(parts_of, opened.names)))


def _beside(archive: ZipArchive, folder: str) -> tuple[Beside, ...]:
    """The files that traits are read from; those that cannot be read, or of which there are two, are there without content."""
    found: list[Beside] = []
    for name in archive.names:
        parts = parts_of(name)
        kind = kind_of(parts[1:]) if parts[:1] == (folder,) and not name.endswith(("/", "\\")) else None
        if kind is not None and sum(one.kind == kind for one in found) < _KEPT:
            try:
                found.append(Beside(kind=kind, data=archive.read(name, MAX_READ_BYTES)))
            except ArchiveRefused:
                found.append(Beside(kind=kind, data=None))
    return tuple(found)


def _top(path: str) -> str | None:
    """The first folder of a path, however it is spelled; None for a file that is in none."""
    parts = parts_of(path)
    return parts[0] if len(parts) > 1 or (parts and path.endswith(("/", "\\"))) else None


def _check_folder(folder: str, stem: str, key: PackageKey, version: Version) -> None:
    name, _, stated = stem.rpartition("-")
    try:
        agrees = (normalize_name(name), parse_version(stated)) == (key, version)
    except ValueError:
        agrees = False
    if not agrees:
        message = f"the folder {folder[:80]!a} does not agree with the file name, which says {key} {version.text}"
        raise ArchiveRefused(message)


def _zip_sdist(archive: BinaryIO, key: PackageKey, version: Version) -> _Content:
    opened = open_zip(archive)
    found = [name for name in opened.names if _top_folder(name) is not None]
    if len(found) != 1:
        raise ArchiveRefused(_not_one(len(found)))
    folder = _top_folder(found[0]) or ""
    _check_folder(found[0], folder, key, version)
    beside = _beside(opened, folder)
    return _Content(metadata=opened.read(found[0], MAX_METADATA_BYTES), beside=beside, scripts=sdist_scripts(beside))


def _top_folder(path: str) -> str | None:
    """The folder of a path that is `{folder}/PKG-INFO`, however it is spelled; None for any other path."""
    parts = parts_of(path)
    return parts[0] if len(parts) == _PATH_PARTS and parts[1].upper() == _PKG_INFO else None


def _not_one(count: int) -> str:
    return f"an sdist has one {{name}}-{{version}}/{_PKG_INFO}; found {count}"


def _tar_sdist(archive: BinaryIO, key: PackageKey, version: Version) -> _Content:
    reader = open_tar(archive, MAX_SDIST_BYTES)
    found: list[tuple[str, bytes]] = []
    beside: list[tuple[str, Beside]] = []
    room = _ROOM_BYTES
    for member in reader.members():
        folder, parts = _top_folder(member.name), parts_of(member.name)
        if folder is not None:
            # A link named PKG-INFO would make pip read another file than this one: it is not followed, and not passed over.
            found.append((folder, reader.read(member, MAX_METADATA_BYTES)))
            if len(found) > 1:
                raise ArchiveRefused(_not_one(len(found)))
        elif (kind := kind_of(parts[1:])) is not None:
            readable = member.file and member.size <= min(MAX_READ_BYTES, room)
            room -= member.size if readable else 0
            beside.append((parts[0], Beside(kind=kind, data=reader.read(member, MAX_READ_BYTES) if readable else None)))
    if not found:
        raise ArchiveRefused(_not_one(0))
    folder, content = found[0]
    _check_folder(folder, folder, key, version)
    kept = tuple(one for top, one in beside if top == folder)
    return _Content(metadata=content, beside=kept, scripts=sdist_scripts(kept))
