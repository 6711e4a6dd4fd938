"""What is published and not explained: drift, each with where it is and what to do; what is taken out of the feed because of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from reconciler.decide.rows import Row
from reconciler.model.declared import Feed
from reconciler.model.plan import Drift, DriftKind, Eviction, Stock
from reconciler.model.words import FeedName


def drift_of(rows: Iterable[Row], stocks: Mapping[FeedName, Stock]) -> Iterator[Drift]:
    """Drift of versions, in the order of the rows, then pages that are not as they were written."""
    for row in rows:
        for kind, detail in _of_version(row):
            yield Drift(kind=kind, feed=row.identity.feed, package=row.spelled[0], version=row.spelled[1], detail=detail)
    for feed, stock in sorted(stocks.items()):
        for path in sorted(stock.edited):
            detail = f"{path} is not as it was written; `reconciler apply --refresh` writes it anew"
            yield Drift(kind="pages", feed=feed, package="", version="", detail=detail)


def _of_version(row: Row) -> Iterator[tuple[DriftKind, str]]:
    paths = ", ".join(stranger.path for stranger in row.strangers)
    named = f"{row.identity.feed} {' '.join(row.spelled)}"
    if row.action == "orphan":
        ways = f"approve it again: `reconciler approve {named} -m REASON`; or take it back: `reconciler withdraw {named} -m REASON`"
        yield "orphan", f"published, but no approval in force names it; it stays. Either {ways}"
    if row.action == "conflict" and (paths or not row.differing):
        where = f" ({paths})" if paths else ""
        yield "differing", f"the feed holds other bytes than the approval names{where}; nothing is overwritten"
    elif paths:
        yield "alien", f"in feed storage, but nobody approved or recorded it: {paths}"
    if row.exposed:
        yield "alien", "it is quarantined, and yet lies in the feed, where clients can read it"
    if row.differing:
        yield "differing", f"other bytes than the recorded ones, nothing is overwritten: {'; '.join(row.differing)}"
    if row.damage:
        approved = row.desired is not None and row.desired.state == "approved"
        unless = "" if approved else " (nothing fetches it again while it is not approved)"
        yield "missing", "; ".join(row.damage) + unless


def evictions_of(rows: Iterable[Row], feeds: Mapping[FeedName, Feed]) -> Iterator[Eviction]:
    """Files that nobody approved or recorded, in feeds that say `aliens: quarantine`; of a conflict nothing is touched."""
    for row in rows:
        feed = feeds[row.identity.feed]
        if feed.aliens == "quarantine" and row.action != "conflict":
            for stranger in sorted(row.strangers, key=attrgetter("path")):
                yield Eviction(feed=feed.name, file=stranger, where=feed.where)
