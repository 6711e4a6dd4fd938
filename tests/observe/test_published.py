"""What feed storage holds: the record is believed until somebody asks for a listing, which tells all that the record does not."""

from __future__ import annotations

from hashlib import sha256
from types import ModuleType, SimpleNamespace
from typing import Any, Final, cast

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import StoreUnavailable
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


def stock(world: World, feed: FeedName = PYPI, *, listed: bool = True) -> Stock:
    return stock_of(world.store, world.state(feed), ECOSYSTEMS[feed.removeprefix("approved-")], listed=listed)


def put(world: World, feed: FeedName, path: str, data: bytes = b"alien") -> None:
    world.store.put(f"feeds/{feed}/{path}", data, content_type=keys.OCTETS)


def never_applied(store: MemoryStore, feed: FeedName, **unfinished: Any) -> FeedState:
    store.put(keys.unfinished(feed), encode_unfinished(Unfinished(**unfinished)), content_type=keys.JSON)
    return FeedState(feed=feed, head=None, revision=None, entries={}, unfinished=Unfinished(**unfinished))


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(("feed", "package"), [(PYPI, "base"), (NUGET, "core")])
def test_what_was_applied_is_what_is_held(world, feed, package, listed):
    found = stock(world, feed, listed=listed)
    head = world.state(feed).head
    assert (found.feed, found.commit, found.public_url, found.catalog) == (feed, head.commit, head.public_url, head.catalog)
    assert list(found.packages) == [package]
    assert (found.damaged, found.strangers) == ({}, ())


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


def test_a_file_of_another_size_is_damaged(world):
    put(world, PYPI, WHEEL, b"short")
    size = world.version(PYPI, "base", "1").files[0].size
    assert stock(world).damaged == {BASE: (f"{WHEEL} has 5 bytes, recorded are {size}",)}


def test_pages_and_companions_are_no_strangers(world):
    put(world, PYPI, f"{SDIST}.metadata")
    put(world, PYPI, "simple/other/index.html")
    put(world, NUGET, "v3/flatcontainer/core/2.0.0/core.nuspec")
    assert stock(world).strangers == ()
    assert stock(world, NUGET).strangers == ()


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


@pytest.mark.parametrize(
    "path", ["other-1.0.tar.gz", "files/other-1.0.tar.gz", "simple/other/1/other-1.0.tar.gz", "files/other/other-1.0.tar.gz"]
)
def test_a_file_at_another_place_means_nothing(world, path):
    put(world, PYPI, path)
    assert stock(world).strangers == ()


def test_a_feed_that_was_never_applied_is_listed_always(world):
    put(world, PYPI, "files/other/1/other-1.0.tar.gz")
    found = stock_of(world.store, never_applied(MemoryStore(), PYPI), ECOSYSTEMS["pypi"], listed=False)
    assert [stranger.path for stranger in found.strangers] == [WHEEL, SDIST, "files/other/1/other-1.0.tar.gz"]
    assert (found.commit, found.public_url, found.catalog, found.packages, found.damaged) == (None, "", "", {}, {})


def test_another_feed_whose_name_begins_alike_is_another_feed(world):
    world.store.put("feeds/approved-pypi-2/files/other/1/other-1.0.tar.gz", b"", content_type=keys.OCTETS)
    assert stock(world).strangers == ()


def test_what_a_killed_pass_has_left_is_no_stranger(world):
    put(world, PYPI, "files/base/2/base-2.0.tar.gz")
    put(world, PYPI, "files/base/2/base-2.0.zip")
    left = Unfinished(base=1, files=frozenset({(PackageKey("base"), VersionKey("2"), "base-2.0.tar.gz")}))
    world.store.put(keys.unfinished(PYPI), encode_unfinished(left), content_type=keys.JSON)
    assert [stranger.file for stranger in stock(world).strangers] == ["base-2.0.zip"]


@pytest.mark.parametrize("listed", [False, True])
def test_a_repair_that_was_stopped_is_to_be_ended_listed_or_not(world, listed):
    left = Unfinished(base=1, files=frozenset({(PackageKey("base"), VersionKey("1"), "base-1.0.tar.gz")}))
    world.store.put(keys.unfinished(PYPI), encode_unfinished(left), content_type=keys.JSON)
    assert stock(world, listed=listed).damaged == {BASE: (f"{SDIST}: a pass was stopped while it repaired this",)}


def layout(template: str) -> Ecosystem:
    """PyPI with another place for its files."""
    pypi = cast("ModuleType", ECOSYSTEMS["pypi"])
    names = {name: getattr(pypi, name) for name in pypi.__all__}
    return cast("Ecosystem", SimpleNamespace(**names | {"layout": template}))


@pytest.mark.parametrize(
    ("template", "path", "found"),
    [
        ("{package}/{version}/{package}-{version}/{file}", "a/1/a-1/x.zip", ("a", "1", "x.zip")),
        ("{package}/{version}/{package}-{version}/{file}", "a/1/a-2/x.zip", None),
        ("{package}/{version}/{package}-{version}/{file}", "a/1/b-1/x.zip", None),
        ("{package}/-/{file}", "@scope/a/-/x.zip", None),
        ("v1.0/{package}/{version}/{file}", "v1.0/a/1/x.zip", ("a", "1", "x.zip")),
        ("v1.0/{package}/{version}/{file}", "v1x0/a/1/x.zip", None),
        ("v1.0/{package}/{version}/{file}", "v1.0/@scope/a/1/x.zip", ("@scope/a", "1", "x.zip")),
    ],
)
def test_a_field_that_comes_twice_in_the_layout_must_read_the_same(template, path, found):
    if "{version}" not in template:
        template = template.replace("{file}", "{version}/{file}")
    store = MemoryStore()
    store.put(f"feeds/{PYPI}/{path}", b"x", content_type=keys.OCTETS)
    seen = stock_of(store, never_applied(MemoryStore(), PYPI), layout(template), listed=True).strangers
    assert [(one.package, one.version, one.file) for one in seen] == ([found] if found else [])


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
