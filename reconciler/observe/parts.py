"""What should lie in feed storage by the catalog: each package file and what is published beside it, where, and with which bytes.

A quarantined version lies outside the feed's folder, at the same paths (`stores/keys.py`). Of companions only digests are recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.ecosystems.interface import Ecosystem
from reconciler.ecosystems.layout import path_of
from reconciler.model.packages import PublishedVersion, companion_name
from reconciler.model.words import FeedName, Identity, Sha256
from reconciler.stores import keys
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One object of a recorded version. `path` is relative to the feed's folder, or to the quarantine; `file` is the package file
    that it is or belongs to; `size` is None for companions."""

    identity: Identity
    path: str
    file: str
    size: int | None
    sha256: Sha256
    quarantined: bool

    @property
    def key(self) -> str:
        """Where it lies in the store."""
        folder = keys.quarantine_folder if self.quarantined else keys.feed_folder
        return folder(self.identity.feed) + self.path

    @property
    def shown(self) -> str:
        """Its place for people: the path, with where it is if that is not the feed's folder."""
        return f"quarantine/{self.path}" if self.quarantined else self.path


def versions_of(state: FeedState) -> Iterator[tuple[Identity, PublishedVersion]]:
    """Every recorded version of a feed."""
    for key, entry in state.entries.items():
        for version in entry.package.versions:
            yield Identity(feed=state.feed, package=key, version=version.version.key), version


def parts_of(state: FeedState, ecosystem: Ecosystem) -> Iterator[Part]:
    """Every object that the catalog names, version by version: each file, then what lies beside it."""
    for identity, version in versions_of(state):
        for file in version.files:
            beside = [(companion_name(file.name, suffix), None, digest) for suffix, digest in sorted(file.companions.items())]
            named: list[tuple[str, int | None, Sha256]] = [(file.name, file.size, file.sha256), *beside]
            for name, size, digest in named:
                yield Part(
                    identity=identity,
                    path=path_in(identity, name, ecosystem),
                    file=file.name,
                    size=size,
                    sha256=digest,
                    quarantined=version.state == "quarantined",
                )


def path_in(identity: Identity, file: str, ecosystem: Ecosystem) -> str:
    """Where a package file, or what belongs beside one, lies in the feed's folder."""
    return path_of(ecosystem.layout, package=identity.package, version=identity.version, file=file)


def listing_of(store: Store, feed: FeedName) -> dict[str, int]:
    """Sizes of all objects in a feed's folder, by path."""
    folder = keys.feed_folder(feed)
    return {entry.key.removeprefix(folder): entry.size for entry in store.list(folder)}
