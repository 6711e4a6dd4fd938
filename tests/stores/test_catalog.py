"""The catalog: what is put in is read, one package changed is a handful of objects whatever the feed's size, and damage is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import IntegrityError
from reconciler.model.packages import Dependency, License, PublishedFile, PublishedPackage, PublishedVersion, Traits
from reconciler.model.words import FeedName, Json, PackageKey, Sha256
from reconciler.stores import keys
from reconciler.stores.catalog import CatalogEntry, explore, read_catalog, update_catalog
from reconciler.stores.interface import Revision
from tests.support.memory_store import MemoryStore

FEED: Final = FeedName("approved-pypi")
AT: Final = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
PARSE: Final = ECOSYSTEMS["pypi"].parse_version


def entry(key: str, *versions: str, reason: str = "") -> CatalogEntry:
    published = tuple(version_of(key, text, reason=reason) for text in versions)
    package = PublishedPackage(key=PackageKey(key), name=key.title(), versions=published)
    return CatalogEntry(package=package, pages={f"simple/{key}/index.html": Revision("r1")} if versions else {})


def version_of(key: str, text: str, *, reason: str = "") -> PublishedVersion:
    file = PublishedFile(
        name=f"{key}-{text}.tar.gz",
        size=1,
        sha256=Sha256("a" * 64),
        content_hash=None,
        uploaded_at=None,
        yanked=None,
        companions={},
        metadata={},
    )
    return PublishedVersion(
        version=PARSE(text),
        state="unlisted" if reason else "listed",
        reason=reason,
        deprecated=None,
        published_at=AT,
        files=(file,),
        dependencies=(Dependency(name="other", range=">=1", condition="sys_platform == 'linux'"),),
    )


def written(store: MemoryStore, root: Sha256 | None, changed: Iterable[CatalogEntry]) -> tuple[Sha256 | None, int]:
    """The new root, and how many objects it took."""
    update = update_catalog(store, FEED, root, changed)
    for key, data in update.objects:
        store.put(key, data, content_type=keys.JSON)
    return update.root, len(update.objects)


TEXT: Final = st.text(max_size=8) | st.just("half a pair: \ud800")
"""Upstream JSON may hold half a surrogate pair."""
JSON: Final[st.SearchStrategy[Json]] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
TIMES: Final = st.datetimes(timezones=st.just(UTC))
DIGESTS: Final = st.sampled_from("0123456789abcdef").map(lambda digit: Sha256(digit * 64))
TEXTS: Final = st.lists(TEXT, max_size=3).map(tuple)
TRAITS: Final = st.builds(
    Traits,
    license=st.builds(License, declared=TEXT, concluded=TEXT),
    install_scripts=TEXTS,
    provenance=TEXTS,
    frameworks=TEXTS,
)
FILES: Final = st.builds(
    PublishedFile,
    name=TEXT,
    size=st.integers(0, 2**40),
    sha256=DIGESTS,
    content_hash=st.none() | TEXT,
    uploaded_at=st.none() | TIMES,
    yanked=st.none() | TEXT,
    companions=st.dictionaries(TEXT, DIGESTS, max_size=2),
    metadata=st.dictionaries(TEXT, JSON, max_size=3),
    traits=st.none() | st.just(Traits()) | TRAITS,
)
VERSIONS: Final = st.builds(
    PublishedVersion,
    version=st.builds("{}.{}".format, st.integers(0, 99), st.integers(0, 99)).map(PARSE),
    state=st.sampled_from(["listed", "unlisted", "quarantined"]),
    reason=TEXT,
    deprecated=st.none() | TEXT,
    published_at=TIMES,
    files=st.lists(FILES, max_size=2).map(tuple),
    dependencies=st.lists(st.builds(Dependency, name=TEXT, range=TEXT, condition=TEXT), max_size=2).map(tuple),
)
KEYS: Final = st.text("abcdefgh-", min_size=1, max_size=4).map(PackageKey)
ENTRIES: Final = st.dictionaries(KEYS, st.tuples(TEXT, st.lists(VERSIONS, min_size=1, max_size=2).map(tuple)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(ENTRIES, min_size=1, max_size=3), leaving=st.sets(KEYS, max_size=3))
def test_whatever_is_put_in_is_read(steps, leaving):
    store, root = MemoryStore(), None
    expected: dict[PackageKey, CatalogEntry] = {}
    for step in steps:
        changed = {
            key: CatalogEntry(package=PublishedPackage(key=key, name=name, versions=versions), pages={f"p/{key}": Revision(name)})
            for key, (name, versions) in step.items()
        }
        root, _ = written(store, root, changed.values())
        expected |= changed
    gone = [CatalogEntry(package=PublishedPackage(key=key, name="", versions=()), pages={}) for key in sorted(leaving)]
    root, _ = written(store, root, gone)
    left = {key: one for key, one in expected.items() if key not in leaving}
    assert read_catalog(store, FEED, root, PARSE) == dict(sorted(left.items()))
    assert (root is None) == (not left)


@settings(max_examples=20, deadline=None)
@given(names=st.sets(KEYS, min_size=1, max_size=8), order=st.randoms())
def test_the_root_depends_on_what_is_in_it_and_not_on_the_way_there(names, order):
    at_once, _ = written(MemoryStore(), None, [entry(name, "1.0") for name in names])
    store, root = MemoryStore(), None
    one_by_one = sorted(names)
    order.shuffle(one_by_one)
    for name in one_by_one:
        root, _ = written(store, root, [entry(name, "0.9")])
        root, _ = written(store, root, [entry(name, "1.0")])
    assert root == at_once


@pytest.fixture(scope="module")
def large() -> tuple[dict[str, bytes], Sha256 | None]:
    store = MemoryStore()
    root, _ = written(store, None, [entry(f"package-{number}", "1.0") for number in range(1000)])
    return store.objects, root


@pytest.mark.parametrize("count", [1, 2, 5])
def test_k_packages_changed_are_at_most_3_k_objects(large, count):
    store, root = MemoryStore(), large[1]
    store.objects = dict(large[0])
    new, objects = written(store, root, [entry(f"package-{number}", "1.0", "2.0") for number in range(count)])
    assert objects <= 2 * count + 1
    assert sum(map(len, store.objects.values())) - sum(map(len, large[0].values())) < count * 20_000
    after, before = read_catalog(store, FEED, new, PARSE), read_catalog(store, FEED, root, PARSE)
    assert len(after) == 1000
    assert [key for key in after if after[key] != before[key]] == sorted(f"package-{number}" for number in range(count))


def test_nothing_changed_is_nothing_to_write(large):
    store, root = MemoryStore(), large[1]
    store.objects = dict(large[0])
    assert written(store, root, []) == (root, 0)
    assert written(store, root, [entry("package-7", "1.0")]) == (root, 0)
    assert written(store, root, [entry("never-there")]) == (root, 0)


def test_a_package_without_versions_leaves():
    store = MemoryStore()
    root, _ = written(store, None, [entry("a", "1.0"), entry("b", "1.0")])
    root, _ = written(store, root, [entry("a")])
    assert list(read_catalog(store, FEED, root, PARSE)) == ["b"]
    assert written(store, root, [entry("b")]) == (None, 0)


def test_packages_of_one_shard_stay_when_another_changes():
    """Two keys whose digests begin alike lie in one object."""
    by_digest = sorted((sha256(f"p{number}".encode()).hexdigest(), f"p{number}") for number in range(500))
    one, other = next((a[1], b[1]) for a, b in pairwise(by_digest) if a[0][:3] == b[0][:3])
    store = MemoryStore()
    root, objects = written(store, None, [entry(one, "1.0"), entry(other, "1.0")])
    assert objects == 3
    root, _ = written(store, root, [entry(one, "2.0")])
    texts = {key: found.package.versions[0].version.text for key, found in read_catalog(store, FEED, root, PARSE).items()}
    assert texts == {one: "2.0", other: "1.0"}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_an_object_that_is_missing_or_damaged_is_an_error_and_never_an_empty_feed(level, damage):
    store = MemoryStore()
    update = update_catalog(store, FEED, None, [entry("a", "1.0")])
    for key, data in update.objects:
        store.put(key, data, content_type=keys.JSON)
    key, data = update.objects[level]
    if damage == "missing":
        store.delete(key)
    else:
        store.put(key, data.replace(b"a", b"b", 1) + b" ", content_type=keys.JSON)
    with pytest.raises(IntegrityError, match=damage):
        read_catalog(store, FEED, update.root, PARSE)
    with pytest.raises(IntegrityError, match=damage):
        update_catalog(store, FEED, update.root, [replace(entry("a", "2.0"))])


def test_what_can_be_read_of_a_damaged_catalog_is_read_and_the_rest_is_named():
    store = MemoryStore()
    root, _ = written(store, None, [entry(name, "1.0") for name in ("alpha", "beta", "gamma", "delta")])
    lost = next(key for key, data in store.objects.items() if b'"alpha":{' in data)
    store.delete(lost)
    found = list(explore(store, FEED, root, PARSE))
    (error,) = [one for one in found if isinstance(one, IntegrityError)]
    assert str(error) == f"{lost} is missing: the catalog of {FEED} cannot be read"
    assert {one.package.key for one in found if isinstance(one, CatalogEntry)} == {"beta", "gamma", "delta"}
    assert root is not None
    store.delete(keys.catalog_object(FEED, root))
    assert [type(one) for one in explore(store, FEED, root, PARSE)] == [IntegrityError]
