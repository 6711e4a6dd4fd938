"""What is refused before anything is written: history that is rewritten, approvals that are gone, a plan that is stale, a damaged state."""

from __future__ import annotations

import pytest

from reconciler.errors import IntegrityError, PreconditionFailed
from reconciler.stores import keys
from tests.act.offers import offer_in_both
from tests.support.world import NUGET, PYPI, Run, World, objects


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    offer_in_both(world, "base")
    world.commit()
    return world


# --- refused before anything is written -------------------------------------------------------------------------------------------


def is_refused(world: World, run: Run, *, because: str, error: type[Exception] = PreconditionFailed) -> None:
    before = objects(world.store)
    with pytest.raises(error, match=because):
        world.apply(run)
    assert objects(world.store) == before


def test_a_feed_that_holds_packages_while_there_are_no_approvals_is_refused(world):
    world.apply()
    for feed, version in ((PYPI, "1.0"), (NUGET, "1.0.0")):
        world.write(f"approvals/{feed}/base/{version}.yaml", None)
    world.commit("Clean up")
    is_refused(world, Run(), because="absence is never deletion")


def test_an_empty_feed_without_approvals_is_an_empty_feed(tmp_path):
    world = World(tmp_path)
    world.commit()
    assert world.apply().outcome == "done"
    assert world.apply().outcome == "done"


def test_an_approval_that_is_gone_takes_nothing_away(world):
    world.apply()
    world.write(f"approvals/{PYPI}/base/1.0.yaml", None)
    world.commit("Clean up")
    before = objects(world.store, "feeds/")
    applied = world.apply()
    assert (applied.outcome, applied.applied) == ("done", ())
    assert [(drift.kind, drift.feed) for drift in applied.plan.drift] == [("orphan", PYPI)]
    assert objects(world.store, "feeds/") == before


def test_a_head_whose_commit_is_not_on_the_chain_is_refused(world):
    root = world.repo.tip()
    offer_in_both(world, "tools")
    world.commit()
    world.apply()
    world.move(root)
    world.write("README.md", "Another history")
    world.commit("Rewritten")
    is_refused(world, Run(), because="not on the first-parent chain")


def test_an_earlier_commit_of_the_chain_is_refused_too(world):
    first = world.repo.tip()
    offer_in_both(world, "tools")
    world.commit()
    world.apply()
    world.move(first)
    is_refused(world, Run(), because="not on the first-parent chain")


def test_an_accepted_plan_that_has_changed_since_is_refused(world):
    accepted = world.plan().plan.digest
    offer_in_both(world, "tools")
    world.commit()
    is_refused(world, Run(accept=accepted), because="the plan has changed since it was accepted")
    assert world.apply(Run(accept=world.plan().plan.digest)).outcome == "done"


@pytest.mark.parametrize("key", [keys.head(PYPI), keys.unfinished(NUGET)])
def test_a_damaged_state_is_refused(world, key):
    world.apply()
    world.store.put(key, b"{", content_type=keys.JSON)
    is_refused(world, Run(), because="is damaged", error=IntegrityError)


def test_a_missing_catalog_is_refused(world):
    world.apply()
    root = world.state(PYPI).head.catalog
    world.store.delete(keys.catalog_object(PYPI, root))
    is_refused(world, Run(), because="is missing", error=IntegrityError)
