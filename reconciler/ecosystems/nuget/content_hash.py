"""NuGet's contentHash (packages.lock.json): SHA-512, in base64, of the archive as it was before `.signature.p7s` was added.

Format: https://learn.microsoft.com/en-us/nuget/reference/signed-packages-reference. nuget.org adds a repository signature to every
package, and may sign again years later: the same id and version then has other bytes, and the same contentHash.
A promoter that compares file digests alone takes a new signature for tampering; this tells the two apart.

The signed archive is hashed as if the signature's entry were cut out: everything else moves up, and the directory's offsets, sizes
and counts are corrected. The file is read in pieces. A signed archive with zip64 records is refused, as NuGet's client does (NU3006).
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Final

from reconciler.ecosystems.zips import EndRecord, read_end
from reconciler.errors import ArchiveRefused

SIGNATURE: Final = ".signature.p7s"

_CHUNK_BYTES: Final = 1024 * 1024
_RECORD: Final = struct.Struct("<4s24x3H8xL")
"""Magic, lengths of name, extra field and comment, offset of the entry, of a directory record."""
_RECORD_MAGIC: Final = b"PK\x01\x02"
_RECORD_OFFSET: Final = 42
"""Where in a record the entry's offset stands."""
_ZIP64: Final = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    data: bytes
    name: bytes
    offset: int
    """Of its local header."""


def content_hash(archive: BinaryIO) -> str:
    """The contentHash of a seekable file, signed or not. Raises ArchiveRefused for what is no archive, or signed in no readable way."""
    hasher = hashlib.sha512()
    for piece in _pieces(archive):
        hasher.update(piece)
    return base64.b64encode(hasher.digest()).decode()


def _pieces(archive: BinaryIO) -> Iterator[bytes]:
    end = read_end(archive)
    archive.seek(end.start)
    records = tuple(_records(archive.read(end.size)))
    signatures = [record for record in records if record.name == SIGNATURE.encode()]
    if not signatures:
        yield from _read(archive, 0, archive.seek(0, 2))
        return
    if len(signatures) > 1 or end.position64 is not None or any(record.offset == _ZIP64 for record in records):
        message = "the package is signed in a way that NuGet does not read: two signatures, or zip64 records"
        raise ArchiveRefused(message)
    yield from _without(archive, end, records, signatures[0])


def _records(directory: bytes) -> Iterator[_Record]:
    position = 0
    while position < len(directory):
        header = directory[position : position + _RECORD.size].ljust(_RECORD.size, b"\0")
        magic, name, extra, comment, offset = _RECORD.unpack(header)
        size = _RECORD.size + name + extra + comment
        data = directory[position : position + size]
        if magic != _RECORD_MAGIC or len(data) != size:
            message = "the archive's directory is damaged"
            raise ArchiveRefused(message)
        yield _Record(data=data, name=data[_RECORD.size : _RECORD.size + name], offset=offset)
        position += size


def _without(archive: BinaryIO, end: EndRecord, records: tuple[_Record, ...], signature: _Record) -> Iterator[bytes]:
    """The bytes of the archive that the signature was added to."""
    offsets = [*sorted(record.offset for record in records), end.start]
    if any(here >= there for here, there in pairwise(offsets)):
        message = "the archive is damaged: two entries are at one place, or an entry is behind the directory"
        raise ArchiveRefused(message)
    stop = offsets[offsets.index(signature.offset) + 1]
    removed = stop - signature.offset
    yield from _read(archive, 0, signature.offset)
    yield from _read(archive, stop, end.start)
    for record in records:
        if record is not signature:
            moved = record.offset - (removed if record.offset > signature.offset else 0)
            yield record.data[:_RECORD_OFFSET] + struct.pack("<L", moved) + record.data[_RECORD_OFFSET + 4 :]
    count, size = len(records) - 1, end.size - len(signature.data)
    archive.seek(end.position)
    tail = archive.read()
    yield tail[:8] + struct.pack("<HHLL", count, count, size, end.start - removed) + tail[20:]


def _read(archive: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    archive.seek(start)
    while start < stop and (piece := archive.read(min(_CHUNK_BYTES, stop - start))):
        start += len(piece)
        yield piece
