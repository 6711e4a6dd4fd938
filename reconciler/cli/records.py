"""Reading ledgers for the commands that tell of the past, and placing their records on the chain of landing commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.declaration import Declaration
from reconciler.errors import PreconditionFailed
from reconciler.model.words import FeedName
from reconciler.stores import ledger
from reconciler.stores.head import Head, LedgerTip, read_head
from reconciler.stores.interface import Store
from reconciler.stores.unfinished import read_unfinished


def read_records(store: Store, feed: FeedName) -> tuple[Head | None, tuple[Mapping[str, Any], ...]]:
    """The head (None: never applied) and all records, checked against their chain; IntegrityError if they are not as written.

    In this order: whoever finds the segment of a pass that is at work also finds its note or its head (see `stores/state.py`).
    """
    segments = ledger.names(store, feed)
    unfinished, at_work = read_unfinished(store, feed)
    found = read_head(store, feed)
    head = found[0] if found else None
    if at_work is None or unfinished.base > (head.revision if head else 0):
        ledger.check_tip(feed, segments, head.ledger if head else LedgerTip())
    return head, tuple(ledger.read(store, feed, head.ledger)) if head else ()


def place_of(commit: str, chain: Mapping[str, int], *, feed: str, record: int, anchors: Iterable[tuple[int, str]] = ()) -> int:
    """Where the commit that a record names stands among the landing commits; PreconditionFailed if it is none of them.

    `anchors` are the records of the feed that anchor it to another history, with the commits at which it goes on: what was recorded
    before one of them, and is not of this history, counts from there on.
    """
    if commit not in chain:
        for number, anchor in sorted(anchors):
            if number > record and anchor in chain:
                return chain[anchor]
        message = f"record {record} of {feed} names commit {commit[:12]}, which is not on the first-parent chain that is read"
        remedy = "if --ref names no old commit and no other branch, the history was rewritten: `reconciler verify` looks at all records"
        raise PreconditionFailed(message, remedy=remedy)
    return chain[commit]


def places(declaration: Declaration) -> Mapping[str, int]:
    """The landing commits, counted from the root."""
    return {commit: number for number, commit in enumerate(declaration.chain)}
