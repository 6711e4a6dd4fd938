"""A pass that was killed while it moved a version into quarantine or out of it; what is declared then is something else."""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest

from reconciler.stores import keys
from tests.act.offers import offer_wheel
from tests.crash.faults import FaultyStore, Killed
from tests.support.world import PYPI, Run, World, objects

PATH = f"approvals/{PYPI}/bad/1.0.yaml"


def deleted(world: World) -> None:
    world.write(PATH, None)


def garbled(world: World) -> None:
    world.write(PATH, "files: nothing\n")


def expired(world: World) -> None:
    world.approve(PYPI, "bad", "1.0", expires=date(2020, 1, 1))


def withdrawn(world: World) -> None:
    world.take_back(PATH, "quarantine")


def stopped(tmp_path, at: int, *, moved: int) -> World | None:
    """A world whose last pass, the first or second that moves the version, was killed at this write; None if it had no such write."""
    world = World(tmp_path / f"{moved}-{at}")
    world.write("approvals/README.md", "One file a version.\n")
    offer_wheel(world, "bad")
    world.commit()
    world.apply()
    world.take_back(PATH, "quarantine")
    world.commit()
    if moved > 1:
        world.apply()
        world.take_back(PATH, None)
        world.commit()
    try:
        world.apply(Run(store=FaultyStore(world.store, at=at)))
    except Killed:
        return world
    return None


def unlisted(world: World) -> None:
    world.take_back(PATH, "unlist")


@pytest.mark.parametrize("then", [deleted, garbled, expired, unlisted, withdrawn])
@pytest.mark.parametrize("moved", [1, 2])
def test_files_lie_where_their_version_is_recorded(tmp_path, then, moved):
    """Whatever is declared since, and however far the killed pass came; nothing is asked of upstream."""
    for at in count(1):
        world = stopped(tmp_path, at, moved=moved)
        if world is None:
            break
        world.shelves["pypi"].down = True
        then(world)
        world.commit()
        world.apply()
        served = {key.rpartition("/")[2] for key in objects(world.store, f"feeds/{PYPI}/files/bad/")}
        kept = {key.rpartition("/")[2] for key in objects(world.store, keys.quarantine_folder(PYPI))}
        both = {"bad-1.0-py3-none-any.whl", "bad-1.0-py3-none-any.whl.metadata"}
        away = world.version(PYPI, "bad", "1").state == "quarantined"
        assert (served, kept) == ((set(), both) if away else (both, set()))
        assert world.store.get(keys.unfinished(PYPI)) is None
        before = objects(world.store)
        world.apply()
        assert objects(world.store) == before
    assert at > 5
