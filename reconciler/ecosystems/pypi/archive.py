"""Wheels and sdists: what they say about themselves, without unpacking or running anything of them.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
https://packaging.python.org/en/latest/specifications/source-distribution-format/

The file name, the folder of the metadata and the metadata must name one project and one version, and there must be exactly one
such metadata file: with two of them, pip and a reviewer could read different ones. An sdist is read to its end for that reason,
since a later member of a tar archive replaces an earlier one.
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import zlib
from typing import BinaryIO, Final

from reconciler.ecosystems.pypi.metadata import MAX_METADATA_BYTES, CoreMetadata, read_metadata
from reconciler.ecosystems.pypi.names import normalize_name, parse_file_name, parse_version
from reconciler.ecosystems.zips import open_zip
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection
from reconciler.model.words import PackageKey, Version

MAX_SDIST_MEMBERS: Final = 50_000
MAX_SDIST_BYTES: Final = 2 * 1024**3
"""Unpacked."""
MAX_HEADER_BYTES: Final = 32 * 1024
"""Of one tar member: long names and extended attributes are in its headers, and tarfile keeps them in memory."""
MAX_PADDING_BYTES: Final = 1024 * 1024
"""After the last member: tar fills its last record, of 10 KiB as a rule."""

_WHEEL_FILE_BYTES: Final = 64 * 1024
_DIST_INFO: Final = ".dist-info"
_PKG_INFO: Final = "PKG-INFO"
_PATH_PARTS: Final = 2
_CHUNK_BYTES: Final = 64 * 1024
_UNSAFE: Final = re.compile(r"\A(?:[/\\]|[A-Za-z]:)|(?:\A|[/\\])\.\.(?:[/\\]|\Z)")
_DAMAGE: Final = (tarfile.TarError, OSError, EOFError, zlib.error, struct.error, ValueError, OverflowError, IndexError)
"""What gzip and tarfile raise for broken input; UnicodeError is a ValueError."""


def inspect(filename: str, archive: BinaryIO, /) -> Inspection:
    """Reads a wheel or sdist; see `Ecosystem.inspect`. `metadata` of the result, for `render`: `requires_python` (text or None),
    `core_metadata` (whether METADATA is a companion of the file, which only a wheel's is: an sdist's may change when it is built).
    """
    try:
        key, version = parse_file_name(filename)
    except ValueError as error:
        message = f"{filename[:80]!r} is not the file name of a wheel or sdist: {error}"
        raise ArchiveRefused(message) from error
    if filename.endswith(".whl"):
        content = _wheel_metadata(archive, key, version)
    elif filename.endswith(".zip"):
        content = _zip_sdist_metadata(archive, key, version)
    else:
        content = _tar_sdist_metadata(archive, key, version)
    wheel = filename.endswith(".whl")
    stated = read_metadata(content, "METADATA" if wheel else _PKG_INFO)
    if (stated.key, stated.version) != (key, version):
        message = f"{filename!r} holds {stated.name!r} {stated.version.text!r}, as its metadata says"
        raise ArchiveRefused(message)
    return _inspection(stated, content if wheel else None)


def _inspection(stated: CoreMetadata, companion: bytes | None) -> Inspection:
    return Inspection(
        name=stated.name,
        version=stated.version,
        license=stated.license,
        dependencies=stated.dependencies,
        metadata={"requires_python": stated.requires_python, "core_metadata": companion is not None},
        companions={} if companion is None else {".metadata": companion},
    )


def _wheel_metadata(archive: BinaryIO, key: PackageKey, version: Version) -> bytes:
    opened = open_zip(archive)
    # A file system that ignores case unpacks `X.DIST-INFO` into `x.dist-info`, so case makes no second folder here.
    tops = {name.partition("/")[0] for name in opened.names if "/" in name}
    folders = sorted(top for top in tops if top.lower().endswith(_DIST_INFO))
    if len(folders) != 1 or not folders[0].endswith(_DIST_INFO):
        message = f"a wheel has one folder *.dist-info; found {', '.join(map(repr, folders[:5])) or 'none'}"
        raise ArchiveRefused(message)
    _check_folder(folders[0], folders[0].removesuffix(_DIST_INFO), key, version)
    opened.read(f"{folders[0]}/WHEEL", _WHEEL_FILE_BYTES)
    return opened.read(f"{folders[0]}/METADATA", MAX_METADATA_BYTES)


def _check_folder(folder: str, stem: str, key: PackageKey, version: Version) -> None:
    name, _, stated = stem.rpartition("-")
    try:
        agrees = (normalize_name(name), parse_version(stated)) == (key, version)
    except ValueError:
        agrees = False
    if not agrees:
        message = f"the folder {folder[:80]!r} does not agree with the file name, which says {key} {version.text}"
        raise ArchiveRefused(message)


def _zip_sdist_metadata(archive: BinaryIO, key: PackageKey, version: Version) -> bytes:
    opened = open_zip(archive)
    found = [name for name in opened.names if _top_folder(name) is not None]
    if len(found) != 1:
        raise ArchiveRefused(_not_one(len(found)))
    _check_folder(found[0], _top_folder(found[0]) or "", key, version)
    return opened.read(found[0], MAX_METADATA_BYTES)


def _top_folder(path: str) -> str | None:
    """The folder of a path that is `{folder}/PKG-INFO`, however it is spelled; None for any other path."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in {"", "."}]
    return parts[0] if len(parts) == _PATH_PARTS and parts[1].upper() == _PKG_INFO else None


def _not_one(count: int) -> str:
    return f"an sdist has one {{name}}-{{version}}/{_PKG_INFO}; found {count}"


class _Bounded(io.RawIOBase):
    """A stream of which not more than `limit` bytes may be read; `allow` moves the limit as reading goes on."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        super().__init__()
        self._stream = stream
        self._position = 0
        self._limit = 0

    def allow(self, limit: int) -> None:
        if limit > MAX_SDIST_BYTES:
            message = f"the archive unpacks to more than {MAX_SDIST_BYTES} bytes"
            raise ArchiveRefused(message)
        self._limit = limit

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        if self._position > self._limit:
            message = f"the archive unpacks to more than it says: no more than {self._limit} bytes are expected there"
            raise ArchiveRefused(message)
        return data


def _tar_sdist_metadata(archive: BinaryIO, key: PackageKey, version: Version) -> bytes:
    try:
        with gzip.GzipFile(fileobj=archive, mode="rb") as unpacked:
            found = _pkg_infos(_Bounded(unpacked))
    except _DAMAGE as error:
        message = f"the archive is damaged: {error}"
        raise ArchiveRefused(message) from error
    if len(found) != 1:
        raise ArchiveRefused(_not_one(len(found)))
    folder, content = found[0]
    _check_folder(folder, folder, key, version)
    return content


def _pkg_infos(stream: _Bounded) -> list[tuple[str, bytes]]:
    """Folder and content of every `{folder}/PKG-INFO`, of all members of the archive."""
    found: list[tuple[str, bytes]] = []
    stream.allow(MAX_HEADER_BYTES)
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        count = 0
        while (member := tar.next()) is not None:
            count += 1
            if count > MAX_SDIST_MEMBERS:
                message = f"the archive has more than {MAX_SDIST_MEMBERS} members"
                raise ArchiveRefused(message)
            _check_member(member)
            # Up to the end of its data, and the headers of the next one.
            stream.allow(member.offset_data + member.size + MAX_HEADER_BYTES)
            folder = _top_folder(member.name)
            if folder is not None:
                found.append((folder, _member_content(tar, member)))
            tar.members = []  # type: ignore[attr-defined]  # tarfile would keep them all; typeshed does not know them
        stream.allow(tar.offset + MAX_PADDING_BYTES)
        # gzip checks length and sum at the end only.
        while stream.read(_CHUNK_BYTES):
            pass
    return found


def _check_member(member: tarfile.TarInfo) -> None:
    if _UNSAFE.search(member.name):
        message = f"the archive has a member with an unsafe name: {member.name[:200]!a}"
        raise ArchiveRefused(message)
    if member.isdev():
        message = f"the archive has a device: {member.name[:200]!a}"
        raise ArchiveRefused(message)


def _member_content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    # A link named PKG-INFO would make pip read another file than this one: it is not followed, and not passed over.
    sound = member.isreg() and not member.issparse() and member.size <= MAX_METADATA_BYTES
    content = tar.extractfile(member) if sound else None
    if content is None:
        message = f"{member.name[:200]!a} is not a file of at most {MAX_METADATA_BYTES} bytes"
        raise ArchiveRefused(message)
    return content.read()
