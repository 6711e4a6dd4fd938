"""An approved feed as static files on a Store. Order of writes: what is begun, files, package pages, lists of names, removals, catalog,
ledger, head.

Every file that a page names exists, and every page that a list names: a reader sees the old feed or the new one, package by
package, and whoever stops the writer at any point leaves a feed that the next pass completes. What is begun
(`stores/unfinished.py`) lets that pass know what it finds: it writes the pages anew that the killed one may have touched, whether or
not the packages are still wanted. Mutable objects are written by compare-and-swap. A page that is not at the recorded revision was
written by a pass that never reached its head; it is replaced if head and begun are where this pass left them, and else another pass is
at work, and this one gives up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

from reconciler import __version__
from reconciler.act.begun import Begun, file_of
from reconciler.act.feed_storage import Commitment, Content
from reconciler.act.order import dependencies_first
from reconciler.act.quarantine import Quarantine
from reconciler.ecosystems.interface import Ecosystem
from reconciler.ecosystems.layout import path_of
from reconciler.errors import IntegrityError, RevisionConflict
from reconciler.model.packages import FeedView, Page, PublishedFile, PublishedPackage, PublishedVersion, companion_name
from reconciler.model.words import FeedName, Identity, PackageKey, Sha256
from reconciler.stores import keys, ledger
from reconciler.stores.catalog import CatalogEntry, update_catalog
from reconciler.stores.head import Head, LedgerTip, encode_head
from reconciler.stores.interface import Revision, Store
from reconciler.stores.measure import measure
from reconciler.stores.state import FeedState


class StaticFeed:
    """Implements FeedStorage."""

    def __init__(self, store: Store, state: FeedState, ecosystem: Ecosystem, *, edited: frozenset[str] = frozenset()) -> None:
        """`edited`: paths of pages that are not as they were written, and are written anew."""
        self._store = store
        self._state = state
        self._ecosystem = ecosystem
        self._edited = edited
        self._begun = Begun(store, state)
        self._quarantine = Quarantine(store, state.feed)
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
            left = file in self._begun.left.files and self._recorded(identity) is None
            for suffix, data in sorted(content.companions.items()):
                beside = self._key(identity, companion_name(content.published.name, suffix))
                if left or self._absent(beside, hashlib.sha256(data).hexdigest()):
                    self._store.put(beside, data, content_type=keys.OCTETS)
            if self._absent(key, content.published.sha256):
                self._store.put(key, content.path, content_type=keys.OCTETS)
        self._begun.arrived(files)

    def keep(self, identity: Identity, files: Iterable[PublishedFile]) -> None:
        """Copies files, and what lies beside them, into quarantine."""
        for file in files:
            for path, digest in self._objects(identity, file):
                self._quarantine.keep(path, digest)

    def restore(self, identity: Identity, files: Iterable[PublishedFile]) -> None:
        """Copies files, and what lies beside them, out of quarantine."""
        for file in files:
            self._begun.put([file_of(identity, file.name)])
            for path, digest in self._objects(identity, file):
                self._quarantine.bring_back(path, digest)
            self._begun.arrived([file_of(identity, file.name)])

    def commit(self, commitment: Commitment) -> bool:
        """Pages, removals, catalog, ledger, head; nothing at all if the head would stay the same."""
        old = self._state.head
        astray = self._astray(commitment)
        if old is not None and not astray and self._same(old, commitment):
            self._begun.finish(old.revision)
            return False
        for identity, version, file in astray:
            if version.state != "quarantined":
                self.restore(identity, [file])  # before any page names it
        entries, roots = self._write_pages(commitment)
        self._move(commitment)
        self._settle(astray)
        update = update_catalog(self._store, self.feed, old.catalog if old else None, entries)
        for key, data in update.objects:
            self._store.put(key, data, content_type=keys.JSON)
        tip = self._append(commitment.records)
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
            reanchored=(*(old.reanchored if old else ()), *((commitment.reanchored,) if commitment.reanchored else ())),
            unapplied=commitment.reanchored is not None and not commitment.reanchored.shared,
        )
        for stranger in commitment.evicted:
            self._quarantine.keep_alien(stranger)
        self._store.put_if(keys.head(self.feed), encode_head(head), content_type=keys.JSON, expected=self._state.revision)
        for stranger in commitment.evicted:  # after its record: whoever is stopped here evicts it once more, and records that too
            self._quarantine.remove(stranger.path)
        for segment in sorted(self._state.stray.difference(tip.segments)):  # of a pass that was stopped: never before the head
            self._store.delete(keys.ledger_segment(self.feed, segment))
        self._begun.finish(head.revision)
        return True

    def _append(self, records: Sequence[dict[str, Any]]) -> LedgerTip:
        """Puts the records behind the ledger; where it ends now."""
        tip = self._state.head.ledger if self._state.head else LedgerTip()
        if records:
            self._begun.records()
            tip, segment, lines = ledger.append(tip, records)
            self._store.put(keys.ledger_segment(self.feed, segment), lines, content_type=keys.JSON_LINES)
        return tip

    def _same(self, old: Head, commitment: Commitment) -> bool:
        """Whether there is nothing to write."""
        if (
            commitment.packages
            or commitment.records
            or commitment.evicted
            or self._begun.left.packages
            or self._edited
            or self._state.stray
            or old.unapplied
        ):
            return False
        wanted = (commitment.commit, commitment.outcome, commitment.valid_until, commitment.public_url, __version__)
        return (old.commit, old.outcome, old.valid_until, old.public_url, old.tool) == wanted

    def _write_pages(self, commitment: Commitment) -> tuple[list[CatalogEntry], dict[str, Revision]]:
        """Writes the pages of changed packages, dependencies first, then the lists; returns entries and the lists' revisions."""
        old = self._state.head
        packages = {**self.packages, **{p.key: p for p in commitment.packages}}
        everywhere = old is None or (old.public_url, old.tool) != (commitment.public_url, __version__)
        touched = packages.keys() if everywhere else {p.key for p in commitment.packages} | self._begun.left.packages | self._spoiled()
        if not touched and not self._edited and old is not None:
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
        for path in self._gone(by_package, rendered, view):  # the lists no longer name them
            self._store.delete(keys.feed_folder(self.feed) + path)
        return entries, roots

    def _gone(self, packages: Iterable[PackageKey], rendered: AbstractSet[str], view: FeedView) -> list[str]:
        """Pages that packages have no more, each before those that it names: against the order in which they were written."""
        gone = self._earlier(packages) - rendered
        before = tuple(self.packages[package.key] for package in view.changed if package.key in self.packages) if gone else ()
        order = [page.path for page in self._ecosystem.render(replace(view, changed=before)) if page.path in gone]
        return [*sorted(gone.difference(order)), *reversed(order)]

    def _spoiled(self) -> set[PackageKey]:
        """Packages with pages that are not as they were written."""
        return {key for key, entry in self._state.entries.items() if not self._edited.isdisjoint(entry.pages)}

    def _move(self, commitment: Commitment) -> None:
        """What no page names any more leaves the feed, and what is back in the feed leaves the quarantine."""
        for package in commitment.packages:
            for version in package.versions:
                identity = Identity(feed=self.feed, package=package.key, version=version.version.key)
                if version.state == "quarantined" or self._was_quarantined(identity):
                    for file in version.files:
                        self._place(identity, version, file)

    def _astray(self, commitment: Commitment) -> list[tuple[Identity, PublishedVersion, PublishedFile]]:
        """Files that a stopped pass may have moved into quarantine or out of it, with the version as it is to be: whatever is declared
        since, they belong where it says. What is nowhere to be found stays noted."""
        becomes = {(p.key, v.version.key): v for p in commitment.packages for v in p.versions}
        found = []
        for package, key, name in sorted(self._begun.left.files):
            identity = Identity(feed=self.feed, package=package, version=key)
            version = self._recorded(identity)
            file = next((f for f in version.files if f.name == name), None) if version else None
            if version is None or file is None:
                continue
            version = becomes.get((package, key), version)
            there = self._quarantine.has if version.state == "quarantined" else self._quarantine.can_bring_back
            if all(there(path, digest) for path, digest in self._objects(identity, file)):
                found.append((identity, version, file))
        return found

    def _settle(self, astray: Iterable[tuple[Identity, PublishedVersion, PublishedFile]]) -> None:
        """Each of them lies in one place only, the one where it is recorded."""
        for identity, version, file in astray:
            if version.state == "quarantined":
                for path, digest in self._objects(identity, file):
                    self._quarantine.keep(path, digest)
            self._place(identity, version, file)

    def _place(self, identity: Identity, version: PublishedVersion, file: PublishedFile) -> None:
        """Removes a file, and what lies beside it, from where it does not belong."""
        for path, digest in self._objects(identity, file):
            if version.state == "quarantined":
                self._quarantine.remove(path)
            else:
                self._quarantine.forget(path, digest)
        self._begun.arrived([file_of(identity, file.name)])

    def _was_quarantined(self, identity: Identity) -> bool:
        """Whether a version may be kept: it is recorded so, or a pass that was stopped has begun to move it."""
        version = self._recorded(identity)
        noted = any(file[:2] == (identity.package, identity.version) for file in self._begun.left.files)
        return noted or (version is not None and version.state == "quarantined")

    def _objects(self, identity: Identity, file: PublishedFile) -> Iterator[tuple[str, Sha256]]:
        """Paths in the feed's folder, with digests: of what belongs beside a file, then of the file itself."""
        place = partial(path_of, self._ecosystem.layout, package=identity.package, version=identity.version)
        for suffix, digest in sorted(file.companions.items()):
            yield place(file=companion_name(file.name, suffix)), digest
        yield place(file=file.name), file.sha256

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

    def _recorded(self, identity: Identity) -> PublishedVersion | None:
        package = self.packages.get(identity.package)
        return next((v for v in package.versions if v.version.key == identity.version), None) if package else None

    def _absent(self, key: str, sha256: str) -> bool:
        """Whether an object must be written; IntegrityError if there is one with other bytes."""
        found = measure(self._store, key)
        if found is not None and found.sha256 != sha256:
            message = f"{key} lies in feed storage with other bytes (sha256 {found.sha256}) than the approved ones ({sha256})"
            raise IntegrityError(message, remedy="nothing was overwritten; find out who wrote it, then remove it by hand")
        return found is None

    def _key(self, identity: Identity, file: str) -> str:
        path = path_of(self._ecosystem.layout, package=identity.package, version=identity.version, file=file)
        return keys.feed_folder(self.feed) + path
