"""Names and versions that no approval or file of feed storage can stand for are refused, whoever made them up."""

from __future__ import annotations

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import Refused
from reconciler.model.declared import Feed
from reconciler.model.permissions import Line
from reconciler.model.words import FeedName
from reconciler.propose.approve import MAX_FILE_NAME, Proposal, Request, propose
from tests.support.shelf import Shelf
from tests.support.tarballs import tarball, tarball_name

NPM = ECOSYSTEMS["npm"]


def proposed(name: str, version: str) -> Proposal:
    feed = Feed(
        name=FeedName("approved"), type="npm", usage="approved", connectors=(), promotes_from=(FeedName("public"),), where=Line(path="feeds.yaml", line=1)
    )  # fmt: skip
    shelf = Shelf("./npm", NPM)
    shelf.place(tarball_name(name, NPM.parse_version(version).key), tarball(name, version))
    (release,) = shelf.discover(name).releases
    return propose(feed, Request(package=name, version=version, patterns=(), unlisted=False), release, shelf, NPM)


@pytest.mark.parametrize(
    ("name", "version"),
    [("x", f"1.0.0+{'b' * 250}"), ("'" * 100, "1.0.0"), ("x" * 200, f"1.0.0-{'a' * 40}")],
    ids=["version", "encoded name", "both"],
)
def test_what_has_no_place_is_refused(name, version):
    with pytest.raises(Refused, match="cannot be approved"):
        proposed(name, version)


def test_long_names_that_have_a_place_are_proposed():
    version = f"1.0.0-{'a' * (MAX_FILE_NAME - 212)}"
    assert len(proposed("x" * 201, version).files[0].name) == MAX_FILE_NAME
