"""Reading entries of a hostile ZIP archive in bounded memory: what the ecosystems with ZIP packages (NuGet, wheels) share.

Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. The standard library's zipfile does the reading; this adds
what zipfile lets pass, because two readers that see different content in one file defeat a review:

- bytes in front of the archive (zipfile shifts every offset silently), or a directory that is not where the end record says;
- an end record that is not at the end, or a count, or zip64 fields, that contradict what is there;
- a directory of any size (zipfile reads it whole): its size and count are checked before;
- headers in front of the entries that say something else than the directory, gaps, overlaps (`zip_layout.py`);
- a lie about an entry's size: reading goes on until the stream ends, or one byte beyond what was said;
- bombs: more than MAX_RATIO times the archive's own size, where that is much;
- names that leave the folder they are unpacked to, end early for a reader in C, or hold control characters.

Two entries of one name and different content are refused, since nobody knows which of them is meant. Archives that hold a name
twice with the same content, or names that differ in case and slashes only, are in circulation and install: they are refused where
such a name is *read*, as then one file system keeps both and another one the last.
"""

from __future__ import annotations

import copy
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from reconciler.ecosystems.paths import place
from reconciler.ecosystems.zip_layout import check_layout, shown
from reconciler.errors import ArchiveRefused

MAX_ENTRIES: Final = 65_535
"""What an archive without zip64 can count; the largest of 181 real NuGet packages has 41, large wheels have about 20,000."""
MAX_DIRECTORY_BYTES: Final = 32 * 1024 * 1024
"""Room for MAX_ENTRIES names of 400 bytes."""
MAX_UNPACKED_BYTES: Final = 4 * 1024**3
"""All entries together. nuget.org takes packages up to 250 MB; native libraries compress to about a quarter."""
MAX_RATIO: Final = 200
"""Real packages unpack to 3 to 20 times their size; the format allows 1,032."""
HARMLESS_BYTES: Final = 256 * 1024 * 1024
"""What may be unpacked whatever the ratio: a small package may hold a large file of zeros."""

_CHUNK_BYTES: Final = 64 * 1024
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_END: Final = struct.Struct("<4s4H2LH")
_END_MAGIC: Final = b"PK\x05\x06"
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC: Final = b"PK\x06\x06"
_LOCATOR64: Final = struct.Struct("<4sLQL")
_LOCATOR64_MAGIC: Final = b"PK\x06\x07"
_MAX_COMMENT_BYTES: Final = 0xFFFF
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
"""Flags: encrypted, strongly encrypted, directory encrypted."""
_MAX_DEFLATE_RATIO: Final = 1_032
_METHODS: Final = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _MAX_DEFLATE_RATIO}
"""What clients read; the most that a byte can unpack to."""
_DAMAGE: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OverflowError,
    OSError,
    struct.error,
    zlib.error,
)
"""What zipfile raises for broken input; UnicodeDecodeError is a ValueError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndRecord:
    """The end of an archive: `start`, `size`, `count` of its directory; `position` of the classic end record, `position64` of
    the zip64 one (None where there is none). All offsets count from the beginning of the file."""

    start: int
    size: int
    count: int
    position: int
    position64: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipArchive:
    """An opened archive. `names` are as stored, in the order of the directory, folders and duplicates included."""

    names: tuple[str, ...]
    _zip: zipfile.ZipFile

    def read(self, name: str, limit: int) -> bytes:
        """The entry's content. Raises ArchiveRefused if not exactly one entry is unpacked there, or has more than `limit` bytes."""
        found = [info for info in self._zip.infolist() if place(info.orig_filename) == place(name)]
        if len(found) != 1:
            message = f"the archive has {len(found)} entries named {shown(name)}, expected one"
            raise ArchiveRefused(message)
        return b"".join(_content(self._zip, found[0], limit))

    def check(self, limit: int) -> None:
        """Reads all entries, at most `limit` bytes together, keeping none. Raises ArchiveRefused for damage in any of them."""
        left = limit
        for info in self._zip.infolist():
            left -= sum(map(len, _content(self._zip, info, left)))


def open_zip(archive: BinaryIO) -> ZipArchive:
    """Opens a seekable file as an archive; the file stays open, and the caller's. Raises ArchiveRefused for what is none."""
    end = read_end(archive)
    try:
        opened = zipfile.ZipFile(archive)
    except _DAMAGE as error:
        message = f"the archive's directory is damaged: {str(error)[:200]!a}"
        raise ArchiveRefused(message) from error
    entries = opened.infolist()
    if len(entries) != end.count:
        message = f"the archive's directory is damaged: it has {len(entries)} entries, and says {end.count}"
        raise ArchiveRefused(message)
    for info in entries:
        _check_entry(info)
    check_layout(archive, entries, end.start)
    _check_together(entries, end.position)
    return ZipArchive(names=tuple(info.orig_filename for info in entries), _zip=opened)


def unpacked_limit(packed: int, most: int) -> int:
    """How many bytes an archive of `packed` bytes may unpack to, `most` at the most."""
    return min(most, max(HARMLESS_BYTES, MAX_RATIO * packed))


def read_end(archive: BinaryIO, *, max_entries: int = MAX_ENTRIES, max_directory: int = MAX_DIRECTORY_BYTES) -> EndRecord:
    """Finds and checks the end of an archive, without reading its directory. Raises ArchiveRefused."""
    try:
        total = archive.seek(0, 2)
        tail_start = max(0, total - _END.size - _MAX_COMMENT_BYTES)
        archive.seek(tail_start)
        tail = archive.read(_END.size + _MAX_COMMENT_BYTES)
        found = tail.rfind(_END_MAGIC)
        if found < 0 or len(tail) - found < _END.size:
            message = "not a ZIP archive, or cut off: there is no end record"
            raise ArchiveRefused(message)
        end = _end_record(archive, tail[found:], tail_start + found)
    except OSError as error:
        message = f"the archive cannot be read: {error}"
        raise ArchiveRefused(message) from error
    _check_end(end, max_entries, max_directory)
    return end


def _end_record(archive: BinaryIO, data: bytes, position: int) -> EndRecord:
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data)
    if len(data) != _END.size + comment:
        message = "the archive's end record is not at its end: bytes follow, or are missing"
        raise ArchiveRefused(message)
    located = _locator64(archive, position)
    position64 = None
    if located is not None:
        position64 = located
        archive.seek(position64)
        fields = _END64.unpack(archive.read(_END64.size).ljust(_END64.size, b"\0"))
        magic, (disk, first_disk), (here64, count64, size64, start64) = fields[0], fields[4:6], fields[6:]
        # Some readers prefer the zip64 fields always, some only where the classic ones are full: they must not differ.
        pairs = ((here, here64, 0xFFFF), (count, count64, 0xFFFF), (size, size64, 0xFFFFFFFF), (start, start64, 0xFFFFFFFF))
        if magic != _END64_MAGIC or any(classic not in (full, wide) for classic, wide, full in pairs):
            message = "the archive's zip64 end record is missing, or contradicts the classic one"
            raise ArchiveRefused(message)
        here, count, size, start = here64, count64, size64, start64
    if (disk, first_disk) != (0, 0) or here != count:
        message = "the archive is one part of several"
        raise ArchiveRefused(message)
    return EndRecord(start=start, size=size, count=count, position=position, position64=position64)


def _locator64(archive: BinaryIO, position: int) -> int | None:
    """Where the zip64 end record is, None if there is none."""
    if position < _LOCATOR64.size:
        return None
    archive.seek(position - _LOCATOR64.size)
    magic, disk, offset, disks = _LOCATOR64.unpack(archive.read(_LOCATOR64.size))
    if magic != _LOCATOR64_MAGIC:
        return None
    # zipfile looks for the record directly in front of the locator, and nowhere else.
    if disk != 0 or disks > 1 or offset != position - _LOCATOR64.size - _END64.size:
        message = "the archive's zip64 end record is not where its locator says"
        raise ArchiveRefused(message)
    return int(offset)


def _check_end(end: EndRecord, max_entries: int, max_directory: int) -> None:
    if end.count > max_entries or end.size > max_directory:
        message = f"the archive's directory is too large: {end.count} entries, {end.size} bytes (at most {max_entries}, {max_directory})"
        raise ArchiveRefused(message)
    expected = end.position if end.position64 is None else end.position64
    if end.start + end.size != expected:
        message = (
            "the archive is damaged: its directory is not where its end record says "
            f"({expected - end.start - end.size:+} bytes: something is in front of the archive, or missing, or was changed)"
        )
        raise ArchiveRefused(message)


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = re.split(r"[/\\]", name)
    if not name or parts[0] == "" or ".." in parts or re.match(r"[A-Za-z]:", name) or _CONTROL.search(name):
        message = f"the archive has an entry with an unsafe name: {shown(name)}"
        raise ArchiveRefused(message)
    if info.flag_bits & _ENCRYPTED:
        message = f"the archive has an encrypted entry: {shown(name)}"
        raise ArchiveRefused(message)
    if info.compress_type not in _METHODS:
        message = f"entry {shown(name)} is compressed by method {info.compress_type}, which is not supported"
        raise ArchiveRefused(message)
    least = info.compress_size if info.compress_type == zipfile.ZIP_STORED else 0
    if not least <= info.file_size <= info.compress_size * _METHODS[info.compress_type]:
        message = f"entry {shown(name)} is damaged: {info.compress_size} bytes cannot unpack to the {info.file_size} that it says"
        raise ArchiveRefused(message)


def _check_together(entries: Sequence[zipfile.ZipInfo], packed: int) -> None:
    """What no entry tells alone: sizes that add up to a bomb, and names that mean two contents."""
    limit, total = unpacked_limit(packed, MAX_UNPACKED_BYTES), sum(info.file_size for info in entries)
    if total > limit:
        message = f"the archive is too large: it unpacks to {total} bytes (at most {limit} for an archive of its size)"
        raise ArchiveRefused(message)
    contents: dict[str, tuple[int, int]] = {}
    for info in entries:
        content = (info.CRC, info.file_size)
        if contents.setdefault(info.orig_filename, content) != content:
            message = f"the archive has two entries named {shown(info.orig_filename)} with different content"
            raise ArchiveRefused(message)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    """The entry's content in pieces; ArchiveRefused, at the latest at its end, if it is damaged or longer than `limit`."""
    name = shown(info.orig_filename)
    if info.file_size > limit:
        message = f"entry {name} is too large: more than {limit} bytes"
        raise ArchiveRefused(message)
    # zipfile stops at the size that the header declares; another reader would go on. So it is told to go on, one byte beyond.
    unbounded = copy.copy(info)
    unbounded.file_size = info.file_size + 2 * _CHUNK_BYTES
    size = 0
    try:
        with archive.open(unbounded) as stream:
            while size <= info.file_size and (piece := stream.read(min(_CHUNK_BYTES, info.file_size + 1 - size))):
                size += len(piece)
                yield piece
    except _DAMAGE as error:
        message = f"entry {name} is damaged: {str(error)[:200]!a}"
        raise ArchiveRefused(message) from error
    if size != info.file_size:
        message = (
            f"entry {name} is damaged: it has {'more' if size > info.file_size else 'fewer'} bytes than the {info.file_size} that it says"
        )
        raise ArchiveRefused(message)
