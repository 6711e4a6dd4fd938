"""What feed storage holds: the recorded state and, where asked for, what listing the folder itself shows; reads only.

The catalog is trusted from pass to pass, so that nothing need be listed. A feed that was never applied to is listed always: its
folder may have been filled by other means, and what lies there is adopted, refused or reported, never overwritten. What a killed pass
has left there (`stores/unfinished.py`) is none of these: it counts as absent where nothing records it, and else as a repair to end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.packages import PublishedFile, companion_name
from reconciler.model.plan import Stock, Stranger
from reconciler.model.words import Identity, PackageKey
from reconciler.stores import keys
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState

CHUNK_BYTES = 1 << 20


def stock_of(store: Store, state: FeedState, ecosystem: Ecosystem, *, listed: bool) -> Stock:
    """The feed's stock; `listed`: compare with what the folder really holds."""
    sizes: Mapping[str, int] | None = None
    strangers: tuple[Stranger, ...] = ()
    if listed or state.head is None:
        sizes = {entry.key.removeprefix(keys.feed_folder(state.feed)): entry.size for entry in store.list(keys.feed_folder(state.feed))}
        strangers = _strangers(store, state, ecosystem, sizes)
    return Stock(
        feed=state.feed,
        commit=state.head.commit if state.head else None,
        public_url=state.head.public_url if state.head else "",
        catalog=(state.head.catalog or "") if state.head else "",
        packages={key: entry.package for key, entry in state.entries.items()},
        damaged=_damaged(state, ecosystem, sizes),
        strangers=strangers,
    )


def _damaged(state: FeedState, ecosystem: Ecosystem, sizes: Mapping[str, int] | None) -> dict[Identity, tuple[str, ...]]:
    """What is wrong with recorded versions; `sizes` of all objects in the feed's folder, by path, None where it was not listed."""
    found: dict[Identity, tuple[str, ...]] = {}
    if sizes is None and not state.unfinished.files:
        return found
    for key, entry in state.entries.items():
        for version in entry.package.versions:
            wrong: list[str] = []
            for file in version.files:
                path = ecosystem.layout.format(package=key, version=version.version.key, file=file.name)
                wrong += _wrong(path, file, sizes) if sizes is not None else ()
                if (key, version.version.key, file.name) in state.unfinished.files:
                    wrong.append(f"{path}: a pass was stopped while it repaired this")
            if wrong:
                found[Identity(feed=state.feed, package=key, version=version.version.key)] = tuple(wrong)
    return found


def _wrong(path: str, file: PublishedFile, sizes: Mapping[str, int]) -> list[str]:
    wrong = []
    if path not in sizes:
        wrong.append(f"{path} is missing")
    elif sizes[path] != file.size:
        wrong.append(f"{path} has {sizes[path]} bytes, recorded are {file.size}")
    beside = [path.removesuffix(file.name) + companion_name(file.name, key) for key in sorted(file.companions)]
    return wrong + [f"{companion} is missing" for companion in beside if companion not in sizes]


def _strangers(store: Store, state: FeedState, ecosystem: Ecosystem, sizes: Mapping[str, int]) -> tuple[Stranger, ...]:
    known = {
        ecosystem.layout.format(package=key, version=version.version.key, file=file.name)
        for key, entry in state.entries.items()
        for version in entry.package.versions
        for file in version.files
    }
    known |= {ecosystem.layout.format(package=package, version=version, file=file) for package, version, file in state.unfinished.files}
    place = _place(ecosystem.layout)
    found = []
    for path in sorted(sizes.keys() - known):
        at = place.fullmatch(path)
        if at is not None and path.lower().endswith(ecosystem.file_suffixes):
            digest = _sha256(store, keys.feed_folder(state.feed) + path)
            found.append(Stranger(path=path, package=PackageKey(at["package"]), version=at["version"], file=at["file"], sha256=digest))
    return tuple(found)


def _place(layout: str) -> re.Pattern[str]:
    """The layout template as a pattern; a field that comes twice must read the same."""
    pattern, seen = "", set()
    for part in re.split(r"(\{\w+\})", layout):
        if part.startswith("{"):
            name = part[1:-1]
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{'.+' if name == 'package' else '[^/]+'})"
            seen.add(name)
        else:
            pattern += re.escape(part)
    return re.compile(pattern)


def _sha256(store: Store, key: str) -> str:
    digest = hashlib.sha256()
    stream = store.open(key)
    if stream is not None:
        with stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
