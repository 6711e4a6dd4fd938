"""What `sbom` tells, gathered from the store: the feed's catalog, its ledger, the snapshot of advisories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from urllib.parse import quote

import click

from reconciler import __version__
from reconciler.act.record import purl
from reconciler.decide.advisories import matched
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Affecting
from reconciler.model.declared import Feed
from reconciler.model.packages import Edge, ListedState, PublishedVersion
from reconciler.model.words import Identity, PackageKey, VersionKey
from reconciler.observe.advisories import Advisories
from reconciler.observe.parts import path_in
from reconciler.show.sbom import Inventory, Known, Ways, document
from reconciler.show.sbom_component import promotions
from reconciler.stores import ledger
from reconciler.stores.head import Head
from reconciler.stores.interface import Store
from reconciler.stores.state import read_state


def sbom_of(feed: Feed, store: Store, now: datetime, *, everything: bool) -> Iterator[str]:
    """The document in pieces; `everything`: also what was taken back. Says on standard error where nothing is known of vulnerabilities.

    Raises IntegrityError if catalog or ledger are not as they were written, StoreUnavailable if they cannot be read.
    """
    state = read_state(store, feed.name, ECOSYSTEMS[feed.type].parse_version)
    known = _known(store, feed, state.entries)
    if known is None:
        click.echo("No advisories: the document says nothing of vulnerabilities. `reconciler advisories update` fetches them.", err=True)
    states: frozenset[ListedState] = frozenset({"listed", "unlisted", "quarantined"} if everything else {"listed"})
    head = state.head
    inventory = Inventory(
        feed=feed.name,
        commit=head.commit if head else "",
        catalog=(head.catalog or "") if head else "",
        at=now,
        tool=__version__,
        packages=tuple(entry.package for entry in state.entries.values()),
        states=states,
        promoted=promotions(ledger.read(store, feed.name, head.ledger)) if head else {},
    )
    return document(inventory, _ways(feed, head), known)


def _ways(feed: Feed, head: Head | None) -> Ways:
    ecosystem = ECOSYSTEMS[feed.type]
    root = f"{head.public_url if head else ''}/{feed.name}/"

    def address(package: PackageKey, version: VersionKey, file: str) -> str:
        return root + quote(path_in(Identity(feed=feed.name, package=package, version=version), file, ecosystem))

    def needs(version: PublishedVersion) -> frozenset[Edge]:
        """What it needs for any of the feed's targets, whatever extras of it somebody may ask for."""
        frameworks = [framework for file in version.files if file.traits for framework in file.traits.frameworks]
        edges = (ecosystem.targeting.edges(version.dependencies, frameworks, target, frozenset()) for target in feed.targets or (None,))
        return frozenset(edge for found in edges for edge in found)

    return Ways(language=ecosystem, purl=partial(purl, feed.type), address=address, needs=needs)


def _known(store: Store, feed: Feed, packages: Iterable[PackageKey]) -> Known | None:
    """What the store's snapshot of advisories says of these packages; None where there is none about their ecosystem."""
    advisories = Advisories(store)
    snapshot, ecosystem = advisories.snapshot_of(feed.type), ECOSYSTEMS[feed.type]
    if snapshot is None:
        return None
    about = advisories.about(feed.type, packages)

    def affecting(package: PackageKey, version: PublishedVersion) -> Iterable[Affecting]:
        return matched(snapshot, about[package], version.version, ecosystem).affecting if package in about else ()

    return Known(snapshot=snapshot, affecting=affecting)
