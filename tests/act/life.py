"""The life of a few packages, told twice: by the program, and by a naive model of what clients must be able to see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from reconciler.decide.verification import Accounts, Derived, Outlined, blobs_through_time, judge_catalog, judge_record, outline_of
from reconciler.declare.history import identifier
from reconciler.declare.paths import approval_path, parse_approval_path
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Approval
from reconciler.model.packages import PublishedVersion
from reconciler.model.verification import ChangeRecord, Finding, parse_record
from reconciler.model.words import FeedName, Identity, PackageKey, VersionKey
from reconciler.observe.parts import parts_of, path_in, versions_of
from reconciler.observe.storage_check import check_files, check_pages, read_as_far_as_possible
from reconciler.reconcile import Options, Planned, plan_pass
from reconciler.stores import keys
from tests.support.nupkgs import nupkg
from tests.support.reading import reader_of, surroundings
from tests.support.shelf import Shelf
from tests.support.tarballs import tarball, tarball_name
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name
from tests.support.world import NOW, NUGET, PYPI, Run, World, objects

NPM: Final = FeedName("approved-npm")
FEEDS: Final = """\
store: ./.feeds
public_url: https://feeds.example
feeds:
  public-nuget: {type: nuget, usage: proxy, connectors: [{upstream: ./nuget}]}
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: ./pypi}]}
  public-npm: {type: npm, usage: proxy, connectors: [{upstream: ./npm}]}
  approved-nuget: {type: nuget, usage: approved, promotes_from: [public-nuget]}
  approved-pypi: {type: pypi, usage: approved, promotes_from: [public-pypi]}
  approved-npm: {type: npm, usage: approved, promotes_from: [public-npm]}
limits: {withdrawals: "100"}
"""
UPLOADED: Final = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
GARBAGE: Final = b"edited by hand"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A version that upstream offers, with the names of its files; the first of them is approved alone, or all."""

    feed: FeedName
    package: str
    version: str
    files: tuple[str, ...]

    @property
    def path(self) -> str:
        return approval_path(self.feed, self.package, self.version)

    @property
    def identity(self) -> Identity:
        ecosystem = ECOSYSTEMS[self.type]
        version = ecosystem.parse_version(self.version).key
        return Identity(feed=self.feed, package=ecosystem.normalize_name(self.package), version=version)

    @property
    def type(self) -> str:
        return self.feed.removeprefix("approved-")


WHEELS: Final = (("base", "1.0", ()), ("base", "1.1", ()), ("app", "2.0", ("base>=1",)))
NUPKGS: Final = (("Base", "3.0.0"), ("Base", "3.1.0"), ("App", "4.0.0"))
TARBALLS: Final = (("@team/base", "5.0.0"), ("@team/base", "5.1.0"), ("@team/base", "6.0.0-rc.1"))
SLOTS: Final = (
    *(
        Slot(feed=PYPI, package=name, version=version, files=(wheel_name(name, version), sdist_name(name, version)))
        for name, version, _ in WHEELS
    ),
    *(Slot(feed=NUGET, package=name, version=version, files=(f"{name.lower()}.{version}.nupkg",)) for name, version in NUPKGS),
    *(Slot(feed=NPM, package=name, version=version, files=(tarball_name(name, version),)) for name, version in TARBALLS),
)


class LifeWorld(World):
    """A World with npm, and marks."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.shelves["npm"] = Shelf("./npm", ECOSYSTEMS["npm"])
        self.write("approvals/README.md", "One file a version.\n")
        for name, version, requires in WHEELS:
            self.shelves["pypi"].place(wheel_name(name, version), wheel(name, version, requires=list(requires)), uploaded_at=UPLOADED)
            self.shelves["pypi"].place(sdist_name(name, version), sdist(name, version), companions={".provenance": b"{}"})
        for name, version in NUPKGS:
            self.shelves["nuget"].place(f"{name.lower()}.{version}.nupkg", nupkg(name, version), uploaded_at=UPLOADED)
        for name, version in TARBALLS:
            self.shelves["npm"].place(tarball_name(name, version), tarball(name, version), uploaded_at=UPLOADED)

    def feeds(self, **_: str) -> None:
        self.write("feeds.yaml", FEEDS)

    def plan(self, run: Run | None = None) -> Planned:
        how = run or Run()
        options = Options(now=how.now, public_url=None, listed=how.listed, accept="", marks=how.listed)
        return plan_pass(
            reader_of(self.root, how.now), self.declaration(), surroundings(how.store or self.store, self.upstream_of), options
        )

    def bytes_of(self, slot: Slot, file: str) -> bytes:
        return self.shelves[slot.type].items[file].data


# --- the model ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a feed holds of a version; `files` maps names to why upstream has yanked them."""

    state: str
    reason: str
    deprecated: str | None
    upstream: str | None
    files: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a pass meets besides the approval and the feed."""

    now: datetime
    refresh: bool
    frozen: bool
    shelf: Shelf


def expected(slot: Slot, said: Approval | None, held: Held | None, met: Circumstances) -> Held | None:
    """What one pass makes of a version."""
    if said is None or met.frozen:
        return held
    if said.withdrawn is not None:
        state = {"unlist": "unlisted", "quarantine": "quarantined"}[said.withdrawn.action]
        if held is None or (held.state, held.reason) == (state, said.withdrawn.reason):
            return held
        return _told(said, replace(held, state=state, reason=said.withdrawn.reason))
    if said.expires is not None and datetime.combine(said.expires, time(), UTC) <= met.now:
        reason = f"the approval expired on {said.expires}"
        if held is None or held.state == "quarantined" or (held.state, held.reason) == ("unlisted", reason):
            return held
        return _told(said, replace(held, state="unlisted", reason=reason))
    return _approved(slot, said, held, met)


def _approved(slot: Slot, said: Approval, held: Held | None, met: Circumstances) -> Held | None:
    names = [file.name for file in said.files]
    yanked = {name: met.shelf.items[name].yanked for name in slot.files}
    deprecated = met.shelf.deprecated.get(slot.version)
    if held is None:
        if met.shelf.down:
            return None
        files = {name: yanked[name] for name in names}
        return _told(said, Held(state="listed", reason="", deprecated=None, upstream=deprecated, files=files))
    if set(names) < held.files.keys():
        return held
    if held.state == "quarantined":
        return _told(said, replace(held, state="listed", reason=""))
    if set(names) > held.files.keys():
        if met.shelf.down:
            return held
        files = {name: held.files.get(name, yanked[name]) for name in names}
        return _told(said, replace(held, state="listed", reason="", upstream=deprecated, files=files))
    if held.state == "listed" and met.refresh and not met.shelf.down:
        held = replace(held, upstream=deprecated, files={name: yanked[name] for name in names})
    return _told(said, replace(held, state="listed", reason=""))


def _told(said: Approval, held: Held) -> Held:
    return replace(held, deprecated=said.deprecated.message if said.deprecated else held.upstream)


def recorded(world: World) -> dict[Slot, Held | None]:
    """What the catalogs say, as the model has it."""
    found: dict[Slot, Held | None] = {}
    for slot in SLOTS:
        version = dict(versions_of(world.state(slot.feed))).get(slot.identity)
        found[slot] = _held(version) if version is not None else None
    return found


def _held(version: PublishedVersion) -> Held:
    return Held(
        state=version.state,
        reason=version.reason,
        deprecated=version.deprecated,
        upstream=version.upstream_deprecated,
        files={file.name: file.yanked for file in version.files},
    )


# --- what clients see -----------------------------------------------------------------------------------------------------------


def check_feeds(world: LifeWorld, held: Mapping[Slot, Held | None], *, edited: frozenset[str], begun: frozenset[Slot]) -> None:
    """Pages, bytes and leftovers, by the model alone; pages that were edited by hand are passed over, and files that were `begun`."""
    for slot, version in held.items():
        if slot in begun:
            continue
        visible = version is not None and version.state != "quarantined"
        for file in slot.files:
            path = path_in(slot.identity, file, ECOSYSTEMS[slot.type])
            there = version is not None and file in version.files
            served = world.store.get(keys.feed_folder(slot.feed) + path)
            kept = world.store.get(keys.quarantine_folder(slot.feed) + path)
            assert (served and served.data) == (world.bytes_of(slot, file) if there and visible else None), path
            assert (kept and kept.data) == (world.bytes_of(slot, file) if there and not visible else None), path
    for feed, check in ((PYPI, _pypi), (NUGET, _nuget), (NPM, _npm)):
        if not any(key.startswith(keys.feed_folder(feed)) for key in edited) and world.state(feed).head is not None:
            check(world, {slot: one for slot, one in held.items() if slot.feed == feed and one is not None})
    for feed in (PYPI, NUGET, NPM):
        _nothing_else(world, feed, {slot for slot in begun if slot.feed == feed})


def _page(world: World, feed: str, path: str) -> Any:
    stored = world.store.get(f"feeds/{feed}/{path}")
    return stored and json.loads(stored.data)


def _packages(held: Mapping[Slot, Held]) -> Iterator[tuple[PackageKey, dict[VersionKey, Held]]]:
    """Each package with the versions that clients see, ascending."""
    for package in dict.fromkeys(slot.identity.package for slot in held):
        own = {slot.identity.version: one for slot, one in held.items() if slot.identity.package == package and one.state != "quarantined"}
        yield package, own


def _pypi(world: World, held: Mapping[Slot, Held]) -> None:
    shown = []
    for package, versions in _packages(held):
        page = _page(world, PYPI, f"simple/{package}/index.json")
        if not versions:
            assert page is None
            continue
        shown.append(package)
        yanked = {file["filename"]: file["yanked"] for file in page["files"]}
        assert yanked == {name: _yanked(one, why) for one in versions.values() for name, why in one.files.items()}
        for file in page["files"]:
            assert world.store.get(f"feeds/{PYPI}/{file['url'].removeprefix('../../')}") is not None
        all_deprecated = all(one.deprecated is not None for one in versions.values())
        assert ("project-status" in page) == all_deprecated
    assert [project["name"] for project in _page(world, PYPI, "simple/index.json")["projects"]] == sorted(shown)


def _yanked(version: Held, why: str | None) -> str | bool:
    if version.state == "unlisted":
        return version.reason
    return False if why is None else why or True


def _nuget(world: World, held: Mapping[Slot, Held]) -> None:
    found = []
    for package, versions in _packages(held):
        page = _page(world, NUGET, f"v3/registration/{package}/index.json")
        flat = _page(world, NUGET, f"v3/flatcontainer/{package}/index.json")
        if not versions:
            assert (page, flat) == (None, None)
            continue
        assert flat["versions"] == list(versions)
        items = {item["catalogEntry"]["version"]: item["catalogEntry"] for part in page["items"] for item in part["items"]}
        listed = {key: one.state == "listed" and None in one.files.values() for key, one in versions.items()}
        assert {key: entry["listed"] for key, entry in items.items()} == listed
        assert {key for key, entry in items.items() if "deprecation" in entry} == {
            key for key, one in versions.items() if one.deprecated is not None
        }
        if any(listed.values()):
            found.append(package)
    assert [hit["id"].lower() for hit in _page(world, NUGET, "v3/query.json")["data"]] == sorted(found)


def _npm(world: World, held: Mapping[Slot, Held]) -> None:
    for package, versions in _packages(held):
        page = _page(world, NPM, f"{package}/index.json")
        if not versions:
            assert page is None
            continue
        assert list(page["versions"]) == sorted(versions)
        said = {key: entry.get("deprecated") for key, entry in page["versions"].items()}
        assert said == {key: one.reason if one.state == "unlisted" else one.deprecated for key, one in versions.items()}
        listed = {key for key, one in versions.items() if one.state == "listed"}
        assert set(page["dist-tags"].values()) <= (listed or set(versions))
        assert "latest" in page["dist-tags"]


def _nothing_else(world: World, feed: FeedName, begun: set[Slot]) -> None:
    """Everything that lies in the feed, in quarantine and in its state has a name; of what was begun, the note is one."""
    state = world.state(feed)
    pages = set(state.head.pages if state.head else ()) | {path for entry in state.entries.values() for path in entry.pages}
    parts = list(parts_of(state, ECOSYSTEMS[feed.removeprefix("approved-")]))
    served = {keys.feed_folder(feed) + path for path in pages | {part.path for part in parts if not part.quarantined}}
    left = {place for slot in begun for place in _places(slot)}
    found = {key for key in objects(world.store, keys.feed_folder(feed)) if key in served or not key.startswith(tuple(left))}
    assert found == served
    assert objects(world.store, keys.quarantine_folder(feed)).keys() == {part.key for part in parts if part.quarantined}
    segments = {keys.ledger_segment(feed, name) for name in (state.head.ledger.segments if state.head else ())}
    assert objects(world.store, f"state/feeds/{feed}/ledger/").keys() == segments
    assert begun or world.store.get(keys.unfinished(feed)) is None
    assert not objects(world.store, keys.aliens_folder(feed))


# --- what `verify` finds --------------------------------------------------------------------------------------------------------


def findings(world: World) -> list[Finding]:
    """As the command has them, from the functions behind it."""
    declaration = world.declaration()
    identify = identifier(declaration.rules.now.settings, ECOSYSTEMS)

    def place(path: str) -> tuple[Identity, str, str] | None:
        identity, parts = identify(path), parse_approval_path(path)
        return None if identity is None else (identity, parts.package, parts.version)

    derived = Derived(
        positions={commit: number for number, commit in enumerate(declaration.chain)},
        accounts=Accounts(declaration.authority, declaration.rules, declaration.proofs),
        stood=blobs_through_time(declaration.landed.touched(), len(declaration.chain) - 1),
        place=place,
    )
    return [finding for feed in (PYPI, NUGET, NPM) for finding in _findings(world, feed, derived)]


def _findings(world: World, feed: FeedName, derived: Derived) -> Iterator[Finding]:
    ecosystem = ECOSYSTEMS[feed.removeprefix("approved-")]
    readable = read_as_far_as_possible(world.store, feed, ecosystem.parse_version)
    yield from readable.findings
    last: dict[Identity, Outlined] = {}
    for raw in world.records(feed):
        record = parse_record(raw)
        assert not isinstance(record, str)
        yield from judge_record(record, feed, derived)
        if isinstance(record, ChangeRecord):
            last[record.of(feed)] = outline_of(record)
    yield from judge_catalog(feed, dict(versions_of(readable.state)), last, whole=readable.whole)
    for looked in (*check_files(world.store, readable.state, ecosystem), *check_pages(world.store, readable.state, ecosystem, whole=True)):
        yield from looked.findings


def day(now: datetime, days: int) -> date:
    return (now + timedelta(days=days)).date()


def _places(slot: Slot) -> Iterator[str]:
    """How the keys of a version's files begin, and of what lies beside them."""
    for file in slot.files:
        path = path_in(slot.identity, file, ECOSYSTEMS[slot.type])
        yield keys.feed_folder(slot.feed) + (path if slot.feed == NPM else path.rpartition("/")[0] + "/")


START: Final = NOW
