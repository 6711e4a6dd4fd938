"""What the suites of upstreams and of feed storage begin with: packages on their way into a feed, without a pass around them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from reconciler.act.feed_storage import Commitment, Content, FeedStorage
from reconciler.act.static_feed import StaticFeed
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import PublishedFile, PublishedPackage
from reconciler.model.words import CommitId, FeedName, Identity
from reconciler.stores.interface import Store
from reconciler.stores.state import read_state
from tests.contracts.samples import SAMPLES, Offer, companions_of, offer, published

FEED: Final = FeedName("approved")
PUBLIC_URL: Final = "https://feeds.example"
COMMIT: Final = CommitId("c" * 40)


def offers(kind: str, *versions: str) -> list[Offer]:
    """Files of the sample package, by default of all versions, in ascending order."""
    return [offer(kind, SAMPLES[kind].names[0], version) for version in versions or SAMPLES[kind].versions]


def identity(kind: str, one: Offer) -> Identity:
    """What an approval of this file is about."""
    found = ECOSYSTEMS[kind].inspect(one.name, io.BytesIO(one.data))
    return Identity(feed=FEED, package=ECOSYSTEMS[kind].normalize_name(found.name), version=found.version.key)


def package(kind: str, *of: Offer) -> PublishedPackage:
    """The package that these files make."""
    name = ECOSYSTEMS[kind].inspect(of[0].name, io.BytesIO(of[0].data)).name
    return published(kind, name, of)


def recorded(kind: str, one: Offer) -> PublishedFile:
    """The record of one file."""
    return package(kind, one).versions[0].files[0]


def content(kind: str, one: Offer, folder: Path) -> Content:
    """The file as a download in this folder, which feed storage may take away."""
    path = folder / uuid4().hex
    path.write_bytes(one.data)
    return Content(path=path, published=recorded(kind, one), companions=companions_of(kind, one))


def bring(storage: FeedStorage, kind: str, made: Iterable[Offer], folder: Path) -> None:
    """Notes and publishes files; `commit` is left to the caller."""
    files = list(made)
    storage.begin([(identity(kind, one), one.name) for one in files])
    for of in dict.fromkeys(identity(kind, one) for one in files):
        storage.publish(of, [content(kind, one, folder) for one in files if identity(kind, one) == of])


def commitment(*packages: PublishedPackage, **more: Any) -> Commitment:
    """The end of a pass that has changed these packages."""
    said = {"records": (), "commit": COMMIT, "outcome": "done", "valid_until": None, "public_url": PUBLIC_URL}
    return Commitment(packages=packages, **said | more)


def static_feed(store: Store, kind: str) -> StaticFeed:
    """The feed as a new pass finds it."""
    return StaticFeed(store, read_state(store, FEED, ECOSYSTEMS[kind].parse_version), ECOSYSTEMS[kind])
