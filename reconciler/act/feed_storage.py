"""The protocol that applying goes through: one approved feed, wherever and however it is kept.

`static_feed.py` implements it as files and pages on a Store. Nothing above this protocol may assume files, pages or a Store, so that
a registry that somebody else runs can be a target too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from reconciler.model.packages import PublishedFile, PublishedPackage
from reconciler.model.plan import Stranger
from reconciler.model.reanchored import Reanchored
from reconciler.model.words import CommitId, FeedName, Identity, PackageKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """A package file whose bytes have been verified, on its way into a feed; `companions` are published beside it, by suffix."""

    path: Path
    published: PublishedFile
    companions: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment:
    """What the feed is to become at the end of a pass: packages that change, records for the ledger, the head's facts.

    Versions that become quarantined have been kept before; those that stop being so have been restored. `evicted` are files without
    approval and record that leave the feed. `reanchored` is the one record, where the pass does nothing but that.
    """

    packages: Sequence[PublishedPackage]
    records: Sequence[dict[str, Any]]
    commit: CommitId
    outcome: str
    valid_until: datetime | None
    public_url: str
    evicted: Sequence[Stranger] = ()
    reanchored: Reanchored | None = None


class FeedStorage(Protocol):
    """One approved feed, as one pass sees it; the contract suite is `tests/contracts/test_feed_storage.py`.

    `open`, `publish`, `keep` and `restore` are called from several threads at once, each for another version; all of them may be
    called again for what is done already, as after a pass that was killed.
    """

    @property
    def feed(self) -> FeedName:
        """Its name."""

    @property
    def packages(self) -> Mapping[PackageKey, PublishedPackage]:
        """What it held when the pass began."""

    def open(self, identity: Identity, file: str) -> BinaryIO | None:
        """The bytes of a file that lies in the feed; None where there is none."""

    def begin(self, coming: Iterable[tuple[Identity, str]]) -> None:
        """Notes the files that the pass is about to bring in, before the first of them, so that the next pass can tell what a
        killed one has left. RevisionConflict if another pass is at work."""

    def publish(self, identity: Identity, contents: Iterable[Content]) -> None:
        """Brings files in; no client sees them before `commit`. IntegrityError if other bytes lie there already."""

    def keep(self, identity: Identity, files: Iterable[PublishedFile]) -> None:
        """Copies files to where no client can read them; they stay in the feed as well, until `commit` quarantines the version."""

    def restore(self, identity: Identity, files: Iterable[PublishedFile]) -> None:
        """Brings kept files back, as they were recorded; IntegrityError if only other bytes can be had."""

    def commit(self, commitment: Commitment) -> bool:
        """Makes the pass visible, in an order that never shows a file that is not there; False if nothing had to be written.

        RevisionConflict if somebody else has committed since the pass began.
        """
