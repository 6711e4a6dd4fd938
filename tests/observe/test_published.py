"""What feed storage holds: the record is believed until somebody asks for a listing, which tells all that the record does not."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from types import ModuleType, SimpleNamespace
from typing import Any, Final, cast

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import IntegrityError, StoreUnavailable
from reconciler.model.plan import Stock, Stranger
from reconciler.model.words import FeedName, Identity, PackageKey, VersionKey
from reconciler.observe.published import stock_of
from reconciler.stores import keys
from reconciler.stores.state import FeedState
from reconciler.stores.unfinished import Unfinished, encode_unfinished
from tests.crash.faults import FaultyStore
from tests.support.memory_store import MemoryStore
from tests.support.nupkgs import nupkg
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name
from tests.support.world import NUGET, PYPI, World, objects

WHEEL: Final = "files/base/1/base-1.0-py3-none-any.whl"
SDIST: Final = "files/base/1/base-1.0.tar.gz"
NUPKG: Final = "v3/flatcontainer/core/1.0.0/core.1.0.0.nupkg"
BASE: Final = Identity(feed=PYPI, package=PackageKey("base"), version=VersionKey("1"))


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> tuple[World, dict[str, bytes]]:
    """One version with two files and companions, one of NuGet, applied."""
    world = World(tmp_path_factory.mktemp("world"))
    world.place_wheel(wheel_name("base", "1.0"), wheel("base", "1.0"), companions={".provenance": b"{}"})
    world.place_wheel(sdist_name("base", "1.0"), sdist("base", "1.0"))
    world.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0"))
    world.approve(PYPI, "base", "1.0")
    world.approve(NUGET, "Core", "1.0.0")
    world.commit()
    world.apply()
    return world, objects(world.store)


@pytest.fixture
def world(applied) -> World:
    """The same with a store of its own."""
    made: World = applied[0]
    made.store = MemoryStore()
    for key, data in applied[1].items():
        made.store.put(key, data, content_type=keys.OCTETS)
    return made


def stock(world: World, feed: FeedName = PYPI, *, listed: bool = True, deep: bool = False) -> Stock:
    return stock_of(world.store, world.state(feed), ECOSYSTEMS[feed.removeprefix("approved-")], listed=listed, deep=deep)


def put(world: World, feed: FeedName, path: str, data: bytes = b"alien") -> None:
    world.store.put(f"feeds/{feed}/{path}", data, content_type=keys.OCTETS)


def never_applied(store: MemoryStore, feed: FeedName, **unfinished: Any) -> FeedState:
    store.put(keys.unfinished(feed), encode_unfinished(Unfinished(**unfinished)), content_type=keys.JSON)
    return FeedState(feed=feed, head=None, revision=None, entries={}, unfinished=Unfinished(**unfinished))


@pytest.mark.parametrize(("listed", "deep"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize(("feed", "package"), [(PYPI, "base"), (NUGET, "core")])
def test_what_was_applied_is_what_is_held(world, feed, package, listed, deep):
    found = stock(world, feed, listed=listed, deep=deep)
    head = world.state(feed).head
    assert (found.feed, found.commit, found.public_url, found.catalog) == (feed, head.commit, head.public_url, head.catalog)
    assert list(found.packages) == [package]
    assert (found.damaged, found.differing, found.exposed, found.edited, found.strangers) == ({}, {}, frozenset(), frozenset(), ())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (WHEEL, (f"{WHEEL} is missing",)),
        (f"{WHEEL}.metadata", (f"{WHEEL}.metadata is missing",)),
        (f"{WHEEL}.provenance", (f"{WHEEL}.provenance is missing",)),
        (SDIST, (f"{SDIST} is missing",)),
    ],
)
def test_a_missing_file_is_found_by_listing_only(world, path, said):
    world.store.delete(f"feeds/{PYPI}/{path}")
    assert stock(world, listed=False).damaged == {}
    assert stock(world).damaged == {BASE: said}


def test_all_that_is_wrong_with_a_version_is_said_at_once(world):
    for path in (WHEEL, f"{WHEEL}.metadata", SDIST):
        world.store.delete(f"feeds/{PYPI}/{path}")
    assert stock(world).damaged == {BASE: (f"{WHEEL} is missing", f"{WHEEL}.metadata is missing", f"{SDIST} is missing")}


def test_a_file_of_another_size_differs(world):
    put(world, PYPI, WHEEL, b"short")
    size = world.version(PYPI, "base", "1").files[0].size
    found = stock(world)
    assert (found.damaged, found.differing) == ({}, {BASE: (f"{WHEEL} has 5 bytes, recorded are {size}",)})


def other_bytes(world: World, feed: FeedName, path: str) -> bytes:
    key = f"feeds/{feed}/{path}"
    data = objects(world.store)[key]
    put(world, feed, path, bytes(reversed(data)))
    return bytes(reversed(data))


def test_other_bytes_of_the_same_size_are_found_by_reading_them(world):
    digest = sha256(other_bytes(world, PYPI, WHEEL)).hexdigest()
    recorded = world.version(PYPI, "base", "1").files[0].sha256
    assert stock(world).differing == {}
    assert stock(world, deep=True).differing == {BASE: (f"{WHEEL} has other bytes than recorded: sha256 {digest}, recorded is {recorded}",)}


@pytest.mark.parametrize(
    ("feed", "path"),
    [(PYPI, f"{WHEEL}.metadata"), (PYPI, f"{WHEEL}.provenance"), (NUGET, "v3/flatcontainer/core/1.0.0/core.nuspec")],
)
def test_other_bytes_of_a_companion_are_found_by_any_listing(world, feed, path):
    other_bytes(world, feed, path)
    assert stock(world, feed, listed=False).differing == {}
    ((said,),) = stock(world, feed).differing.values()
    assert said.startswith(f"{path} has other bytes than recorded: sha256 ")


@pytest.mark.parametrize("deep", [False, True])
def test_a_file_that_vanishes_after_it_was_listed_is_left_to_the_next_pass(world, deep):
    class Vanishing(FaultyStore):
        def open(self, key: str) -> None:
            del key

    found = stock_of(Vanishing(world.store), world.state(PYPI), ECOSYSTEMS["pypi"], listed=True, deep=deep)
    assert (found.damaged, found.differing) == ({}, {})


# --- pages ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["simple/base/index.html", "simple/base/index.json", "simple/index.html"])
def test_a_page_that_was_edited_or_removed_is_found(world, path):
    put(world, PYPI, path, b"<html>")
    assert stock(world, listed=False).edited == frozenset()
    assert stock(world).edited == {path}
    world.store.delete(f"feeds/{PYPI}/{path}")
    assert stock(world).edited == {path}
    assert stock(world).strangers == ()


def test_pages_that_a_stopped_pass_may_have_written_are_not_edited(world):
    for path in ("simple/base/index.html", "simple/index.html", "simple/new/index.html"):
        put(world, PYPI, path)
    left = Unfinished(base=1, packages=frozenset({PackageKey("base"), PackageKey("new")}), pages=frozenset({"simple/new/index.html"}))
    world.store.put(keys.unfinished(PYPI), encode_unfinished(left), content_type=keys.JSON)
    found = stock(world)
    assert (found.edited, found.strangers) == (frozenset(), ())


def test_the_lists_that_a_stopped_first_pass_has_written_are_no_strangers(world):
    state = never_applied(MemoryStore(), PYPI, packages=frozenset({PackageKey("base")}), pages=frozenset({"simple/base/index.html"}))
    found = [one.path for one in stock_of(world.store, state, ECOSYSTEMS["pypi"], listed=False).strangers]
    assert "simple/base/index.json" in found
    assert not {"simple/index.html", "simple/index.json", "simple/base/index.html"}.intersection(found)


# --- quarantine -------------------------------------------------------------------------------------------------------------------


def quarantined(world: World) -> FeedState:
    """The state of a feed whose only version is quarantined, with its bytes where they belong then."""
    state = world.state(PYPI)
    for key, data in objects(world.store, f"feeds/{PYPI}/files/").items():
        world.store.put(key.replace(f"feeds/{PYPI}/", keys.quarantine_folder(PYPI)), data, content_type=keys.OCTETS)
        world.store.delete(key)
    entry = state.entries[PackageKey("base")]
    versions = tuple(replace(version, state="quarantined") for version in entry.package.versions)
    return replace(state, entries={PackageKey("base"): replace(entry, package=replace(entry.package, versions=versions))})


def compared(world: World, state: FeedState, *, listed: bool = True, deep: bool = True) -> Stock:
    return stock_of(world.store, state, ECOSYSTEMS["pypi"], listed=listed, deep=deep)


def test_what_is_quarantined_is_looked_for_where_it_is_kept(world):
    found = compared(world, quarantined(world))
    assert (found.damaged, found.differing, found.exposed, found.strangers) == ({}, {}, frozenset(), ())


def test_bytes_that_are_missing_from_the_quarantine_are_damage(world):
    state = quarantined(world)
    world.store.delete(f"{keys.quarantine_folder(PYPI)}{SDIST}")
    assert compared(world, state).damaged == {BASE: (f"quarantine/{SDIST} is missing",)}


def test_other_bytes_in_the_quarantine_differ(world):
    state = quarantined(world)
    world.store.put(f"{keys.quarantine_folder(PYPI)}{SDIST}", b"x", content_type=keys.OCTETS)
    size = state.entries[PackageKey("base")].package.versions[0].files[1].size
    assert compared(world, state).differing == {BASE: (f"quarantine/{SDIST} has 1 bytes, recorded are {size}",)}


@pytest.mark.parametrize("path", [SDIST, f"{WHEEL}.metadata"])
def test_a_quarantined_file_that_clients_can_read_is_exposed(world, path):
    state = quarantined(world)
    put(world, PYPI, path)
    found = compared(world, state)
    assert (set(found.exposed), found.strangers) == ({BASE}, ())
    assert compared(world, state, listed=False, deep=False).exposed == frozenset()


def test_a_stopped_pass_tells_without_a_listing_what_it_has_left_exposed(world):
    noted = Unfinished(base=1, files=frozenset({(PackageKey("base"), VersionKey("1"), "base-1.0.tar.gz")}))
    state = replace(quarantined(world), unfinished=noted)
    found = compared(world, state, listed=False, deep=False)
    assert (found.exposed, found.damaged) == (frozenset(), {})
    put(world, PYPI, SDIST)
    world.store.delete(f"{keys.quarantine_folder(PYPI)}{SDIST}")
    found = compared(world, state, listed=False, deep=False)
    assert (set(found.exposed), found.damaged) == ({BASE}, {}), "on its way: it lies in the one place or in the other"


# --- strangers --------------------------------------------------------------------------------------------------------------------


def test_what_belongs_beside_a_stranger_is_none_itself(world):
    data = nupkg("Core", "2.0.0")
    put(world, NUGET, "v3/flatcontainer/core/2.0.0/core.2.0.0.nupkg", data)
    put(world, NUGET, "v3/flatcontainer/core/2.0.0/core.nuspec")
    (found,) = stock(world, NUGET).strangers
    assert (found.file, found.junk) == ("core.2.0.0.nupkg", False)
    assert found.content_hash == ECOSYSTEMS["nuget"].inspect("core.2.0.0.nupkg", BytesIO(data)).content_hash


@pytest.mark.parametrize(
    ("feed", "path"),
    [
        (PYPI, f"{SDIST}.metadata"),
        (PYPI, "simple/other/index.html"),
        (NUGET, "v3/flatcontainer/core/2.0.0/core.nuspec"),
        (PYPI, "other-1.0.tar.gz"),
        (PYPI, "files/other-1.0.tar.gz"),
        (PYPI, "simple/other/1/other-1.0.tar.gz"),
        (PYPI, "files/other/other-1.0.tar.gz"),
    ],
)
def test_what_is_neither_package_file_nor_companion_nor_page_is_junk(world, feed, path):
    put(world, feed, path)
    (found,) = stock(world, feed).strangers
    digest = sha256(b"alien").hexdigest()
    assert found == Stranger(path=path, package=PackageKey(""), version="", file=path.rpartition("/")[2], sha256=digest)
    assert found.junk


@pytest.mark.parametrize(
    ("feed", "path", "package", "version", "file"),
    [
        (PYPI, "files/other/1/other-1.0.tar.gz", "other", "1", "other-1.0.tar.gz"),
        (PYPI, "files/base/1/base-1.0-py2-none-any.whl", "base", "1", "base-1.0-py2-none-any.whl"),
        (PYPI, "files/a/b/1/X.ZIP", "a/b", "1", "X.ZIP"),
        (NUGET, "v3/flatcontainer/core/2.0.0/core.2.0.0.nupkg", "core", "2.0.0", "core.2.0.0.nupkg"),
    ],
)
def test_a_package_file_that_nothing_records_is_a_stranger(world, feed, path, package, version, file):
    put(world, feed, path)
    assert stock(world, feed, listed=False).strangers == ()
    assert stock(world, feed).strangers == (
        Stranger(path=path, package=PackageKey(package), version=version, file=file, sha256=sha256(b"alien").hexdigest()),
    )


def test_a_feed_that_was_never_applied_is_listed_always(world):
    put(world, PYPI, "files/other/1/other-1.0.tar.gz")
    found = stock_of(world.store, never_applied(MemoryStore(), PYPI), ECOSYSTEMS["pypi"], listed=False)
    packages = [stranger.path for stranger in found.strangers if not stranger.junk]
    assert packages == [WHEEL, SDIST, "files/other/1/other-1.0.tar.gz"]
    assert f"{WHEEL}.provenance" in {stranger.path for stranger in found.strangers if stranger.junk}
    assert f"{WHEEL}.metadata" not in {stranger.path for stranger in found.strangers}
    assert (found.commit, found.public_url, found.catalog, found.packages, found.damaged) == (None, "", "", {}, {})


def test_another_feed_whose_name_begins_alike_is_another_feed(world):
    world.store.put("feeds/approved-pypi-2/files/other/1/other-1.0.tar.gz", b"", content_type=keys.OCTETS)
    assert stock(world).strangers == ()


def test_what_a_killed_pass_has_left_is_no_stranger(world):
    for path in ("files/base/2/base-2.0.tar.gz", "files/base/2/base-2.0.zip", "files/base/2/base-2.0.tar.gz.metadata"):
        put(world, PYPI, path)
    left = Unfinished(base=1, files=frozenset({(PackageKey("base"), VersionKey("2"), "base-2.0.tar.gz")}))
    world.store.put(keys.unfinished(PYPI), encode_unfinished(left), content_type=keys.JSON)
    assert [stranger.file for stranger in stock(world).strangers] == ["base-2.0.zip"]


@pytest.mark.parametrize("listed", [False, True])
def test_a_repair_that_was_stopped_is_to_be_ended_listed_or_not(world, listed):
    left = Unfinished(base=1, files=frozenset({(PackageKey("base"), VersionKey("1"), "base-1.0.tar.gz")}))
    world.store.put(keys.unfinished(PYPI), encode_unfinished(left), content_type=keys.JSON)
    assert stock(world, listed=listed).damaged == {BASE: (f"{SDIST}: a pass was stopped while it moved this",)}


def layout(template: str) -> Ecosystem:
    """PyPI with another place for its files."""
    pypi = cast("ModuleType", ECOSYSTEMS["pypi"])
    names = {name: getattr(pypi, name) for name in pypi.__all__}
    return cast("Ecosystem", SimpleNamespace(**names | {"layout": template}))


@pytest.mark.parametrize(
    ("template", "path", "found"),
    [
        ("{package}/-/{basename}-{version}.zip", "@scope/a/-/a-1.zip", ("@scope/a", "1", "a-1.zip")),
        ("{package}/-/{basename}-{version}.zip", "@scope/a/-/b-1.zip", ("", "", "b-1.zip")),
        ("{package}/{version}/{package}-{version}/{file}", "a/1/a-1/x.zip", ("a", "1", "x.zip")),
        ("{package}/{version}/{package}-{version}/{file}", "a/1/a-2/x.zip", ("", "", "x.zip")),
    ],
)
def test_a_place_is_read_by_the_layout(template, path, found):
    store = MemoryStore()
    store.put(f"feeds/{PYPI}/{path}", b"x", content_type=keys.OCTETS)
    (seen,) = stock_of(store, never_applied(MemoryStore(), PYPI), layout(template), listed=True).strangers
    assert (seen.package, seen.version, seen.file) == found


def test_a_listing_that_fails_is_never_an_empty_feed(world):
    class Unreadable(FaultyStore):
        def list(self, prefix: str) -> Any:
            raise StoreUnavailable(prefix)

    with pytest.raises(StoreUnavailable):
        stock_of(Unreadable(world.store), world.state(PYPI), ECOSYSTEMS["pypi"], listed=True)


def test_a_file_that_vanishes_between_listing_and_reading_is_a_stranger_of_no_content(world):
    class Vanishing(FaultyStore):
        def open(self, key: str) -> None:
            del key

    put(world, PYPI, "files/other/1/other-1.0.tar.gz")
    found = stock_of(Vanishing(world.store), world.state(PYPI), ECOSYSTEMS["pypi"], listed=True)
    assert [stranger.sha256 for stranger in found.strangers] == [sha256().hexdigest()]


def test_who_lists_follows_the_ledger_to_its_end(world):
    (key,) = [entry.key for entry in world.store.list(f"state/feeds/{PYPI}/ledger/")]
    world.store.put(key, b"{}\n", content_type=keys.JSON_LINES)
    assert stock(world, listed=False).damaged == {}
    with pytest.raises(IntegrityError, match=r"ledger of approved-pypi has been altered: record 1 "):
        stock(world)
