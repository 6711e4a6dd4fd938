"""Files in a feed's folder that nothing records: package files without a record, and what has no business there at all; reads only.

No strangers are the pages of the feed, what a stopped pass has left, and what lies beside a package file because it belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from reconciler.ecosystems.interface import Ecosystem
from reconciler.ecosystems.layout import Place, place_of
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import FeedView, Inspection, companion_name
from reconciler.model.plan import Stranger
from reconciler.model.words import Identity, PackageKey, VersionKey
from reconciler.observe.parts import parts_of, path_in
from reconciler.stores import keys
from reconciler.stores.interface import Store
from reconciler.stores.measure import measure
from reconciler.stores.state import FeedState

NO_PACKAGE: Final = PackageKey("")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A package file without a record, with the paths of what belongs to it."""

    stranger: Stranger
    beside: frozenset[str]


def strangers_of(store: Store, state: FeedState, ecosystem: Ecosystem, served: Mapping[str, int]) -> tuple[Stranger, ...]:
    """The strangers among the objects of a feed's folder (sizes by path), sorted by path."""
    known = {part.path for part in parts_of(state, ecosystem)} | _page_paths(state, ecosystem)
    left = {path_in(Identity(feed=state.feed, package=p, version=v), file, ecosystem) for p, v, file in state.unfinished.files}
    folders = {path.rpartition("/")[0] for path in left}
    found: list[_Found] = []
    junk: list[str] = []
    for path in sorted(served.keys() - known - left):
        place = place_of(ecosystem.layout, path) if path.lower().endswith(ecosystem.file_suffixes) else None
        if place is not None:
            found.append(_package_file(store, state, ecosystem, path=path, place=place))
        elif path.rpartition("/")[0] not in folders:  # else it may belong to what was left
            junk.append(path)
    beside = frozenset(path for one in found for path in one.beside)
    rest = [_junk(store, state, path) for path in junk if path not in beside]
    return tuple(sorted([*(one.stranger for one in found), *rest], key=lambda stranger: stranger.path))


def _page_paths(state: FeedState, ecosystem: Ecosystem) -> set[str]:
    """Pages that are recorded, or that a stopped pass may have written; the lists of names are the same whatever the feed holds."""
    paths = {*state.unfinished.pages, *(path for entry in state.entries.values() for path in entry.pages)}
    if state.head is not None:
        paths |= state.head.pages.keys()
    if state.unfinished.packages:
        paths |= {page.path for page in ecosystem.render(FeedView(base_url="", changed=(), packages=()))}
    return paths


def _package_file(store: Store, state: FeedState, ecosystem: Ecosystem, *, path: str, place: Place) -> _Found:
    key = keys.feed_folder(state.feed) + path
    inside = _inspected(store, ecosystem, key, place.file)
    stranger = Stranger(
        path=path,
        package=place.package,
        version=place.version,
        file=place.file,
        sha256=_sha256(store, key),
        content_hash=inside.content_hash if inside else None,
    )
    identity = Identity(feed=state.feed, package=place.package, version=VersionKey(place.version))
    names = [companion_name(place.file, suffix) for suffix in inside.companions] if inside else []
    return _Found(stranger=stranger, beside=frozenset(path_in(identity, name, ecosystem) for name in names))


def _inspected(store: Store, ecosystem: Ecosystem, key: str, file: str) -> Inspection | None:
    stream = store.open(key)
    if stream is None:
        return None
    with stream:
        try:
            return ecosystem.inspect(file, stream) if stream.seekable() else None
        except ArchiveRefused:
            return None


def _junk(store: Store, state: FeedState, path: str) -> Stranger:
    digest = _sha256(store, keys.feed_folder(state.feed) + path)
    return Stranger(path=path, package=NO_PACKAGE, version="", file=path.rpartition("/")[2], sha256=digest)


def _sha256(store: Store, key: str) -> str:
    """The digest of an object; of nothing, if it was removed since it was listed."""
    found = measure(store, key)
    return found.sha256 if found else sha256().hexdigest()
