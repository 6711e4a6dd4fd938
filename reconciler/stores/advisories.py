"""Snapshots of advisories: which one is in use, and the immutable, content-addressed objects that it consists of.

    current.json  {"digest": <root>, "previous": <root>, "fetched_at", "source", "dumps": [counts of an ecosystem, ...]}
    root          {"NuGet": {"0a": <shard>, ...}, ...}              by the first two digits of sha256(package key)
    shard         {"<package key>": [<advisory>, ...], ...}

The digest of the root names the snapshot: the same advisories have the same digest. Objects are written first, and `current.json` is
switched by compare-and-swap, so that whoever is stopped before leaves the last snapshot as it was. 256 shards an ecosystem are few enough
for a pass that judges everything, and small enough for a command that asks about one package. Every object is checked when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from reconciler.errors import IntegrityError
from reconciler.model.advisories import Advisory, Current, Dump, Range, Snapshot
from reconciler.model.words import PackageKey, Sha256, sha256_hex
from reconciler.stores import keys
from reconciler.stores.interface import Revision, Store

REMEDY: Final = "`reconciler advisories update` fetches the advisories again"
SCHEMA: Final = "advisories/v1"

_SHARD_DIGITS: Final = 2


# --- reading --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What `current.json` says (None: nothing that can be read, as `damage` tells), and its revision (None: there is none)."""

    current: Current | None
    revision: Revision | None
    damage: str = ""


def find_current(store: Store) -> Found:
    """Looks which snapshot is in use, for whoever is going to replace it."""
    stored = store.get(keys.advisories())
    if stored is None:
        return Found(current=None, revision=None)
    try:
        return Found(current=_decode_current(json.loads(stored.data)), revision=stored.revision)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Found(current=None, revision=stored.revision, damage=str(error)[:200] or type(error).__name__)


def read_current(store: Store) -> Current | None:
    """Which snapshot is in use; None if there was never one. IntegrityError if that cannot be told."""
    found = find_current(store)
    if found.revision is not None and found.current is None:
        message = f"{keys.advisories()} is damaged, so nothing is known of advisories: {found.damage}"
        raise IntegrityError(message, remedy=REMEDY)
    return found.current


def read_root(store: Store, digest: Sha256) -> dict[str, dict[str, Sha256]]:
    """Ecosystem (as OSV names it) -> shard -> digest of its object. IntegrityError if it is missing or not as it was written."""
    root: dict[str, dict[str, Sha256]] = _load(store, digest)
    return root


def read_shard(store: Store, digest: Sha256, wanted: Iterable[PackageKey]) -> Iterator[tuple[PackageKey, tuple[Advisory, ...]]]:
    """What a shard says of these packages: of those that it knows. IntegrityError likewise."""
    rows = _load(store, digest)
    for key in wanted:
        if key in rows:
            yield key, tuple(map(_decode, rows[key]))


def shard_of(key: PackageKey) -> str:
    """In which shard of its ecosystem a package is."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_SHARD_DIGITS]


def _load(store: Store, digest: Sha256) -> dict[str, Any]:
    key = keys.advisory_object(digest)
    stored = store.get(key)
    if stored is None or sha256(stored.data).hexdigest() != digest:
        message = f"{key} is {'missing' if stored is None else 'damaged'}: the snapshot of the advisories cannot be read"
        raise IntegrityError(message, remedy=REMEDY)
    content: dict[str, Any] = json.loads(stored.data)
    return content


# --- writing --------------------------------------------------------------------------------------------------------------------


class Draft:
    """A snapshot in the making: advisories are kept encoded, which takes a fifth of the room. `size` is in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._rows: dict[str, dict[PackageKey, set[bytes]]] = {}

    def add(self, ecosystem: str, key: PackageKey, advisory: Advisory) -> None:
        """Takes what an advisory says about a package of an ecosystem, as OSV names that; the same again changes nothing."""
        row = _canonical(_encode(advisory))
        self._rows.setdefault(ecosystem, {}).setdefault(key, set()).add(row)
        self.size += len(row)

    def counts(self, ecosystem: str) -> tuple[int, int]:
        """How many advisories and packages there are of an ecosystem."""
        packages = self._rows.get(ecosystem, {})
        return sum(map(len, packages.values())), len(packages)

    def shards(self) -> Iterator[tuple[str, str, bytes]]:
        """Ecosystem, shard, canonical JSON of all that the shard says."""
        for ecosystem, packages in sorted(self._rows.items()):
            by_shard: dict[str, list[PackageKey]] = {}
            for key in sorted(packages):
                by_shard.setdefault(shard_of(key), []).append(key)
            for shard, inside in sorted(by_shard.items()):
                rows = (_canonical(key) + b":[" + b",".join(sorted(packages[key])) + b"]" for key in inside)
                yield ecosystem, shard, b"{" + b",".join(rows) + b"}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The snapshot that is in use now, how many objects were new, and how many that nothing needs any more were removed."""

    current: Current
    written: int
    removed: int


def write_snapshot(store: Store, draft: Draft, dumps: Iterable[Dump], *, fetched_at: datetime, source: str, before: Found) -> Written:
    """Writes a snapshot and puts it in use, in place of the one `before`, which was looked up before the dumps were fetched.

    RevisionConflict, and nothing changes, if another one was put in use meanwhile. What neither this snapshot nor the one before needs
    is removed afterwards; what is damaged is written anew.
    """
    digest, needed, written = _put(store, draft)
    old = before.current
    previous = None if old is None else old.previous if old.snapshot.digest == digest else old.snapshot.digest
    snapshot = Snapshot(digest=digest, fetched_at=fetched_at, source=source)
    current = Current(snapshot=snapshot, dumps=tuple(dumps), previous=previous)
    revision = store.put_if(keys.advisories(), _pretty(_encode_current(current)), content_type=keys.JSON, expected=before.revision)
    return Written(current=current, written=written, removed=_sweep(store, needed | _objects(store, previous), revision))


def _put(store: Store, draft: Draft) -> tuple[Sha256, set[str], int]:
    """Writes the objects that are not there as they should be; the digest of the root, the keys of all, how many were written."""
    there = {entry.key for entry in store.list(keys.advisory_objects())}
    root: dict[str, dict[str, Sha256]] = {}
    needed: set[str] = set()
    written = 0

    def put(data: bytes) -> Sha256:
        nonlocal written
        digest = Sha256(sha256(data).hexdigest())
        key = keys.advisory_object(digest)
        needed.add(key)
        stored = store.get(key) if key in there else None
        if stored is None or stored.data != data:
            store.put(key, data, content_type=keys.JSON)
            written += 1
        return digest

    for ecosystem, shard, data in draft.shards():
        root.setdefault(ecosystem, {})[shard] = put(data)
    return put(_canonical(root)), needed, written


def _objects(store: Store, digest: Sha256 | None) -> set[str]:
    """The keys of all objects of a snapshot; only its root's where that cannot be read."""
    if digest is None:
        return set()
    try:
        root = read_root(store, digest)
    except IntegrityError:
        return {keys.advisory_object(digest)}
    return {keys.advisory_object(digest), *(keys.advisory_object(one) for shards in root.values() for one in shards.values())}


def _sweep(store: Store, needed: set[str], revision: Revision) -> int:
    """Removes all other objects, for as long as nobody else has put a snapshot in use, which would need its own."""
    removed = 0
    for entry in list(store.list(keys.advisory_objects())):
        if entry.key not in needed:
            stored = store.get(keys.advisories())
            if stored is None or stored.revision != revision:
                break
            store.delete(entry.key)
            removed += 1
    return removed


# --- as JSON --------------------------------------------------------------------------------------------------------------------


def _canonical(content: object) -> bytes:
    """In ASCII: half a surrogate pair, which JSON from outside may hold, has no other encoding."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def _pretty(content: object) -> bytes:
    return (json.dumps(content, sort_keys=True, indent=1) + "\n").encode("ascii")


def _encode(advisory: Advisory) -> dict[str, Any]:
    """What is empty is left out: hundreds of thousands of records have nothing but an id and a range."""
    row = {
        "id": advisory.id,
        "aliases": advisory.aliases,
        "summary": advisory.summary,
        "severity": advisory.severity,
        "ranges": [[range_.type, range_.events] for range_ in advisory.ranges],
        "versions": advisory.versions,
        "modified": advisory.modified.isoformat() if advisory.modified else None,
        "last_known": advisory.last_known,
    }
    return {name: value for name, value in row.items() if value}


def _decode(row: Mapping[str, Any]) -> Advisory:
    modified = row.get("modified")
    return Advisory(
        id=row["id"],
        aliases=tuple(row.get("aliases", ())),
        summary=row.get("summary", ""),
        severity=row.get("severity"),
        ranges=tuple(Range(type=type_, events=tuple((kind, text) for kind, text in events)) for type_, events in row.get("ranges", ())),
        versions=tuple(row.get("versions", ())),
        modified=datetime.fromisoformat(modified) if modified else None,
        last_known=row.get("last_known", ""),
    )


def _encode_current(current: Current) -> dict[str, Any]:
    snapshot = current.snapshot
    return {
        "schema": SCHEMA,
        "digest": snapshot.digest,
        "previous": current.previous,
        "fetched_at": snapshot.fetched_at.isoformat(),
        "source": snapshot.source,
        "dumps": [asdict(dump) for dump in current.dumps],
    }


def _decode_current(row: Mapping[str, Any]) -> Current:
    if row["schema"] != SCHEMA:
        message = f"it is written as {row['schema']!a}, and {SCHEMA} is understood"
        raise ValueError(message)
    previous, fetched_at = row["previous"], datetime.fromisoformat(row["fetched_at"])
    if fetched_at.tzinfo is None:
        message = "its time has no zone"
        raise ValueError(message)
    return Current(
        snapshot=Snapshot(digest=sha256_hex(row["digest"]), fetched_at=fetched_at, source=row["source"]),
        dumps=tuple(Dump(**{**dump, "notes": tuple(dump["notes"])}) for dump in row["dumps"]),
        previous=None if previous is None else sha256_hex(previous),
    )
