"""Where things lie in a store (DESIGN section 9).

feeds/<feed>/...                        the protocol's own static layout, served as it is
state/feeds/<feed>/head.json            the switch: what readers of the state begin with
state/feeds/<feed>/unfinished.json      what a pass has begun and no head tells of yet; gone when there is nothing
state/feeds/<feed>/catalog/<sha256>     what the feed holds; immutable, named by content
state/feeds/<feed>/ledger/<segment>     what was done; immutable, hash-chained
state/feeds/<feed>/quarantine/...       files that were taken out of the feed's folder, at the paths that they had there
state/feeds/<feed>/aliens/<sha256>/...  files that nobody approved or recorded, taken out likewise
state/advisories/current.json           which snapshot of the advisories is in use
state/advisories/objects/<sha256>.json  snapshots of the advisories; immutable, named by content
state/evidence/<commit>/...             when a landing commit was first seen, and what a forge said of it; immutable
"""

from __future__ import annotations

from reconciler.model.words import CommitId, FeedName, Sha256

JSON = "application/json"
JSON_LINES = "application/jsonl"
OCTETS = "application/octet-stream"


def feed_folder(feed: FeedName) -> str:
    """The prefix of everything that clients of a feed may read."""
    return f"feeds/{feed}/"


def head(feed: FeedName) -> str:
    """The head of a feed."""
    return f"state/feeds/{feed}/head.json"


def unfinished(feed: FeedName) -> str:
    """What a pass has begun."""
    return f"state/feeds/{feed}/unfinished.json"


def catalog_object(feed: FeedName, digest: Sha256) -> str:
    """An object of a feed's catalog."""
    return f"state/feeds/{feed}/catalog/{digest}.json"


def ledger_segment(feed: FeedName, segment: str) -> str:
    """A segment of a feed's ledger."""
    return f"state/feeds/{feed}/ledger/{segment}.jsonl"


def quarantine_folder(feed: FeedName) -> str:
    """The prefix of what was taken out of a feed and kept."""
    return f"state/feeds/{feed}/quarantine/"


def aliens_folder(feed: FeedName) -> str:
    """The prefix of what lay in a feed without approval and record, and was taken out."""
    return f"state/feeds/{feed}/aliens/"


def evidence_folder() -> str:
    """The prefix of what was seen and said of landing commits."""
    return "state/evidence/"


def evidence(commit: CommitId, name: str) -> str:
    """Something that was seen or said of a landing commit."""
    return f"{evidence_folder()}{commit}/{name}"


def advisories() -> str:
    """Which snapshot of the advisories is in use."""
    return "state/advisories/current.json"


def advisory_objects() -> str:
    """The prefix of what snapshots of the advisories are made of."""
    return "state/advisories/objects/"


def advisory_object(digest: Sha256) -> str:
    """A part of a snapshot of the advisories."""
    return f"{advisory_objects()}{digest}.json"
