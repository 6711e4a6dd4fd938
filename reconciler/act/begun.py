"""What this pass has begun in a feed, kept in feed storage from before its first write until after its head (`stores/unfinished.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final, TypeAlias
from uuid import uuid4

from reconciler.errors import RevisionConflict
from reconciler.model.words import Identity, PackageKey, VersionKey
from reconciler.stores import keys
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState
from reconciler.stores.unfinished import Unfinished, encode_unfinished

File: TypeAlias = tuple[PackageKey, VersionKey, str]


class Begun:
    """The note of one pass about one feed. It takes over what an earlier pass left in it; each change is a compare-and-swap."""

    def __init__(self, store: Store, state: FeedState) -> None:
        self._store = store
        self._key = keys.unfinished(state.feed)
        self._note = state.unfinished
        self._revision = state.unfinished_revision
        self._base = state.head.revision if state.head else 0
        self._pass: Final = uuid4().hex
        self._open: set[File] = set(state.unfinished.files)
        self.left: Final = state.unfinished
        """As the pass found it."""

    def files(self, coming: Iterable[File]) -> None:
        """Notes files that are to be put. RevisionConflict if another pass is at work."""
        self._write(self._note.model_copy(update={"files": self.left.files.union(coming)}))

    def pages(self, packages: AbstractSet[PackageKey], paths: AbstractSet[str]) -> None:
        """Notes packages whose pages are to be written, with the paths of these. RevisionConflict if another pass is at work."""
        self._write(self._note.model_copy(update={"packages": self.left.packages | packages, "pages": self.left.pages | paths}))

    def records(self) -> None:
        """Notes that records are to be appended, where nothing else is: a segment of the ledger that neither head nor note tells of
        means that somebody has put an older head back."""
        if self._revision is None or self._note.by != self._pass:
            self._write(self._note)

    def put(self, files: Iterable[File]) -> None:
        """These files are being put now."""
        self._open.update(files)

    def arrived(self, files: Iterable[File]) -> None:
        """These files lie in feed storage, whole."""
        self._open.difference_update(files)

    def is_ours(self) -> bool:
        """Whether no other pass has begun since."""
        found = self._store.get(self._key)
        return (found.revision if found else None) == self._revision

    def finish(self, base: int) -> None:
        """All is done that a head of this revision tells of. Files that were begun and did not arrive stay noted."""
        rest = Unfinished(base=base, files=frozenset(self._open))
        if self._revision is None or rest.model_copy(update={"base": self._note.base}) == self._note:
            return
        with suppress(RevisionConflict):  # then another pass has begun, and takes care of it
            if rest.files:
                self._store.put_if(self._key, encode_unfinished(rest), content_type=keys.JSON, expected=self._revision)
            elif self.is_ours():
                self._store.delete(self._key)

    def _write(self, note: Unfinished) -> None:
        note = note.model_copy(update={"base": self._base, "by": self._pass})
        self._revision = self._store.put_if(self._key, encode_unfinished(note), content_type=keys.JSON, expected=self._revision)
        self._note = note


def file_of(identity: Identity, name: str) -> File:
    return identity.package, identity.version, name
