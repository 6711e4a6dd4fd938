"""The records of a dump as bytes, one by one: memory does not grow with the dump, and a bomb is not unpacked.

A record that is too large is told, and not kept: one of them is no reason to refuse the others. An archive that is cut off or damaged
is one (DumpRefused): nobody knows what is missing.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from reconciler.ecosystems.zips import read_end
from reconciler.errors import ArchiveRefused, DumpRefused, Unreachable

MAX_RECORD_BYTES: Final = 4 * 1024 * 1024
"""The largest records of osv.dev have about 1 MiB."""
MAX_RECORDS: Final = 2_000_000
"""npm has more than 200,000, nearly all of them about malware."""
MAX_DIRECTORY_BYTES: Final = 512 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 32 * 1024**3

_DAMAGE: Final = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OverflowError, zlib.error)
"""What zipfile and gzip raise for broken input; UnicodeDecodeError is a ValueError."""
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A record: where it is in the dump, and its bytes; None if there are more than MAX_RECORD_BYTES."""

    name: str
    data: bytes | None


def zip_members(archive: BinaryIO, name: str) -> Iterator[Member]:
    """The `*.json` of an archive, in its order."""
    try:
        end = read_end(archive, max_entries=MAX_RECORDS, max_directory=MAX_DIRECTORY_BYTES)
        opened = zipfile.ZipFile(archive)
        _check_count(len(opened.infolist()), end.count)
        for info in opened.infolist():
            if info.filename.endswith(".json"):
                yield Member(name=info.filename, data=_bounded(opened, info))
    except ArchiveRefused as error:
        message = f"{name}: {error}"
        raise DumpRefused(message) from error
    except (*_DAMAGE, OSError) as error:
        message = f"{name} is damaged: {str(error)[:200]!a}"
        raise DumpRefused(message) from error


def _check_count(found: int, said: int) -> None:
    """A directory with fewer entries than its end says is whole for zipfile."""
    if found != said:
        message = f"its directory has {found} entries, and says {said}"
        raise ArchiveRefused(message)


def _bounded(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    if info.compress_type not in _METHODS:
        message = f"{info.filename[:200]!a} is compressed by method {info.compress_type}"
        raise NotImplementedError(message)
    with archive.open(info) as stream:
        data = stream.read(MAX_RECORD_BYTES + 1)
    return data if len(data) <= MAX_RECORD_BYTES else None


def folder_members(folder: Path) -> Iterator[Member]:
    """The records in a folder: `*.json` has one, `*.jsonl` and `*.jsonl.gz` one a line. Links and hidden files are left out."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink() and not path.name.startswith("."))
        for path in paths:
            if path.name.endswith(".json"):
                with path.open("rb") as stream:
                    data = stream.read(MAX_RECORD_BYTES + 1)
                yield Member(name=path.name, data=data if len(data) <= MAX_RECORD_BYTES else None)
            elif path.name.endswith((".jsonl", ".jsonl.gz")):
                yield from _lines(path)
    except OSError as error:
        message = f"the advisories in {folder} cannot be read: {error.strerror or error}"
        raise Unreachable(message) from error


def _lines(path: Path) -> Iterator[Member]:
    opened = gzip.open(path) if path.name.endswith(".gz") else path.open("rb")  # noqa: SIM115 - closed below
    try:
        with opened:
            yield from _bounded_lines(cast("BinaryIO", opened), path.name)
    except (*_DAMAGE, gzip.BadGzipFile) as error:
        message = f"{path} is damaged: {str(error)[:200]!a}"
        raise DumpRefused(message) from error


def _bounded_lines(stream: BinaryIO, name: str) -> Iterator[Member]:
    """The lines that hold something. What is passed over counts, too: blanks without end take no room in a compressed file."""
    number = read = 0

    def next_part() -> bytes:
        nonlocal read
        part = stream.readline(MAX_RECORD_BYTES + 1)
        read += len(part)
        if read > MAX_UNPACKED_BYTES:
            message = f"{name} has more than can be read: {read} bytes so far"
            raise DumpRefused(message)
        return part

    while line := next_part():
        number += 1
        if len(line) <= MAX_RECORD_BYTES:
            if line.strip():
                yield Member(name=f"{name}:{number}", data=line)
            continue
        while line and not line.endswith(b"\n"):
            line = next_part()
        yield Member(name=f"{name}:{number}", data=None)
