"""What was done to a feed, for ever: one immutable segment of hash-chained JSON lines for each apply that did something.

Each record carries `seq` (from 1) and `previous`, the SHA-256 of the line before it, its line feed included ("" for the first), so
that no record can be changed, removed or put in without every later one telling. The head names the segments and the last hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.errors import IntegrityError
from reconciler.model.words import FeedName
from reconciler.stores import keys
from reconciler.stores.head import LedgerTip
from reconciler.stores.interface import Store


def append(tip: LedgerTip, records: Sequence[dict[str, Any]]) -> tuple[LedgerTip, str, bytes]:
    """The new tip, the new segment's name and its content; `records` are JSON objects without `seq` and `previous`."""
    lines: list[bytes] = []
    previous = tip.hash
    for number, record in enumerate(records, start=tip.records + 1):
        line = json.dumps({**record, "seq": number, "previous": previous}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        lines.append(f"{line}\n".encode())
        previous = hashlib.sha256(lines[-1]).hexdigest()
    segment = f"{tip.records + 1:010d}-{previous[:16]}"
    return LedgerTip(segments=(*tip.segments, segment), records=tip.records + len(lines), hash=previous), segment, b"".join(lines)


def read(store: Store, feed: FeedName, tip: LedgerTip) -> Iterator[dict[str, Any]]:
    """All records, oldest first, each checked against the chain; IntegrityError names the first that does not fit."""
    previous, number = "", 0
    for segment in tip.segments:
        stored = store.get(keys.ledger_segment(feed, segment))
        for line in (stored.data if stored else b"").splitlines(keepends=True):
            number += 1
            record = _record(line)
            if record.get("seq") != number or record.get("previous") != previous:
                raise _broken(feed, segment, number)
            previous = hashlib.sha256(line).hexdigest()
            yield record
    if number != tip.records or previous != tip.hash:
        raise _broken(feed, tip.segments[-1] if tip.segments else "", number + (number < tip.records))


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _broken(feed: FeedName, segment: str, number: int) -> IntegrityError:
    message = f"the ledger of {feed} has been altered: record {number} (segment {segment}) does not fit its chain"
    return IntegrityError(message, remedy="restore the segment from a backup; the git history still says who approved what")
