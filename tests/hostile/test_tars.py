"""Tar archives that were made to deceive, over every kind of package that is one."""

from __future__ import annotations

import gzip
import tarfile
from typing import Final

import pytest

from reconciler.ecosystems.tars import MAX_DEPTH, MAX_LINK_BYTES
from tests.hostile.bounds import bounded
from tests.hostile.kinds import TARS, Kind, checked, header, member, pax, record, tar_of, valid

LINK: Final = tarfile.SYMTYPE
HARD: Final = tarfile.LNKTYPE


@pytest.fixture(params=TARS.values(), ids=list(TARS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def with_blocks(kind: Kind, *blocks: bytes, end: bytes = bytes(1024)) -> bytes:
    """A valid package with these blocks behind its members."""
    return tar_of(*(member(name, data) for name, data in kind.entries), *blocks, end=end)


def test_the_valid_package_is_accepted(kind):
    assert kind.inspect(valid(kind)).name == "sample"


# --- names ------------------------------------------------------------------------------------------------------------------------

UNSAFE: Final = {
    "parent": "../evil",
    "parent inside": "{}a/../../evil",
    "parent by backslash": "{}..\\..\\evil",
    "absolute": "/etc/passwd",
    "absolute by backslash": "\\evil",
    "drive": "C:\\evil",
    "line break": "{}evil\nname",
    "escape sequence": "{}\x1b[31mevil",
}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["ustar", "pax", "GNU"])
@pytest.mark.parametrize("name", UNSAFE.values(), ids=list(UNSAFE))
def test_a_member_that_leaves_its_folder_is_refused(kind, name, form):
    info = tarfile.TarInfo(name.format(kind.folder))
    assert "unsafe name" in kind.refused(with_blocks(kind, info.tobuf(form)))


def test_a_member_that_leaves_its_folder_by_an_extended_header_is_refused(kind):
    harmless = member(f"{kind.folder}harmless", b"evil")
    long = member("././@LongLink", b"/etc/passwd\0", tarfile.GNUTYPE_LONGNAME)
    for extended in (pax(record("path", "../evil")), pax(record("path", f"{kind.folder}a\0b")), long):
        assert "unsafe name" in kind.refused(with_blocks(kind, extended, harmless))


def test_names_without_end_are_refused(kind):
    deep = pax(record("path", kind.folder + "a/" * (MAX_DEPTH + 1) + "b"))
    long = member("././@LongLink", b"x" * 10_000, tarfile.GNUTYPE_LONGNAME)
    for extended in (deep, long):
        assert "longer name than" in kind.refused(with_blocks(kind, extended, header(f"{kind.folder}x")))


def test_long_names_of_both_formats_are_read(kind):
    name = kind.folder + "long" * 100
    for extended in (pax(record("path", name)), member("././@LongLink", name.encode() + b"\0", tarfile.GNUTYPE_LONGNAME)):
        assert kind.inspect(with_blocks(kind, extended, header("short"))).name == "sample"


@pytest.mark.parametrize("how", ["pax", "GNU"])
def test_a_second_manifest_by_another_name_is_refused(kind, how):
    """The header says something harmless, the extended one says what counts."""
    long = member("././@LongLink", kind.manifest.encode() + b"\0", tarfile.GNUTYPE_LONGNAME)
    extended = pax(record("path", kind.manifest)) if how == "pax" else long
    reason = kind.refused(with_blocks(kind, extended, member("harmless", kind.says("sample", "1.0.0"))))
    assert " has one " in reason
    assert "; found " in reason


def test_a_second_manifest_of_another_case_is_refused(kind):
    assert "; found " in kind.refused(with_blocks(kind, member(kind.manifest.swapcase(), b"")))


# --- links and other kinds of members ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "name", "target"),
    [
        (LINK, "a", "/etc/passwd"),
        (LINK, "a", "../../etc/passwd"),
        (LINK, "a", "../sibling"),
        (LINK, "b/a", "../../sibling"),
        (LINK, "a", "b/../../../etc"),
        (LINK, "a", "C:\\Windows"),
        (LINK, "a", "..\\..\\Windows"),
        (LINK, "a", ""),
        (HARD, "a", "/etc/passwd"),
        (HARD, "a", "../etc/passwd"),
        (HARD, "a", "b/../../etc"),
    ],
)
def test_a_link_out_of_the_folder_is_refused(kind, type_, name, target):
    reason = kind.refused(with_blocks(kind, member(kind.folder + name, kind=type_, target=target)))
    assert "link" in reason


@pytest.mark.parametrize("type_", [LINK, HARD], ids=["symbolic", "hard"])
@pytest.mark.parametrize("through", ["a", "a/b", "A", "./a//b"])
def test_what_is_written_through_a_link_is_refused(kind, type_, through):
    """Unpacked in this order, it replaces what the link leads to: the manifest, after it was read here."""
    link = member(f"{kind.folder}a", kind=type_, target=kind.manifest if type_ == HARD else kind.manifest.rsplit("/")[-1])
    assert "link" in kind.refused(with_blocks(kind, link, member(kind.folder + through, b"evil")))


@pytest.mark.parametrize("type_", [LINK, HARD, tarfile.DIRTYPE], ids=["symbolic", "hard", "folder"])
def test_a_manifest_that_is_no_file_is_refused(kind, type_):
    assert kind.refused(
        tar_of(member(f"{kind.folder}real", kind.says("sample", "1.0.0")), member(kind.manifest, kind=type_, target="real"))
    )


@pytest.mark.parametrize("type_", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE], ids=["character", "block", "FIFO"])
def test_a_device_is_refused(kind, type_):
    assert "device" in kind.refused(with_blocks(kind, header(f"{kind.folder}device", type_)))


@pytest.mark.parametrize("type_", [b"S", b"V", b"D", b"M", b"N", b"Z", b"\xff"])
def test_sparse_files_and_unknown_kinds_are_refused(kind, type_):
    assert kind.refused(with_blocks(kind, header(f"{kind.folder}x", type_)))


@pytest.mark.parametrize("type_", [LINK, HARD, tarfile.DIRTYPE], ids=["symbolic", "hard", "folder"])
def test_a_member_without_content_that_has_some_is_refused(kind, type_):
    """Half of the readers take what follows for its content, the other half for headers."""
    hidden = member(f"{kind.folder}hidden", b"import os")
    assert kind.refused(with_blocks(kind, header(f"{kind.folder}x", type_, size=len(hidden), target="data.txt"), hidden))


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o7777], ids=oct)
def test_setuid_is_not_followed(kind, mode):
    """No client keeps these bits."""
    assert kind.inspect(with_blocks(kind, member(f"{kind.folder}x", b"", mode=mode))).name == "sample"


# --- extended headers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "records",
    [
        record("size", "1024"),
        record("GNU.sparse.major", "1") + record("GNU.sparse.realsize", "1099511627776"),
        record("hdrcharset", "BINARY"),
        b"99 path=x\n",
        b"-1 path=x\n",
        b"path=x\n",
        b"8 path=x",
        b"999999999999 a=b\n",
        b"1" * 30_000,
        record("size", "x"),
        record("size", "9" * 5_000),
        b"".join(record(f"k{number}", "v") for number in range(200)),
        record("path", "a") + record("path", "b") + b"junk",
    ],
    ids=["size", "sparse", "charset", "too long", "negative", "none", "no end", "huge", "digits", "no size", "huge size", "many", "junk"],
)  # fmt: skip
def test_an_extended_header_that_deceives_is_refused_at_once(kind, records):
    with bounded(seconds=2, mebibytes=16):
        kind.refused(with_blocks(kind, pax(records), member(f"{kind.folder}x", b"content")))


@pytest.mark.parametrize("key", ["path", "linkpath", "size", "GNU.sparse.size"])
def test_a_header_for_all_members_that_renames_them_is_refused(kind, key):
    assert "readers understand differently" in kind.refused(with_blocks(kind, pax(record(key, "1"), tarfile.XGLTYPE)))


def test_two_names_for_one_member_are_refused(kind):
    long = member("././@LongLink", b"other\0", tarfile.GNUTYPE_LONGNAME)
    blocks = (pax(record("path", f"{kind.folder}x")), long, header("y"))
    assert "readers understand differently" in kind.refused(with_blocks(kind, *blocks))


def test_extended_headers_that_say_nothing_new_are_accepted(kind):
    comment = pax(record("comment", "a" * 40), tarfile.XGLTYPE)  # what `git archive` writes
    times = pax(record("mtime", "1704067200.5") + record("size", "1") + record("SCHILY.xattr.user.x", "y"))
    assert kind.inspect(with_blocks(kind, comment, times, member(f"{kind.folder}x", b"1"))).name == "sample"


@pytest.mark.parametrize(
    "records",
    [
        record("comment", "x\n" + record("path", "sample-1.0.0/PKG-INFO").decode()),
        record("path", "sample-1.0.0/PKG-INFO") + record("path", "sample-1.0.0/x"),
    ],
    ids=["in a value", "twice"],
)  # fmt: skip
def test_records_that_only_some_readers_see_are_refused(kind, records):
    """npm splits at line ends; of two records the first counts for uv, the last one for pip."""
    assert "a record in another one, or two" in kind.refused(with_blocks(kind, pax(records), member(f"{kind.folder}x", b"evil")))


@pytest.mark.parametrize("between", [pax(record("comment", "x")), pax(b"", tarfile.XGLTYPE)], ids=["own", "for all"])
def test_an_extended_header_that_is_not_in_front_of_its_member_is_refused(kind, between):
    """pnpm gives the path to the header in between, and the member the name of its block: that of a second manifest."""
    blocks = (pax(record("path", f"{kind.folder}x")), between, member(f"{kind.folder}y", b"evil"))
    assert "readers understand differently" in kind.refused(with_blocks(kind, *blocks))


def test_an_extended_header_of_solaris_is_refused(kind):
    """Some readers take it for a file."""
    blocks = (pax(record("path", f"{kind.folder}x"), tarfile.SOLARIS_XHDTYPE), member(f"{kind.folder}y", b"evil"))
    assert "unknown kind" in kind.refused(with_blocks(kind, *blocks))


def test_headers_without_a_member_are_refused(kind):
    assert "ends after the headers" in kind.refused(with_blocks(kind, pax(record("path", "x"))))


def test_headers_that_would_fill_memory_are_refused(kind):
    with bounded(seconds=5, mebibytes=16):
        assert "bytes of headers" in kind.refused(with_blocks(kind, pax(record("comment", "x" * 900_000)), header("x")))
        assert "bytes of headers" in kind.refused(with_blocks(kind, *[pax(b"", tarfile.XGLTYPE)] * 1_000, header("x")))


def test_names_of_links_that_would_fill_memory_are_refused(kind):
    name = kind.folder + "x" * 4_000
    links = (pax(record("path", f"{name}{number}")) + header("x", LINK, target="data.txt") for number in range(MAX_LINK_BYTES // 4_000 + 1))
    with bounded(seconds=10, mebibytes=64):
        assert "links with more than" in kind.refused(with_blocks(kind, *links))


# --- sizes and ends ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", [b"\xff" * 12, b"\xff" * 11 + b"\0", b"\x80" + b"\0" * 3 + b"\xff" * 8, b"77777777777\0"], ids=["-1", "-256", "2^63", "8 GiB"]
)
def test_a_size_that_is_negative_or_endless_is_refused(kind, field):
    block = header(f"{kind.folder}x")
    assert kind.refused(with_blocks(kind, checked(block[:124] + field + block[136:])))


@pytest.mark.parametrize("path", ["", "pax", "GNU"])
def test_a_file_that_is_called_like_a_folder_is_refused(kind, path):
    """npm gives it no content, and takes that for headers: a second manifest that nobody has looked at."""
    hidden = member(kind.manifest, b"evil")
    name = f"{kind.folder}x/"
    long = {"pax": pax(record("path", name)), "GNU": member("././@LongLink", name.encode() + b"\0", tarfile.GNUTYPE_LONGNAME)}
    block = header(f"{kind.folder}x", size=len(hidden))
    if not path:
        block = checked(name.encode() + block[len(name) :])
    assert "called like a folder" in kind.refused(with_blocks(kind, long.get(path, b""), block, hidden))


@pytest.mark.parametrize(
    "field", [b"0o2000\0\0\0\0\0\0", b"0_0000002000", b"        2000", b"2000\0 000000"], ids=["0o", "_", "blanks", "two"]
)
def test_a_size_that_readers_read_differently_is_refused(kind, field):
    """Python reads 1024 in it, npm or pnpm 0: they take the content for headers."""
    hidden = member(kind.manifest, b"evil")
    block = header(f"{kind.folder}x")
    assert "plain octal" in kind.refused(with_blocks(kind, checked(block[:124] + field + block[136:]), hidden))


def test_a_checksum_of_signed_bytes_is_refused(kind):
    """tarfile takes it; npm passes over the header, and takes the content of its member for headers."""
    hidden = member(kind.manifest, b"evil")
    block = checked(header(f"{kind.folder}\xe4", size=len(hidden)))
    signed = int(block[148:154], 8) - 256 * sum(byte > 127 for byte in block)
    blocks = (block[:148] + b"%06o\0 " % signed + block[156:], hidden)
    assert "plain octal" in kind.refused(with_blocks(kind, *blocks))


@pytest.mark.parametrize("magic", [b"ustar  \0", bytes(8), b"ustar\0  "], ids=["GNU", "none", "version"])
def test_a_prefix_that_only_some_readers_take_is_refused(kind, magic):
    """With it the member is one among many; without it, for npm, it is a second manifest."""
    block = header(kind.manifest)
    prefixed = checked(block[:257] + magic + block[265:345] + b"a/b".ljust(155, b"\0") + block[500:])
    assert "prefix" in kind.refused(with_blocks(kind, prefixed))


def test_a_prefix_of_ustar_is_read(kind):
    block = tarfile.TarInfo(kind.folder + "long/" * 30 + "x").tobuf(tarfile.USTAR_FORMAT)
    assert block[345]
    assert kind.inspect(with_blocks(kind, block)).name == "sample"


def test_a_bomb_is_refused_before_it_unpacks(kind):
    """What unpacks to a thousand times its size."""
    zeros = gzip.compress(bytes(1 << 20)) * 1_024
    head = b"".join(member(name, data) for name, data in kind.entries) + header(f"{kind.folder}zeros", size=1 << 30)
    bomb = gzip.compress(head) + zeros
    assert len(bomb) < 2_000_000
    with bounded(seconds=5, mebibytes=16):
        assert "unpacks to more than" in kind.refused(bomb)


def test_a_bomb_behind_the_end_is_refused_before_it_unpacks(kind):
    bomb = valid(kind) + gzip.compress(bytes(1 << 20)) * 1_024
    with bounded(seconds=5, mebibytes=16):
        assert "goes on after its end" in kind.refused(bomb)


def test_members_behind_the_end_are_refused(kind):
    """One empty block is the end for some readers; two for others; the end of the file for the rest."""
    for blocks in (1, 2, 20):
        end = bytes(512 * blocks) + member(f"{kind.folder}hidden", b"import os") + bytes(1024)
        assert "goes on after its end" in kind.refused(with_blocks(kind, end=end))


def test_padding_of_any_usual_length_is_accepted(kind):
    for size in (0, 512, 1_024, 10_240, 65_536):
        assert kind.inspect(with_blocks(kind, end=bytes(size))).name == "sample"


def test_a_manifest_that_is_too_large_is_refused(kind):
    assert "not a file of at most" in kind.refused(tar_of(member(kind.manifest, b"x" * 10_000_000)))


@pytest.mark.parametrize("cut", [1, 8, 9, 100, 300])
def test_an_archive_that_is_cut_off_is_refused(kind, cut):
    assert kind.refused(valid(kind)[:-cut])


def test_an_archive_with_junk_is_refused(kind):
    assert kind.refused(b"#!/bin/sh\n" + valid(kind))
    assert kind.refused(valid(kind) + b"junk")
    assert kind.refused(gzip.compress(b"junk" + gzip.decompress(valid(kind))))
    assert kind.refused(gzip.decompress(valid(kind)))


def test_a_checksum_that_is_wrong_is_refused(kind):
    data = bytearray(gzip.decompress(valid(kind)))
    data[0] ^= 1
    assert "damaged" in kind.refused(gzip.compress(data))
    packed = valid(kind)
    assert "damaged" in kind.refused(packed[:-8] + bytes(4) + packed[-4:])
