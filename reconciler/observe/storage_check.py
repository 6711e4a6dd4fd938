"""Feed storage held against its own digests: what is wrong comes as findings, all of them, instead of as the first error; reads only.

Head, catalog and ledger first, as far as they can be read; then every package file is read to its end; then every page is rendered
again from the catalog. Files and pages that a stopped pass was at work on (`stores/unfinished.py`) are left to the next pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler import __version__
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import IntegrityError
from reconciler.model.packages import FeedView, Page, PublishedPackage
from reconciler.model.verification import Finding, FindingKind
from reconciler.model.words import FeedName, PackageKey, Version
from reconciler.observe.parts import Part, parts_of
from reconciler.stores import keys, ledger
from reconciler.stores.catalog import CatalogEntry, explore
from reconciler.stores.head import Head, LedgerTip, read_head
from reconciler.stores.interface import Revision, Store
from reconciler.stores.measure import measure
from reconciler.stores.state import FeedState
from reconciler.stores.unfinished import NOTHING, Unfinished, read_unfinished

REPAIR: Final = "`reconciler apply --refresh` brings it back, if it is approved and its source still has the same bytes"
UNTOUCHED: Final = "nothing overwrites it: find out who wrote it and move it away, then run `reconciler apply --refresh`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Readable:
    """As much of a feed's state as can be read, and why the rest cannot. `whole`: that is all of the catalog."""

    state: FeedState
    whole: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """One thing that was looked at: the bytes that were read, and what is wrong with it."""

    size: int = 0
    findings: tuple[Finding, ...] = ()


def read_as_far_as_possible(store: Store, feed: FeedName, parse_version: Callable[[str], Version]) -> Readable:
    """Note, head, end of the ledger and catalog of a feed; StoreUnavailable if the store cannot be read at all."""
    lying = ledger.names(store, feed)
    findings: list[Finding] = []
    unfinished: Unfinished = NOTHING
    noted: Revision | None = None
    try:
        unfinished, noted = read_unfinished(store, feed)
    except IntegrityError as error:
        findings.append(_unreadable(feed, keys.unfinished(feed), error))
    head, revision, readable = None, None, True
    try:
        head, revision = read_head(store, feed) or (None, None)
    except IntegrityError as error:
        findings.append(_unreadable(feed, keys.head(feed), error))
        readable = False
    if readable and (noted is None or unfinished.base > (head.revision if head else 0)):
        try:
            ledger.check_tip(feed, lying, head.ledger if head else LedgerTip())
        except IntegrityError as error:
            findings.append(_unreadable(feed, keys.head(feed), error))
    entries: dict[PackageKey, CatalogEntry] = {}
    broken = 0
    for found in explore(store, feed, head.catalog, parse_version) if head else ():
        if isinstance(found, IntegrityError):
            findings.append(_unreadable(feed, str(found).partition(" ")[0], found))
            broken += 1
        else:
            entries[found.package.key] = found
    state = FeedState(
        feed=feed,
        head=head,
        revision=revision,
        entries=dict(sorted(entries.items())),
        unfinished=unfinished,
        unfinished_revision=noted,
    )
    return Readable(state=state, whole=readable and not broken, findings=tuple(findings))


def _unreadable(feed: FeedName, subject: str, error: IntegrityError) -> Finding:
    return Finding(feed=feed, kind="state", subject=subject, detail=str(error), remedy=error.remedy)


def check_files(store: Store, state: FeedState, ecosystem: Ecosystem) -> Iterator[Looked]:
    """Each package file, and each object beside one, against the digest that the catalog has of it."""
    for part in parts_of(state, ecosystem):
        noted = (part.identity.package, part.identity.version, part.file) in state.unfinished.files
        yield Looked() if noted else _file(store, part)


def _file(store: Store, part: Part) -> Looked:
    found, findings = measure(store, part.key), []
    if found is None:
        findings.append(_finding(part, "missing", "it is not there", REPAIR))
    elif found.sha256 != part.sha256:
        recorded = f"{part.size} bytes, sha256 {part.sha256}" if part.size is not None else f"sha256 {part.sha256}"
        findings.append(_finding(part, "differing", f"{found.size} bytes, sha256 {found.sha256}; recorded: {recorded}", UNTOUCHED))
    elif part.size not in {None, found.size}:
        findings.append(_finding(part, "differing", f"{found.size} bytes; recorded: {part.size}", UNTOUCHED))
    if part.quarantined and measure(store, keys.feed_folder(part.identity.feed) + part.path) is not None:
        detail = "it is recorded as quarantined, and clients can read it"
        findings.append(replace(_finding(part, "exposed", detail, "`reconciler apply --refresh` takes it out again"), subject=part.path))
    return Looked(size=found.size if found else 0, findings=tuple(findings))


def _finding(part: Part, kind: FindingKind, detail: str, remedy: str) -> Finding:
    return Finding(feed=part.identity.feed, kind=kind, subject=part.shown, detail=detail, remedy=remedy)


# --- pages ------------------------------------------------------------------------------------------------------------------------


def check_pages(store: Store, state: FeedState, ecosystem: Ecosystem, *, whole: bool) -> Iterator[Looked]:
    """Each page against what its ecosystem renders from the catalog, package by package; the lists of names if that is `whole`."""
    head = state.head
    if head is None:
        return
    packages = tuple(entry.package for entry in state.entries.values())
    for entry in state.entries.values():
        if entry.package.key not in state.unfinished.packages:
            pages = [page for page in _rendered(head, state, ecosystem, changed=(entry.package,)) if not page.root]
            yield from _compared(store, state, pages, entry.pages)
    if whole and not state.unfinished.packages:
        yield from _compared(store, state, _rendered(head, state, ecosystem, packages=packages), head.pages)


def _rendered(
    head: Head,
    state: FeedState,
    ecosystem: Ecosystem,
    *,
    changed: tuple[PublishedPackage, ...] = (),
    packages: tuple[PublishedPackage, ...] = (),
) -> list[Page]:
    return list(ecosystem.render(FeedView(base_url=f"{head.public_url}/{state.feed}", changed=changed, packages=packages)))


def _compared(store: Store, state: FeedState, pages: list[Page], recorded: Mapping[str, Revision]) -> Iterator[Looked]:
    remedy = "`reconciler apply --refresh` writes it anew"
    if state.head is not None and state.head.tool != __version__:
        remedy = f"it was written by version {state.head.tool}: run `reconciler apply` with this version ({__version__}), then verify again"
    wanted = {page.path: page.body for page in pages}
    for path in sorted(wanted.keys() | recorded.keys()):
        stored = store.get(keys.feed_folder(state.feed) + path)
        if path not in wanted:
            detail = "the catalog names it, and renders to no such page"
        elif stored is None:
            detail = "it is not there"
        elif stored.data != wanted[path]:
            detail = f"its {len(stored.data)} bytes are not the {len(wanted[path])} that the catalog renders to"
        else:
            yield Looked(size=len(stored.data))
            continue
        yield Looked(findings=(Finding(feed=state.feed, kind="pages", subject=path, detail=detail, remedy=remedy),))
