"""A feed as files: in which order they are written and removed, and what is never written over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from reconciler.act.feed_storage import Commitment
from reconciler.act.static_feed import StaticFeed
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import ListedState, PublishedPackage
from reconciler.model.words import FeedName, Identity, PackageKey, VersionKey
from reconciler.stores import keys
from tests.crash.faults import FaultyStore
from tests.crash.reader import look
from tests.support.nupkgs import nupkg
from tests.support.wheels import wheel, wheel_name
from tests.support.world import NUGET, PUBLIC_URL, PYPI, Run, World, objects


@pytest.fixture
def world(tmp_path) -> World:
    """`app` needs `zeta`, in both ecosystems."""
    world = World(tmp_path)
    world.place_wheel(wheel_name("zeta", "1.0"), wheel("zeta", "1.0"))
    world.place_wheel(wheel_name("app", "1.0"), wheel("app", "1.0", requires=["zeta>=1"]))
    world.place_nupkg("Zeta", "1.0.0", nupkg("Zeta", "1.0.0"))
    world.place_nupkg("App", "1.0.0", nupkg("App", "1.0.0", dependencies={"": {"Zeta": "1.0.0"}}))
    for feed, version in ((PYPI, "1.0"), (NUGET, "1.0.0")):
        world.approve(feed, "app", version)
        world.approve(feed, "zeta", version)
    world.commit()
    return world


PHASES: Final[tuple[Callable[[str], bool], ...]] = (
    lambda write: "unfinished" in write and write.startswith("put_if"),
    lambda write: "/files/" in write or write.endswith((".nupkg", ".nuspec")),
    lambda write: "unfinished" in write and write.startswith("put_if"),
    lambda write: "/zeta/" in write,
    lambda write: "/app/" in write,
    lambda write: "feeds/" in write and "state/" not in write,
    lambda write: "/catalog/" in write,
    lambda write: "/ledger/" in write,
    lambda write: write.endswith("head.json"),
    lambda write: "unfinished" in write and write.startswith("delete"),
)


@pytest.mark.parametrize("feed", [PYPI, NUGET])
def test_files_come_before_pages_dependencies_before_dependents_and_the_head_after_all(world, feed):
    log = FaultyStore(world.store)
    world.apply(Run(store=log))
    phase = 0
    for write in (write for write in log.log if f"/{feed}/" in write):
        while not PHASES[phase](write):
            phase += 1
            assert phase < len(PHASES), write
    assert phase == len(PHASES) - 1


def test_companions_come_before_the_file_that_they_belong_to(world):
    log = FaultyStore(world.store)
    world.apply(Run(store=log))
    for name in ("app", "zeta"):
        key = f"put feeds/{PYPI}/files/{name}/1/{wheel_name(name, '1.0')}"
        assert log.log.index(f"{key}.metadata") < log.log.index(key)


def commitment(world: World, *packages: PublishedPackage) -> Commitment:
    commit = world.repo.tip()
    return Commitment(packages=packages, records=(), commit=commit, outcome="done", valid_until=None, public_url=PUBLIC_URL)


def feed_of(world: World, feed: FeedName, store: FaultyStore | None = None) -> StaticFeed:
    return StaticFeed(store or world.store, world.state(feed), ECOSYSTEMS[feed.removeprefix("approved-")])


def with_state(package: PublishedPackage, state: ListedState, *only: str) -> PublishedPackage:
    versions = [replace(v, state=state, reason="why") if not only or v.version.text in only else v for v in package.versions]
    return replace(package, versions=tuple(versions))


@pytest.mark.parametrize(("feed", "own", "lists"), [(PYPI, "simple/zeta/", "simple/index"), (NUGET, "/zeta/", "v3/query.json")])
def test_pages_of_a_package_that_is_not_shown_any_more_are_removed_after_the_lists(world, feed, own, lists):
    world.apply()
    log = FaultyStore(world.store)
    assert feed_of(world, feed, log).commit(commitment(world, with_state(world.package(feed, "zeta"), "quarantined")))
    removed = [number for number, write in enumerate(log.log) if write.startswith("delete feeds/")]
    listed = [number for number, write in enumerate(log.log) if lists in write]
    head = next(number for number, write in enumerate(log.log) if write.endswith("head.json"))
    assert max(listed) < min(removed) <= max(removed) < head
    pages = [key for key in objects(world.store, f"feeds/{feed}/") if own in key and key.endswith((".html", ".json"))]
    assert pages == []
    assert world.state(feed).entries[PackageKey("zeta")].pages == {}
    assert look(world.store).broken == set()


def test_one_version_of_several_that_is_not_shown_any_more_loses_its_own_page_only(world):
    world.place_nupkg("Zeta", "2.0.0", nupkg("Zeta", "2.0.0"))
    world.approve(NUGET, "Zeta", "2.0.0")
    world.commit()
    world.apply()
    feed_of(world, NUGET).commit(commitment(world, with_state(world.package(NUGET, "zeta"), "quarantined", "1.0.0")))
    pages = [key.rpartition("/")[2] for key in objects(world.store, f"feeds/{NUGET}/v3/registration/zeta/")]
    assert pages == ["2.0.0.json", "index.json"]
    assert look(world.store).broken == set()


def test_a_package_without_versions_leaves_the_feed_with_its_pages(world):
    world.apply()
    gone = replace(world.package(PYPI, "app"), versions=())
    feed_of(world, PYPI).commit(commitment(world, gone))
    assert list(world.state(PYPI).entries) == ["zeta"]
    assert not [key for key in objects(world.store) if "/simple/app/" in key]
    assert look(world.store).broken == set()


def test_nothing_to_commit_is_nothing_written(world):
    world.apply()
    before = objects(world.store)
    assert not feed_of(world, PYPI).commit(commitment(world))
    assert objects(world.store) == before


@pytest.mark.parametrize("change", [{"outcome": "held"}, {"commit": "c" * 40}, {"public_url": "https://elsewhere.example"}], ids=str)
def test_whatever_the_head_says_moves_it(world, change):
    world.apply()
    assert feed_of(world, PYPI).commit(replace(commitment(world), **change))
    head = world.state(PYPI).head
    assert {name: getattr(head, name) for name in change} == change
    assert head.revision == 2


def test_another_address_is_written_into_every_page_that_has_one(world):
    world.apply()
    feed_of(world, NUGET).commit(replace(commitment(world), public_url="https://elsewhere.example"))
    for key, data in objects(world.store, f"feeds/{NUGET}/").items():
        assert PUBLIC_URL.encode() not in data or key.endswith(".nupkg"), key


def test_a_page_that_somebody_has_changed_by_hand_is_written_anew_with_the_next_change(world):
    world.apply()
    expected = objects(world.store, "feeds/")
    for key in (f"feeds/{PYPI}/simple/index.html", f"feeds/{PYPI}/simple/zeta/index.html"):
        world.store.put(key, b"by hand", content_type="text/html")
    world.store.delete(f"feeds/{PYPI}/simple/zeta/index.json")
    feed_of(world, PYPI).commit(commitment(world, world.package(PYPI, "zeta")))
    assert objects(world.store, "feeds/") == expected


def test_a_feed_tells_what_it_held_when_the_pass_began(world):
    feed = feed_of(world, PYPI)
    assert (feed.feed, feed.packages) == (PYPI, {})
    world.apply()
    feed = feed_of(world, PYPI)
    assert list(feed.packages) == ["app", "zeta"]
    identity = Identity(feed=PYPI, package=PackageKey("zeta"), version=VersionKey("1"))
    assert feed.open(identity, "zeta-2.0.zip") is None
    stream = feed.open(identity, wheel_name("zeta", "1.0"))
    assert stream is not None
    with stream:
        assert stream.read() == wheel("zeta", "1.0")


def test_content_types_are_those_that_clients_expect(world):
    world.apply()
    kinds = {Path(key).suffix: kind for key, kind in world.store.content_types.items() if key.startswith(f"feeds/{PYPI}/")}
    assert kinds == {
        ".html": "text/html",
        ".json": "application/vnd.pypi.simple.v1+json",
        ".whl": keys.OCTETS,
        ".metadata": keys.OCTETS,
    }
