"""A history that was broken on purpose, and by whom the ledger of a feed was anchored to another one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.events import Named
from reconciler.model.words import CommitId, FeedName


@dataclass(frozen=True, kw_only=True, slots=True)
class Reanchored:
    """A feed's ledger went on at `commit`, though it had been applied at `from_commit`; `by` is the git user of whoever said so.

    `shared`: the commit had landed in the old history, too. If not, nothing of the new one was ever applied, its rules neither.
    """

    feed: FeedName
    from_commit: CommitId
    commit: CommitId
    at: datetime
    by: Named
    reason: str
    shared: bool
