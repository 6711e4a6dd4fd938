"""The note of what a pass has begun: kept while there is something to tell, and a sign to every other pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest

from reconciler.act.begun import Begun, file_of
from reconciler.errors import RevisionConflict
from reconciler.model.words import Identity, PackageKey, VersionKey
from reconciler.stores import keys
from reconciler.stores.state import FeedState
from reconciler.stores.unfinished import NOTHING, Unfinished, read_unfinished
from tests.support.memory_store import MemoryStore
from tests.support.world import PYPI

ONE, TWO = (
    file_of(Identity(feed=PYPI, package=PackageKey("base"), version=VersionKey(version)), f"base-{version}.zip") for version in ("1", "2")
)
BASE: Final = PackageKey("base")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def begun(store: MemoryStore, *files: tuple[PackageKey, VersionKey, str]) -> Begun:
    """A pass that finds the store as it is now."""
    unfinished, revision = read_unfinished(store, PYPI)
    made = Begun(store, FeedState(feed=PYPI, head=None, revision=None, entries={}, unfinished=unfinished, unfinished_revision=revision))
    if files:
        made.files(files)
    return made


def noted(store: MemoryStore) -> Unfinished:
    return read_unfinished(store, PYPI)[0]


def finish(
    made: Begun, *, put: Iterable[tuple[PackageKey, VersionKey, str]] = (), arrived: Iterable[tuple[PackageKey, VersionKey, str]] = ()
) -> None:
    made.put(put)
    made.arrived(arrived)
    made.finish(1)


def test_nothing_begun_is_nothing_noted(store):
    finish(begun(store))
    assert store.objects == {}


def test_what_has_arrived_is_noted_no_more(store):
    made = begun(store, ONE)
    assert noted(store).files == {ONE}
    made.pages({BASE}, {"simple/base/index.html"})
    assert (set(noted(store).packages), set(noted(store).pages)) == ({BASE}, {"simple/base/index.html"})
    finish(made, put=[ONE], arrived=[ONE])
    assert store.objects == {}


def test_what_was_never_put_is_noted_no_more(store):
    finish(begun(store, ONE))
    assert store.objects == {}


def test_what_was_put_and_did_not_arrive_stays_noted(store):
    finish(begun(store, ONE, TWO), put=[ONE, TWO], arrived=[TWO])
    assert noted(store) == Unfinished(base=1, files=frozenset({ONE}))


def test_what_an_earlier_pass_left_stays_noted_until_it_arrives(store):
    begun(store, ONE)
    second = begun(store, TWO)
    assert second.left.files == {ONE}
    assert noted(store).files == {ONE, TWO}
    finish(second, put=[TWO], arrived=[TWO])
    assert noted(store).files == {ONE}
    third = begun(store, ONE)
    finish(third, put=[ONE], arrived=[ONE])
    assert noted(store) == NOTHING


def test_a_pass_that_begins_nothing_leaves_what_was_left_as_it_is(store):
    finish(begun(store, ONE), put=[ONE])
    before = dict(store.objects)
    finish(begun(store))
    assert store.objects == before


def test_of_two_that_begin_the_second_is_told(store):
    first, second = begun(store), begun(store)
    first.files([ONE])
    with pytest.raises(RevisionConflict):
        second.files([ONE])


def test_who_takes_over_is_seen_by_who_was_there_before(store):
    first = begun(store, ONE)
    assert first.is_ours()
    second = begun(store, ONE)
    assert not first.is_ours()
    assert second.is_ours()
    with pytest.raises(RevisionConflict):
        first.pages({BASE}, set())


@pytest.mark.parametrize("arrives", [True, False])
def test_the_note_of_another_pass_is_left_to_it(store, arrives):
    first = begun(store, ONE)
    begun(store, TWO)
    before = dict(store.objects)
    finish(first, put=[ONE], arrived=[ONE] if arrives else [])
    assert store.objects == before
    assert list(store.objects) == [keys.unfinished(PYPI)]
