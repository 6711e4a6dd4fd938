"""Reading a hostile, compressed tar archive member by member: in bounded memory, forward only, without unpacking anything.

Formats: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar and pax),
https://www.gnu.org/software/tar/manual/html_node/Standard.html (GNU), RFC 1952 (gzip).

tarfile parses single headers here and nothing more: its reader takes 2 s for one header of 30 KB (CVE-2024-6232), turns in circles at
negative sizes (CVE-2025-8194), and keeps all members. What two readers understand differently is refused:

- a size, or a name for all members, in extended headers: who passes it over takes content for headers (CVE-2025-62518);
- content of links, folders and devices, which some readers expect and some do not, and files that are called like folders, whose
  content npm takes for headers; members of an unknown kind;
- numbers that are not plain octal, and checksums that count bytes as signed ones: npm passes over such a header, and goes on inside;
- a prefix to a name where the header does not say that it is ustar: tarfile takes it, npm and others do not;
- records of an extended header that hide in the value of another one, or come twice: readers that split at line ends see them;
- an extended header that is not directly in front of its member: pnpm takes it for the next header, whatever that is;
- anything but zeros after the end: some readers go on after one empty block;
- members written to or through an earlier link: another file than the one that is named changes.

So are devices, sparse files (a few bytes unpack to any size), and names and links that leave the folder they are unpacked to, which
today's pip and uv refuse as well (PEP 706).
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from reconciler.ecosystems.paths import parts_of, place
from reconciler.ecosystems.zips import unpacked_limit
from reconciler.errors import ArchiveRefused

MAX_MEMBERS: Final = 50_000
MAX_HEADER_BYTES: Final = 32 * 1024
"""Of the extended headers of one member: a long name, and what a file system adds."""
MAX_PADDING_BYTES: Final = 1024 * 1024
"""After the last member: tar fills its last record, of 10 KiB as a rule."""
MAX_ATTRIBUTES: Final = 100
"""In one extended header; a file system adds a handful."""
MAX_LINK_BYTES: Final = 4 * 1024 * 1024
"""Of names of links, which are kept until the end."""
MAX_NAME: Final = 4_096
"""What Linux takes for a path."""
MAX_DEPTH: Final = 128
"""Folders in one another."""

_BLOCK: Final = tarfile.BLOCKSIZE
_CHUNK_BYTES: Final = 64 * 1024
_UNSAFE: Final = re.compile(r"\A(?:[/\\]|[A-Za-z]:|\Z)|(?:\A|[/\\])\.\.(?:[/\\]|\Z)|[\x00-\x1f\x7f]")
_LENGTH: Final = re.compile(rb"[1-9][0-9]{0,5} ")
_HIDDEN_RECORD: Final = re.compile(rb"\n[0-9]")
_SIZE_FORM: Final = re.compile(rb"[0-7]*[ \0]*")
_CHECKSUM_FORM: Final = re.compile(rb" *[0-7]+[ \0]*")
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)
_MAGIC: Final = slice(257, 265)
_USTAR: Final = b"ustar\x0000"
_PREFIX: Final = 345
"""Places in a header: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "ustar Interchange Format"."""
_NOT_READ: Final = ("GNU.sparse.", "hdrcharset")
"""Extended attributes that change what content and names mean."""
_PAX: Final = (tarfile.XHDTYPE, tarfile.XGLTYPE)
_LONG: Final = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_FILES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS: Final = (tarfile.SYMTYPE, tarfile.LNKTYPE)
_DAMAGE: Final = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, IndexError)
"""What gzip and tarfile raise for broken input; UnicodeError is a ValueError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A member as it would be unpacked; `file`: whether it is a regular file."""

    name: str
    size: int
    file: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """A member's header with what the extended ones before it say."""

    block: tarfile.TarInfo
    name: str
    target: str
    """Of a link."""


@dataclass(kw_only=True, slots=True)
class TarReader:
    """A compressed archive, which may be read once; `limit` bytes are unpacked at most. The file stays the caller's."""

    archive: BinaryIO
    limit: int
    _stream: gzip.GzipFile = field(init=False)
    _position: int = field(init=False, default=0)
    _content: int = field(init=False, default=0)
    """Where the content of the current member ends, with its padding."""
    _extended: bool = field(init=False, default=False)
    """Whether the last header was a pax header for one member."""
    _links: set[str] = field(init=False, default_factory=set)
    _link_bytes: int = field(init=False, default=0)

    def members(self) -> Iterator[Member]:
        """All members, then the check of what follows them. ArchiveRefused as soon as something is damaged or hostile."""
        try:
            with gzip.GzipFile(fileobj=self.archive, mode="rb") as self._stream:
                for count, header in enumerate(self._headers(), start=1):
                    if count > MAX_MEMBERS:
                        message = f"the archive has more than {MAX_MEMBERS} members"
                        raise ArchiveRefused(message)
                    self._check(header)
                    self._content = self._position + _padded(header.block.size)
                    yield Member(name=header.name, size=header.block.size, file=header.block.type in _FILES)
                    while self._position < self._content:
                        self._take(min(_CHUNK_BYTES, self._content - self._position))
                self._finish()
        except _DAMAGE as error:
            message = f"the archive is damaged: {str(error)[:200]!a}"
            raise ArchiveRefused(message) from error

    def read(self, member: Member, limit: int) -> bytes:
        """The content of the member that `members` gave last, once. ArchiveRefused if it is no file of at most `limit` bytes."""
        if not member.file or member.size > limit:
            message = f"{_shown(member.name)} is not a file of at most {limit} bytes"
            raise ArchiveRefused(message)
        return self._take(member.size)

    # --- headers ---

    def _headers(self) -> Iterator[_Header]:
        """The header of each member, up to the first empty block or the end of the file."""
        said: dict[str, str] = {}
        taken = 0
        while any(block := self._stream.read(_BLOCK)):
            self._position += len(block)
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            if header.size < 0 or self._position + _padded(header.size) > self.limit:
                message = f"the archive is no sound one, or unpacks to more than {self.limit} bytes: {_shown(header.name)}"
                raise ArchiveRefused(message)
            _check_block(block, header)
            if header.type not in (*_PAX, *_LONG):
                if said.get("size", str(header.size)) != str(header.size):
                    message = f"{_shown(header.name)} has two sizes: {header.size} and {said['size'][:20]!a}"
                    raise ArchiveRefused(message)
                name, target = said.get("path", header.name), said.get("linkpath", header.linkname)
                if header.type in _FILES and "/" in (name[-1:], header.name[-1:]):
                    message = f"the archive has a file that is called like a folder: {_shown(name)}"
                    raise ArchiveRefused(message)
                yield _Header(block=header, name=name.rstrip("/") if name.strip("/") else name, target=target)
                said, taken, self._extended = {}, 0, False
                continue
            taken += _BLOCK + header.size
            if taken > MAX_HEADER_BYTES:
                message = f"the archive has more than {MAX_HEADER_BYTES} bytes of headers for one member"
                raise ArchiveRefused(message)
            self._extend(said, header, self._take(_padded(header.size))[: header.size])
        if said or taken:
            message = "the archive is damaged: it ends after the headers of a member"
            raise ArchiveRefused(message)

    def _extend(self, said: dict[str, str], header: tarfile.TarInfo, data: bytes) -> None:
        """Takes what an extended header says of the next member."""
        attributes = _attributes(data) if header.type in _PAX else {_LONG[header.type]: _text(data.partition(b"\0")[0])}
        if self._extended:
            message = "the archive has headers that readers understand differently: two for one member"
            raise ArchiveRefused(message)
        self._extended = header.type == tarfile.XHDTYPE
        for key, value in attributes.items():
            decides = key in ("path", "linkpath", "size")
            if key.startswith(_NOT_READ) or (decides and (header.type == tarfile.XGLTYPE or said.get(key, value) != value)):
                message = f"the archive has headers that readers understand differently: {_shown(key)}"
                raise ArchiveRefused(message)
            if decides:
                said[key] = value

    def _check(self, header: _Header) -> None:
        kind, shown = header.block.type, _shown(header.name)
        if _UNSAFE.search(header.name):
            message = f"the archive has a member with an unsafe name: {shown}"
            raise ArchiveRefused(message)
        if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            message = f"the archive has a device: {shown}"
            raise ArchiveRefused(message)
        if kind not in (*_FILES, *_LINKS, tarfile.DIRTYPE):
            what = "a sparse file" if kind == tarfile.GNUTYPE_SPARSE else f"a member of the unknown kind {kind!r}"
            message = f"the archive has {what}: {shown}"
            raise ArchiveRefused(message)
        if kind not in _FILES and header.block.size:
            message = f"the archive has a link or folder with content: {shown}"
            raise ArchiveRefused(message)
        parts = place(header.name)
        if len(header.name) > MAX_NAME or len(parts) > MAX_DEPTH:
            message = f"the archive has a member with a longer name than {MAX_NAME} characters or {MAX_DEPTH} folders: {shown}"
            raise ArchiveRefused(message)
        if any("/".join(parts[:depth]) in self._links for depth in range(1, len(parts) + 1)):
            message = f"the archive has a member that is written through a link: {shown}"
            raise ArchiveRefused(message)
        if kind in _LINKS:
            self._check_link(header, parts)

    def _check_link(self, header: _Header, parts: tuple[str, ...]) -> None:
        steps = parts_of(header.target)
        ups = next((number for number, step in enumerate(steps) if step != ".."), len(steps))
        # A symbolic link counts from its folder, and stays in the archive's top folder; a hard link names a member.
        allowed = max(len(parts) - 2, 0) if header.block.type == tarfile.SYMTYPE else 0
        if ups > allowed or _UNSAFE.search("/".join(steps[ups:]) or ".") or header.target[:1] in ("", "/", "\\"):
            message = f"the archive has a link that leaves its folder: {_shown(header.name)} -> {_shown(header.target)}"
            raise ArchiveRefused(message)
        self._links.add("/".join(parts))
        self._link_bytes += len(header.name)
        if self._link_bytes > MAX_LINK_BYTES:
            message = f"the archive has links with more than {MAX_LINK_BYTES} bytes of names"
            raise ArchiveRefused(message)

    # --- bytes ---

    def _take(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except _DAMAGE as error:  # said here, too, since `read` is called from outside of `members`
            message = f"the archive is damaged: {str(error)[:200]!a}"
            raise ArchiveRefused(message) from error
        self._position += len(data)
        if len(data) != size:
            message = "the archive is cut off"
            raise ArchiveRefused(message)
        return data

    def _finish(self) -> None:
        """Only zeros are left, and not many. Reading to the end also makes gzip compare its length and checksum."""
        left = MAX_PADDING_BYTES
        while data := self._stream.read(_CHUNK_BYTES):
            left -= len(data)
            if left < 0 or any(data):
                message = f"the archive goes on after its end: expected zeros, at most {MAX_PADDING_BYTES}"
                raise ArchiveRefused(message)


def open_tar(archive: BinaryIO, most: int) -> TarReader:
    """A seekable file as an archive that unpacks to `most` bytes at the most, and to no more than one of its size may."""
    limit = unpacked_limit(archive.seek(0, 2), most)
    archive.seek(0)
    return TarReader(archive=archive, limit=limit)


def _check_block(block: bytes, header: tarfile.TarInfo) -> None:
    """ArchiveRefused for a header that other readers pass over, or read otherwise than tarfile."""
    checksum = block[_CHECKSUM]
    plain = _SIZE_FORM.fullmatch(block[_SIZE]) and _CHECKSUM_FORM.fullmatch(checksum)
    if not plain or header.chksum != sum(block) - sum(checksum) + sum(b" " * len(checksum)):
        message = f"the archive has a header whose size or checksum is no plain octal number: {_shown(header.name)}"
        raise ArchiveRefused(message)
    if block[_PREFIX] and block[_MAGIC] != _USTAR:
        message = f"the archive has a header with a prefix that only some readers take: {_shown(header.name)}"
        raise ArchiveRefused(message)


def _attributes(data: bytes) -> dict[str, str]:
    """The records `length key=value` of a pax header, in one pass; ValueError for anything else, and for too many."""
    found: dict[str, str] = {}
    end, position = len(data.rstrip(b"\0")), 0
    while position < end:
        digits = _LENGTH.match(data, position)
        stop = position + int(digits[0]) if digits else 0
        key, equals, value = data[digits.end() : stop].partition(b"=") if digits else (b"", b"", b"")
        if stop > end or not equals or not key or not value.endswith(b"\n") or len(found) >= MAX_ATTRIBUTES:
            message = f"an extended header cannot be read, or has more than {MAX_ATTRIBUTES} records"
            raise ValueError(message)
        name, said = _text(key), _text(value[:-1])
        if _HIDDEN_RECORD.search(value) or found.setdefault(name, said) != said:
            message = f"an extended header has a record in another one, or two that contradict each other: {name[:80]!a}"
            raise ValueError(message)
        position = stop
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    """With the padding up to a whole block."""
    return -(-size // _BLOCK) * _BLOCK


def _shown(name: str) -> str:
    return ascii(name[:200])
