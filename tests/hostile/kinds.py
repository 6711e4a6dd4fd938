"""The kinds of package files that every case of this folder is run over: how a small valid one is made, and what a hostile one changes.

`zip`: NuGet packages, wheels and zipped sdists; `tar`: sdists, and npm packages where the ecosystem is there.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection
from reconciler.show.inert import LONGEST
from tests.support.nupkgs import archive, nuspec
from tests.support.wheels import core_metadata

Entries = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of package file. `folder` is where its own files lie; `manifest` is where it says who it is, `says` what it says there."""

    ecosystem: str
    file: str
    folder: str
    manifest: str
    says: Callable[[str, str], bytes]
    more: Entries = ()

    def inspect(self, data: bytes, file: str | None = None) -> Inspection:
        return ECOSYSTEMS[self.ecosystem].inspect(self.file if file is None else file, io.BytesIO(data))

    def refused(self, data: bytes, file: str | None = None) -> str:
        """The reason, after looking that a person can read it: one line, not endless, nothing invisible in it."""
        with pytest.raises(ArchiveRefused) as caught:
            self.inspect(data, file)
        reason = str(caught.value)
        assert reason.isascii()
        assert reason.isprintable()
        assert len(reason.split()) > 3
        assert len(reason) < LONGEST  # else it is cut where it is shown
        return reason

    @property
    def entries(self) -> list[tuple[str, bytes]]:
        """What a valid package holds."""
        return [(self.manifest, self.says("sample", "1.0.0")), *self.more, (f"{self.folder}data.txt", b"data, data, data, data\n")]


def _package_json(name: str, version: str) -> bytes:
    return json.dumps({"name": name, "version": version}).encode()


_INFO: Final = "sample-1.0.0.dist-info"
NUPKG: Final = Kind(ecosystem="nuget", file="sample.1.0.0.nupkg", folder="", manifest="sample.nuspec", says=nuspec)
WHEEL: Final = Kind(
    ecosystem="pypi", file="sample-1.0.0-py3-none-any.whl", folder="", manifest=f"{_INFO}/METADATA", says=core_metadata,
    more=((f"{_INFO}/WHEEL", b"Wheel-Version: 1.0\n"),),
)  # fmt: skip
ZIPPED: Final = Kind(
    ecosystem="pypi", file="sample-1.0.0.zip", folder="sample-1.0.0/", manifest="sample-1.0.0/PKG-INFO", says=core_metadata
)
SDIST: Final = Kind(
    ecosystem="pypi", file="sample-1.0.0.tar.gz", folder="sample-1.0.0/", manifest="sample-1.0.0/PKG-INFO", says=core_metadata
)
NPM: Final = Kind(ecosystem="npm", file="sample-1.0.0.tgz", folder="package/", manifest="package/package.json", says=_package_json)

ZIPS: Final = {"nupkg": NUPKG, "wheel": WHEEL, "zipped sdist": ZIPPED}
TARS: Final = {name: kind for name, kind in {"sdist": SDIST, "npm": NPM}.items() if kind.ecosystem in ECOSYSTEMS}
KINDS: Final = {**ZIPS, **TARS}


def valid(kind: Kind, *more: tuple[str, bytes]) -> bytes:
    """A package of this kind that is accepted, with further files."""
    if kind in TARS.values():
        return tar_of(*(member(name, data) for name, data in (*kind.entries, *more)))
    return archive([*kind.entries, *more])


# --- tar --------------------------------------------------------------------------------------------------------------------------


def header(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0, target: str = "", mode: int = 0o644) -> bytes:
    """One block, in the format of GNU tar."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, size, target, mode
    return info.tobuf(tarfile.GNU_FORMAT)


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, *, target: str = "", mode: int = 0o644) -> bytes:
    """A header with its content, padded to whole blocks."""
    return header(name, kind, size=len(data), target=target, mode=mode) + data + bytes(-len(data) % 512)


def pax(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return member("extended", records, kind)


def record(key: str, value: str) -> bytes:
    """A record of a pax header: its own length, then `key=value`."""
    body = f" {key}={value}\n".encode()
    return next(text for digits in range(1, 7) if len(text := f"{len(body) + digits}".encode() + body) == len(body) + digits)


def tar_of(*blocks: bytes, end: bytes = bytes(1024)) -> bytes:
    return gzip.compress(b"".join(blocks) + end, compresslevel=6, mtime=0)


def checked(block: bytes) -> bytes:
    """A header with its checksum made right."""
    blank = block[:148] + b" " * 8 + block[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


# --- zip --------------------------------------------------------------------------------------------------------------------------


def directory_of(data: bytes) -> int:
    return int(struct.unpack("<L", data[-6:-2])[0])


def listed(data: bytes, name: str) -> int:
    """Where the directory's record of an entry begins."""
    return data.index(name.encode(), directory_of(data)) - 46


def placed(data: bytes, name: str) -> int:
    """Where the header of an entry begins."""
    return data.index(name.encode()) - 30


def patched(data: bytes, *changes: tuple[int, bytes]) -> bytes:
    for position, new in changes:
        data = data[:position] + new + data[position + len(new) :]
    return data


def with_extra(data: bytes, name: str, extra: bytes, *, local: bool) -> bytes:
    """The archive with an extra field for one entry, in its header or in the directory; everything behind it moved."""
    start, end = listed(data, name), len(data) - 22
    size, offset = struct.unpack("<LL", data[end + 12 : end + 20])
    if not local:
        data = patched(data, (start + 30, struct.pack("<H", len(extra))), (end + 12, struct.pack("<L", size + len(extra))))
        return data[: start + 46 + len(name)] + extra + data[start + 46 + len(name) :]
    begin = placed(data, name)
    data = patched(data, (begin + 28, struct.pack("<H", len(extra))), (end + 16, struct.pack("<L", offset + len(extra))))
    position = offset
    while position < end:  # of each record, the three lengths and the offset
        lengths = sum(struct.unpack("<3H", data[position + 28 : position + 34]))
        (there,) = struct.unpack("<L", data[position + 42 : position + 46])
        data = patched(data, (position + 42, struct.pack("<L", there + (len(extra) if there > begin else 0))))
        position += 46 + lengths
    return data[: begin + 30 + len(name)] + extra + data[begin + 30 + len(name) :]
