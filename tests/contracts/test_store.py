"""What every store keeps, whatever it is made of. A new store is one more row of STORES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler import stores
from reconciler.errors import Refused, RevisionConflict
from reconciler.model.words import FeedName, Sha256
from reconciler.stores import keys as places
from reconciler.stores.interface import Store
from reconciler.stores.local import LocalStore
from tests.crash.faults import FaultyStore
from tests.support.memory_store import MemoryStore

STORES: Final[Mapping[str, Callable[[Path], Store]]] = {
    "local": lambda folder: LocalStore(folder / "store"),
    "memory": lambda folder: MemoryStore(),
    "without faults": lambda folder: FaultyStore(MemoryStore()),
}
OPENED: Final = {"": "local"}
"""The row of each scheme that `store` in feeds.yaml may have."""
TEXT: Final = "text/plain"
HOSTILE: Final = [
    "", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.tmp", ".lock", ".tmp/x", "a/..",
    "ä", "a\n", "\n", "a\0b", "a\tb", "a/\u202eb", "a\x7f", "\ud800",
]  # fmt: skip


@pytest.fixture(params=STORES)
def store(request, tmp_path) -> Store:
    return STORES[request.param](tmp_path)


def put(store: Store, *keys: str) -> None:
    for key in keys:
        store.put(key, key.encode(), content_type=TEXT)


def keys(store: Store, prefix: str = "") -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def content(store: Store, key: str) -> bytes | None:
    found = store.get(key)
    return None if found is None else found.data


def test_every_store_of_the_project_has_a_row():
    assert OPENED.keys() == stores.STORES.keys()
    assert set(OPENED.values()) < STORES.keys()


def test_an_empty_store_has_nothing(store):
    assert store.get("a") is None
    assert store.open("a/b") is None
    assert keys(store) == keys(store, "a/") == []
    store.delete("a/b")


@pytest.mark.parametrize("data", [b"", b"\0\xff\n", b"x" * 1_000_000], ids=len)
def test_what_is_written_is_read(store, data):
    store.put("feeds/f/a file~1+x@y!.whl", data, content_type=TEXT)
    assert content(store, "feeds/f/a file~1+x@y!.whl") == data
    with store.open("feeds/f/a file~1+x@y!.whl") as stream:
        assert stream.read() == data
    assert [(entry.key, entry.size) for entry in store.list("feeds/")] == [("feeds/f/a file~1+x@y!.whl", len(data))]


def test_put_replaces(store):
    store.put("a", b"first, longer", content_type=TEXT)
    store.put("a", b"second", content_type=TEXT)
    assert content(store, "a") == b"second"


def test_a_path_is_consumed(store, tmp_path):
    file = tmp_path / "download"
    file.write_bytes(b"bytes")
    store.put("a/b", file, content_type=TEXT)
    assert content(store, "a/b") == b"bytes"
    assert not file.exists()


@pytest.mark.parametrize("change", [lambda store: store.put("a", b"new", content_type=TEXT), lambda store: store.delete("a")])
def test_an_open_stream_keeps_what_it_began_with(store, change):
    old = b"o" * 300_000 + b"!"
    store.put("a", old, content_type=TEXT)
    with store.open("a") as stream:
        begun = stream.read(1000)
        change(store)
        assert begun + stream.read() == old
    assert content(store, "a") != old


def test_a_folder_is_no_object_and_an_object_no_folder(store):
    put(store, "a/b")
    assert store.get("a") is None
    assert store.get("a/b/c") is None
    store.delete("a")
    store.delete("a/b/c")
    assert keys(store) == ["a/b"]
    assert keys(store, "a/b/") == []


FEED: Final = FeedName("approved-npm")
DIGEST: Final = Sha256("0123456789abcdef" * 4)
PATHS: Final = ["@scope/foo/-/foo-1.0.0-rc.1.tgz", "files/foo/1!0.1+x/foo-1!0.1+x.tar.gz", "v3/flatcontainer/foo/1.0.0/foo.nuspec"]


def test_everything_that_the_project_keeps_has_a_key(store):
    own = [places.head(FEED), places.unfinished(FEED), places.catalog_object(FEED, DIGEST), places.ledger_segment(FEED, "000001")]
    folders = [places.feed_folder(FEED), places.quarantine_folder(FEED), f"{places.aliens_folder(FEED)}{DIGEST}/"]
    put(store, *own, *(folder + path for folder in folders for path in PATHS))
    for folder in folders:
        assert keys(store, folder) == sorted(folder + path for path in PATHS)
    assert keys(store, "feeds/") == keys(store, places.feed_folder(FEED))  # nobody finds in the feed what was taken out of it
    assert set(own) < set(keys(store, f"state/feeds/{FEED}/"))
    assert all(content(store, key) == key.encode() for key in keys(store))


def test_what_is_removed_during_a_listing_breaks_nothing_off(store):
    put(store, *(f"{folder}/{name}" for folder in "abc" for name in "123"))
    listing = store.list("")
    assert next(listing).key == "a/1"
    for key in ("a/2", "b/1", "b/2", "b/3"):
        store.delete(key)
    assert {"a/3", "c/1", "c/2", "c/3"} <= {entry.key for entry in listing}


def test_listing_is_sorted_by_key_and_bound_by_prefix(store):
    put(store, "a/b", "a-b/c", "a0/b", "a/c/d", "a/c-d", "a.b", "b", "A", "a/c0")
    assert keys(store) == sorted(["a/b", "a-b/c", "a0/b", "a/c/d", "a/c-d", "a.b", "b", "A", "a/c0"])
    assert keys(store, "a/") == ["a/b", "a/c-d", "a/c/d", "a/c0"]
    assert keys(store, "a/c/") == ["a/c/d"]
    assert keys(store, "c/") == []


SEGMENTS: Final = st.text("ab-.0", min_size=1, max_size=3).filter(lambda text: not text.startswith("."))
KEYS: Final = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(KEYS, max_size=8))
def test_whatever_is_put_is_listed_once_and_in_order(tmp_path_factory, chosen):
    leaves = {key for key in chosen if not any(other.startswith(f"{key}/") for other in chosen)}
    for make in STORES.values():
        store = make(tmp_path_factory.mktemp("store"))
        put(store, *leaves)
        assert keys(store) == sorted(leaves)
        assert keys(store, "a/") == sorted(key for key in leaves if key.startswith("a/"))


@pytest.mark.parametrize("prefix", ["a", "/", "../", "a//", "./", ".tmp/", "a\n/"])
def test_a_prefix_is_empty_or_a_key_with_a_slash(store, prefix):
    with pytest.raises(Refused):
        store.list(prefix)


@pytest.mark.parametrize("key", HOSTILE, ids=ascii)
def test_hostile_keys_are_refused(store, key, tmp_path):
    with pytest.raises(Refused):
        store.get(key)
    with pytest.raises(Refused):
        store.open(key)
    with pytest.raises(Refused):
        store.put(key, b"x", content_type=TEXT)
    with pytest.raises(Refused):
        store.put_if(key, b"x", content_type=TEXT, expected=None)
    with pytest.raises(Refused):
        store.delete(key)
    assert list(tmp_path.iterdir()) == []


def test_put_if_creates_only_where_there_is_nothing(store):
    revision = store.put_if("head", b"1", content_type=TEXT, expected=None)
    assert store.get("head").revision == revision
    with pytest.raises(RevisionConflict):
        store.put_if("head", b"2", content_type=TEXT, expected=None)
    assert content(store, "head") == b"1"


def test_put_if_replaces_only_what_is_expected(store):
    first = store.put_if("head", b"1", content_type=TEXT, expected=None)
    second = store.put_if("head", b"2", content_type=TEXT, expected=first)
    assert second != first
    with pytest.raises(RevisionConflict):
        store.put_if("head", b"3", content_type=TEXT, expected=first)
    assert content(store, "head") == b"2"


def test_put_if_does_not_bring_back_what_was_removed(store):
    revision = store.put_if("head", b"1", content_type=TEXT, expected=None)
    store.delete("head")
    with pytest.raises(RevisionConflict):
        store.put_if("head", b"2", content_type=TEXT, expected=revision)
    assert keys(store) == []


def test_put_if_creates_again_what_was_removed_when_nothing_is_expected(store):
    store.put_if("head", b"1", content_type=TEXT, expected=None)
    store.delete("head")
    assert store.put_if("head", b"2", content_type=TEXT, expected=None) == store.get("head").revision
    assert content(store, "head") == b"2"


def test_put_moves_the_revision_on(store):
    first = store.put_if("page", b"1", content_type=TEXT, expected=None)
    store.put("page", b"2", content_type=TEXT)
    with pytest.raises(RevisionConflict):
        store.put_if("page", b"3", content_type=TEXT, expected=first)
    second = store.get("page").revision
    assert store.put_if("page", b"", content_type=TEXT, expected=second) not in {first, second}
    assert content(store, "page") == b""


def test_equal_revisions_of_a_key_mean_equal_content(store):
    bodies = [b"", b"a", b"b", b"ab", b"", b"a" * 100_000, b"a" * 99_999 + b"b", b"a"]
    known = dict[str, bytes]()
    for body in bodies:
        store.put("a", body, content_type=TEXT)
        assert known.setdefault(store.get("a").revision, body) == body
    assert len(known) == len(set(bodies))


def test_equal_content_has_one_revision(store):
    store.put("a", b"same", content_type=TEXT)
    store.put("b", b"same", content_type=TEXT)
    assert store.get("a").revision == store.get("b").revision


def test_delete_is_idempotent_and_leaves_the_rest(store):
    put(store, "a/b", "a/c")
    store.delete("a/b")
    store.delete("a/b")
    assert keys(store) == ["a/c"]
    assert store.get("a/b") is None


def test_of_racing_writers_exactly_one_wins_each_round(store):
    writers, rounds = 8, 12
    barrier = Barrier(writers)

    def race(writer: int) -> list[int]:
        won = []
        for number in range(rounds):
            found = store.get("head")
            barrier.wait(10)
            try:
                store.put_if("head", f"{number}/{writer}".encode(), content_type=TEXT, expected=found.revision if found else None)
                won.append(number)
            except RevisionConflict:
                pass
            barrier.wait(10)
        return won

    with ThreadPoolExecutor(writers) as pool:
        wins = [number for won in pool.map(race, range(writers)) for number in won]
    assert sorted(wins) == list(range(rounds))


def test_writers_of_different_objects_do_not_disturb_each_other(store, tmp_path):
    writers, each = 8, 10
    barrier = Barrier(writers)

    def write(writer: int) -> None:
        barrier.wait(10)
        for number in range(each):
            key = f"feeds/f{writer % 2}/{number}/{writer}"
            file = tmp_path / f"{writer}-{number}"
            file.write_bytes(key.encode())
            store.put(key, file if number % 2 else key.encode(), content_type=TEXT)
            if number % 3 == 0:
                store.delete(key)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    assert keys(store) == sorted(f"feeds/f{w % 2}/{n}/{w}" for w in range(writers) for n in range(each) if n % 3)
    assert all(content(store, key) == key.encode() for key in keys(store))


def test_nothing_half_written_is_seen(store):
    bodies = [b"a" * 300_000, b"b" * 200_000]
    store.put("page", bodies[0], content_type=TEXT)
    done = Event()

    def write() -> None:
        for number in range(30):
            store.put("page", bodies[number % 2], content_type=TEXT)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not done.is_set():
            assert content(store, "page") in bodies
            assert [(entry.key, entry.size in {300_000, 200_000}) for entry in store.list("")] == [("page", True)]
            if writing.done():
                break
        writing.result()
