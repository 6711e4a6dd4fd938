"""A file against what a lock file says of it, as it is fetched, and as it was approved."""

from __future__ import annotations

import io
from hashlib import sha256, sha512

import pytest

from reconciler.ecosystems.integrity import integrity_of
from reconciler.model.declared import ApprovedFile
from reconciler.model.words import Sha256
from reconciler.propose.locks.digests import contradicted, contradiction
from reconciler.propose.locks.interface import Claim

DATA = b"the bytes"
GOOD, OTHER = (integrity_of("sha256", sha256(data).digest()) for data in (DATA, b"others"))
LONG, WRONG = (integrity_of("sha512", sha512(data).digest()) for data in (DATA, b"others"))
MANY = frozenset(integrity_of("sha256", sha256(str(number).encode()).digest()) for number in range(200))


def claim(*digests: str, file: str = "") -> Claim:
    return Claim(file=file, integrity=frozenset(digests))


@pytest.mark.parametrize(
    ("claims", "fits", "approved_fits"),
    [
        ([], True, True),
        ([claim(GOOD)], True, True),
        ([claim(OTHER)], False, False),
        ([claim(GOOD, OTHER)], True, True),
        ([claim(GOOD), claim(OTHER)], False, False),
        ([Claim(integrity=MANY | {GOOD})], True, True),
        ([Claim(integrity=MANY)], False, False),
        ([claim(OTHER, file="a.whl")], False, False),
        ([claim(OTHER, file="b.whl")], True, True),
        ([claim(LONG)], True, True),
        ([claim(WRONG)], False, True),  # an approval has no sha512: it cannot tell
        ([claim(LONG, OTHER)], True, True),
        ([Claim(content_hash="CCC")], True, True),
        ([Claim(content_hash="DDD")], True, False),
    ],
)
def test_one_digest_of_every_claim_must_fit(claims, fits, approved_fits):
    assert (contradiction(claims, "a.whl", io.BytesIO(DATA)) == "") is fits
    approved = ApprovedFile(name="a.whl", size=9, sha256=Sha256(sha256(DATA).hexdigest()), content_hash="CCC")
    assert (contradicted(claims, [approved]) == "") is approved_fits


def test_of_digests_without_file_names_the_approved_files_need_one():
    """An approval of the wheel alone is one that the lock file can be installed with."""
    files = [
        ApprovedFile(name=name, size=1, sha256=Sha256(sha256(data).hexdigest()), content_hash=None)
        for name, data in {"a.whl": DATA, "a.tar.gz": b"more"}.items()
    ]
    assert contradicted([claim(GOOD)], files) == ""
    assert contradicted([claim(OTHER)], files) == "no approved file has a digest of the lock file"


def test_what_is_told_names_file_and_digests():
    told = contradiction([claim(WRONG)], "a.tgz", io.BytesIO(DATA))
    assert told == f"a.tgz has {LONG}, the lock file says {WRONG}"
    told = contradiction([Claim(integrity=MANY)], "a.whl", io.BytesIO(DATA))
    assert told == f"a.whl has sha256 {sha256(DATA).hexdigest()}, which is none of the 200 digests of the lock file"
