"""Killed at any write: readers see a whole feed all the time, and the next pass completes what was begun, without any repair by hand.

Every scenario is a pass that has something to do. It is run once undisturbed; then it is stopped at its first write, at its second,
and so on, in each of the ways in which a store or a process fails, and each time run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final, get_args

import pytest

from reconciler.errors import StoreError
from reconciler.model.declared import WithdrawalAction
from reconciler.model.words import FeedName
from reconciler.stores import keys
from tests.crash.faults import Fault, FaultyStore, Killed
from tests.crash.reader import look
from tests.support.memory_store import MemoryStore
from tests.support.nupkgs import nupkg
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name
from tests.support.world import NUGET, PYPI, Run, World, objects

UPLOADED: Final = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
EXPIRY: Final = date(2026, 12, 1)
AFTER_EXPIRY: Final = datetime(2026, 12, 2, tzinfo=UTC)

Scenario = Callable[[World], Run]


def fill(world: World) -> None:
    """Two ecosystems, each with a package that depends on another one whose name comes later."""
    provenance = {".provenance": b'{"version": 1}'}
    world.place_wheel(wheel_name("zeta", "1.0"), wheel("zeta", "1.0"), uploaded_at=UPLOADED, companions=provenance)
    world.place_wheel(sdist_name("zeta", "1.0"), sdist("zeta", "1.0"), uploaded_at=UPLOADED, yanked="broken build")
    world.place_wheel(wheel_name("app", "1.0"), wheel("app", "1.0", requires=["zeta>=1"]), uploaded_at=UPLOADED)
    world.place_nupkg("Zeta", "1.0.0", nupkg("Zeta", "1.0.0"), uploaded_at=UPLOADED)
    world.place_nupkg("App", "1.0.0", nupkg("App", "1.0.0", dependencies={"": {"Zeta": "1.0.0"}}), uploaded_at=UPLOADED)
    world.approve(PYPI, "zeta", "1.0")
    world.approve(PYPI, "app", "1.0", expires=EXPIRY)
    world.approve(NUGET, "Zeta", "1.0.0")
    world.approve(NUGET, "App", "1.0.0", expires=EXPIRY)
    world.commit()


def first_apply(world: World) -> Run:
    fill(world)
    return Run()


def added_version(world: World) -> Run:
    fill(world)
    world.apply()
    world.place_wheel(wheel_name("zeta", "2.0"), wheel("zeta", "2.0"), uploaded_at=UPLOADED)
    world.place_wheel(sdist_name("zeta", "2.0"), sdist("zeta", "2.0"), uploaded_at=UPLOADED)
    world.place_nupkg("Zeta", "2.0.0", nupkg("Zeta", "2.0.0"), uploaded_at=UPLOADED)
    world.approve(PYPI, "zeta", "2.0")
    world.approve(NUGET, "Zeta", "2.0.0")
    world.commit()
    return Run()


def extension(world: World) -> Run:
    fill(world)
    world.approve(PYPI, "zeta", "1.0", files=[wheel_name("zeta", "1.0")])
    world.commit()
    world.apply()
    world.approve(PYPI, "zeta", "1.0")
    world.commit()
    return Run()


def unlisting_by_expiry(world: World) -> Run:
    fill(world)
    world.apply()
    return Run(now=AFTER_EXPIRY)


def relisting(world: World) -> Run:
    fill(world)
    world.apply()
    world.apply(Run(now=AFTER_EXPIRY))
    world.approve(PYPI, "app", "1.0")
    world.approve(NUGET, "App", "1.0.0")
    world.commit()
    return Run(now=AFTER_EXPIRY)


def changed_public_url(world: World) -> Run:
    fill(world)
    world.apply()
    world.feeds(public_url="https://elsewhere.example")
    world.commit()
    return Run()


def repair(world: World) -> Run:
    fill(world)
    world.apply()
    for file in (
        "approved-pypi/files/zeta/1/zeta-1.0-py3-none-any.whl",
        "approved-pypi/files/zeta/1/zeta-1.0-py3-none-any.whl.metadata",
        "approved-pypi/files/zeta/1/zeta-1.0-py3-none-any.whl.provenance",
        "approved-nuget/v3/flatcontainer/zeta/1.0.0/zeta.1.0.0.nupkg",
    ):
        world.store.delete(f"feeds/{file}")
    return Run(listed=True)


def take_back(world: World, action: WithdrawalAction | None) -> None:
    for feed, package, version in ((PYPI, "zeta", "1.0"), (NUGET, "Zeta", "1.0.0")):
        world.take_back(f"approvals/{feed}/{package}/{version}.yaml", action)
    world.commit()


def quarantine(world: World) -> Run:
    fill(world)
    world.apply()
    take_back(world, "quarantine")
    return Run()


def release(world: World) -> Run:
    world.apply(quarantine(world))
    take_back(world, None)
    return Run()


def unlisting_out_of_quarantine(world: World) -> Run:
    world.apply(quarantine(world))
    take_back(world, "unlist")
    return Run()


def quarantine_before_promotion(world: World) -> Run:
    """Both in one pass: what is taken back is committed by itself, before anything is fetched."""
    added_version(world)
    take_back(world, "quarantine")
    return Run()


def eviction(world: World) -> Run:
    fill(world)
    world.apply()
    for feed, path in ((PYPI, "files/evil/1.0/evil-1.0.tar.gz"), (NUGET, "v3/flatcontainer/evil/1.0.0/evil.1.0.0.nupkg")):
        world.store.put(f"feeds/{feed}/{path}", b"nobody approved this", content_type=keys.OCTETS)
    world.feeds(aliens="quarantine")
    world.commit()
    return Run(listed=True)


MOVES_BYTES: Final[tuple[Scenario, ...]] = (quarantine, release, unlisting_out_of_quarantine)
BRING_BYTES: Final[tuple[Scenario, ...]] = (first_apply, added_version, extension, repair)
CASES: Final[tuple[tuple[Scenario, Fault], ...]] = (
    *((scenario, fault) for scenario in BRING_BYTES for fault in get_args(Fault)),
    # Where nothing is fetched, a store that fails stops the pass: what it leaves is what a killed process leaves.
    (unlisting_by_expiry, "killed"),
    (unlisting_by_expiry, "unacknowledged"),
    (relisting, "killed"),
    (changed_public_url, "killed"),
    *((scenario, fault) for scenario in MOVES_BYTES for fault in get_args(Fault)),
    (quarantine_before_promotion, "killed"),
    (eviction, "killed"),
    (eviction, "unacknowledged"),
)


def copy_of(before: Mapping[str, bytes]) -> MemoryStore:
    store = MemoryStore()
    store.objects.update(before)
    return store


def told(world: World, store: MemoryStore) -> Counter[tuple[Any, ...]]:
    """The records of both ledgers, without their places in the chain; reading them checks the chain."""
    return Counter(
        (feed, *(str(value) for key, value in sorted(record.items()) if key not in {"seq", "previous"}))
        for feed in (PYPI, NUGET)
        for record in world.records(feed, store)
    )


@pytest.mark.parametrize(("scenario", "fault"), CASES, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_a_pass_that_is_stopped_at_any_write_is_completed_by_the_next(tmp_path, scenario, fault):
    world = World(tmp_path)
    run = scenario(world)
    before = objects(world.store)
    undisturbed = copy_of(before)
    log = FaultyStore(undisturbed)
    assert world.apply(replace(run, store=log)).outcome == "done"
    then, expected = look(copy_of(before)), look(undisturbed)
    assert expected.broken == set()
    assert len(log.log) > 5

    for at in range(1, len(log.log) + 1):
        store = copy_of(before)
        faulty = FaultyStore(store, at=at, fault=fault)
        stop(world, replace(run, store=faulty))
        at_this_write = faulty.log[at - 1]
        seen = look(store)
        assert seen.broken <= then.broken, at_this_write
        for place, files in seen.versions.items():
            assert files in (then.versions.get(place), expected.versions.get(place)), (place, at_this_write)
        assert seen.versions.keys() >= then.versions.keys() & expected.versions.keys(), at_this_write

        assert world.apply(replace(run, store=store)).outcome == "done", at_this_write
        assert objects(store, "feeds/") == objects(undisturbed, "feeds/"), at_this_write
        assert set_aside(store) == set_aside(undisturbed), at_this_write
        # Only an eviction is recorded once more where the pass was stopped between its record and the removal.
        more = told(world, store) - told(world, undisturbed)
        assert told(world, store) - more == told(world, undisturbed), at_this_write
        assert not more or scenario is eviction, at_this_write
        assert not unfinished(store), at_this_write


def stop(world: World, run: Run) -> None:
    """Runs a pass that a fault stops, or makes fail in part."""
    try:
        world.apply(run)
    except (Killed, StoreError):
        return


def set_aside(store: MemoryStore) -> dict[str, bytes]:
    """What was taken out of the feeds, and kept."""
    folders = [folder(feed) for feed in (PYPI, NUGET) for folder in (keys.quarantine_folder, keys.aliens_folder)]
    return {key: data for folder in folders for key, data in objects(store, folder).items()}


def unfinished(store: MemoryStore) -> list[str]:
    return [key for key in store.objects if key.endswith("/unfinished.json")]


def test_what_a_killed_pass_began_is_taken_back_if_it_is_no_longer_wanted(tmp_path):
    """The approvals are withdrawn before the next pass: it must not matter that another pass has seen them."""
    world = World(tmp_path)
    fill(world)
    world.apply()
    before = copy_of(objects(world.store))
    unwanted: list[str] = []
    for name in ("new", "zeta"):
        world.place_wheel(wheel_name(name, "3.0"), wheel(name, "3.0"))
        world.place_nupkg(name, "3.0.0", nupkg(name, "3.0.0"))
        unwanted += [world.approve(PYPI, name, "3.0"), world.approve(NUGET, name, "3.0.0")]
    world.feeds(public_url="https://elsewhere.example")
    world.commit()
    carried_out = copy_of(before.objects)
    log = FaultyStore(carried_out)
    wanted = world.plan(Run(store=log))
    world.carry_out(wanted, Run(store=log))
    for path in unwanted:
        world.write(path, None)
    world.feeds()
    world.commit("Not after all")

    for at in range(1, len(log.log) + 1):
        store = copy_of(before.objects)
        faulty = FaultyStore(store, at=at)
        with pytest.raises(Killed):
            world.carry_out(wanted, Run(store=faulty))
        kept = {feed for feed in (PYPI, NUGET) if store.objects[keys.head(feed)] != before.objects[keys.head(feed)]}
        world.apply(Run(store=store))
        for feed in {PYPI, NUGET} - kept:
            assert pages(store, feed) == pages(before, feed), faulty.log[at - 1]
        assert look(store).broken == set()
        settled = dict(store.objects)
        world.apply(Run(store=store))
        assert store.objects == settled, faulty.log[at - 1]


def test_pages_for_an_address_that_was_only_tried_are_taken_back_at_the_same_commit(tmp_path):
    world = World(tmp_path)
    fill(world)
    world.apply()
    before = copy_of(objects(world.store))
    elsewhere = Run(public_url="https://elsewhere.example")
    log = FaultyStore(copy_of(before.objects))
    world.apply(replace(elsewhere, store=log))
    for at in range(1, len(log.log) + 1, 2):
        store = copy_of(before.objects)
        stop(world, replace(elsewhere, store=FaultyStore(store, at=at)))
        world.apply(Run(store=store))
        assert objects(store, "feeds/") == objects(before, "feeds/"), log.log[at - 1]


def pages(store: MemoryStore, feed: FeedName) -> dict[str, bytes]:
    return {key: data for key, data in objects(store, f"feeds/{feed}/").items() if key.endswith((".html", ".json"))}


def test_files_that_a_killed_pass_has_put_are_promoted_not_adopted(tmp_path):
    """Adopting would lose what only the upstream knows: when a file was uploaded, that it was yanked, its provenance."""
    world = World(tmp_path)
    fill(world)
    log = FaultyStore(MemoryStore())
    world.apply(Run(store=log))
    first_page = next(number for number, write in enumerate(log.log, start=1) if write.startswith("put_if feeds/"))
    store = MemoryStore()
    with pytest.raises(Killed):
        world.apply(Run(store=FaultyStore(store, at=first_page)))
    planned = world.plan(Run(store=store, listed=True)).plan
    assert [change.kind for change in planned.changes] == ["promote"] * 4
    assert planned.drift == ()
    fetched = len(world.shelves["nuget"].asked)
    world.apply(Run(store=store))
    assert [name for name in world.shelves["nuget"].asked[fetched:] if name.endswith(".nupkg")] == []


def test_what_upstream_changes_between_a_crash_and_the_next_pass_needs_no_repair_by_hand(tmp_path):
    """Provenance is added to, a package is signed again: neither is approved by its bytes, and both were put before the crash."""
    world = World(tmp_path)
    fill(world)
    world.place_nupkg("Zeta", "1.0.0", nupkg("Zeta", "1.0.0", signature=b"first"))
    world.approve(NUGET, "Zeta", "1.0.0")
    world.commit()
    log = FaultyStore(MemoryStore())
    world.apply(Run(store=log))
    first_page = next(number for number, write in enumerate(log.log, start=1) if write.startswith("put_if feeds/"))
    store = MemoryStore()
    with pytest.raises(Killed):
        world.apply(Run(store=FaultyStore(store, at=first_page)))
    world.place_wheel(wheel_name("zeta", "1.0"), wheel("zeta", "1.0"), companions={".provenance": b"newer"})
    world.place_nupkg("Zeta", "1.0.0", nupkg("Zeta", "1.0.0", signature=b"second, and longer"))
    assert world.apply(Run(store=store)).outcome == "done"
    assert look(store).broken == set()
    assert store.objects[f"feeds/{PYPI}/files/zeta/1/{wheel_name('zeta', '1.0')}.provenance"] == b"newer"
    assert store.objects[f"feeds/{NUGET}/v3/flatcontainer/zeta/1.0.0/zeta.1.0.0.nupkg"] == nupkg("Zeta", "1.0.0", signature=b"first")
    assert world.apply(Run(store=store, listed=True)).plan.drift == ()


def test_a_second_crash_changes_nothing(tmp_path):
    """Killed, and killed again by the pass that completes it, everywhere in both."""
    world = World(tmp_path)
    run = extension(world)
    before = objects(world.store)
    undisturbed = copy_of(before)
    world.apply(replace(run, store=undisturbed))
    for first in range(1, 13, 3):
        for second in range(1, 13, 2):
            store = copy_of(before)
            for at in (first, second):
                stop(world, replace(run, store=FaultyStore(store, at=at)))
            world.apply(replace(run, store=store))
            assert objects(store, "feeds/") == objects(undisturbed, "feeds/"), (first, second)
            assert told(world, store) == told(world, undisturbed), (first, second)


@pytest.mark.parametrize("scenario", MOVES_BYTES, ids=lambda part: part.__name__)
def test_a_withdrawal_that_was_stopped_and_is_undone_leaves_what_was_there_before(tmp_path, scenario):
    """Whatever was moved goes back, from the bytes that are kept or, where they were on their way, from upstream."""
    world = World(tmp_path)
    run = scenario(world)
    before = copy_of(objects(world.store))
    log = FaultyStore(copy_of(before.objects))
    wanted = world.plan(replace(run, store=log))
    world.carry_out(wanted, replace(run, store=log))
    take_back(world, None if scenario is quarantine else "quarantine")
    for at in range(1, len(log.log) + 1):
        store = copy_of(before.objects)
        with pytest.raises(Killed):
            world.carry_out(wanted, replace(run, store=FaultyStore(store, at=at)))
        assert world.apply(Run(store=store)).outcome == "done", log.log[at - 1]
        assert objects(store, "feeds/") == objects(before, "feeds/"), log.log[at - 1]
        assert set_aside(store) == set_aside(before), log.log[at - 1]
        settled = dict(store.objects)
        world.apply(Run(store=store))
        assert store.objects == settled, log.log[at - 1]
