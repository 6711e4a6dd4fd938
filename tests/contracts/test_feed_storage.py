"""What every kind of feed storage keeps, wherever packages go: one suite over a table. A new one is one more row of REGISTRIES.

The suite looks at a feed from three sides: as the next pass finds it (`FeedStorage`), as clients see it, and as somebody who has
access to the place where the bytes lie. A row says how the last two are done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import Any, Final, Protocol

import pytest

from reconciler.act.feed_storage import Content, FeedStorage
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.layout import path_of
from reconciler.errors import IntegrityError, Malformed, NotThere, RevisionConflict
from reconciler.model.packages import ListedState, PublishedFile, PublishedPackage, companion_name
from reconciler.model.plan import Stranger
from reconciler.model.words import Identity, PackageKey, Sha256, VersionKey
from reconciler.stores import keys
from tests.contracts.feeds import FEED, PUBLIC_URL, bring, commitment, content, identity, package, recorded, static_feed
from tests.contracts.samples import SAMPLES, Offer, client_of, companions_of, offer
from tests.support.memory_store import MemoryStore
from tests.support.wheels import sdist, sdist_name


class Registry(Protocol):
    """Where a feed is kept, as others than a pass see it; `data` of None removes."""

    def storage(self) -> FeedStorage:
        """The feed as a new pass finds it."""

    def found(self) -> Mapping[str, Mapping[str, bytes]]:
        """What a client that looks the sample package up finds and downloads: files by version."""

    def served(self, of: Identity, file: str) -> bytes | None:
        """What a client gets that knows the address."""

    def public(self) -> Collection[bytes]:
        """Everything that clients can read at all."""

    def alter(self, of: Identity, file: str, data: bytes | None) -> None:
        """Changes, adds or removes a file that clients can read."""

    def alter_kept(self, of: Identity, file: str, data: bytes | None) -> None:
        """The same with what is kept where they cannot."""


class StaticFiles:
    """A `Registry`: files in a store, behind a web server."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._store = MemoryStore()

    def storage(self) -> FeedStorage:
        return static_feed(self._store, self._kind)

    def found(self) -> Mapping[str, Mapping[str, bytes]]:
        ecosystem, base = ECOSYSTEMS[self._kind], f"{PUBLIC_URL}/{FEED}"
        get = client_of(self._kind, lambda path: self._store.objects.get(keys.feed_folder(FEED) + path), base)
        try:
            listing = ecosystem.discover(get, base + SAMPLES[self._kind].index, SAMPLES[self._kind].names[0])
        except (NotThere, Malformed):  # Malformed: a feed for NuGet that was never committed has no service index
            return {}
        return {release.version.key: {file.name: get(file.url).body for file in release.files} for release in listing.releases}

    def served(self, of: Identity, file: str) -> bytes | None:
        return self._store.objects.get(keys.feed_folder(FEED) + self._path(of, file))

    def public(self) -> Collection[bytes]:
        return [data for key, data in self._store.objects.items() if key.startswith("feeds/")]

    def alter(self, of: Identity, file: str, data: bytes | None) -> None:
        self._change(keys.feed_folder(FEED) + self._path(of, file), data)

    def alter_kept(self, of: Identity, file: str, data: bytes | None) -> None:
        self._change(keys.quarantine_folder(FEED) + self._path(of, file), data)

    def _path(self, of: Identity, file: str) -> str:
        return path_of(ECOSYSTEMS[self._kind].layout, package=of.package, version=of.version, file=file)

    def _change(self, key: str, data: bytes | None) -> None:
        if data is None:
            del self._store.objects[key]
        else:
            self._store.objects[key] = data


REGISTRIES: Final[Mapping[str, Callable[[str, Path], Registry]]] = {"static files": lambda kind, folder: StaticFiles(kind)}

# --- the suite ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=sorted(ECOSYSTEMS))
def kind(request):
    return request.param


@pytest.fixture(params=REGISTRIES)
def registry(request, kind, tmp_path) -> Registry:
    return REGISTRIES[request.param](kind, tmp_path)


@pytest.fixture
def one(kind) -> list[Offer]:
    """The files of a version: two for Python."""
    name = SAMPLES[kind].names[0]
    more = [Offer(name=sdist_name(name, "1.0.0"), data=sdist(name, "1.0.0"))] if kind == "pypi" else []
    return [offer(kind, name, "1.0.0"), *more]


@pytest.fixture
def two(kind) -> list[Offer]:
    """The next version."""
    return [offer(kind, SAMPLES[kind].names[0], "2.0.0")]


@pytest.fixture
def both(kind, registry, one, two, tmp_path) -> PublishedPackage:
    """The package with both versions, committed."""
    storage, made = registry.storage(), package(kind, *one, *two)
    bring(storage, kind, [*one, *two], tmp_path)
    assert storage.commit(commitment(made))
    return made


def names(*files: Offer) -> dict[str, bytes]:
    return {one.name: one.data for one in files}


def everything(kind: str, *files: Offer) -> dict[tuple[Identity, str], bytes]:
    """The files and what lies beside them, by identity and name."""
    beside = {
        (identity(kind, one), companion_name(one.name, suffix)): data for one in files for suffix, data in companions_of(kind, one).items()
    }
    return beside | {(identity(kind, one), one.name): one.data for one in files}


def served(registry: Registry, wanted: Mapping[tuple[Identity, str], bytes]) -> dict[tuple[Identity, str], bytes | None]:
    return {place: registry.served(*place) for place in wanted}


def content_of(storage: FeedStorage, of: Identity, file: str) -> bytes | None:
    stream = storage.open(of, file)
    if stream is None:
        return None
    with stream:
        return stream.read()


def having(made: PublishedPackage, version: int, state: ListedState) -> PublishedPackage:
    """The package with another state of one of its versions."""
    versions = list(made.versions)
    versions[version] = replace(versions[version], state=state, reason="" if state == "listed" else "broken")
    return replace(made, versions=tuple(versions))


def files_of(made: PublishedPackage, version: int = 0) -> tuple[PublishedFile, ...]:
    return made.versions[version].files


def taken_back(registry: Registry, kind: str, made: PublishedPackage, one: list[Offer]) -> PublishedPackage:
    """The package with its first version in quarantine, committed."""
    storage, quarantined = registry.storage(), having(made, 0, "quarantined")
    storage.begin([(identity(kind, file), file.name) for file in one])
    storage.keep(identity(kind, one[0]), files_of(made))
    assert storage.commit(commitment(quarantined))
    return quarantined


# --- bringing files in


def test_a_feed_that_was_never_committed_holds_nothing(registry, kind, one):
    storage = registry.storage()
    assert (storage.feed, dict(storage.packages)) == (FEED, {})
    assert storage.open(identity(kind, one[0]), one[0].name) is None
    assert registry.found() == {}


def test_what_is_published_is_held_and_nobody_finds_it_before_the_commit(registry, kind, one, two, tmp_path):
    storage, made = registry.storage(), package(kind, *one, *two)
    bring(storage, kind, [*one, *two], tmp_path)
    assert [content_of(storage, identity(kind, file), file.name) for file in one] == [file.data for file in one]
    assert registry.found() == {}
    assert dict(registry.storage().packages) == {}
    assert storage.commit(commitment(made))
    assert list(registry.found().values()) == [names(*one), names(*two)]


def test_the_next_pass_finds_what_was_committed(registry, both, kind, one, two):
    storage = registry.storage()
    assert dict(storage.packages) == {both.key: both}
    for (of, file), data in everything(kind, *one, *two).items():
        assert registry.served(of, file) == data
        assert content_of(storage, of, file) == data
    assert storage.open(identity(kind, one[0]), f"x{one[0].name}") is None
    assert storage.open(replace(identity(kind, one[0]), package=PackageKey("absent")), one[0].name) is None


def test_packages_are_those_of_the_beginning(registry, kind, one, two, both, tmp_path):
    storage, before = registry.storage(), registry.storage().packages
    assert storage.commit(commitment(having(both, 0, "unlisted")))
    assert storage.packages == before
    assert registry.storage().packages != before


def test_a_version_is_added_to_those_that_are_there(registry, kind, one, two, tmp_path):
    for files, made in ((two, package(kind, *two)), (one, package(kind, *one, *two))):
        storage = registry.storage()
        bring(storage, kind, files, tmp_path)
        assert storage.commit(commitment(made))
    assert list(registry.found().values()) == [names(*one), names(*two)]


def test_what_lies_there_already_may_be_published_again(registry, kind, one, two, both, tmp_path):
    storage = registry.storage()
    bring(storage, kind, one, tmp_path)
    assert not storage.commit(commitment())
    assert list(registry.found().values()) == [names(*one), names(*two)]


def test_what_a_pass_has_left_that_was_killed_is_taken_up_by_the_next(registry, kind, one, tmp_path):
    bring(registry.storage(), kind, one, tmp_path)
    storage = registry.storage()
    bring(storage, kind, one, tmp_path)
    assert storage.commit(commitment(package(kind, *one)))
    assert list(registry.found().values()) == [names(*one)]
    assert not registry.storage().commit(commitment())


def test_a_lost_file_is_brought_back_by_publishing_it_again(registry, kind, one, two, both, tmp_path):
    registry.alter(identity(kind, one[0]), one[0].name, None)
    storage = registry.storage()
    assert storage.open(identity(kind, one[0]), one[0].name) is None
    bring(storage, kind, one, tmp_path)
    storage.commit(commitment(both))
    assert served(registry, everything(kind, *one)) == everything(kind, *one)


def test_other_bytes_are_never_written_over(registry, kind, one, two, both, tmp_path):
    other = b"other bytes"
    changed = replace(recorded(kind, one[0]), size=len(other), sha256=Sha256(sha256(other).hexdigest()), companions={})
    (tmp_path / "other").write_bytes(other)
    storage = registry.storage()
    storage.begin([(identity(kind, one[0]), one[0].name)])
    with pytest.raises(IntegrityError):
        storage.publish(identity(kind, one[0]), [Content(path=tmp_path / "other", published=changed, companions={})])
    assert list(registry.found().values()) == [names(*one), names(*two)]
    registry.alter(identity(kind, one[0]), one[0].name, other)
    with pytest.raises(IntegrityError):
        registry.storage().publish(identity(kind, one[0]), [content(kind, one[0], tmp_path)])
    assert registry.served(identity(kind, one[0]), one[0].name) == other


def test_versions_are_published_by_several_threads_at_once(registry, kind, tmp_path):
    files = [offer(kind, SAMPLES[kind].names[0], f"{number}.0.0") for number in range(1, 9)]
    storage, barrier = registry.storage(), Barrier(len(files))
    storage.begin([(identity(kind, one), one.name) for one in files])

    def publish(one: Offer) -> None:
        barrier.wait(10)
        storage.publish(identity(kind, one), [content(kind, one, tmp_path)])

    with ThreadPoolExecutor(len(files)) as pool:
        list(pool.map(publish, files))
    assert storage.commit(commitment(package(kind, *files)))
    assert list(registry.found().values()) == [names(one) for one in files]


# --- commits


def test_nothing_to_write_is_said(registry, both):
    assert not registry.storage().commit(commitment())
    storage = registry.storage()
    storage.begin([])
    assert not storage.commit(commitment())


FACTS: Final[list[dict[str, Any]]] = [
    {"outcome": "held"},
    {"commit": "d" * 40},
    {"valid_until": datetime(2026, 12, 1, tzinfo=UTC)},
    {"public_url": "https://elsewhere.example"},
]


@pytest.mark.parametrize("change", FACTS, ids=lambda change: next(iter(change)))
def test_whatever_the_pass_says_of_itself_is_written_once(registry, both, change):
    assert registry.storage().commit(commitment(**change))
    assert not registry.storage().commit(commitment(**change))
    assert dict(registry.storage().packages) == {both.key: both}


def test_records_are_written_even_where_nothing_else_is(registry, both):
    assert registry.storage().commit(commitment(records=({"change": "access"},)))
    assert not registry.storage().commit(commitment())


def test_an_unlisted_version_is_still_served(registry, both, kind, one, two):
    assert registry.storage().commit(commitment(having(both, 0, "unlisted")))
    assert dict(registry.storage().packages) == {both.key: having(both, 0, "unlisted")}
    assert served(registry, everything(kind, *one, *two)) == everything(kind, *one, *two)


def test_two_passes_are_not_at_work_at_once(registry, kind, one, two, tmp_path):
    first, second = registry.storage(), registry.storage()
    bring(first, kind, one, tmp_path)
    with pytest.raises(RevisionConflict):
        second.begin([(identity(kind, two[0]), two[0].name)])
    assert first.commit(commitment(package(kind, *one)))
    assert list(registry.found().values()) == [names(*one)]


@pytest.mark.parametrize("begun", [True, False])
def test_a_pass_that_was_overtaken_commits_nothing(registry, kind, one, two, tmp_path, begun):
    slow = registry.storage()
    if begun:
        bring(slow, kind, one, tmp_path)
    fast = registry.storage()
    bring(fast, kind, two, tmp_path)
    assert fast.commit(commitment(package(kind, *two)))
    with pytest.raises(RevisionConflict):
        slow.commit(commitment(package(kind, *one), outcome="held"))
    assert list(registry.found().values()) == [names(*two)]
    again = registry.storage()
    bring(again, kind, one, tmp_path)
    assert again.commit(commitment(package(kind, *one, *two)))
    assert list(registry.found().values()) == [names(*one), names(*two)]


@pytest.mark.parametrize("said", [{"outcome": "held"}, {"records": ({"change": "access"},)}], ids=lambda said: next(iter(said)))
def test_a_pass_that_was_overtaken_says_nothing_either(registry, both, kind, one, two, said):
    slow = registry.storage()
    assert registry.storage().commit(commitment(having(both, 0, "unlisted")))
    with pytest.raises(RevisionConflict):
        slow.commit(commitment(**said))
    assert dict(registry.storage().packages) == {both.key: having(both, 0, "unlisted")}
    registry.storage().commit(commitment())  # may remove what the slow one has left
    assert not registry.storage().commit(commitment())


# --- quarantine


def test_what_is_kept_stays_until_the_commit_and_then_nobody_can_read_it(registry, both, kind, one, two):
    storage = registry.storage()
    storage.begin([(identity(kind, file), file.name) for file in one])
    storage.keep(identity(kind, one[0]), files_of(both))
    assert list(registry.found().values()) == [names(*one), names(*two)]
    assert storage.commit(commitment(having(both, 0, "quarantined")))
    assert list(registry.found().values()) == [names(*two)]
    assert set(served(registry, everything(kind, *one)).values()) == {None}
    assert not {file.data for file in one} & set(registry.public())
    assert registry.storage().open(identity(kind, one[0]), one[0].name) is None
    assert dict(registry.storage().packages) == {both.key: having(both, 0, "quarantined")}


def test_keep_quarantine_and_restore_change_nothing(registry, both, kind, one, two):
    before, found = sorted(registry.public()), registry.found()
    taken_back(registry, kind, both, one)
    storage = registry.storage()
    storage.begin([(identity(kind, file), file.name) for file in one])
    storage.restore(identity(kind, one[0]), files_of(both))
    assert list(registry.found().values()) == [names(*two)]
    assert storage.commit(commitment(both))
    assert registry.found() == found
    assert sorted(registry.public()) == before
    assert dict(registry.storage().packages) == {both.key: both}
    assert not registry.storage().commit(commitment())


def test_a_package_may_be_in_quarantine_as_a_whole(registry, kind, one, tmp_path):
    storage, made = registry.storage(), package(kind, *one)
    bring(storage, kind, one, tmp_path)
    assert storage.commit(commitment(made))
    taken_back(registry, kind, made, one)
    assert registry.found() == {}
    assert not {file.data for file in one} & set(registry.public())


def test_what_is_kept_already_may_be_kept_again(registry, both, kind, one, two):
    """As after a pass that was killed before its commit."""
    registry.storage().keep(identity(kind, one[0]), files_of(both))
    quarantined = taken_back(registry, kind, both, one)
    storage = registry.storage()
    storage.keep(identity(kind, one[0]), files_of(quarantined))
    storage.restore(identity(kind, one[0]), files_of(both))
    storage.restore(identity(kind, one[0]), files_of(both))
    assert storage.commit(commitment(both))
    assert list(registry.found().values()) == [names(*one), names(*two)]


@pytest.mark.parametrize("kept", [b"other bytes", None])
def test_only_the_recorded_bytes_come_back(registry, both, kind, one, two, kept):
    taken_back(registry, kind, both, one)
    registry.alter_kept(identity(kind, one[-1]), one[-1].name, kept)
    with pytest.raises(IntegrityError):
        registry.storage().restore(identity(kind, one[0]), files_of(both))
    assert registry.served(identity(kind, one[-1]), one[-1].name) is None
    assert list(registry.found().values()) == [names(*two)]


def test_what_lies_in_the_way_is_not_written_over(registry, both, kind, one):
    taken_back(registry, kind, both, one)
    registry.alter(identity(kind, one[0]), one[0].name, b"other bytes")
    with pytest.raises(IntegrityError):
        registry.storage().restore(identity(kind, one[0]), files_of(both))
    assert registry.served(identity(kind, one[0]), one[0].name) == b"other bytes"


# --- what nobody approved


def test_an_evicted_file_leaves_the_feed_and_the_rest_stays(registry, both, kind, one, two):
    of, file, data = (
        replace(identity(kind, one[0]), version=VersionKey("9.0.0")),
        offer(kind, SAMPLES[kind].names[0], "9.0.0").name,
        b"alien",
    )
    registry.alter(of, file, data)
    assert content_of(registry.storage(), of, file) == data
    path = path_of(ECOSYSTEMS[kind].layout, package=of.package, version=of.version, file=file)
    stranger = Stranger(path=path, package=of.package, version=of.version, file=file, sha256=sha256(data).hexdigest())
    assert registry.storage().commit(commitment(evicted=(stranger,)))
    assert registry.served(of, file) is None
    assert data not in registry.public()
    assert list(registry.found().values()) == [names(*one), names(*two)]
    assert not registry.storage().commit(commitment())
