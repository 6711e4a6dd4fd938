"""What is taken back may be urgent: nothing that is slow stands before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from reconciler.act.fetch import Source
from reconciler.act.record import Applier
from reconciler.model.packages import RemoteFile
from reconciler.model.plan import Change
from reconciler.reconcile import apply_pass
from reconciler.wire import Downloaded
from tests.act.offers import offer_wheel
from tests.support.shelf import Shelf
from tests.support.world import NOW, PYPI, World, objects


class Watching:
    """A source that tells whenever it is asked for a file."""

    def __init__(self, inner: Shelf, asked: Callable[[], None]) -> None:
        self._inner = inner
        self._asked = asked
        self.fetch_companion = inner.fetch_companion

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        self._asked()
        return self._inner.fetch(file, sink, max_bytes=max_bytes)


def served(world: World) -> set[str]:
    """What clients can read of the package that is bad."""
    return {key for key in objects(world.store, f"feeds/{PYPI}/") if "/bad/" in key}


def test_what_is_taken_back_is_gone_before_anything_is_fetched(tmp_path):
    world = World(tmp_path)
    offer_wheel(world, "bad")
    world.commit()
    world.apply()
    world.take_back(f"approvals/{PYPI}/bad/1.0.yaml", "quarantine")
    offer_wheel(world, "slow")
    world.commit()
    seen: list[set[str]] = []

    def source_of(change: Change) -> Source:
        return Watching(world.source_of(change), lambda: seen.append(served(world)))

    planned = world.plan()
    applier = Applier(name="ci", at=NOW, accepted="")
    done = apply_pass(planned, source_of, lambda _: None, applier)
    assert [(change.kind, change.declared.package) for change in done.applied] == [("quarantine", "bad"), ("promote", "slow")]
    assert seen == [set()]
    assert [record["change"] for record in world.records(PYPI)][-2:] == ["quarantine", "promote"]
    head = world.state(PYPI).head
    assert head is not None
    assert head.outcome == done.outcome == "done"
    before = objects(world.store)
    world.apply()
    assert objects(world.store) == before
