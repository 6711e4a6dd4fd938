"""The state of a feed, read as one: head, catalog, and what an earlier pass has left unfinished."""

from __future__ import annotations

from typing import Final

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import IntegrityError
from reconciler.model.words import PackageKey, VersionKey
from reconciler.stores import keys
from reconciler.stores.state import read_state
from reconciler.stores.unfinished import NOTHING, Unfinished, encode_unfinished, read_unfinished
from tests.support.memory_store import MemoryStore
from tests.support.nupkgs import nupkg
from tests.support.world import NUGET, World

PARSE: Final = ECOSYSTEMS["nuget"].parse_version
RECORDED: Final = (PackageKey("core"), VersionKey("1.0.0"), "core.1.0.0.nupkg")
COMING: Final = (PackageKey("core"), VersionKey("2.0.0"), "core.2.0.0.nupkg")


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    world.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0"))
    world.approve(NUGET, "Core", "1.0.0")
    world.commit()
    return world


def note(store: MemoryStore, unfinished: Unfinished) -> None:
    store.put(keys.unfinished(NUGET), encode_unfinished(unfinished), content_type=keys.JSON)


def test_a_feed_that_was_never_applied_has_no_state():
    state = read_state(MemoryStore(), NUGET, PARSE)
    assert (state.head, state.revision, state.entries, state.unfinished, state.unfinished_revision) == (None, None, {}, NOTHING, None)


def test_head_and_catalog_are_read_together(world):
    world.apply()
    state = read_state(world.store, NUGET, PARSE)
    assert state.head is not None
    assert state.head.revision == 1
    assert list(state.entries) == ["core"]
    assert state.unfinished_revision is None


def test_what_is_unfinished_is_read_as_it_was_written():
    store = MemoryStore()
    begun = Unfinished(
        base=3, by="x", files=frozenset({RECORDED, COMING}), packages=frozenset({PackageKey("core")}), pages=frozenset({"v3/p"})
    )
    note(store, begun)
    found, revision = read_unfinished(store, NUGET)
    assert found == begun
    assert revision is not None


def test_what_was_begun_from_this_head_may_be_in_any_state(world):
    world.apply()
    note(world.store, Unfinished(base=1, files=frozenset({RECORDED, COMING})))
    assert read_state(world.store, NUGET, PARSE).unfinished.files == {RECORDED, COMING}


def test_what_was_begun_from_an_earlier_head_is_finished_where_it_is_recorded(world):
    world.apply()
    note(world.store, Unfinished(base=0, files=frozenset({RECORDED, COMING})))
    state = read_state(world.store, NUGET, PARSE)
    assert state.unfinished.files == {COMING}
    assert state.unfinished_revision is not None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"base": "x"}', b'{"files": [["a", "b"]]}', b'{"other": 1}', b"\xff"], ids=repr)
def test_a_damaged_note_is_an_error(data):
    store = MemoryStore()
    store.put(keys.unfinished(NUGET), data, content_type=keys.JSON)
    with pytest.raises(IntegrityError, match=r"unfinished\.json is damaged"):
        read_state(store, NUGET, PARSE)


# --- a head that was put back -----------------------------------------------------------------------------------------------------


@pytest.fixture
def applied_twice(world) -> tuple[World, bytes]:
    """The world after two applies, and its head after the first."""
    world.apply()
    first = world.store.get(keys.head(NUGET)).data
    world.place_nupkg("Core", "2.0.0", nupkg("Core", "2.0.0"))
    world.approve(NUGET, "Core", "2.0.0")
    world.commit()
    world.apply()
    return world, first


def test_a_head_that_was_put_back_is_refused(applied_twice):
    world, first = applied_twice
    world.store.put(keys.head(NUGET), first, content_type=keys.JSON)
    with pytest.raises(IntegrityError, match=r"the head of approved-nuget has been rolled back or removed"):
        read_state(world.store, NUGET, PARSE)


def test_a_head_that_was_removed_is_refused(applied_twice):
    world, _ = applied_twice
    world.store.delete(keys.head(NUGET))
    with pytest.raises(IntegrityError, match=r"it ends the ledger at record 0, but record 1 "):
        read_state(world.store, NUGET, PARSE)


@pytest.mark.parametrize(("base", "refused"), [(0, False), (1, False), (2, True)])
def test_a_note_that_starts_from_the_head_or_earlier_explains_what_lies_behind_it(applied_twice, base, refused):
    world, first = applied_twice
    world.store.put(keys.head(NUGET), first, content_type=keys.JSON)
    note(world.store, Unfinished(base=base, by="x"))
    if refused:
        with pytest.raises(IntegrityError):
            read_state(world.store, NUGET, PARSE)
    else:
        found = read_state(world.store, NUGET, PARSE)
        assert list(found.entries) == ["core"]
        assert [segment.partition("-")[0] for segment in found.stray] == ["0000000003"]


def test_a_note_without_a_head_explains_a_first_pass_that_was_stopped(applied_twice):
    world, _ = applied_twice
    world.store.delete(keys.head(NUGET))
    note(world.store, Unfinished(by="x"))
    assert read_state(world.store, NUGET, PARSE).head is None
