"""The head: what is written is read, equal heads have equal bytes, and a damaged one is told from one that is not there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from reconciler.errors import IntegrityError
from reconciler.model.events import Named
from reconciler.model.reanchored import Reanchored
from reconciler.model.words import CommitId, FeedName, Sha256
from reconciler.stores import keys
from reconciler.stores.head import Head, LedgerTip, encode_head, read_head
from reconciler.stores.interface import Revision
from tests.support.memory_store import MemoryStore

FEED: Final = FeedName("approved-pypi")
HEAD: Final = Head(
    revision=7,
    commit=CommitId("c" * 40),
    outcome="done",
    valid_until=datetime(2026, 12, 1, tzinfo=UTC),
    tool="0.1.0",
    public_url="https://feeds.example",
    catalog=Sha256("a" * 64),
    pages={"simple/index.html": Revision("1"), "simple/index.json": Revision("2")},
    ledger=LedgerTip(segments=("0000000001-aa",), records=1, hash="aa"),
)


def test_a_head_is_read_as_it_was_written():
    store = MemoryStore()
    revision = store.put_if(keys.head(FEED), encode_head(HEAD), content_type=keys.JSON, expected=None)
    assert read_head(store, FEED) == (HEAD, revision)


def test_a_head_that_was_reanchored_is_read_as_it_was_written_and_one_that_was_not_says_nothing_of_it():
    assert b"reanchored" not in encode_head(HEAD)
    by = Named(name="Ada Lovelace", email="ada@example.org", assurance="claimed")
    at = datetime(2026, 11, 22, 16, 54, tzinfo=UTC)
    moved = Reanchored(feed=FEED, from_commit=CommitId("a" * 40), commit=HEAD.commit, at=at, by=by, reason="Moved\n", shared=False)
    head = HEAD.model_copy(update={"reanchored": (moved,), "unapplied": True})
    store = MemoryStore()
    store.put(keys.head(FEED), encode_head(head), content_type=keys.JSON)
    found = read_head(store, FEED)
    assert found is not None
    assert found[0] == head
    assert found[0].reanchored[0] == moved


def test_an_empty_feed_has_no_time_limit_and_no_catalog():
    head = HEAD.model_copy(update={"valid_until": None, "catalog": None, "ledger": LedgerTip(), "pages": {}})
    store = MemoryStore()
    store.put(keys.head(FEED), encode_head(head), content_type=keys.JSON)
    found = read_head(store, FEED)
    assert found is not None
    assert found[0] == head


def test_equal_heads_have_equal_bytes():
    other = HEAD.model_copy(update={"pages": dict(reversed(HEAD.pages.items()))})
    assert encode_head(other) == encode_head(HEAD)


def test_a_feed_that_was_never_applied_has_no_head():
    assert read_head(MemoryStore(), FEED) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        encode_head(HEAD)[:-10],
        encode_head(HEAD).replace(b'"revision": 7', b'"revision": "many"'),
        encode_head(HEAD).replace(b'"outcome"', b'"Outcome"'),
        encode_head(HEAD).replace(b'"hash"', b'"fence": 1, "hash"'),
    ],
    ids=lambda data: repr(data[:20]),
)
def test_a_damaged_head_is_an_error_and_never_an_empty_feed(data):
    store = MemoryStore()
    store.put(keys.head(FEED), data, content_type=keys.JSON)
    with pytest.raises(IntegrityError, match=r"head\.json is damaged") as raised:
        read_head(store, FEED)
    assert raised.value.remedy
