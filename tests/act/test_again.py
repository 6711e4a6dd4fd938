"""Applied again, applied by two at once, applied after the world has changed: guarantees 2, 8, 12 and 14 of the design."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from reconciler.stores import keys
from reconciler.stores.local import LocalStore
from tests.act.offers import LATER, offer_in_both
from tests.crash.faults import FaultyStore
from tests.crash.reader import look
from tests.support.memory_store import MemoryStore
from tests.support.wheels import wheel, wheel_name
from tests.support.world import NUGET, PYPI, Run, World, objects


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    offer_in_both(world, "base")
    world.commit()
    return world


# --- twice ------------------------------------------------------------------------------------------------------------------------


def test_a_second_apply_changes_no_byte_on_disk(tmp_path):
    world = World(tmp_path, LocalStore(tmp_path / "store"))
    offer_in_both(world, "base")
    offer_in_both(world, "tools")
    world.commit()
    world.apply()
    before = files_of(tmp_path / "store")
    assert len(before) > 30
    for run in (Run(), Run(now=LATER), Run(listed=True)):
        applied = world.apply(run)
        assert (applied.outcome, applied.applied, applied.plan.access) == ("done", (), ())
        after = files_of(tmp_path / "store")
        assert after.keys() - before.keys() <= {".lock"}
        assert {path: content for path, content in after.items() if path != ".lock"} == {p: c for p, c in before.items() if p != ".lock"}


def test_a_second_apply_after_a_failure_writes_nothing_that_lasts(world):
    world.shelves["pypi"].served[wheel_name("base", "1.0")] = b"other"
    assert world.apply().outcome == "integrity"
    before = objects(world.store)
    assert world.apply().outcome == "integrity"
    assert objects(world.store) == before


def test_a_commit_that_changes_nothing_moves_the_heads_only(world):
    world.apply()
    before = objects(world.store)
    world.write("README.md", "Unimportant")
    commit = world.commit("Nothing")
    log = FaultyStore(world.store)
    world.apply(Run(store=log))
    assert log.log == [f"put_if {keys.head(NUGET)}", f"put_if {keys.head(PYPI)}"]
    after = objects(world.store)
    assert {key for key in after if after[key] != before.get(key)} == {keys.head(PYPI), keys.head(NUGET)}
    for feed in (PYPI, NUGET):
        head = world.state(feed).head
        assert (head.revision, head.commit) == (2, commit)


def test_a_change_in_one_feed_leaves_the_other_as_it_is(world):
    world.apply()
    world.place_wheel(wheel_name("tools", "1.0"), wheel("tools", "1.0"))
    world.approve(PYPI, "tools", "1.0")
    world.commit()
    log = FaultyStore(world.store)
    world.apply(Run(store=log))
    assert [write for write in log.log if NUGET in write] == [f"put_if {keys.head(NUGET)}"]
    assert not [write for write in log.log if "/base/" in write]


def test_one_more_package_writes_its_own_pages_and_the_lists(world):
    for number in range(20):
        offer_in_both(world, f"p{number}")
    world.commit()
    world.apply()
    offer_in_both(world, "tools")
    world.commit()
    log = FaultyStore(world.store)
    world.apply(Run(store=log))
    assert not [write for write in log.log if "/p1" in write]
    assert sum("catalog" in write for write in log.log) <= 6


# --- the upstream is gone ---------------------------------------------------------------------------------------------------------


def test_what_is_promoted_stays_installable_with_the_upstream_gone(world):
    world.apply()
    before = look(world.store)
    for shelf in world.shelves.values():
        shelf.down = True
        shelf.items.clear()
        shelf.asked.clear()
    for run in (Run(), Run(listed=True), Run(now=LATER)):
        assert world.apply(run).outcome == "done"
    assert look(world.store) == before
    assert before.broken == set()
    assert {place for place, _ in before.versions} >= {
        f"feeds/{PYPI}/simple/base/index.html",
        f"feeds/{NUGET}/v3/registration/base/index.json",
    }
    assert [shelf.asked for shelf in world.shelves.values()] == [[], []]


def test_with_the_upstream_gone_a_version_can_still_be_unlisted_and_pages_move(world):
    world.approve(PYPI, "base", "1.0", expires=date(2026, 12, 1))
    world.commit()
    world.apply()
    for shelf in world.shelves.values():
        shelf.down = True
    world.feeds(public_url="https://elsewhere.example")
    world.commit()
    applied = world.apply(Run(now=LATER))
    assert ([change.kind for change in applied.applied], applied.outcome) == (["unlist"], "done")
    assert b"https://elsewhere.example/approved-nuget" in objects(world.store)[f"feeds/{NUGET}/v3/index.json"]
    assert look(world.store).broken == set()


def test_time_alone_changes_nothing_before_its_time(world):
    world.approve(PYPI, "base", "1.0", expires=date(2026, 12, 1))
    world.commit()
    world.apply()
    head = world.state(PYPI).head
    assert world.apply(Run(now=datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))).applied == ()
    assert [change.kind for change in world.apply(Run(now=head.valid_until)).applied] == ["unlist"]


def test_passes_of_many_commits_and_of_one_end_in_the_same_feed(world, tmp_path):
    """Level-based: which run saw which commit does not matter, but for the time at which something appeared."""
    stepwise, at_once = MemoryStore(), MemoryStore()
    for name in ("tools", "zeta"):
        offer_in_both(world, name)
        world.commit()
        world.apply(Run(store=stepwise))
    world.apply(Run(store=at_once))
    assert objects(stepwise, "feeds/") == objects(at_once, "feeds/")
    assert replace(world.state(PYPI, stepwise), head=None, revision=None) == replace(world.state(PYPI, at_once), head=None, revision=None)
