from __future__ import annotations

import io
from hashlib import new

import pytest

from reconciler.ecosystems.integrity import MAX_LENGTH, integrity_of, matches_integrity, strongest

DATA = b"some bytes"


def sri(algorithm: str, data: bytes = DATA) -> str:
    return integrity_of(algorithm, new(algorithm, data, usedforsecurity=False).digest())


@pytest.mark.parametrize(
    ("integrity", "expected"),
    [
        (sri("sha512"), True),
        (sri("sha384"), True),
        (sri("sha256"), True),
        (sri("sha1"), True),
        (sri("sha512", b"other"), False),
        (sri("sha1", b"other"), False),
        # The strongest decides.
        (f"{sri('sha1', b'other')} {sri('sha512')}", True),
        (f"{sri('sha1')} {sri('sha512', b'other')}", False),
        (f"{sri('md5', b'other')} {sri('sha1')}", True),
        # Of several of one strength any one.
        (f"{sri('sha512', b'other')} {sri('sha512')}", True),
        (f"{sri('sha256')}?ct=text/plain", True),
        # What cannot be compared says nothing.
        (sri("md5"), None),
        ("", None),
        ("sha512-", None),
        ("sha512-AAAA", None),
        ("sha512-A", None),
        ("SHA512-AAAA", None),
        ("sha999-AAAA", None),
        (sri("sha512") + " " * MAX_LENGTH, None),
    ],
)
def test_bytes_have_the_digest_or_not(integrity, expected):
    assert matches_integrity(integrity, io.BytesIO(DATA)) is expected
    assert (strongest(integrity) is None) is (expected is None)


def test_what_decides_is_written_without_the_rest():
    one, other = sri("sha512"), sri("sha512", b"other")
    assert strongest(f"{sri('sha1')}  {one}?x {other} {one}") == f"{one} {other}"


def test_reading_begins_where_the_stream_stands():
    stream = io.BytesIO(b"xx" + DATA)
    stream.seek(2)
    assert matches_integrity(sri("sha512"), stream) is True
