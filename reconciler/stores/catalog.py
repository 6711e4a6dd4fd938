"""What a feed holds, as immutable, content-addressed shards in two levels.

    root   {"0": <node>, ..., "f": <node>}            by the first hexadecimal digit of sha256(package key)
    node   {"0a3": <shard>, ...}                      by the first three
    shard  {"<package key>": {package, pages}, ...}

A change of k packages rewrites at most k shards, k nodes and the root, whatever the size of the feed; at 20,000 packages a shard
holds about five. Every object is named by its own digest, which is checked when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from reconciler.errors import IntegrityError
from reconciler.model.packages import Dependency, License, PublishedFile, PublishedPackage, PublishedVersion, Traits
from reconciler.model.words import FeedName, PackageKey, Sha256, Version
from reconciler.stores import keys
from reconciler.stores.interface import Revision, Store


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogEntry:
    """A package in a feed, with the revision of each of its mutable pages (by path in the feed's folder)."""

    package: PublishedPackage
    pages: Mapping[str, Revision]


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogUpdate:
    """New objects to write (key in the store, content), and the new root; the root is None for an empty catalog."""

    root: Sha256 | None
    objects: tuple[tuple[str, bytes], ...]


def read_catalog(
    store: Store, feed: FeedName, root: Sha256 | None, parse_version: Callable[[str], Version]
) -> dict[PackageKey, CatalogEntry]:
    """Everything that a feed holds, by package key; IntegrityError for the first object that is missing or not as it was written."""
    entries: dict[PackageKey, CatalogEntry] = {}
    for found in explore(store, feed, root, parse_version):
        if isinstance(found, IntegrityError):
            raise found
        entries[found.package.key] = found
    return dict(sorted(entries.items()))


def explore(
    store: Store, feed: FeedName, root: Sha256 | None, parse_version: Callable[[str], Version]
) -> Iterator[CatalogEntry | IntegrityError]:
    """All entries, and instead of an object that is missing or not as it was written, the error that names it."""
    for node in _below(store, feed, root):
        for shard in [node] if isinstance(node, IntegrityError) else _below(store, feed, node[1]):
            for row in [shard] if isinstance(shard, IntegrityError) else _below(store, feed, shard[1]):
                yield row if isinstance(row, IntegrityError) else _decode_entry(PackageKey(row[0]), row[1], parse_version)


def _below(store: Store, feed: FeedName, digest: Sha256 | None) -> Iterator[tuple[str, Any] | IntegrityError]:
    try:
        yield from _load(store, feed, digest).items()
    except IntegrityError as error:
        yield error


def update_catalog(store: Store, feed: FeedName, root: Sha256 | None, changed: Iterable[CatalogEntry]) -> CatalogUpdate:
    """The catalog with some packages replaced (a package without versions is removed); writes nothing.

    Objects that are as they were, as after a page was written anew, are not among those to write.
    """
    by_shard: dict[str, list[CatalogEntry]] = {}
    for entry in changed:
        by_shard.setdefault(_digest(entry.package.key.encode())[:3], []).append(entry)
    objects: dict[Sha256, bytes] = {}
    nodes = dict(_load(store, feed, root))
    for first in sorted({shard[0] for shard in by_shard}):
        node = dict(_load(store, feed, nodes.get(first)))
        for shard in sorted(s for s in by_shard if s[0] == first):
            rows = dict(_load(store, feed, node.get(shard)))
            for entry in by_shard[shard]:
                rows.pop(entry.package.key, None)
                if entry.package.versions:
                    rows[entry.package.key] = _encode_entry(entry)
            _replace(node, shard, _encode(rows), objects)
        _replace(nodes, first, _encode(node), objects)
    top: dict[str, Sha256 | None] = {"root": root}
    _replace(top, "root", _encode(nodes), objects)
    new = {keys.catalog_object(feed, digest): data for digest, data in objects.items()}
    return CatalogUpdate(root=top.get("root"), objects=tuple(new.items()))


def _replace(level: dict[str, Any], key: str, data: bytes | None, objects: dict[Sha256, bytes]) -> None:
    """Puts the digest of an object into the object above it, or takes it out; what is new is collected in `objects`."""
    old = level.pop(key, None)
    if data is not None:
        level[key] = digest = Sha256(_digest(data))
        if digest != old:
            objects[digest] = data


def _encode(content: Mapping[str, Any]) -> bytes | None:
    """Canonical JSON; None for nothing. In ASCII: half a surrogate pair, which upstream JSON may hold, has no other encoding."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii") if content else None


def _load(store: Store, feed: FeedName, digest: Sha256 | None) -> Mapping[str, Any]:
    if digest is None:
        return {}
    key = keys.catalog_object(feed, digest)
    stored = store.get(key)
    if stored is None or _digest(stored.data) != digest:
        message = f"{key} is {'missing' if stored is None else 'damaged'}: the catalog of {feed} cannot be read"
        raise IntegrityError(message, remedy="restore it from a backup of the store; nothing was written")
    content: Mapping[str, Any] = json.loads(stored.data)
    return content


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- one entry as JSON ----------------------------------------------------------------------------------------------------------


def _encode_entry(entry: CatalogEntry) -> dict[str, Any]:
    package = entry.package
    return {"name": package.name, "versions": [_encode_version(v) for v in package.versions], "pages": dict(sorted(entry.pages.items()))}


def _encode_version(version: PublishedVersion) -> dict[str, Any]:
    return {
        "version": version.version.text,
        "state": version.state,
        "reason": version.reason,
        "deprecated": version.deprecated,
        "upstream_deprecated": version.upstream_deprecated,
        "published_at": version.published_at.isoformat(),
        "files": [_encode_file(f) for f in version.files],
        "dependencies": [[d.name, d.range, d.condition] for d in version.dependencies],
    }


def _encode_file(file: PublishedFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "content_hash": file.content_hash,
        "uploaded_at": file.uploaded_at.isoformat() if file.uploaded_at else None,
        "yanked": file.yanked,
        "companions": dict(sorted(file.companions.items())),
        "metadata": file.metadata,
        "announced": file.announced,
        **({"traits": asdict(file.traits)} if file.traits is not None else {}),
    }


def _decode_entry(key: PackageKey, row: Mapping[str, Any], parse_version: Callable[[str], Version]) -> CatalogEntry:
    versions = tuple(_decode_version(v, parse_version) for v in row["versions"])
    return CatalogEntry(package=PublishedPackage(key=key, name=row["name"], versions=versions), pages=row["pages"])


def _decode_version(row: Mapping[str, Any], parse_version: Callable[[str], Version]) -> PublishedVersion:
    return PublishedVersion(
        version=parse_version(row["version"]),
        state=row["state"],
        reason=row["reason"],
        deprecated=row["deprecated"],
        upstream_deprecated=row.get("upstream_deprecated", row["deprecated"]),  # not in catalogs of version 0.1
        published_at=datetime.fromisoformat(row["published_at"]),
        files=tuple(_decode_files(row["files"])),
        dependencies=tuple(Dependency(name=n, range=r, condition=c) for n, r, c in row["dependencies"]),
    )


def _decode_files(rows: Iterable[Mapping[str, Any]]) -> Iterator[PublishedFile]:
    for row in rows:
        uploaded_at, traits = row["uploaded_at"], row.get("traits")  # no traits in catalogs of version 0.1
        read = {"uploaded_at": datetime.fromisoformat(uploaded_at) if uploaded_at else None, "traits": _traits(traits) if traits else None}
        yield PublishedFile(**{**row, **read})


def _traits(row: Mapping[str, Any]) -> Traits:
    lists = {name: tuple(value) for name, value in row.items() if name != "license"}
    return Traits(license=License(**row["license"]), **lists)
