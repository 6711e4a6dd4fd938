"""What feed storage holds: the recorded state and, where asked for, what listing the folder itself shows; reads only.

The catalog is trusted from pass to pass, so that nothing need be listed. A feed that was never applied to is listed always: its
folder may have been filled by other means, and what lies there is adopted, refused or reported, never overwritten. What a killed pass
has left there (`stores/unfinished.py`) is none of these: it counts as absent where nothing records it, and else as a repair to end.

A listing compares the sizes of package files; `deep` reads them too. Companions and pages, which are small and of which no size is
recorded, are read by both. Whoever lists also follows the ledger to its end: a pass that repairs must not build on an altered one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.packages import companion_name
from reconciler.model.plan import Stock, Stranger
from reconciler.model.words import Identity
from reconciler.observe.parts import Part, listing_of, parts_of, path_in, versions_of
from reconciler.observe.strangers import strangers_of
from reconciler.stores import keys, ledger
from reconciler.stores.interface import Revision, Store
from reconciler.stores.measure import measure
from reconciler.stores.state import FeedState


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """Sizes by path: of what lies in the feed's folder, and of what is quarantined."""

    served: Mapping[str, int]
    kept: Mapping[str, int]

    def has(self, part: Part) -> bool:
        return part.path in (self.kept if part.quarantined else self.served)

    def size(self, part: Part) -> int:
        return (self.kept if part.quarantined else self.served)[part.path]


def stock_of(store: Store, state: FeedState, ecosystem: Ecosystem, *, listed: bool, deep: bool = False) -> Stock:
    """The feed's stock; `listed`: compare with what the folder really holds, `deep`: with the bytes of package files too.

    Raises IntegrityError if the ledger is not as it was written, StoreUnavailable if anything cannot be read.
    """
    damaged, exposed = _begun(store, state, ecosystem)
    differing: dict[Identity, list[str]] = {}
    strangers: tuple[Stranger, ...] = ()
    edited: frozenset[str] = frozenset()
    if listed or deep or state.head is None:
        if state.head is not None:
            ledger.check(store, state.feed, state.head.ledger)
        found = _listed(store, state)
        for part in parts_of(state, ecosystem):
            if part.quarantined and part.path in found.served:
                exposed.add(part.identity)
                if not found.has(part):
                    continue  # on its way: it lies where clients can read it, and nowhere else
            if not found.has(part):
                damaged.setdefault(part.identity, []).append(f"{part.shown} is missing")
            elif (other := _difference(store, part, found.size(part), deep=deep)) is not None:
                differing.setdefault(part.identity, []).append(other)
        strangers = strangers_of(store, state, ecosystem, found.served)
        edited = frozenset(_edited(store, state, found.served))
    return Stock(
        feed=state.feed,
        commit=state.head.commit if state.head else None,
        public_url=state.head.public_url if state.head else "",
        catalog=(state.head.catalog or "") if state.head else "",
        packages={key: entry.package for key, entry in state.entries.items()},
        damaged=_texts(damaged),
        strangers=strangers,
        differing=_texts(differing),
        exposed=frozenset(exposed),
        edited=edited,
        reanchored=state.head.reanchored if state.head else (),
        unapplied=state.head is not None and state.head.unapplied,
    )


def _texts(found: Mapping[Identity, list[str]]) -> dict[Identity, tuple[str, ...]]:
    """Each text once: a listing finds again what a note gave away."""
    return {identity: tuple(dict.fromkeys(texts)) for identity, texts in sorted(found.items())}


def _listed(store: Store, state: FeedState) -> _Listed:
    folder = keys.quarantine_folder(state.feed)
    kept = {entry.key.removeprefix(folder): entry.size for entry in store.list(folder)}
    return _Listed(served=listing_of(store, state.feed), kept=kept)


def _begun(store: Store, state: FeedState, ecosystem: Ecosystem) -> tuple[dict[Identity, list[str]], set[Identity]]:
    """Recorded versions that a stopped pass may have left incomplete, or where clients can read what is quarantined."""
    damaged: dict[Identity, list[str]] = {}
    exposed: set[Identity] = set()
    noted = {Identity(feed=state.feed, package=package, version=version) for package, version, _ in state.unfinished.files}
    for identity, version in versions_of(state) if noted else ():
        files = [f for f in version.files if (identity.package, identity.version, f.name) in state.unfinished.files]
        if version.state != "quarantined":
            stopped = [f"{path_in(identity, f.name, ecosystem)}: a pass was stopped while it moved this" for f in files]
            damaged.setdefault(identity, []).extend(stopped)
            continue
        names = [name for f in files for name in (f.name, *(companion_name(f.name, suffix) for suffix in f.companions))]
        for path in (path_in(identity, name, ecosystem) for name in names):
            if _lies(store, keys.feed_folder(state.feed) + path):
                exposed.add(identity)
            elif not _lies(store, keys.quarantine_folder(state.feed) + path):
                damaged.setdefault(identity, []).append(f"quarantine/{path} is missing")
    return damaged, exposed


def _lies(store: Store, key: str) -> bool:
    stream = store.open(key)
    if stream is None:
        return False
    stream.close()
    return True


def _difference(store: Store, part: Part, size: int, *, deep: bool) -> str | None:
    """How an object differs from its record; None where it does not, as far as one has looked."""
    if part.size is not None and part.size != size:
        return f"{part.shown} has {size} bytes, recorded are {part.size}"
    if part.size is not None and not deep:
        return None
    found = measure(store, part.key)
    if found is None or found.sha256 == part.sha256:  # removed since it was listed: the next pass finds it missing
        return None
    return f"{part.shown} has other bytes than recorded: sha256 {found.sha256}, recorded is {part.sha256}"


def _edited(store: Store, state: FeedState, served: Mapping[str, int]) -> Iterator[str]:
    for path, revision in _pages(state):
        stored = store.get(keys.feed_folder(state.feed) + path) if path in served else None
        if stored is None or stored.revision != revision:
            yield path


def _pages(state: FeedState) -> Iterator[tuple[str, Revision]]:
    """Recorded pages, but for those that a stopped pass may have written: they are written anew in any case."""
    touched = state.unfinished.packages
    if state.head is not None and not touched:
        yield from state.head.pages.items()
    for key, entry in state.entries.items():
        if key not in touched:
            yield from entry.pages.items()
