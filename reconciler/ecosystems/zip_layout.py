"""Whether every reader of a ZIP archive finds the same entries in it.

Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. An archive says twice what it holds: in the directory at its
end, which zipfile, pip and NuGet read, and in a header in front of each entry, which readers of streams read. Where the two differ,
one of them installs what the other has not shown to the reviewer (CVE-2025-54368). So there may be no difference: the entries follow
one another from the first byte to the directory, without a gap (it could hide an entry) and without overlapping (a bomb of a few
kilobytes unpacks to terabytes: https://www.bamsoftware.com/hacks/zipbomb/), and each header says what the directory says.

Neither 181 real NuGet packages nor the common tools that build wheels write anything else.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import BinaryIO, Final

from reconciler.errors import ArchiveRefused

_HEADER: Final = struct.Struct("<4s2x2H4x3L2H")
"""Of an entry: magic, flags, method, checksum, packed size, size, lengths of name and extra field."""
_HEADER_MAGIC: Final = b"PK\x03\x04"
_DESCRIPTOR_MAGIC: Final = b"PK\x07\x08"
_MAX_DESCRIPTOR_BYTES: Final = 24
_FIELD: Final = struct.Struct("<2H")
_SIZES64: Final = struct.Struct("<2Q")
_FULL: Final = 0xFFFFFFFF
_STREAMED: Final = 0x8
_UTF8: Final = 0x800
_DECISIVE: Final = 0x1 | _STREAMED | 0x40 | _UTF8 | 0x2000
"""Flags that change how an entry is read."""
_ZIP64_FIELD: Final = 0x0001
_UNICODE_PATH_FIELD: Final = 0x7075


def check_layout(archive: BinaryIO, entries: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Refuses (ArchiveRefused) an archive whose entries are not exactly the bytes in front of its directory."""
    ordered = sorted(entries, key=attrgetter("header_offset"))
    offsets = [*(info.header_offset for info in ordered), directory]
    if offsets[0] != 0:
        message = f"the archive does not begin with its first entry: {offsets[0]} bytes are in front of it"
        raise ArchiveRefused(message)
    for info, (start, stop) in zip(ordered, pairwise(offsets), strict=True):
        try:
            end = _end(archive, info, start, stop)
        except OSError as error:
            message = f"the archive cannot be read: {error}"
            raise ArchiveRefused(message) from error
        if end != stop:
            what = f"{stop - end} bytes between entries that no entry holds" if end < stop else "entries that overlap"
            message = f"the archive has {what}, at {shown(info.orig_filename)}"
            raise ArchiveRefused(message)


def shown(name: str) -> str:
    """A name from an archive as messages show it: ASCII, and not longer than a line."""
    return ascii(name[:200])


def _end(archive: BinaryIO, info: zipfile.ZipInfo, start: int, stop: int) -> int:
    """Where the entry ends, after its header has been compared."""
    archive.seek(start)
    magic, flags, method, *stated, name_length, extra_length = _HEADER.unpack(archive.read(_HEADER.size).ljust(_HEADER.size, b"\0"))
    name, extra = archive.read(name_length), archive.read(extra_length)
    # zipfile has decoded the name; both ways of doing so can be undone.
    listed = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
    differs = (flags ^ info.flag_bits) & _DECISIVE or method != info.compress_type or not _agree(stated, extra, info)
    if magic != _HEADER_MAGIC or name != listed or differs or _renames(extra, info) or _renames(info.extra, info):
        message = f"entry {shown(info.orig_filename)} is damaged: its header says something else than the archive's directory"
        raise ArchiveRefused(message)
    end: int = start + _HEADER.size + name_length + extra_length + info.compress_size
    if flags & _STREAMED and 0 < stop - end <= _MAX_DESCRIPTOR_BYTES:
        archive.seek(end)
        if archive.read(stop - end) in _descriptors(info):
            return stop
    return end


def _agree(stated: Sequence[int], extra: bytes, info: zipfile.ZipInfo) -> bool:
    """Whether a header states the sizes and the checksum that the directory states, or leaves them open, as streams do."""
    checksum, packed, size = stated
    wide = next((data for tag, data in _fields(extra) if tag == _ZIP64_FIELD and len(data) >= _SIZES64.size), None)
    if wide is not None and _FULL in (packed, size):
        size64, packed64 = _SIZES64.unpack_from(wide)
        packed, size = packed64 if packed == _FULL else packed, size64 if size == _FULL else size
    pairs = zip((checksum, packed, size), (info.CRC, info.compress_size, info.file_size), strict=True)
    return all(here == listed or (info.flag_bits & _STREAMED and here == 0) for here, listed in pairs)


def _descriptors(info: zipfile.ZipInfo) -> Iterator[bytes]:
    """What may stand behind an entry whose header leaves sizes open."""
    sizes = (info.CRC, info.compress_size, info.file_size)
    for layout in ("<LQQ", "<LLL") if max(sizes) <= _FULL else ("<LQQ",):
        yield struct.pack(layout, *sizes)
        yield _DESCRIPTOR_MAGIC + struct.pack(layout, *sizes)


def _renames(extra: bytes, info: zipfile.ZipInfo) -> bool:
    """Whether an extra field gives the entry another name or, there twice, sizes that readers may choose between."""
    fields = [(tag, data) for tag, data in _fields(extra) if tag in (_ZIP64_FIELD, _UNICODE_PATH_FIELD)]
    # A version, a checksum, and a name that newer readers prefer.
    other = any(tag == _UNICODE_PATH_FIELD and data[5:] != info.orig_filename.encode() for tag, data in fields)
    return other or len({tag for tag, _ in fields}) != len(fields)


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of the extra fields. What is no field, such as padding, ends them."""
    while len(extra) >= _FIELD.size:
        tag, size = _FIELD.unpack_from(extra)
        yield tag, extra[_FIELD.size : _FIELD.size + size]
        extra = extra[_FIELD.size + size :]
