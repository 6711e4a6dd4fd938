from datetime import UTC, datetime

import pytest

from reconciler.errors import IntegrityError
from reconciler.model.evidence import Evidence
from reconciler.model.words import CommitId
from reconciler.stores import keys
from reconciler.stores.evidence import SEEN, FrozenEvidence, freeze
from tests.support.memory_store import MemoryStore

ONE, OTHER = CommitId("1" * 40), CommitId("2" * 40)
NOTHING_SAID = Evidence(commit=ONE, pull_request=None)
WHEN, LATER = datetime(2026, 11, 22, 10, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def store():
    store = MemoryStore()
    freeze(store, [NOTHING_SAID], {ONE: WHEN, OTHER: WHEN})
    return store


def objects(store):
    return {entry.key: store.get(entry.key).data for entry in store.list(keys.evidence_folder())}


def test_what_was_frozen_is_read_again(store):
    frozen = FrozenEvidence(store)
    assert frozen.commits == {ONE, OTHER}
    assert frozen.evidence(ONE) == (NOTHING_SAID,)
    assert frozen.evidence(OTHER) == ()
    assert (frozen.seen(ONE), frozen.seen(CommitId("3" * 40))) == (WHEN, None)


def test_the_first_word_stays(store):
    before = objects(store)
    freeze(store, [NOTHING_SAID], {ONE: LATER})
    assert objects(store) == before
    assert FrozenEvidence(store).seen(ONE) == WHEN


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"commit": "1"}', Evidence(commit=OTHER, pull_request=None).encoded(), NOTHING_SAID.encoded() + b"\n"],
    ids=["empty", "cut", "list", "fields", "of another commit", "one byte more"],
)
def test_evidence_that_was_edited_is_refused_and_set_aside(store, data):
    key = keys.evidence(ONE, f"{NOTHING_SAID.digest()}.json")
    store.put(key, data, content_type=keys.JSON)
    with pytest.raises(IntegrityError, match=NOTHING_SAID.digest()):
        FrozenEvidence(store).evidence(ONE)
    frozen = FrozenEvidence(store)
    assert list(frozen.set_aside_damaged()) == [key]
    assert frozen.evidence(ONE) == ()
    assert frozen.seen(ONE) == WHEN


@pytest.mark.parametrize("data", [b"", b"{}", b'{"seen_at": 1}', b'{"seen_at": "2026-11-22"}', b'{"seen_at": "2026-11-22T10:00:00"}'])
def test_a_time_that_cannot_be_read_is_refused_and_set_aside(store, data):
    store.put(keys.evidence(ONE, SEEN), data, content_type=keys.JSON)
    with pytest.raises(IntegrityError):
        FrozenEvidence(store).seen(ONE)
    assert list(FrozenEvidence(store).set_aside_damaged()) == [keys.evidence(ONE, SEEN)]
