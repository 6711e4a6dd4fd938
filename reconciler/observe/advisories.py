"""What the snapshot of the advisories in a store says about packages. Only the shards are read that may know of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Advisory, Snapshot
from reconciler.model.words import PackageKey
from reconciler.stores.advisories import read_current, read_root, read_shard, shard_of
from reconciler.stores.interface import Store


class Advisories:
    """The snapshot that is in use when this is opened. IntegrityError, here and when asked, for what is not as it was written.

    Removing what no snapshot needs spares the one before, so that an update does not take it away from a pass that reads it.
    """

    def __init__(self, store: Store) -> None:
        current = read_current(store)
        self.snapshot: Snapshot | None = current.snapshot if current else None
        """None: there was never one."""
        self._store = store
        self._root = read_root(store, current.snapshot.digest) if current else {}

    def snapshot_of(self, feed_type: str) -> Snapshot | None:
        """The snapshot, if it is about the packages of this type of feed at all: one that was fetched before the first of these feeds
        was declared is not, and knows nothing."""
        return self.snapshot if ECOSYSTEMS[feed_type].osv_ecosystem in self._root else None

    def about(self, feed_type: str, keys: Iterable[PackageKey]) -> Mapping[PackageKey, tuple[Advisory, ...]]:
        """What there is about these packages; those without an advisory are left out."""
        return dict(self.each(feed_type, keys))

    def each(self, feed_type: str, keys: Iterable[PackageKey]) -> Iterator[tuple[PackageKey, tuple[Advisory, ...]]]:
        """The same, one after the other in the order of shards, so that memory holds no more than one of these."""
        shards = self._root.get(ECOSYSTEMS[feed_type].osv_ecosystem, {})
        wanted: dict[str, list[PackageKey]] = {}
        for key in keys:
            wanted.setdefault(shard_of(key), []).append(key)
        for shard in sorted(wanted.keys() & shards.keys()):
            yield from read_shard(self._store, shards[shard], wanted[shard])
