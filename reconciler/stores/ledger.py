"""What was done to a feed, for ever: one immutable segment of hash-chained JSON lines for each apply that did something.

Each record carries `seq` (from 1) and `previous`, the SHA-256 of the line before it, its line feed included ("" for the first), so
that no record can be changed, removed or put in without every later one telling. The head names the segments and the last hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
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
    """All records, oldest first, each checked against the chain; IntegrityError names the first that is not as it was written."""
    previous, number = "", 1
    for segment, following in zip_longest(tip.segments, tip.segments[1:]):
        stored = store.get(keys.ledger_segment(feed, segment))
        lines = stored.data.splitlines(keepends=True) if stored else []
        end, tail = (_first_number(following) - 1, segment.partition("-")[2]) if following else (tip.records, tip.hash)
        written = _Written(start=number, end=end, previous=previous, tail=tail)
        records = [_record(line) for line in lines]
        wrong = _first_wrong(lines, records, written)
        if wrong is not None:
            raise _altered(feed, f"record {wrong} (segment {segment}) is not as it was written")
        yield from records
        previous, number = hash_of(lines[-1]), end + 1
    if (number, previous) != (tip.records + 1, tip.hash):
        raise _altered(feed, f"it ends before record {number}, and should have {tip.records}")


def _altered(feed: FeedName, how: str) -> IntegrityError:
    message = f"the ledger of {feed} has been altered: {how}"
    return IntegrityError(message, remedy="restore the segment from a backup; the git history still says who approved what")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """What the head says of a segment: its first and last record, the hash before it, and how the hash of its last line begins."""

    start: int
    end: int
    previous: str
    tail: str


def _first_wrong(lines: Sequence[bytes], records: Sequence[dict[str, Any]], written: _Written) -> int | None:
    """The number of the first record that was changed, removed or put in; None where all is well.

    A record that does not fit what comes before it is either changed itself, or what comes before it is: that is told by whether
    everything from it on leads to the hash that the head names.
    """
    hashes = [written.previous, *map(hash_of, lines)]
    count = written.end - written.start + 1
    numbers = range(written.start, written.start + len(lines))
    fits = [r.get("seq") == n and r.get("previous") == h for r, n, h in zip(records, numbers, hashes, strict=False)]
    ends_well = hashes[-1].startswith(written.tail)
    if count < 1:
        return written.start
    if all(fits):
        if len(lines) == count:
            return None if ends_well else written.end
        return written.start + min(len(lines), count)
    place = fits.index(False)
    innocent = records[place].get("seq") == numbers[place] and all(fits[place + 1 :]) and ends_well
    return numbers[place] - 1 if innocent and place else numbers[place]


def _first_number(segment: str) -> int:
    """The first record of a segment, by its name; 0, which none has, for what is no such name."""
    number = segment.partition("-")[0]
    return int(number) if re.fullmatch(r"[0-9]{1,18}", number) else 0


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def hash_of(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
