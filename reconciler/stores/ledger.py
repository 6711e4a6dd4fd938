"""What was done to a feed, for ever: one immutable segment of hash-chained JSON lines for each apply that did something.

Each record carries `seq` (from 1) and `previous`, the SHA-256 of the line before it, its line feed included ("" for the first), so
that no record can be changed, removed or put in without every later one telling. The head names the segments and the last hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from reconciler.errors import IntegrityError
from reconciler.model.words import FeedName
from reconciler.stores import keys
from reconciler.stores.head import LedgerTip
from reconciler.stores.interface import Store

REMEDY: Final = "restore the segment from a backup; the git history still says who approved what"


def append(tip: LedgerTip, records: Sequence[dict[str, Any]]) -> tuple[LedgerTip, str, bytes]:
    """The new tip, the new segment's name and its content; `records` are JSON objects without `seq` and `previous`."""
    lines: list[bytes] = []
    previous = tip.hash
    for number, record in enumerate(records, start=tip.records + 1):
        line = json.dumps({**record, "seq": number, "previous": previous}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        lines.append(f"{line}\n".encode(errors="replace"))  # half of a surrogate pair, which YAML may hold, has no encoding
        previous = hashlib.sha256(lines[-1]).hexdigest()
    segment = f"{tip.records + 1:010d}-{previous[:16]}"
    return LedgerTip(segments=(*tip.segments, segment), records=tip.records + len(lines), hash=previous), segment, b"".join(lines)


def read(store: Store, feed: FeedName, tip: LedgerTip) -> Iterator[dict[str, Any]]:
    """All records, oldest first, each checked against the chain; IntegrityError names the first that is not as it was written."""
    for segment in segments(store, feed, tip):
        if segment.wrong:
            raise _altered(feed, segment.wrong)
        yield from segment.records


def check(store: Store, feed: FeedName, tip: LedgerTip) -> None:
    """IntegrityError as `read` raises it; keeps no record."""
    for _ in read(store, feed, tip):
        pass


def segments(store: Store, feed: FeedName, tip: LedgerTip) -> Iterator[Segment]:
    """All segments in order, each with what is wrong with it; after one that is wrong, the chain is taken up again where it ended.

    A segment without a name comes last where the head does not agree with what its segments amount to.
    """
    previous, number, sound = "", 1, True
    for name, following in zip_longest(tip.segments, tip.segments[1:]):
        stored = store.get(keys.ledger_segment(feed, name))
        lines = stored.data.splitlines(keepends=True) if stored else []
        end, tail = (_first_number(following) - 1, name.partition("-")[2]) if following else (tip.records, tip.hash)
        records = [_record(line) for line in lines]
        if not sound:
            # What the lost line hashed to is told by the name of its segment in part, and by the line after it in whole.
            claimed = str(records[0].get("previous", "")) if records else ""
            previous = claimed if claimed.startswith(previous) else previous
        wrong = _first_wrong(lines, records, _Written(start=number, end=end, previous=previous, tail=tail))
        sound = wrong is None
        how = "" if sound else f"record {wrong} (segment {name}) is not as it was written"
        yield Segment(name=name, first=wrong or number, records=tuple(records) if sound else (), wrong=how)
        previous, number = (hash_of(lines[-1]) if sound else tail), end + 1
    if sound and (number, previous) != (tip.records + 1, tip.hash):
        yield Segment(name="", first=number, records=(), wrong=f"it ends before record {number}, and should have {tip.records}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A segment as it was read: its records, or `wrong`: which record (number `first`) is not as it was written, "" if all are."""

    name: str
    first: int
    records: tuple[dict[str, Any], ...]
    wrong: str


def names(store: Store, feed: FeedName) -> frozenset[str]:
    """All segments that lie in the store, whether or not a head names them."""
    folder = keys.ledger_segment(feed, "").removesuffix(".jsonl")
    return frozenset(entry.key.removeprefix(folder).removesuffix(".jsonl") for entry in store.list(folder))


def check_tip(feed: FeedName, lying: Iterable[str], tip: LedgerTip) -> None:
    """IntegrityError if a segment lies in the store that continues the ledger behind the end that the head names.

    An older head that somebody has put back is told by this: heads only ever move on, and records are never taken back.
    """
    later = sorted(name for name in frozenset(lying).difference(tip.segments) if _first_number(name) > tip.records)
    if later:
        message = (
            f"the head of {feed} has been rolled back or removed: it ends the ledger at record {tip.records}, "
            f"but record {_first_number(later[0])} and what follows have been written (segment {later[0]})"
        )
        raise IntegrityError(message, remedy=f"restore the newest {keys.head(feed)} from a backup of the store; nothing was written")


def _altered(feed: FeedName, how: str) -> IntegrityError:
    message = f"the ledger of {feed} has been altered: {how}"
    return IntegrityError(message, remedy=REMEDY)


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
