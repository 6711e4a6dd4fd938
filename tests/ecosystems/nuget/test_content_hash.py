"""The digest that survives re-signing."""

from __future__ import annotations

import base64
import hashlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.nuget.content_hash import SIGNATURE, content_hash
from reconciler.errors import ArchiveRefused
from tests.ecosystems.nuget.shared import DATA, load, needs_shared
from tests.ecosystems.test_zips import central, end_fields, patched, zip64
from tests.support.nupkgs import archive, nupkg

ENTRIES = [("foo.nuspec", b"<package/>"), ("a.txt", b"text" * 50), ("b.txt", b"")]
PLAIN = archive(ENTRIES)
SIGNED = archive([*ENTRIES, (SIGNATURE, b"signature")])


def hashed(data: bytes) -> str:
    return content_hash(io.BytesIO(data))


def refused(data: bytes) -> str:
    with pytest.raises(ArchiveRefused) as caught:
        hashed(data)
    return str(caught.value)


def sha512(data: bytes) -> str:
    return base64.b64encode(hashlib.sha512(data).digest()).decode()


def test_without_a_signature_it_is_the_digest_of_the_file() -> None:
    assert hashed(PLAIN) == sha512(PLAIN)
    assert hashed(zip64(PLAIN)) == sha512(zip64(PLAIN))


def test_an_archive_without_entries_has_one() -> None:
    assert hashed(archive([])) == sha512(archive([]))


@given(st.integers(0, len(ENTRIES)), st.binary(max_size=300))
def test_a_signature_anywhere_is_as_if_it_had_never_been_there(position: int, signature: bytes) -> None:
    assert hashed(archive([*ENTRIES[:position], (SIGNATURE, signature), *ENTRIES[position:]])) == sha512(PLAIN)


def test_large_files_are_read_in_pieces() -> None:
    noise = hashlib.shake_256(b"noise").digest(3_000_000)
    assert hashed(nupkg("Foo", "1.0", extra={"n": noise}, signature=b"s")) == sha512(nupkg("Foo", "1.0", extra={"n": noise}))


def test_other_content_has_another_hash() -> None:
    assert hashed(nupkg("Foo", "1.0", extra={"x": b"1"}, signature=b"s")) != hashed(nupkg("Foo", "1.0", extra={"x": b"2"}, signature=b"s"))


def test_two_signatures_are_refused() -> None:
    assert "two signatures" in refused(archive([(SIGNATURE, b"1"), (SIGNATURE, b"2")]))


def test_signed_zip64_archives_are_refused_as_by_nuget() -> None:
    assert "zip64" in refused(zip64(SIGNED))
    assert "zip64" in refused(patched(SIGNED, central(SIGNED) + 42, b"\xff\xff\xff\xff"))


@pytest.mark.parametrize("offset", [0, len(SIGNED)])
def test_entries_at_one_place_or_behind_the_directory_are_refused(offset: int) -> None:
    second = SIGNED.index(b"PK\x01\x02", central(SIGNED) + 4)
    assert "two entries are at one place" in refused(patched(SIGNED, second + 42, struct.pack("<L", offset)))


def test_a_damaged_directory_is_refused() -> None:
    assert "directory is damaged" in refused(patched(SIGNED, central(SIGNED), b"XX"))
    assert "directory is damaged" in refused(patched(SIGNED, central(SIGNED) + 28, b"\xff\xff"))


def test_a_directory_that_ends_inside_a_record_is_refused() -> None:
    start, size, stop = central(PLAIN), 10, len(PLAIN) - 22
    assert "directory is damaged" in refused(end_fields(PLAIN[: start + size] + PLAIN[stop:], size=size))


def test_what_is_no_archive_is_refused() -> None:
    assert "no end record" in refused(b"version https://git-lfs.github.com/spec/v1\n")


@needs_shared
def test_public_lock_files_show_the_same() -> None:
    table = load("conformance/nuget-content-hash.json")["cases"]
    cases = [case for case in table if (DATA / "nupkg" / case["file"]).is_file()]  # The table knows a few more than are kept.
    wrong = []
    for case in cases:
        with (DATA / "nupkg" / case["file"]).open("rb") as file:
            if content_hash(file) != case["content_hash"]:
                wrong.append(case["file"])
    assert wrong == []
    assert len(cases) > 10
