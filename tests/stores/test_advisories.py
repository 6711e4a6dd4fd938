import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from reconciler.errors import IntegrityError, RevisionConflict, StoreUnavailable
from reconciler.model.advisories import Advisory, Dump, Range
from reconciler.model.words import PackageKey, Sha256
from reconciler.observe.advisories import Advisories
from reconciler.stores import keys
from reconciler.stores.advisories import Draft, find_current, read_current, read_root, read_shard, shard_of, write_snapshot
from tests.support.memory_store import MemoryStore

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
WHOLE = Advisory(
    id="GHSA-0000",
    aliases=("CVE-2026-0001",),
    summary="A “flaw” \ud800",
    severity="high",
    ranges=(Range(type="SEMVER", events=(("introduced", "0"), ("fixed", "1.0"), ("limit", "*"))), Range(type="ECOSYSTEM", events=())),
    versions=("0.1", "0.2"),
    modified=datetime(2026, 11, 1, tzinfo=UTC),
    last_known="< 1.0",
)
BARE = Advisory(id="MAL-1", aliases=(), summary="", severity=None, ranges=(), versions=("1.0",))


def key(number: int) -> PackageKey:
    return PackageKey(f"package-{number}")


def draft(*advisories: Advisory, packages: int = 3, ecosystem: str = "NuGet") -> Draft:
    made = Draft()
    for number in range(packages):
        for advisory in advisories:
            made.add(ecosystem, key(number), advisory)
    return made


def dump(ecosystem: str = "NuGet") -> Dump:
    return Dump(
        ecosystem=ecosystem, records=9, advisories=6, packages=3, withdrawn=1, skipped=2, strange=0, notes=("x.json: it is no JSON",)
    )


def write(store, made, *, now=NOW, before=None):
    return write_snapshot(store, made, [dump()], fetched_at=now, source="osv.dev", before=before or find_current(store))


def all_of(store):
    return Advisories(store).about("nuget", map(key, range(1000)))


def test_what_is_written_is_read_again():
    store = MemoryStore()
    written = write(store, draft(WHOLE, BARE))
    assert read_current(store) == written.current
    assert (written.current.snapshot.fetched_at, written.current.snapshot.source, written.current.dumps) == (NOW, "osv.dev", (dump(),))
    assert all_of(store) == {key(number): (WHOLE, BARE) for number in range(3)}


def test_the_same_advisories_in_any_order_and_twice_have_the_same_digest_and_write_nothing():
    store, other = MemoryStore(), MemoryStore()
    first = write(store, draft(WHOLE, BARE))
    assert write(other, draft(BARE, WHOLE, BARE)).current.snapshot.digest == first.current.snapshot.digest
    again = write(store, draft(BARE, WHOLE), now=NOW + timedelta(hours=1))
    assert (again.written, again.removed) == (0, 0)
    assert again.current.snapshot == replace(first.current.snapshot, fetched_at=NOW + timedelta(hours=1))


def test_a_changed_package_writes_its_shard_and_the_root():
    store = MemoryStore()
    write(store, draft(WHOLE, packages=300))
    changed = draft(WHOLE, packages=300)
    changed.add("NuGet", key(7), BARE)
    assert write(store, changed).written == 2
    assert all_of(store)[key(7)] == (WHOLE, BARE)


def test_the_snapshot_before_is_kept_and_what_is_older_is_removed():
    store = MemoryStore()
    versions = [replace(BARE, versions=(f"{number}.0",)) for number in range(3)]
    written = [write(store, draft(version, packages=1)) for version in versions]
    assert [one.removed for one in written] == [0, 0, 2]
    assert written[2].current.previous == written[1].current.snapshot.digest
    for digest, there in zip((one.current.snapshot.digest for one in written), (False, True, True), strict=True):
        assert (keys.advisory_object(digest) in store.objects) is there
    assert dict(read_shard(store, read_root(store, written[1].current.snapshot.digest)["NuGet"][shard_of(key(0))], [key(0)])) == {
        key(0): (versions[1],)
    }


def test_an_update_that_changes_nothing_keeps_the_one_before():
    store = MemoryStore()
    first, second = write(store, draft(WHOLE)), write(store, draft(BARE))
    again = write(store, draft(BARE))
    assert again.current.previous == second.current.previous == first.current.snapshot.digest


def test_an_update_does_not_take_the_snapshot_away_from_a_pass_that_reads_it():
    store = MemoryStore()
    write(store, draft(WHOLE))
    reading = Advisories(store)
    write(store, draft(BARE))
    assert reading.about("nuget", [key(1)]) == {key(1): (WHOLE,)}
    assert all_of(store)[key(1)] == (BARE,)


class Stopping(MemoryStore):
    """A store whose writer is killed before one of its writes."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 10**9

    def _spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            message = "killed"
            raise StoreUnavailable(message)

    def put(self, key, content, *, content_type):
        self._spend()
        super().put(key, content, content_type=content_type)

    def delete(self, key):
        self._spend()
        super().delete(key)


def test_whoever_is_stopped_at_any_write_leaves_the_last_snapshot_or_the_new_one_whole():
    old, new = draft(WHOLE, packages=4), draft(BARE, packages=4)
    seen = set()
    for writes in range(20):
        store = Stopping()
        write(store, draft(replace(BARE, id="MAL-0"), packages=4))
        write(store, old)
        store.left = writes
        try:
            write(store, new)
            done = True
        except StoreUnavailable:
            done = False
        (ids,) = {tuple(one.id for one in about) for about in all_of(store).values()}
        seen.add((ids, done))
        store.left = 10**9
        write(store, new)
        assert {one.id for about in all_of(store).values() for one in about} == {"MAL-1"}
        needed = {entry.key for entry in store.list(keys.advisory_objects())}
        assert len(needed) == 10, "four shards and a root, twice: what was left behind is gone"
    assert seen == {(("GHSA-0000",), False), (("MAL-1",), False), (("MAL-1",), True)}


def test_of_two_updates_at_once_one_wins_and_its_objects_stay():
    store = MemoryStore()
    write(store, draft(BARE))
    before = find_current(store)
    winner = write(store, draft(WHOLE), before=before)
    with pytest.raises(RevisionConflict):
        write(store, draft(replace(BARE, id="MAL-2")), before=before)
    assert read_current(store) == winner.current
    assert all_of(store)[key(0)] == (WHOLE,)


def test_the_first_two_updates_at_once_do_not_both_win():
    store = MemoryStore()
    before = find_current(store)
    write(store, draft(WHOLE), before=before)
    with pytest.raises(RevisionConflict):
        write(store, draft(BARE), before=before)


class Overtaking(MemoryStore):
    """Another update puts its snapshot in use while this one removes what nothing needs."""

    other: Draft | None = None

    def delete(self, key):
        made, self.other = self.other, None
        super().delete(key)
        if made is not None:
            write(self, made)


def test_whoever_is_overtaken_while_removing_removes_no_more():
    store = Overtaking()
    oldest, old, new = (draft(replace(BARE, id=f"MAL-{number}"), packages=5) for number in range(3))
    write(store, oldest)
    write(store, old)
    store.other = oldest
    write(store, new)
    assert {one.id for about in all_of(store).values() for one in about} == {"MAL-0"}


def test_only_the_shards_of_the_packages_that_are_asked_about_are_read():
    class Counting(MemoryStore):
        def get(self, key):
            read.append(key)
            return super().get(key)

    read: list[str] = []
    store = Counting()
    write(store, draft(WHOLE, packages=500))
    read.clear()
    opened = Advisories(store)
    assert set(opened.about("nuget", [key(1), key(1), PackageKey("unknown")])) == {key(1)}
    assert len(read) <= 4, "the pointer, the root, two shards"


def test_a_snapshot_knows_about_which_ecosystems_it_is():
    store = MemoryStore()
    assert Advisories(store).snapshot is None
    assert Advisories(store).snapshot_of("nuget") is None
    assert Advisories(store).about("nuget", [key(0)]) == {}
    current = write(store, draft(WHOLE)).current
    opened = Advisories(store)
    assert (opened.snapshot, opened.snapshot_of("nuget"), opened.snapshot_of("pypi")) == (current.snapshot, current.snapshot, None)


def test_a_name_that_is_no_name_anywhere_has_its_shard():
    store = MemoryStore()
    made = Draft()
    made.add("NuGet", PackageKey("half \ud800"), BARE)
    write(store, made)
    assert Advisories(store).about("nuget", [PackageKey("half \ud800")]) == {PackageKey("half \ud800"): (BARE,)}


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data.replace(b"GHSA", b"GHSB"), lambda data: None])
def test_an_object_that_is_not_as_it_was_written_is_told_and_an_update_writes_it_anew(damage):
    store = MemoryStore()
    current = write(store, draft(WHOLE, packages=1)).current
    shard = read_root(store, current.snapshot.digest)["NuGet"][shard_of(key(0))]
    spoil(store, keys.advisory_object(shard), damage)
    with pytest.raises(IntegrityError, match=shard) as caught:
        all_of(store)
    assert "reconciler advisories update" in caught.value.remedy
    assert write(store, draft(WHOLE, packages=1)).written == 1
    assert all_of(store) == {key(0): (WHOLE,)}


def spoil(store, name, damage):
    data = damage(store.objects[name])
    if data is None:
        del store.objects[name]
    else:
        store.objects[name] = data


def test_a_damaged_root_is_told_when_the_snapshot_is_opened():
    store = MemoryStore()
    digest = write(store, draft(WHOLE)).current.snapshot.digest
    spoil(store, keys.advisory_object(digest), lambda _: None)
    with pytest.raises(IntegrityError, match=digest):
        Advisories(store)
    write(store, draft(BARE))
    assert all_of(store)[key(0)] == (BARE,)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b'{"schema": "advisories/v9"}', b"[" * 100_000])
def test_a_damaged_pointer_is_an_error_and_an_update_replaces_it(data):
    store = MemoryStore()
    write(store, draft(WHOLE))
    store.objects[keys.advisories()] = data
    with pytest.raises(IntegrityError, match=r"current\.json is damaged"):
        Advisories(store)
    write(store, draft(BARE))
    assert all_of(store)[key(0)] == (BARE,)


@pytest.mark.parametrize("change", [{"digest": "../x"}, {"fetched_at": "2026-11-28T12:00:00"}, {"dumps": [{}]}, {"previous": 7}])
def test_a_pointer_with_a_wrong_value_is_damaged(change):
    store = MemoryStore()
    write(store, draft(WHOLE))
    row = json.loads(store.objects[keys.advisories()])
    store.objects[keys.advisories()] = json.dumps(row | change).encode()
    with pytest.raises(IntegrityError):
        read_current(store)


def test_every_object_is_named_by_its_bytes():
    store = MemoryStore()
    write(store, draft(WHOLE))
    objects = {name: data for name, data in store.objects.items() if name != keys.advisories()}
    assert objects == {keys.advisory_object(Sha256(sha256(data).hexdigest())): data for data in objects.values()}
