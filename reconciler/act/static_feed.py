"""An approved feed as static files on a Store. Order of writes: what is begun, files, package pages, lists of names, catalog, ledger, head.

Every file that a page names exists, and every page that a list names: a reader sees the old feed or the new one, package by
package, and whoever stops the writer at any point leaves a feed that the next pass completes. What is begun
(`stores/unfinished.py`) lets that pass know what it finds: it writes the pages anew that the killed one may have touched, whether or
not the packages are still wanted. Mutable objects are written by compare-and-swap. A page that is not at the recorded revision was
written by a pass that never reached its head; it is replaced if head and begun are where this pass left them, and else another pass is
at work, and this one gives up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from reconciler import __version__
from reconciler.act.begun import Begun, file_of
from reconciler.act.feed_storage import Commitment, Content
from reconciler.act.order import dependencies_first
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import IntegrityError, RevisionConflict
from reconciler.model.packages import FeedView, Page, PublishedPackage, companion_name
from reconciler.model.words import FeedName, Identity, PackageKey
from reconciler.stores import keys, ledger
from reconciler.stores.catalog import CatalogEntry, update_catalog
from reconciler.stores.head import Head, LedgerTip, encode_head
from reconciler.stores.interface import Revision, Store
from reconciler.stores.state import FeedState

CHUNK_BYTES = 1 << 20


class StaticFeed:
    """Implements FeedStorage."""

    def __init__(self, store: Store, state: FeedState, ecosystem: Ecosystem) -> None:
        self._store = store
        self._state = state
        self._ecosystem = ecosystem
        self._begun = Begun(store, state)
        self.packages: Mapping[PackageKey, PublishedPackage] = {key: entry.package for key, entry in state.entries.items()}

    @property
    def feed(self) -> FeedName:
        """The feed's name."""
        return self._state.feed

    def open(self, identity: Identity, file: str) -> BinaryIO | None:
        """The bytes of a file in the feed's folder."""
        return self._store.open(self._key(identity, file))

    def begin(self, coming: Iterable[tuple[Identity, str]]) -> None:
        """Notes the files that are to come; writes nothing where there are none."""
        files = [file_of(identity, name) for identity, name in coming]
        if files:
            self._begun.files(files)

    def publish(self, identity: Identity, contents: Iterable[Content]) -> None:
        """Puts files and what belongs beside them; what is already there must be the same."""
        files = {file_of(identity, content.published.name): content for content in contents}
        self._begun.put(files)
        for file, content in files.items():
            key = self._key(identity, content.published.name)
            # What lies beside a file that a killed pass has left may be older than what upstream has now, and no record names it.
            left = file in self._begun.left.files and not self._is_recorded(identity)
            for suffix, data in sorted(content.companions.items()):
                beside = self._key(identity, companion_name(content.published.name, suffix))
                if left or self._absent(beside, hashlib.sha256(data).hexdigest()):
                    self._store.put(beside, data, content_type=keys.OCTETS)
            if self._absent(key, content.published.sha256):
                self._store.put(key, content.path, content_type=keys.OCTETS)
        self._begun.arrived(files)

    def commit(self, commitment: Commitment) -> bool:
        """Pages, catalog, ledger, head; nothing at all if the head would stay the same."""
        old = self._state.head
        if old is not None and self._same(old, commitment):
            self._begun.finish(old.revision)
            return False
        entries, roots = self._write_pages(commitment)
        update = update_catalog(self._store, self.feed, old.catalog if old else None, entries)
        for key, data in update.objects:
            self._store.put(key, data, content_type=keys.JSON)
        tip = old.ledger if old else LedgerTip()
        if commitment.records:
            tip, segment, lines = ledger.append(tip, commitment.records)
            self._store.put(keys.ledger_segment(self.feed, segment), lines, content_type=keys.JSON_LINES)
        head = Head(
            revision=old.revision + 1 if old else 1,
            commit=commitment.commit,
            outcome=commitment.outcome,
            valid_until=commitment.valid_until,
            tool=__version__,
            public_url=commitment.public_url,
            catalog=update.root,
            pages=roots,
            ledger=tip,
        )
        self._store.put_if(keys.head(self.feed), encode_head(head), content_type=keys.JSON, expected=self._state.revision)
        self._begun.finish(head.revision)
        return True

    def _same(self, old: Head, commitment: Commitment) -> bool:
        """Whether there is nothing to write."""
        if commitment.packages or commitment.records or self._begun.left.packages:
            return False
        wanted = (commitment.commit, commitment.outcome, commitment.valid_until, commitment.public_url, __version__)
        return (old.commit, old.outcome, old.valid_until, old.public_url, old.tool) == wanted

    def _write_pages(self, commitment: Commitment) -> tuple[list[CatalogEntry], dict[str, Revision]]:
        """Writes the pages of changed packages, dependencies first, then the lists; returns entries and the lists' revisions."""
        old = self._state.head
        packages = {**self.packages, **{p.key: p for p in commitment.packages}}
        everywhere = old is None or old.public_url != commitment.public_url
        touched = packages.keys() if everywhere else {p.key for p in commitment.packages} | self._begun.left.packages
        if not touched and old is not None:
            return [], old.pages
        view = FeedView(
            base_url=f"{commitment.public_url}/{self.feed}",
            changed=dependencies_first((package for key, package in packages.items() if key in touched), self._ecosystem),
            packages=tuple(packages[key] for key in sorted(packages)),
        )
        pages = self._ecosystem.render(view)
        by_package: dict[PackageKey, list[Page]] = {package.key: [] for package in view.changed}
        for page in pages:
            if page.package is not None:
                by_package[page.package].append(page)
        rendered = {page.path for page in pages if page.package is not None}
        self._begun.pages(by_package.keys(), rendered)
        entries = []
        for package in view.changed:
            before = self._state.entries[package.key].pages if package.key in self._state.entries else {}
            after = {page.path: self._put_page(page, before.get(page.path)) for page in by_package[package.key]}
            entries.append(CatalogEntry(package=package, pages=after))
        roots = {page.path: self._put_page(page, old.pages.get(page.path) if old else None) for page in pages if page.root}
        for path in sorted(self._earlier(by_package) - rendered):  # the lists no longer name them
            self._store.delete(keys.feed_folder(self.feed) + path)
        return entries, roots

    def _earlier(self, packages: Iterable[PackageKey]) -> set[str]:
        """Paths of the pages that packages had, or that a killed pass may have given them."""
        recorded = {path for key in packages if key in self._state.entries for path in self._state.entries[key].pages}
        return recorded | self._begun.left.pages

    def _put_page(self, page: Page, recorded: Revision | None) -> Revision:
        key = keys.feed_folder(self.feed) + page.path
        try:
            return self._store.put_if(key, page.body, content_type=page.content_type, expected=recorded)
        except RevisionConflict:
            current = self._store.get(key)
            head = self._store.get(keys.head(self.feed))
            if (head.revision if head else None) != self._state.revision or not self._begun.is_ours():
                raise
            if current is not None and current.data == page.body:
                return current.revision
            return self._store.put_if(key, page.body, content_type=page.content_type, expected=current.revision if current else None)

    def _is_recorded(self, identity: Identity) -> bool:
        package = self.packages.get(identity.package)
        return package is not None and any(version.version.key == identity.version for version in package.versions)

    def _absent(self, key: str, sha256: str) -> bool:
        """Whether an object must be written; IntegrityError if there is one with other bytes."""
        stream = self._store.open(key)
        if stream is None:
            return True
        digest = hashlib.sha256()
        with stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
        if digest.hexdigest() != sha256:
            message = f"{key} lies in feed storage with other bytes (sha256 {digest.hexdigest()}) than the approved ones ({sha256})"
            raise IntegrityError(message, remedy="nothing was overwritten; find out who wrote it, then remove it by hand")
        return False

    def _key(self, identity: Identity, file: str) -> str:
        path = self._ecosystem.layout.format(package=identity.package, version=identity.version, file=file)
        return keys.feed_folder(self.feed) + path
