"""`sbom`: what a feed holds, as a CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/); pure.

Each component, dependency and vulnerability is an object of the CycloneDX library, written by it on a line of its own. The lists around
them are put together here, one object at a time: the library's own document compares every reference with all before it, which
takes hours for a large feed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema.schema import SchemaVersion1Dot6

from reconciler.model.advisories import Affecting, Snapshot
from reconciler.model.packages import ListedState, PublishedPackage, PublishedVersion
from reconciler.model.words import FeedName, PackageKey, Version, VersionKey
from reconciler.show.sbom_component import Promoted, component
from reconciler.show.sbom_vulnerability import vulnerability

SERIAL: Final = "reconciler sbom"
"""What serial numbers are derived from, beside what the document is made of."""


class Need(Protocol):
    """A dependency that applies: a package, as the dependent names it, and a range."""

    @property
    def name(self) -> str: ...

    @property
    def range(self) -> str: ...


class Language(Protocol):
    """How an ecosystem reads names and ranges; `reconciler.ecosystems.interface.Ecosystem` is one. ValueError for what is neither."""

    def normalize_name(self, name: str, /) -> PackageKey:
        """The name that names are compared by."""

    def contains(self, version_range: str, version: Version, /) -> bool:
        """Whether a range admits a version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """What only the feed's ecosystem and storage know: how to read ranges, the package URL of (name, version), the address of (package,
    version, file), what a version needs."""

    language: Language
    purl: Callable[[str, str], str]
    address: Callable[[PackageKey, VersionKey, str], str]
    needs: Callable[[PublishedVersion], Iterable[Need]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Advisories at one time, and which of them affect a version of a package."""

    snapshot: Snapshot
    affecting: Callable[[PackageKey, PublishedVersion], Iterable[Affecting]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """A feed as its head names it: `commit` and `catalog` are "" where nothing was ever applied. `at` is when the document is made (aware
    UTC), `tool` the version of this program, `states` those of the versions that are told."""

    feed: FeedName
    commit: str
    catalog: str
    at: datetime
    tool: str
    packages: Sequence[PublishedPackage]
    states: frozenset[ListedState]
    promoted: Mapping[tuple[str, str], Promoted]
    """On whose word each version came in, by the keys of package and version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
    """A version that is told, and what it is called in the document: its package URL."""

    ref: str
    package: PublishedPackage
    version: PublishedVersion


def document(inventory: Inventory, ways: Ways, known: Known | None) -> Iterator[str]:
    """The document in pieces of JSON text, the last with a line feed; without `known` nothing is said of vulnerabilities.

    The same feed, advisories and clock give the same bytes; the order is that of `inventory.packages`.
    """
    items = [
        _Item(ref=ways.purl(package.name, version.version.text), package=package, version=version)
        for package in inventory.packages
        for version in package.versions
        if version.state in inventory.states
    ]
    yield "{\n"
    for key, value in _frame(inventory, known).items():
        yield f" {json.dumps(key)}: {json.dumps(value)},\n"
    yield from _array("components", (_component(item, inventory, ways) for item in items))
    yield ",\n"
    yield from _array("dependencies", _dependencies(inventory.feed, items, ways))
    if known is not None:
        yield ",\n"
        yield from _array("vulnerabilities", _vulnerabilities(items, known))
    yield "\n}\n"


def _array(name: str, objects: Iterable[Any]) -> Iterator[str]:
    """A list of the library's objects, one a line."""
    yield f' "{name}": ['
    for number, one in enumerate(objects):
        yield f"{',' if number else ''}\n  {one.as_json(view_=SchemaVersion1Dot6)}"
    yield "\n ]"


def _frame(inventory: Inventory, known: Known | None) -> dict[str, Any]:
    """Everything but the lists, in a fixed order."""
    said = {
        "reconciler:feed": inventory.feed,
        "reconciler:commit": inventory.commit,
        "reconciler:catalog": inventory.catalog,
        "reconciler:states": ", ".join(sorted(inventory.states)),
        "reconciler:advisories": known.snapshot.digest if known else "none",
        "reconciler:advisories-fetched-at": f"{known.snapshot.fetched_at:%Y-%m-%dT%H:%M:%SZ}" if known else "",
    }
    metadata = BomMetaData(
        timestamp=inventory.at,
        tools=ToolRepository(components=[Component(name="reconciler", type=ComponentType.APPLICATION, version=inventory.tool)]),
        component=Component(
            name=inventory.feed, type=ComponentType.DATA, version=inventory.commit or None, bom_ref=_ref_of_feed(inventory.feed)
        ),
        properties=[Property(name=name, value=value) for name, value in said.items() if value],
    )
    serial = uuid5(NAMESPACE_URL, "\n".join([SERIAL, inventory.tool, *said.values()]))
    written = json.loads(JsonV1Dot6(Bom(serial_number=serial, metadata=metadata)).output_as_string())
    return {key: written[key] for key in ("$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata")}


def _ref_of_feed(feed: FeedName) -> str:
    return f"feed:{feed}"


def _component(item: _Item, inventory: Inventory, ways: Ways) -> Component:
    package, version = item.package, item.version
    promoted = inventory.promoted.get((package.key, version.version.key))
    addresses = {file.name: ways.address(package.key, version.version.key, file.name) for file in version.files}
    return component(item.ref, package.name, version, addresses=addresses, promoted=promoted)


# --- what needs what --------------------------------------------------------------------------------------------------------------


def _dependencies(feed: FeedName, items: Sequence[_Item], ways: Ways) -> Iterator[Dependency]:
    """The feed with all that it holds, then what each version needs of it."""
    yield _dependency(_ref_of_feed(feed), (item.ref for item in items))
    supply = _supply(items)
    chosen: dict[tuple[str, str], str] = {}
    for item in items:
        found = set()
        for need in ways.needs(item.version):
            edge = (need.name, need.range)
            if edge not in chosen:  # the same few are needed everywhere
                chosen[edge] = _highest(need, supply, ways.language)
            found.add(chosen[edge])
        yield _dependency(item.ref, sorted(found - {"", item.ref}))


def _dependency(ref: str, others: Iterable[str]) -> Dependency:
    return Dependency(BomRef(ref), [Dependency(BomRef(other)) for other in others])


def _supply(items: Iterable[_Item]) -> dict[PackageKey, list[_Item]]:
    """The listed versions of each package, the one that resolvers prefer first: the newest release, then the newest prerelease."""
    supply: dict[PackageKey, list[_Item]] = {}
    for item in items:
        if item.version.state == "listed":
            supply.setdefault(item.package.key, []).insert(0, item)
    return {key: sorted(found, key=lambda item: item.version.version.prerelease) for key, found in supply.items()}


def _highest(need: Need, supply: Mapping[PackageKey, Sequence[_Item]], language: Language) -> str:
    """What a dependency comes to in the feed: no resolver is run, each is looked at by itself. "" where nothing fits, or can be read."""
    try:
        candidates = supply.get(language.normalize_name(need.name), ())
        return next((item.ref for item in candidates if language.contains(need.range, item.version.version)), "")
    except ValueError:
        return ""


# --- advisories -------------------------------------------------------------------------------------------------------------------


def _vulnerabilities(items: Iterable[_Item], known: Known) -> Iterator[Any]:
    """Each flaw once, with all that it affects; twice where other versions end it, or it is rated otherwise."""
    found: dict[Affecting, list[str]] = {}
    for item in items:
        for affecting in known.affecting(item.package.key, item.version):
            found.setdefault(affecting, []).append(item.ref)
    return (vulnerability(affecting, refs) for affecting, refs in sorted(found.items(), key=lambda one: (one[0].ids, one[1])))
