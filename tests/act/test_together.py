"""Two that apply to one store: one wins, the other is told, and neither spoils what the other writes (guarantee 14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from reconciler.errors import RevisionConflict
from reconciler.stores import keys
from reconciler.stores.interface import Revision
from tests.act.offers import LATER, offer_in_both
from tests.crash.faults import FaultyStore
from tests.crash.reader import look
from tests.support.memory_store import MemoryStore
from tests.support.nupkgs import nupkg
from tests.support.world import NUGET, PYPI, Run, World, objects


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    offer_in_both(world, "base")
    world.commit()
    return world


# --- two at once ------------------------------------------------------------------------------------------------------------------


Interlude = Callable[[], object]


class Interrupting(FaultyStore):
    """Lets something else happen before its first write to a key that ends so."""

    def __init__(self, store: MemoryStore, before: str, interlude: Interlude) -> None:
        super().__init__(store)
        self._when = before
        self._interlude: Interlude | None = interlude

    def put_if(self, key: str, data: bytes, *, content_type: str, expected: Revision | None) -> Revision:
        if key.endswith(self._when) and self._interlude is not None:
            interlude, self._interlude = self._interlude, None
            interlude()
        return super().put_if(key, data, content_type=content_type, expected=expected)


MOMENTS: Final = [
    "approved-nuget/unfinished.json",
    "v3/flatcontainer/base/index.json",
    "v3/index.json",
    "approved-nuget/head.json",
    "approved-pypi/unfinished.json",
    "simple/base/index.html",
    "simple/index.json",
    "approved-pypi/head.json",
]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("again", [False, True], ids=["first apply", "later apply"])
def test_of_two_that_apply_the_same_plan_one_wins_and_the_other_is_told(world, moment, again):
    if again:
        world.apply()
        offer_in_both(world, "base", "2.0")
        offer_in_both(world, "tools")
        world.commit()
    store = world.store
    alone = MemoryStore()
    alone.objects = dict(store.objects)
    world.apply(Run(store=alone, now=LATER))
    planned = world.plan()
    slow = Interrupting(store, moment, lambda: world.apply(Run(now=LATER, applier="fast")))
    with pytest.raises(RevisionConflict):
        world.carry_out(planned, Run(store=slow, applier="slow"))
    world.apply(Run(now=LATER))
    assert look(store).broken == set()
    assert pages(store) == pages(alone) or moment.startswith(("approved-pypi", "simple"))
    for feed in (PYPI, NUGET):
        promoted = [tuple(record["identity"]) for record in world.records(feed) if record["change"] == "promote"]
        assert len(promoted) == len(set(promoted)) == (3 if again else 1)
    assert not [key for key in store.objects if key.endswith("unfinished.json")]


def pages(store: MemoryStore) -> dict[str, bytes]:
    return {key: data for key, data in objects(store, "feeds/").items() if key.endswith((".html", ".json"))}


def test_a_plan_that_is_no_longer_true_is_refused(world):
    stale = world.plan()
    offer_in_both(world, "tools")
    world.commit()
    world.apply()
    before = objects(world.store)
    with pytest.raises(RevisionConflict):
        world.carry_out(stale)
    assert {key for key in objects(world.store) if key not in before} <= {keys.unfinished(NUGET), keys.unfinished(PYPI)}
    world.apply()
    assert objects(world.store, "feeds/") == {key: data for key, data in before.items() if key.startswith("feeds/")}


def test_a_pass_of_which_another_one_takes_over_gives_up_before_it_spoils_a_page(world):
    """The slow one has written some pages; the fast one is stopped before its head, so that only its note tells of it."""
    world.apply()
    offer_in_both(world, "base", "2.0")
    world.commit()
    store = world.store

    def take_over() -> None:
        world.place_nupkg("base", "3.0.0", nupkg("base", "3.0.0"))
        world.approve(NUGET, "base", "3.0.0")
        world.commit()
        with pytest.raises(KeyboardInterrupt):
            world.apply(Run(store=Interrupting(store, "approved-nuget/head.json", interrupt)))

    planned = world.plan()
    with pytest.raises(RevisionConflict):
        world.carry_out(planned, Run(store=Interrupting(store, "v3/registration/base/index.json", take_over)))
    assert b"3.0.0" in store.objects[f"feeds/{NUGET}/v3/registration/base/index.json"]
    assert world.apply().outcome == "done"
    assert look(store).broken == set()
    assert len(world.package(NUGET, "base").versions) == 3


def interrupt() -> None:
    raise KeyboardInterrupt
