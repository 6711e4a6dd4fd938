"""The head of a feed: one small object, switched by compare-and-swap, from which everything else in the state is reached."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.errors import IntegrityError
from reconciler.model.reanchored import Reanchored
from reconciler.model.words import CommitId, FeedName, Sha256
from reconciler.stores import keys
from reconciler.stores.interface import Revision, Store


class LedgerTip(BaseModel):
    """Where a ledger ends: its segments in order, the number of records, the hash of the last line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segments: tuple[str, ...] = ()
    records: int = 0
    hash: str = ""


class Head(BaseModel):
    """The state of a feed after the last completed apply. `revision` counts applies; `pages` are the lists of names.

    `reanchored` repeats what the ledger says of that, so that every report can mention it without reading the ledger; `unapplied`: it was
    anchored to a history of which nothing was ever applied, and no apply has come since.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: int
    commit: CommitId
    outcome: str
    valid_until: datetime | None
    tool: str
    public_url: str
    catalog: Sha256 | None
    pages: dict[str, Revision]
    ledger: LedgerTip
    reanchored: tuple[Reanchored, ...] = ()
    unapplied: bool = False


def read_head(store: Store, feed: FeedName) -> tuple[Head, Revision] | None:
    """The head and its revision for compare-and-swap; None where nothing was ever applied; IntegrityError if it is damaged."""
    stored = store.get(keys.head(feed))
    if stored is None:
        return None
    try:
        return Head.model_validate_json(stored.data), stored.revision
    except ValidationError as error:
        message = f"{keys.head(feed)} is damaged: {error.errors()[0]['msg']}"
        raise IntegrityError(message, remedy="restore it from a backup of the store; nothing was written") from error


def encode_head(head: Head) -> bytes:
    """The head as canonical JSON: the same head, the same bytes. Without what was never reanchored, so that versions before can read it."""
    content = head.model_dump(mode="json", exclude=None if head.reanchored else {"reanchored", "unapplied"})
    return (json.dumps(content, sort_keys=True, indent=1) + "\n").encode()
