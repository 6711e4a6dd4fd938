"""The store with faults is a store: what every store keeps, it keeps, too."""

from __future__ import annotations

import pytest

from reconciler.errors import StoreUnavailable
from tests.contracts.test_store import (
    test_a_folder_is_no_object_and_an_object_no_folder,
    test_a_path_is_consumed,
    test_an_empty_store_has_nothing,
    test_an_open_stream_keeps_what_it_began_with,
    test_hostile_keys_are_refused,
    test_listing_is_sorted_by_key_and_bound_by_prefix,
    test_nothing_half_written_is_seen,
    test_put_if_creates_only_where_there_is_nothing,
    test_put_if_replaces_only_what_is_expected,
    test_put_replaces,
    test_what_is_written_is_read,
)
from tests.crash.faults import FaultyStore, Killed
from tests.support.memory_store import MemoryStore

__all__ = [
    "test_a_folder_is_no_object_and_an_object_no_folder",
    "test_a_path_is_consumed",
    "test_an_empty_store_has_nothing",
    "test_an_open_stream_keeps_what_it_began_with",
    "test_hostile_keys_are_refused",
    "test_listing_is_sorted_by_key_and_bound_by_prefix",
    "test_nothing_half_written_is_seen",
    "test_put_if_creates_only_where_there_is_nothing",
    "test_put_if_replaces_only_what_is_expected",
    "test_put_replaces",
    "test_what_is_written_is_read",
]
TEXT = "text/plain"


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(MemoryStore())


def test_a_killed_process_writes_nothing_any_more():
    store = FaultyStore(MemoryStore(), at=2)
    store.put("a", b"1", content_type=TEXT)
    with pytest.raises(Killed):
        store.delete("a")
    with pytest.raises(Killed):
        store.put("b", b"2", content_type=TEXT)
    assert [entry.key for entry in store.list("")] == ["a"]


@pytest.mark.parametrize(("fault", "kept"), [("refused", None), ("unacknowledged", b"1")])
def test_a_store_that_says_no_once_goes_on(fault, kept):
    store = FaultyStore(MemoryStore(), at=1, fault=fault)
    with pytest.raises(StoreUnavailable):
        store.put_if("a", b"1", content_type=TEXT, expected=None)
    found = store.get("a")
    assert (found.data if found else None) == kept
    store.put("b", b"2", content_type=TEXT)
    assert store.log == ["put_if a", "put b"]
