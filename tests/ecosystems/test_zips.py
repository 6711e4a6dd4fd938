"""The ZIP reader, against archives that other readers open, or understand differently."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.zips import HARMLESS_BYTES, MAX_DIRECTORY_BYTES, MAX_ENTRIES, MAX_RATIO, open_zip, read_end, unpacked_limit
from reconciler.errors import ArchiveRefused
from tests.support.nupkgs import archive

TEXT: Final = b"some text, some text, some text, some text\n"
PLAIN: Final = archive([("a.txt", TEXT), ("b/c.txt", b"")])


def central(data: bytes) -> int:
    """Where the first directory record is."""
    return data.index(b"PK\x01\x02")


def patched(data: bytes, position: int, new: bytes) -> bytes:
    return data[:position] + new + data[position + len(new) :]


def end_fields(data: bytes, *, magic: bytes = b"PK\x05\x06", **changed: int) -> bytes:
    """The archive with other numbers in its end record."""
    names = ("disk", "first_disk", "here", "count", "size", "start", "comment")
    fields = dict(zip(names, struct.unpack("<4H2LH", data[-18:]), strict=True)) | changed
    return data[:-22] + magic + struct.pack("<4H2LH", *fields.values())


def zip64(data: bytes, *, locator_off_by: int = 0, **changed: int) -> bytes:
    """The archive with zip64 end records; `changed` says what they claim."""
    disk, first_disk, here, count, size, start, _ = struct.unpack("<4H2LH", data[-18:])
    fields = {"disk": disk, "first_disk": first_disk, "here": here, "count": count, "size": size, "start": start} | changed
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, *fields.values())
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data) - 22 + locator_off_by, 1)
    return data[:-22] + record + locator + end_fields(data, start=0xFFFFFFFF)[-22:]


def refused(data: bytes, action: Callable[[io.BytesIO], object] = open_zip) -> str:
    with pytest.raises(ArchiveRefused) as caught:
        action(io.BytesIO(data))
    return str(caught.value)


def refused_read(data: bytes, name: str = "a.txt", limit: int = 1_000) -> str:
    opened = open_zip(io.BytesIO(data))
    with pytest.raises(ArchiveRefused) as caught:
        opened.read(name, limit)
    return str(caught.value)


def test_entries_are_read_and_listed() -> None:
    opened = open_zip(io.BytesIO(PLAIN))
    assert opened.names == ("a.txt", "b/c.txt")
    assert opened.read("a.txt", len(TEXT)) == TEXT
    assert opened.read("b/c.txt", 0) == b""
    opened.check(len(TEXT))


def test_the_file_stays_open_and_its_position_does_not_matter() -> None:
    stream = io.BytesIO(PLAIN)
    stream.seek(7)
    assert open_zip(stream).read("a.txt", 100) == TEXT
    assert not stream.closed


def test_stored_entries_are_read() -> None:
    assert open_zip(io.BytesIO(archive([("a.txt", TEXT)], method=zipfile.ZIP_STORED))).read("a.txt", 100) == TEXT


def test_an_archive_without_entries_is_one() -> None:
    assert open_zip(io.BytesIO(archive([]))).names == ()


def test_a_comment_is_allowed() -> None:
    assert open_zip(io.BytesIO(end_fields(PLAIN, comment=5) + b"hello")).names == ("a.txt", "b/c.txt")


def test_zip64_is_read() -> None:
    assert open_zip(io.BytesIO(zip64(PLAIN))).read("a.txt", 100) == TEXT
    assert read_end(io.BytesIO(zip64(PLAIN))).position64 == len(PLAIN) - 22


@pytest.mark.parametrize("data", [b"", b"PK", b"version https://git-lfs", PLAIN[:-30], end_fields(PLAIN, magic=b"PK\x05\x07")])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    assert "no end record" in refused(data)


def test_an_end_record_that_is_cut_off_is_refused() -> None:
    assert "no end record" in refused(PLAIN[:-2])


def test_bytes_behind_the_end_are_refused() -> None:
    assert "bytes follow" in refused(PLAIN + b"\n")


@pytest.mark.parametrize("junk", [b"\0" * 46_080, b"#!/bin/sh\n"])
def test_bytes_in_front_are_refused_although_zipfile_accepts_them(junk: bytes) -> None:
    assert zipfile.ZipFile(io.BytesIO(junk + PLAIN)).read("a.txt") == TEXT
    assert f"{len(junk):+} bytes" in refused(junk + PLAIN)


def test_bytes_in_front_are_refused_when_all_offsets_are_right() -> None:
    data = b"JUNK" + PLAIN
    start = central(data)
    shifted = patched(patched(data, start + 42, struct.pack("<L", 4)), data.index(b"PK\x01\x02", start + 4) + 42, struct.pack("<L", 60))
    assert "4 bytes are in front" in refused(end_fields(shifted, start=start))


def test_a_missing_byte_in_the_middle_is_refused() -> None:
    assert "-1 bytes" in refused(PLAIN[:40] + PLAIN[41:])


def test_a_directory_that_is_no_directory_is_refused() -> None:
    assert "directory is damaged" in refused(patched(PLAIN, central(PLAIN), b"XX"))


def test_a_count_that_is_wrong_is_refused() -> None:
    assert "has 2 entries, and says 1" in refused(end_fields(PLAIN, here=1, count=1))


def test_parts_of_an_archive_are_refused() -> None:
    assert "one part of several" in refused(end_fields(PLAIN, disk=1))
    assert "one part of several" in refused(end_fields(PLAIN, here=1))


def test_zip64_records_that_contradict_are_refused() -> None:
    assert "not where its locator says" in refused(zip64(PLAIN, locator_off_by=1))
    assert "contradicts" in refused(zip64(PLAIN, count=1, here=1))
    record = len(PLAIN) - 22
    assert "contradicts" in refused(patched(zip64(PLAIN), record, b"XX"))


def test_too_large_a_directory_is_refused_before_it_is_read() -> None:
    full = end_fields(PLAIN, count=0xFFFF, here=0xFFFF)
    many = zip64(full, count=MAX_ENTRIES + 1, here=MAX_ENTRIES + 1)
    assert "too large" in refused(many)
    assert "too large" in refused(end_fields(PLAIN, size=MAX_DIRECTORY_BYTES + 1))


def test_a_version_of_the_format_that_nobody_reads_is_refused() -> None:
    assert "directory is damaged" in refused(patched(PLAIN, central(PLAIN) + 6, struct.pack("<H", 99)))


def test_a_name_that_is_not_utf_8_although_it_says_so_is_refused() -> None:
    data = archive([("ä.txt", TEXT)])
    assert "directory is damaged" in refused(data.replace("ä".encode(), b"\xff\xff"))


@pytest.mark.parametrize("name", ["../a", "a/../b", "a\\..\\b", "/a", "\\a", "C:\\a", "c:a", "a\0.txt", "a\n.txt", "\x1b[31m", "\x7f", ""])
def test_unsafe_names_are_refused(name: str) -> None:
    assert "unsafe name" in refused(archive([("ok.txt", b""), (name, b"")]))


@pytest.mark.parametrize("name", ["a..b/c", "lib//x", "lib\\x.dll", "ab:c", "b/", "ä/ö.txt", "..."])
def test_odd_names_in_circulation_are_accepted(name: str) -> None:
    assert open_zip(io.BytesIO(archive([(name, b"")]))).names == (name,)


@pytest.mark.parametrize("flag", [0x1, 0x41])
def test_encrypted_entries_are_refused(flag: int) -> None:
    assert "encrypted" in refused(patched(PLAIN, central(PLAIN) + 8, struct.pack("<H", flag)))


def test_a_name_that_is_there_twice_is_refused_where_it_is_read() -> None:
    data = archive([("a.txt", TEXT), ("a.txt", TEXT), ("b.txt", b"B"), ("B.txt", b"b"), ("c/d", b"1"), (".\\c//D", b"2"), ("e", b"")])
    for name in ("a.txt", "b.txt", "B.txt", "c/d"):
        assert f"2 entries named {name!r}" in refused_read(data, name)
    assert open_zip(io.BytesIO(data)).read("e", 1) == b""


def test_two_contents_of_one_name_are_refused() -> None:
    assert "two entries named 'a.txt' with different content" in refused(archive([("a.txt", TEXT), ("b", b""), ("a.txt", b"other")]))


def test_a_name_that_is_not_there_is_refused() -> None:
    assert "0 entries named" in refused_read(PLAIN, "z.txt")


def test_an_entry_over_the_limit_is_refused() -> None:
    assert "more than 42 bytes" in refused_read(PLAIN, limit=len(TEXT) - 1)


def sized(data: bytes, size: int) -> bytes:
    """The archive with another size of its first entry, in both places."""
    field = struct.pack("<L", size)
    return patched(patched(data, central(data) + 24, field), 22, field)


def test_a_bomb_is_refused_after_the_limit_whatever_it_says() -> None:
    bomb = archive([("a.txt", b"\0" * 20_000_000)])
    assert "more than 1000 bytes" in refused_read(bomb)
    lying = sized(bomb, 10)
    assert "it has more bytes than the 10 that it says" in refused_read(lying)
    opened = open_zip(io.BytesIO(lying))
    with pytest.raises(ArchiveRefused, match="more bytes than the 10 "):
        opened.check(5_000)


def test_a_size_that_no_compression_reaches_is_refused() -> None:
    assert "cannot unpack to" in refused(sized(PLAIN, 1 << 30))
    stored = archive([("a.txt", TEXT)], method=zipfile.ZIP_STORED)
    assert "cannot unpack to" in refused(sized(stored, len(TEXT) - 1))


def test_what_unpacks_to_much_more_than_its_size_is_refused_before_it_is_read() -> None:
    assert (unpacked_limit(10, 1 << 32), unpacked_limit(1 << 30, 1 << 32)) == (HARMLESS_BYTES, 1 << 32)
    assert unpacked_limit(2_000_000, 1 << 32) == 2_000_000 * MAX_RATIO
    noise = hashlib.shake_256(b"noise").digest(300_000)
    assert "it unpacks to 300000000 bytes (at most 268435456 " in refused(sized(archive([("a.txt", noise)]), 300_000_000))


def test_the_limit_of_a_check_is_for_all_entries_together() -> None:
    opened = open_zip(io.BytesIO(archive([("a", b"x" * 60), ("b", b"x" * 60)])))
    opened.check(120)
    with pytest.raises(ArchiveRefused, match="entry 'b' is too large"):
        opened.check(119)


@pytest.mark.parametrize("size", [len(TEXT) - 1, len(TEXT) + 1, 0])
def test_a_size_that_is_wrong_is_refused(size: int) -> None:
    assert "bytes than the" in refused_read(sized(PLAIN, size))
    assert "its header says something else" in refused(patched(PLAIN, central(PLAIN) + 24, struct.pack("<L", size)))


def test_a_wrong_checksum_is_refused() -> None:
    data = patched(patched(PLAIN, central(PLAIN) + 16, b"\0\0\0\1"), 14, b"\0\0\0\1")
    assert "damaged" in refused_read(data)
    opened = open_zip(io.BytesIO(data))
    with pytest.raises(ArchiveRefused, match="damaged"):
        opened.check(1_000)


def test_a_local_header_with_another_name_is_refused() -> None:
    assert "its header says something else" in refused(patched(PLAIN, 30, b"z"))


def test_compression_that_clients_do_not_read_is_refused() -> None:
    assert "method 12" in refused(archive([("a.txt", TEXT)], method=zipfile.ZIP_BZIP2))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as unreadable, pytest.raises(ArchiveRefused, match="cannot be read"):
        open_zip(unreadable)


@given(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=8))
def test_damage_anywhere_is_refused_or_harmless(position: int, new: bytes) -> None:
    data = patched(PLAIN, position, new)
    try:
        opened = open_zip(io.BytesIO(data))
        opened.check(10_000)
        contents = {name: opened.read(name, 10_000) for name in opened.names}
    except ArchiveRefused:
        return
    assert set(contents.values()) <= {TEXT, b""}
