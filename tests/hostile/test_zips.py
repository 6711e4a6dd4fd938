"""ZIP archives that were made to deceive, over every kind of package that is one."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any, Final

import pytest

from reconciler.ecosystems.zips import MAX_ENTRIES
from tests.hostile.bounds import bounded
from tests.hostile.kinds import ZIPS, Kind, directory_of, listed, patched, placed, valid, with_extra
from tests.support.nupkgs import archive

DATA: Final = "data.txt"


@pytest.fixture(params=ZIPS.values(), ids=list(ZIPS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def test_the_valid_package_is_accepted(kind):
    assert kind.inspect(valid(kind)).name == "sample"


# --- names ------------------------------------------------------------------------------------------------------------------------

UNSAFE: Final = {
    "parent": "../evil",
    "parent inside": "a/../../evil",
    "parent at the end": "a/..",
    "parent by backslash": "a\\..\\..\\evil",
    "absolute": "/etc/passwd",
    "absolute by backslash": "\\evil",
    "network share": "\\\\host\\share\\evil",
    "drive": "C:\\evil",
    "drive without root": "c:evil",
    "NUL": "evil.txt\0.png",
    "line break": "evil\nname",
    "escape sequence": "\x1b[31mevil",
    "nothing": "",
}


@pytest.mark.parametrize("name", UNSAFE.values(), ids=list(UNSAFE))
def test_an_entry_that_leaves_its_folder_is_refused(kind, name):
    assert "unsafe name" in kind.refused(valid(kind, (name, b"evil")))


@pytest.mark.parametrize("name", ["a/..b", "...", "a b", "\u202etxt.exe", "\u0455ample.dll", "x" * 4_000], ids=ascii)
def test_an_odd_name_inside_is_inert(kind, name):
    assert kind.inspect(valid(kind, (name, b""))).name == "sample"


# --- the same thing twice ---------------------------------------------------------------------------------------------------------


def spelled(kind: Kind, how: Callable[[str], str]) -> tuple[str, bytes]:
    return how(kind.manifest), kind.says("sample", "1.0.0").replace(b"MIT", b"GPL-3.0-only")


@pytest.mark.parametrize(
    "how", [str, str.upper, str.swapcase, "./{}".format, lambda name: name.replace("/", "\\"), lambda name: name.replace("/", "//")],
    ids=["same", "upper", "swapped", "dot", "backslash", "slashes"],
)  # fmt: skip
def test_a_second_manifest_is_refused_however_it_is_spelled(kind, how):
    reason = kind.refused(archive([*kind.entries, spelled(kind, how)]))
    assert "expected one" in reason or "has one" in reason or "two entries" in reason


def test_a_second_manifest_of_another_name_is_refused(kind):
    other = {"nuget": "other.nuspec"}.get(kind.ecosystem, kind.manifest.replace("sample", "other", 1))
    assert "one" in kind.refused(valid(kind, (other, b"")))


def test_two_entries_of_one_name_with_different_content_are_refused(kind):
    assert "two entries named" in kind.refused(valid(kind, ("lib/a.dll", b"good"), ("lib/a.dll", b"evil")))


def test_two_equal_entries_and_case_variants_are_accepted_as_by_clients(kind):
    same = [("lib/a.dll", b"good"), ("lib/a.dll", b"good"), ("lib/A.DLL", b"other"), ("lib\\b", b"1"), ("lib/b", b"2")]
    assert kind.inspect(valid(kind, *same)).name == "sample"


# --- the directory against the headers --------------------------------------------------------------------------------------------


def size_of(data: bytes, name: str) -> tuple[int, int]:
    packed, size = struct.unpack("<LL", data[listed(data, name) + 20 : listed(data, name) + 28])
    return packed, size


@pytest.mark.parametrize(
    ("position", "new"),
    [(0, b"XX"), (6, b"\x01\0"), (6, b"\0\x08"), (8, b"\0\0"), (14, b"\1\2\3\4"), (18, b"\1\0\0\0"), (22, b"\xff\xff\xff\xff"), (26, b"\1\0"), (30, b"evil")],
    ids=["magic", "encrypted", "encoding", "method", "checksum", "packed size", "size", "length of name", "name"],
)  # fmt: skip
def test_a_header_that_contradicts_the_directory_is_refused(kind, position, new):
    data = valid(kind)
    assert "header says something else" in kind.refused(patched(data, (placed(data, kind.folder + DATA) + position, new)))


def test_an_entry_that_the_directory_does_not_list_is_refused(kind):
    """Readers of streams would unpack it, and nobody who looks into the directory sees it."""
    hidden = archive([("evil.py", b"import os")])
    hidden = hidden[: directory_of(hidden)]
    data = valid(kind)
    at = directory_of(data)
    data = patched(data[:at] + hidden + data[at:], (len(data) + len(hidden) - 6, struct.pack("<L", at + len(hidden))))
    assert "between entries" in kind.refused(data)


def test_an_entry_that_only_the_directory_has_is_refused(kind):
    """It points into another one: an overlap, of which bombs are made."""
    data = valid(kind, ("z", b""))
    first = struct.pack("<L", 0)
    assert kind.refused(patched(data, (listed(data, "z") + 42, first))).startswith("the archive has entries that overlap")


def test_a_bomb_of_overlapping_entries_is_refused_at_once(kind):
    """A thousand entries that share one kernel of compressed zeros: 20 gigabytes, if anybody unpacked them all."""
    data = archive([("zeros", bytes(20_000_000))])
    at, end = directory_of(data), len(data) - 22
    directory = data[at:end] * 1_000
    counts = struct.pack("<HHLL", 1_000, 1_000, len(directory), at)
    bomb = data[:at] + directory + patched(data[end:], (8, counts))
    assert len(bomb) < 100_000
    with bounded(seconds=5, mebibytes=32):
        assert "overlap" in kind.refused(bomb)


@pytest.mark.parametrize("local", [True, False], ids=["header", "directory"])
@pytest.mark.parametrize(
    "extra",
    [
        struct.pack("<HHBL", 0x7075, 9, 1, 0) + b"evil",
        struct.pack("<HH", 0x7075, 0),
        struct.pack("<HHQQ", 1, 16, 1, 1) * 2,
    ],
    ids=["another name", "no name", "sizes twice"],
)
def test_extra_fields_that_say_something_else_are_refused(kind, extra, local):
    assert "header says something else" in kind.refused(with_extra(valid(kind), kind.folder + DATA, extra, local=local))


@pytest.mark.parametrize("local", [True, False], ids=["header", "directory"])
def test_extra_fields_that_agree_or_say_nothing_are_accepted(kind, local):
    name = kind.folder + DATA
    same = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, 0) + name.encode()
    for extra in (same, struct.pack("<HHL", 0xCAFE, 4, 0), b"\0\0\0"):
        assert kind.inspect(with_extra(valid(kind), name, extra, local=local)).name == "sample"


class _Pipe(io.RawIOBase):
    """What zipfile cannot go back in: it writes sizes behind the entries then."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, piece: Any, /) -> int:
        self.data += bytes(piece)
        return len(piece)


def streamed(kind: Kind) -> bytes:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in kind.entries:
            opened.writestr(name, data)
    return pipe.data


def test_an_archive_that_was_written_as_a_stream_is_accepted(kind):
    data = streamed(kind)
    assert data.count(b"PK\x07\x08") == len(kind.entries)
    assert kind.inspect(data).name == "sample"


def test_a_descriptor_without_its_mark_is_accepted(kind):
    """The last entry's: taken out, with the directory moved up."""
    data = streamed(kind)
    at = data.rindex(b"PK\x07\x08")
    shorter = data[:at] + data[at + 4 :]
    assert kind.inspect(patched(shorter, (len(shorter) - 6, struct.pack("<L", directory_of(data) - 4)))).name == "sample"


@pytest.mark.parametrize("offset", [0, 4, 8, 12], ids=["mark", "checksum", "packed size", "size"])
def test_a_descriptor_that_contradicts_the_directory_is_refused(kind, offset):
    data = streamed(kind)
    at = data.rindex(b"PK\x07\x08") + offset
    assert "16 bytes between entries" in kind.refused(patched(data, (at, bytes([data[at] ^ 1]))))


# --- sizes ------------------------------------------------------------------------------------------------------------------------


def test_a_size_that_cannot_be_true_is_refused(kind):
    data = valid(kind)
    huge = struct.pack("<L", 0xFFFFFFFE)
    name = kind.folder + DATA
    lying = patched(data, (listed(data, name) + 24, huge), (placed(data, name) + 22, huge))
    assert "cannot unpack to the 4294967294" in kind.refused(lying)


def test_a_zip64_size_that_cannot_be_true_is_refused(kind):
    data, name = valid(kind), kind.folder + DATA
    packed, _ = size_of(data, name)
    wide = struct.pack("<HHQQ", 1, 16, 1 << 60, packed)
    data = with_extra(with_extra(data, name, wide, local=True), name, wide, local=False)
    full = struct.pack("<LL", 0xFFFFFFFF, 0xFFFFFFFF)
    assert "cannot unpack to" in kind.refused(patched(data, (listed(data, name) + 20, full), (placed(data, name) + 18, full)))


def test_a_manifest_whose_size_is_a_lie_is_refused(kind):
    data = valid(kind)
    _, size = size_of(data, kind.manifest)
    for wrong in (size - 1, size + 1):
        field = struct.pack("<L", wrong)
        lying = patched(data, (listed(data, kind.manifest) + 24, field), (placed(data, kind.manifest) + 22, field))
        assert f"than the {wrong} that it says" in kind.refused(lying) or "Bad CRC" in kind.refused(lying)


def test_a_bomb_in_the_manifest_is_refused_in_little_memory(kind):
    entries = [(name, data if name != kind.manifest else bytes(20_000_000)) for name, data in kind.entries]
    bomb = archive(entries)
    with bounded(seconds=5, mebibytes=32):
        assert "too large" in kind.refused(bomb)


def test_a_bomb_beside_the_manifest_is_refused_before_it_is_read(kind):
    noise = random.Random(1).randbytes(300_000)  # noqa: S311  no secret
    data = valid(kind, ("zeros", noise))
    size = struct.pack("<L", 300_000_000)
    bomb = patched(data, (listed(data, "zeros") + 24, size), (placed(data, "zeros") + 22, size))
    assert "unpacks to 300000" in kind.refused(bomb)


def test_an_archive_in_an_archive_is_not_unpacked(kind):
    """42.zip and the quines: harmless to who unpacks once."""
    inner = archive([("zeros", bytes(1_000_000))])
    for _ in range(5):
        inner = archive([(f"{number}.zip", inner) for number in range(4)])
    with bounded(seconds=5, mebibytes=32):
        assert kind.inspect(valid(kind, ("42.zip", inner))).name == "sample"


def test_more_entries_than_are_read_are_refused(kind):
    data = valid(kind)
    directory = b"PK\x01\x02".ljust(47, b"\0")
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, MAX_ENTRIES + 1, MAX_ENTRIES + 1, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    assert "directory is too large" in kind.refused(directory + wide + locator + end)
    assert "directory is too large" in kind.refused(patched(data, (len(data) - 10, b"\xff\xff\xff\x7f")))


# --- kinds of entries -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000], ids=["weak", "strong", "directory"])
def test_an_encrypted_entry_is_refused_wherever_it_is(kind, flag):
    data, name = valid(kind), kind.folder + DATA
    field = struct.pack("<H", flag)
    assert "encrypted" in kind.refused(patched(data, (listed(data, name) + 8, field), (placed(data, name) + 6, field)))


@pytest.mark.parametrize("method", [1, 6, 9, 12, 14, 93, 99], ids=lambda method: f"method {method}")
def test_an_unknown_compression_is_refused_wherever_it_is(kind, method):
    data, name = valid(kind), kind.folder + DATA
    field = struct.pack("<H", method)
    assert f"method {method}" in kind.refused(patched(data, (listed(data, name) + 10, field), (placed(data, name) + 8, field)))


@pytest.mark.parametrize("mode", [0o120777, 0o104755, 0o020666, 0o010644], ids=["link", "setuid", "device", "FIFO"])
def test_modes_are_not_followed(kind, mode):
    """No client makes more of such an entry than a plain file."""
    data = valid(kind)
    assert kind.inspect(patched(data, (listed(data, kind.folder + DATA) + 38, struct.pack("<L", mode << 16)))).name == "sample"


# --- junk -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "junk", [b"\0", b"#!/bin/sh\n", b"PK\x05\x06" + bytes(18), b"\0" * 46_080], ids=["zero", "script", "an end", "zeros"]
)
def test_junk_in_front_and_behind_is_refused(kind, junk):
    data = valid(kind)
    assert kind.refused(junk + data)
    assert kind.refused(data + junk)


def test_an_archive_behind_an_archive_is_refused(kind):
    assert "in front of the archive" in kind.refused(archive([("evil.py", b"import os")]) + valid(kind))


def test_a_comment_that_is_an_archive_is_refused(kind):
    """A reader that looks for the end from the front, and one that looks from behind, would see two packages."""
    data, comment = archive([("evil.py", b"import os")]), valid(kind)
    assert kind.refused(patched(data, (len(data) - 2, struct.pack("<H", len(comment)))) + comment)
