"""Reanchoring, killed at any write: what is done stays done, the next run does the rest, and no record is written twice."""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

import pytest

from reconciler.act.record import Applier
from reconciler.continuity import breaks, reanchor
from reconciler.errors import PreconditionFailed, RevisionConflict, StoreError
from reconciler.model.events import Named
from reconciler.stores.interface import Store
from tests.crash.faults import Fault, FaultyStore, Killed
from tests.crash.test_crash import copy_of, fill
from tests.support.reading import reader_of
from tests.support.world import NOW, NUGET, PYPI, Run, World, objects

BY = Named(name="Ada Lovelace", email="ada@example.org", assurance="claimed")
APPLIER = Applier(name="ci", at=NOW, accepted="")


@pytest.fixture
def broken(tmp_path) -> World:
    """Two feeds, applied at a commit that main does not have any more."""
    world = World(tmp_path)
    base = world.commit("Rules")
    fill(world)
    world.apply()
    world.move(base)
    fill(world)
    return world


def reanchor_all(world: World, store: Store) -> int:
    """As the command does: every feed that is broken."""
    declaration = world.declaration()
    gaps = list(breaks(reader_of(world.root).repository, declaration, store))
    for gap in gaps:
        reanchor(store, declaration, gap, by=BY, reason="Moved", applier=APPLIER)
    return len(gaps)


@pytest.mark.parametrize("fault", get_args(Fault))
def test_stopped_at_every_write_the_next_run_does_the_rest(broken, fault):
    before = objects(broken.store)
    undisturbed = copy_of(before)
    log = FaultyStore(undisturbed)
    assert reanchor_all(broken, log) == 2
    assert sum(write.startswith("put_if") and write.endswith("head.json") for write in log.log) == 2
    assert not [write for write in log.log if "feeds/approved-pypi/simple" in write]
    for at in range(1, len(log.log) + 1):
        store = copy_of(before)
        with suppress(Killed, StoreError):
            reanchor_all(broken, FaultyStore(store, at=at, fault=fault))
        reanchor_all(broken, store)
        for feed in (PYPI, NUGET):
            told = [record["change"] for record in broken.records(feed, store)]
            assert told.count("reanchor") == 1, log.log[at - 1]
            head = broken.state(feed, store).head
            assert head is not None
            assert len(head.reanchored) == 1
        assert broken.apply(Run(store=store)).outcome == "done"
        assert objects(store, "feeds/") == objects(undisturbed, "feeds/"), log.log[at - 1]
        assert reanchor_all(broken, store) == 0


def test_between_feeds_no_pass_goes_on(broken):
    declaration = broken.declaration()
    first, _ = breaks(reader_of(broken.root).repository, declaration, broken.store)
    reanchor(broken.store, declaration, first, by=BY, reason="Moved", applier=APPLIER)
    with pytest.raises(PreconditionFailed, match="is not on the first-parent chain"):
        broken.plan()


def test_of_two_at_once_one_gives_up(broken):
    declaration = broken.declaration()
    gaps = list(breaks(reader_of(broken.root).repository, declaration, broken.store))
    reanchor(broken.store, declaration, gaps[0], by=BY, reason="Moved", applier=APPLIER)
    before = objects(broken.store)
    with pytest.raises((PreconditionFailed, RevisionConflict)):
        reanchor(broken.store, declaration, gaps[0], by=BY, reason="Moved", applier=APPLIER)
    assert objects(broken.store) == before
