"""Files that were taken out of a feed's folder and kept: nobody can download them there, and they come back unchanged.

A copy is made and proven before what it is a copy of is removed, in both directions, so that whoever stops the writer loses nothing.
What nobody approved or recorded ("alien") is kept by its digest: two of them may have had one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from reconciler.errors import IntegrityError
from reconciler.model.plan import Stranger
from reconciler.model.words import FeedName, Sha256
from reconciler.stores import keys
from reconciler.stores.interface import Store
from reconciler.stores.measure import measure, pieces
from reconciler.stores.spool import spooling


class Quarantine:
    """The quarantine of one feed; paths are relative to the feed's folder."""

    def __init__(self, store: Store, feed: FeedName) -> None:
        self._store = store
        self._feed = feed

    def keep(self, path: str, sha256: Sha256) -> None:
        """Copies what lies in the feed, if the recorded bytes are not kept already. What is not there, cannot be kept: drift names it."""
        if self._digest(self._aside(path)) != sha256:
            self._copy(self._public(path), self._aside(path))

    def bring_back(self, path: str, sha256: Sha256) -> None:
        """Copies the recorded bytes into the feed; IntegrityError if they are not kept, or others lie in their place."""
        there = self._digest(self._public(path))
        if there == sha256:
            return
        if there is not None:
            message = f"{self._public(path)} lies in feed storage with other bytes (sha256 {there}) than the recorded ones ({sha256})"
            raise IntegrityError(message, remedy="nothing was overwritten; find out who wrote it, then remove it by hand")
        kept = self._digest(self._aside(path))
        if kept != sha256:
            what = "are not kept any more" if kept is None else f"were changed while they were kept (sha256 {kept})"
            message = f"{path}: the quarantined bytes {what}; recorded is sha256 {sha256}"
            raise IntegrityError(message, remedy="`reconciler apply --refresh` fetches them again, if upstream still has them")
        self._copy(self._aside(path), self._public(path))

    def has(self, path: str, sha256: Sha256) -> bool:
        """Whether the recorded bytes lie in the feed or are kept."""
        return sha256 in {self._digest(self._public(path)), self._digest(self._aside(path))}

    def can_bring_back(self, path: str, sha256: Sha256) -> bool:
        """Whether `bring_back` will find the recorded bytes, and no others in their place."""
        there = self._digest(self._public(path))
        return there == sha256 or (there is None and self._digest(self._aside(path)) == sha256)

    def remove(self, path: str) -> None:
        """Removes an object from the feed."""
        self._store.delete(self._public(path))

    def forget(self, path: str, sha256: Sha256) -> None:
        """Removes a copy that is kept, once the recorded bytes lie in the feed; nothing happens where there is none."""
        if self._digest(self._public(path)) == sha256:
            self._store.delete(self._aside(path))

    def keep_alien(self, stranger: Stranger) -> None:
        """Copies a file that nobody approved or recorded."""
        self._copy(self._public(stranger.path), f"{keys.aliens_folder(self._feed)}{stranger.sha256}/{stranger.path}")

    def _public(self, path: str) -> str:
        return keys.feed_folder(self._feed) + path

    def _aside(self, path: str) -> str:
        return keys.quarantine_folder(self._feed) + path

    def _digest(self, key: str) -> str | None:
        found = measure(self._store, key)
        return found.sha256 if found else None

    def _copy(self, source: str, target: str) -> None:
        stream = self._store.open(source)
        if stream is None:
            return
        with stream, _spool(target) as (sink, path):
            for piece in pieces(stream):
                sink.write(piece)
            sink.flush()
            self._store.put(target, path, content_type=keys.OCTETS)


@contextmanager
def _spool(what: str) -> Iterator[tuple[IO[bytes], Path]]:
    """A temporary file, which the store may take away."""
    path = None
    try:
        with spooling(what, None), NamedTemporaryFile(prefix="reconciler-", delete=False) as sink:
            path = Path(sink.name)
            yield sink, path
    finally:
        if path is not None:
            path.unlink(missing_ok=True)
