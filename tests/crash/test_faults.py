"""The faults of a store with faults; without them it is a store (`tests/contracts/test_store.py`)."""

from __future__ import annotations

import pytest

from reconciler.errors import StoreUnavailable
from tests.crash.faults import FaultyStore, Killed
from tests.support.memory_store import MemoryStore

TEXT = "text/plain"


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
