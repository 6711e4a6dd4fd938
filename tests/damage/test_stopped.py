"""A pass that was killed is no damage: whatever is declared next, nothing of what it left is taken for an older head put back."""

from __future__ import annotations

from datetime import date

import pytest

from reconciler.stores import keys, ledger
from reconciler.stores.interface import Store
from tests.crash.faults import FaultyStore, Killed
from tests.support.memory_store import MemoryStore
from tests.support.wheels import wheel, wheel_name
from tests.support.world import PYPI, Run, World, objects


@pytest.fixture
def world(tmp_path) -> World:
    """One package applied, one more approved."""
    world = World(tmp_path)
    for name in ("first", "second"):
        world.place_wheel(wheel_name(name, "1.0"), wheel(name, "1.0"))
        world.approve(PYPI, name, "1.0")
        if name == "first":
            world.commit()
            world.apply()
    world.commit()
    return world


def killed_behind_the_segment(world: World) -> None:
    """Applies, and is killed after the segment of the ledger was written and before the head is."""
    rehearsal = FaultyStore(copy_of(world.store))
    planned = world.plan()
    world.carry_out(planned, Run(store=rehearsal))
    before = ledger.names(world.store, PYPI)
    with pytest.raises(Killed):
        world.carry_out(planned, Run(store=FaultyStore(world.store, at=rehearsal.log.index(f"put_if {keys.head(PYPI)}") + 1)))
    assert len(ledger.names(world.store, PYPI) - before) == 1


def copy_of(store: Store) -> MemoryStore:
    copy = MemoryStore()
    for key, data in objects(store).items():
        copy.put(key, data, content_type=keys.OCTETS)
    return copy


def test_a_segment_without_a_head_is_explained_by_the_note(world):
    killed_behind_the_segment(world)
    assert world.apply().outcome == "done"
    assert [record["change"] for record in world.records(PYPI)][1:] == ["promote", "promote"]


def test_a_segment_without_a_head_is_no_roll_back_when_what_it_told_of_is_declared_no_more(world):
    killed_behind_the_segment(world)
    world.write("approvals/approved-pypi/second/1.0.yaml", None)
    world.commit("Think better of it")
    assert world.apply().outcome == "done"
    assert world.apply().outcome == "done"
    assert list(world.state(PYPI).entries) == ["first"]


def test_the_same_holds_for_records_that_no_file_comes_with(world):
    world.apply()
    wanted = world.approve(PYPI, "second", "1.0", expires=date(2020, 1, 1))
    world.commit("Let it expire")
    killed_behind_the_segment(world)
    assert world.approve(PYPI, "second", "1.0") == wanted
    world.commit("Think better of it")
    assert world.apply().outcome == "done"
    assert world.apply().outcome == "done"
    assert {version.state for entry in world.state(PYPI).entries.values() for version in entry.package.versions} == {"listed"}
