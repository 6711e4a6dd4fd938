"""What an index announces of a file beside SHA-256 is compared with the bytes before anybody reviews them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.integrity import integrity_of
from reconciler.errors import ContentMismatch
from reconciler.model.declared import Feed
from reconciler.model.permissions import Line
from reconciler.model.words import FeedName
from reconciler.propose.approve import Proposal, Request, propose
from tests.support.shelf import Shelf
from tests.support.tarballs import tarball

NPM = ECOSYSTEMS["npm"]
DATA = tarball("@scope/foo", "1.0.0")


def proposed(integrity: str | None) -> Proposal:
    feed = Feed(
        name=FeedName("approved"), type="npm", usage="approved", connectors=(), promotes_from=(FeedName("public"),), where=Line(path="feeds.yaml", line=1)
    )  # fmt: skip
    request = Request(package="@scope/foo", version="1.0.0", patterns=(), unlisted=False)
    shelf = Shelf("./npm", NPM)
    shelf.place("foo-1.0.0.tgz", DATA, digest=False)
    (release,) = shelf.discover("@scope/foo").releases
    announced = replace(release, files=(replace(release.files[0], integrity=integrity),))
    return propose(feed, request, announced, shelf, NPM)


def sri(algorithm: str, make: Callable[[bytes], bytes] = lambda data: data) -> str:
    return integrity_of(algorithm, hashlib.new(algorithm, make(DATA), usedforsecurity=False).digest())


@pytest.mark.parametrize(
    "integrity", [None, sri("sha512"), sri("sha1"), f"{sri('sha512')} {sri('sha1', lambda data: b'')}", "sha999-AAAA", ""]
)
def test_bytes_that_are_those_announced_are_proposed(integrity):
    (file,) = proposed(integrity).files
    assert (file.name, file.size, file.sha256) == ("foo-1.0.0.tgz", len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.mark.parametrize(
    "integrity",
    [sri("sha512", lambda data: data + b"!"), sri("sha1", lambda data: b""), f"{sri('sha512', lambda data: b'')} {sri('sha1')}"],
)
def test_other_bytes_are_not(integrity):
    with pytest.raises(ContentMismatch, match=r"foo-1\.0\.0\.tgz"):
        proposed(integrity)


def test_the_sample_is_sound():
    assert NPM.inspect("foo-1.0.0.tgz", io.BytesIO(DATA)).name == "@scope/foo"
