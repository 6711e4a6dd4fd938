"""Another feed of the same repository as an upstream: `upstream: feed:<name>` of a connector, and the source of an approval that is
promoted from one approved feed to the next.

A feed that keeps packages (`StoredFeed`) offers what it held after its last apply: listed versions, unlisted ones with their reason, and
none that are in quarantine, with the bytes, companions, upload times and marks that were promoted into it. What the pass at work changes
there is seen by the next pass. A proxy feed (`ProxiedFeed`) keeps nothing; its connectors are asked, with their filters and in their
order, so a name has the same owner whichever way it is asked for.

Addresses of files are private to this module: `feed:<name>/<path in the feed's folder>`, and `feed:<name>/<connector's number>/<address>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import BinaryIO, Final

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.layout import path_of, place_of
from reconciler.errors import ContentMismatch, NotThere, Refused, Unreachable
from reconciler.model.declared import FEED_SCHEME, Connector, Feed
from reconciler.model.packages import Listing, PublishedFile, PublishedVersion, Release, RemoteFile, companion_name
from reconciler.model.plan import Absent, Found, Waiting
from reconciler.model.words import FeedName, PackageKey
from reconciler.observe.catalog import Wanted, ask
from reconciler.observe.upstreams import Upstream
from reconciler.stores import keys
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState, read_state
from reconciler.wire import Downloaded, copy

_PIECE_BYTES: Final = 256 * 1024


def open_feed(text: str, *, feeds: Mapping[FeedName, Feed], store: Store, upstream_of: Callable[[Feed, Connector], Upstream]) -> Upstream:
    """The upstream that `feed:<name>` means; Refused for a feed that is not declared. Nothing is read yet."""
    feed = feeds.get(FeedName(text.removeprefix(FEED_SCHEME)))
    if feed is None:
        message = f"upstream {text[:200]!r} names a feed that is not declared"
        raise Refused(message)
    return ProxiedFeed(feed, upstream_of) if feed.usage == "proxy" else StoredFeed(feed, store)


class StoredFeed:
    """An `Upstream` over what a feed keeps in feed storage; its state is read once, when first asked for."""

    def __init__(self, feed: Feed, store: Store) -> None:
        self.name: Final = f"{FEED_SCHEME}{feed.name}"
        self._feed = feed
        self._store = store
        self._ecosystem = ECOSYSTEMS[feed.type]

    def discover(self, package_name: str) -> Listing:
        if self._state.head is None:
            message = f"{self._feed.name} was never applied"
            raise NotThere(message, remedy="Run `reconciler apply` first.")
        entry = self._state.entries.get(_key(self._feed, package_name))
        if entry is None:
            message = f"{self._feed.name} holds no package {package_name}"
            raise NotThere(message)
        package = entry.package
        releases = tuple(self._release(package.key, version) for version in package.versions if version.state != "quarantined")
        if not releases:
            message = f"{self._feed.name} holds {package_name} in quarantine only"
            raise NotThere(message)
        return Listing(name=package.name, releases=releases)

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        path, published = self._recorded(file)
        pieces = self._read(path, published.name)
        return copy(pieces, sink, max_bytes=max_bytes, source=f"{published.name} in {self._feed.name}")

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        path, published = self._recorded(file)
        name = companion_name(published.name, suffix)
        if suffix not in published.companions:
            message = f"{self._feed.name} has no {suffix} for {published.name}"
            raise NotThere(message)
        data = b"".join(self._read(path.removesuffix(published.name) + name, name))
        if hashlib.sha256(data).hexdigest() != published.companions[suffix]:
            message = f"{name} in {self._feed.name} is not as it was recorded"
            raise ContentMismatch(message, remedy="`reconciler apply --refresh` repairs it, if it can be had again.")
        return data

    @cached_property
    def _state(self) -> FeedState:
        return read_state(self._store, self._feed.name, self._ecosystem.parse_version)

    def _release(self, key: PackageKey, version: PublishedVersion) -> Release:
        files = tuple(self._remote(key, version, file) for file in version.files)
        return Release(version=version.version, files=files, deprecated=version.deprecated)

    def _remote(self, key: PackageKey, version: PublishedVersion, file: PublishedFile) -> RemoteFile:
        path = path_of(self._ecosystem.layout, package=key, version=version.version.key, file=file.name)
        folder = f"{FEED_SCHEME}{self._feed.name}/{path.removesuffix(file.name)}"
        return RemoteFile(
            name=file.name,
            url=folder + file.name,
            size=file.size,
            sha256=file.sha256,
            uploaded_at=file.uploaded_at,
            yanked=(version.reason or file.yanked or "") if version.state == "unlisted" else file.yanked,
            companions={suffix: folder + companion_name(file.name, suffix) for suffix in file.companions},
            announced=file.announced,
            provenance=file.traits.provenance if file.traits else (),
        )

    def _recorded(self, file: RemoteFile) -> tuple[str, PublishedFile]:
        """The path and record of a file that may be had; found in the catalog, so that no other object of the store can be meant."""
        path = file.url.removeprefix(f"{FEED_SCHEME}{self._feed.name}/")
        place = place_of(self._ecosystem.layout, path)
        entry = self._state.entries.get(place.package) if place else None
        if place is not None and entry is not None:
            versions = (v for v in entry.package.versions if v.version.key == place.version and v.state != "quarantined")
            published = next((p for v in versions for p in v.files if p.name == place.file), None)
            if published is not None:
                return path, published
        message = f"{self._feed.name} has no file {file.name}"
        raise NotThere(message)

    def _read(self, path: str, name: str) -> Iterator[bytes]:
        stream = self._store.open(keys.feed_folder(self._feed.name) + path)
        if stream is None:
            message = f"{name} is missing in {self._feed.name}"
            raise NotThere(message, remedy="`reconciler apply --refresh` repairs it, if it can be had again.")
        with stream:
            while piece := stream.read(_PIECE_BYTES):
                yield piece


class ProxiedFeed:
    """An `Upstream` over the connectors of a proxy feed."""

    def __init__(self, feed: Feed, upstream_of: Callable[[Feed, Connector], Upstream]) -> None:
        self.name: Final = f"{FEED_SCHEME}{feed.name}"
        self._feed = feed
        self._upstream_of = upstream_of

    def discover(self, package_name: str) -> Listing:
        wanted = Wanted(feed=self._feed.name, package=_key(self._feed, package_name), name=package_name)
        match ask(self._feed, wanted, self._upstream_of):
            case Absent(reason=reason):
                raise NotThere(reason)
            case Waiting(reason=reason):
                raise Unreachable(reason)
            case Found(upstream=upstream, listing=listing):
                number = next(number for number, connector in enumerate(self._feed.connectors) if connector.upstream == upstream)
                prefix = f"{self.name}/{number}/"
                releases = (replace(r, files=tuple(_prefixed(file, prefix) for file in r.files)) for r in listing.releases)
                return replace(listing, releases=tuple(releases))

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        upstream, inner = self._inner(file)
        return upstream.fetch(inner, sink, max_bytes=max_bytes)

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        upstream, inner = self._inner(file)
        return upstream.fetch_companion(inner, suffix)

    def _inner(self, file: RemoteFile) -> tuple[Upstream, RemoteFile]:
        """The connector's upstream, and the file as that knows it."""
        number = file.url.removeprefix(f"{self.name}/").partition("/")[0]
        if not file.url.startswith(f"{self.name}/") or number not in map(str, range(len(self._feed.connectors))):
            message = f"{self._feed.name} has no file {file.name}"
            raise NotThere(message)
        prefix = f"{self.name}/{number}/"
        companions = {suffix: url.removeprefix(prefix) for suffix, url in file.companions.items()}
        connector = self._feed.connectors[int(number)]
        return self._upstream_of(self._feed, connector), replace(file, url=file.url.removeprefix(prefix), companions=companions)


def _prefixed(file: RemoteFile, prefix: str) -> RemoteFile:
    companions = {suffix: prefix + url for suffix, url in file.companions.items()}
    return replace(file, url=prefix + file.url, companions=companions)


def _key(feed: Feed, package_name: str) -> PackageKey:
    try:
        return ECOSYSTEMS[feed.type].normalize_name(package_name)
    except ValueError as error:
        message = f"{package_name[:200]!r} is no name of a package: {error}"
        raise NotThere(message) from error
