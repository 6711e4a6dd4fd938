"""The state of one feed as a pass finds it: head, catalog and what an earlier pass left unfinished, read together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.model.words import FeedName, PackageKey, Version
from reconciler.stores import ledger
from reconciler.stores.catalog import CatalogEntry, read_catalog
from reconciler.stores.head import Head, LedgerTip, read_head
from reconciler.stores.interface import Revision, Store
from reconciler.stores.unfinished import NOTHING, Unfinished, read_unfinished


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    """Head (None: never applied), its revision for compare-and-swap, the catalog's entries; what is unfinished, and its revision."""

    feed: FeedName
    head: Head | None
    revision: Revision | None
    entries: Mapping[PackageKey, CatalogEntry]
    unfinished: Unfinished = NOTHING
    unfinished_revision: Revision | None = None
    stray: frozenset[str] = frozenset()
    """Segments of the ledger that the head does not name: passes that were stopped have left them. Once this pass has moved the head
    on, none of those can finish, and they are to be removed."""


def read_state(store: Store, feed: FeedName, parse_version: Callable[[str], Version]) -> FeedState:
    """Reads a feed's state; IntegrityError if it contradicts its own digests, StoreUnavailable if it cannot be read.

    In this order: a pass that is at work puts its note before a segment, and its head after it, so whoever finds the segment finds
    one of the two. Of a head that names less than the ledger has, without a note that starts from it or earlier, somebody else is the
    author.
    """
    segments = ledger.names(store, feed)
    unfinished, unfinished_revision = read_unfinished(store, feed)
    found = read_head(store, feed)
    head, revision = found or (None, None)
    tip = head.ledger if head else LedgerTip()
    if unfinished_revision is None or unfinished.base > (head.revision if head else 0):
        ledger.check_tip(feed, segments, tip)
    entries = read_catalog(store, feed, head.catalog, parse_version) if head else {}
    if head is not None and head.revision != unfinished.base:
        # That pass was stopped after its head, or another one has applied since: what is recorded now is finished.
        recorded = {
            (key, version.version.key, file.name)
            for key, entry in entries.items()
            for version in entry.package.versions
            for file in version.files
        }
        unfinished = unfinished.model_copy(update={"files": unfinished.files - recorded})
    return FeedState(
        feed=feed,
        head=head,
        revision=revision,
        entries=entries,
        unfinished=unfinished,
        unfinished_revision=unfinished_revision,
        stray=segments.difference(tip.segments),
    )
