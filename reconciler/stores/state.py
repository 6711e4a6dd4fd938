"""The state of one feed as a pass finds it: head and catalog, read together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.model.words import FeedName, PackageKey, Version
from reconciler.stores.catalog import CatalogEntry, read_catalog
from reconciler.stores.head import Head, read_head
from reconciler.stores.interface import Revision, Store


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    """Head (None: never applied), its revision for compare-and-swap, and the catalog's entries."""

    feed: FeedName
    head: Head | None
    revision: Revision | None
    entries: Mapping[PackageKey, CatalogEntry]


def read_state(store: Store, feed: FeedName, parse_version: Callable[[str], Version]) -> FeedState:
    """Reads a feed's state; IntegrityError if it contradicts its own digests, StoreUnavailable if it cannot be read."""
    found = read_head(store, feed)
    if found is None:
        return FeedState(feed=feed, head=None, revision=None, entries={})
    head, revision = found
    return FeedState(feed=feed, head=head, revision=revision, entries=read_catalog(store, feed, head.catalog, parse_version))
