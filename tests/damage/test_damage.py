"""What somebody may do to a store by hand, and what becomes of it: what `drift`, `verify` and `plan` say, what `apply --refresh`
brings back from reviewed content, and what it refuses. All through the command line, on a store made by real applies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.cli.place import Done, Place
from tests.damage import store
from tests.damage.store import KEPT, NUGET, NUSPEC, OLD_HEAD, PYPI, SDIST, STATE, WHEEL

CLEAN, DRIFTED, REFUSED = 0, 2, 9


@dataclass(frozen=True, kw_only=True)
class Damage:
    """`do` damages the store of a place. `drift` is (exit code with --detailed-exitcode, kind, words) of the quick listing, `deep` the
    same with --deep, where it differs; `verify` the kind and place of the only finding (None: all is well); `refresh` the exit codes of
    `plan --refresh` and of `apply --refresh`; `after` that of verify in the end."""

    do: Callable[[Place], None]
    drift: tuple[int, str, str]
    deep: tuple[int, str, str] | None = None
    verify: tuple[str, str] | None
    refresh: tuple[int, int] = (0, 0)
    after: int = CLEAN


MISSING = {
    "a wheel": (f"{PYPI}/{WHEEL}", WHEEL),
    "an sdist": (f"{PYPI}/{SDIST}", SDIST),
    "the metadata beside a wheel": (f"{PYPI}/{WHEEL}.metadata", f"{WHEEL}.metadata"),
    "the nuspec beside a package": (f"{NUGET}/{NUSPEC}", NUSPEC),
}
PAGES = {
    "a project page": f"{PYPI}/simple/leaf/index.html",
    "the list of names": f"{PYPI}/simple/index.json",
    "a registration leaf": f"{NUGET}/v3/registration/leaf/1.1.0.json",
    "the service index": f"{NUGET}/v3/index.json",
}


def gone(key: str, path: str) -> Damage:
    return Damage(do=lambda place: store.remove(place, key), drift=(DRIFTED, "missing", f"{path} is missing"), verify=("missing", path))


def page(key: str, do: Callable[[Place, str], None]) -> Damage:
    path = key.split("/", 2)[2]
    return Damage(do=lambda place: do(place, key), drift=(DRIFTED, "pages", path), verify=("pages", path))


def changed(key: str, path: str, words: str, *, do: Callable[[Place, str], None] = store.put) -> Damage:
    return Damage(
        do=lambda place: do(place, key),
        drift=(REFUSED, "differing", f"{path} has {words}"),
        verify=("differing", path),
        refresh=(REFUSED, REFUSED),
        after=REFUSED,
    )


def unseen(key: str, path: str) -> Damage:
    """Bytes of a package file that keep its size: only who reads them sees it."""
    return Damage(
        do=lambda place: store.swap(place, key),
        drift=(CLEAN, "", ""),
        deep=(REFUSED, "differing", f"{path} has other bytes than recorded: sha256 "),
        verify=("differing", path),
        after=REFUSED,
    )


def alien(path: str) -> Damage:
    return Damage(do=lambda place: store.put(place, f"{PYPI}/{path}"), drift=(DRIFTED, "alien", path), verify=None)


def expose(place: Place) -> None:
    store.put(place, f"{PYPI}/{KEPT}", store.at(place, f"{STATE}/quarantine/{KEPT}").read_bytes())


DAMAGES: dict[str, Damage] = {
    **{f"{what} removed": gone(key, path) for what, (key, path) in MISSING.items()},
    **{f"{what} edited": page(key, store.put) for what, key in PAGES.items()},
    **{f"{what} removed": page(key, store.remove) for what, key in PAGES.items()},
    "a wheel of another size": changed(f"{PYPI}/{WHEEL}", WHEEL, "16 bytes, recorded are "),
    "a wheel of the same size": unseen(f"{PYPI}/{WHEEL}", WHEEL),
    "metadata of another size": changed(f"{PYPI}/{WHEEL}.metadata", f"{WHEEL}.metadata", "other bytes than recorded: sha256 "),
    "metadata of the same size": changed(f"{PYPI}/{WHEEL}.metadata", f"{WHEEL}.metadata", "other bytes than", do=store.swap),
    "a nuspec of the same size": changed(f"{NUGET}/{NUSPEC}", NUSPEC, "other bytes than recorded: sha256 ", do=store.swap),
    "an alien package": alien("files/evil/6.6/evil-6.6.tar.gz"),
    "an alien file of a version": alien("files/leaf/1.2/leaf-1.2-cp311-cp311-linux_x86_64.whl"),
    "junk": alien("simple/leaf/index.php"),
    "quarantined bytes removed": Damage(
        do=lambda place: store.remove(place, f"{STATE}/quarantine/{KEPT}"),
        drift=(DRIFTED, "missing", f"quarantine/{KEPT} is missing"),
        verify=("missing", f"quarantine/{KEPT}"),
        after=REFUSED,
    ),
    "quarantined bytes changed": changed(f"{STATE}/quarantine/{KEPT}", f"quarantine/{KEPT}", "16 bytes, recorded are "),
    "quarantined bytes in the feed": Damage(do=expose, drift=(DRIFTED, "", "quarantined"), verify=("exposed", KEPT)),
}


@pytest.fixture(scope="session")
def original(tmp_path_factory) -> Place:
    return store.make_damageable(tmp_path_factory.mktemp("damage") / "place")


@pytest.fixture
def place(original, tmp_path) -> Place:
    shutil.copytree(original.root, tmp_path / "place", symlinks=True)
    return Place(tmp_path / "place")


def drift(place: Place, *options: str) -> Done:
    return place.run("drift", "--detailed-exitcode", "--format", "json", *options)


def verify(place: Place) -> Done:
    return place.run("verify", "--format", "json")


def found(done: Done) -> list[tuple[str, str]]:
    return [(row["kind"], row["subject"]) for row in done.json["findings"]]


def test_nothing_is_wrong_with_what_was_applied(place):
    assert (drift(place, "--deep").code, verify(place).code, place.run("apply", "--refresh", "--quiet").code) == (CLEAN, CLEAN, CLEAN)


@pytest.fixture(params=DAMAGES.items(), ids=lambda item: item[0])
def damage(request, place) -> Damage:
    damage: Damage = request.param[1]
    damage.do(place)
    return damage


@pytest.mark.parametrize("deep", [False, True], ids=["quick", "deep"])
def test_drift_names_it(place, damage, deep):
    before = place.store_bytes()
    done = drift(place, *(["--deep"] if deep else []))
    code, kind, words = (deep and damage.deep) or damage.drift
    assert done.code == code
    rows = [row for row in done.json["drift"] if kind in {row["kind"], ""} and words in row["detail"]]
    assert len(rows) == len(done.json["drift"]) == (1 if words else 0)
    assert place.store_bytes() == before


def test_verify_names_it(place, damage):
    done = verify(place)
    assert found(done) == ([damage.verify] if damage.verify else [])
    assert done.code == (REFUSED if damage.verify else CLEAN)


def test_refresh_repairs_what_may_be_repaired_and_refuses_the_rest(place, damage):
    before = place.store_bytes()
    planned = place.run("plan", "--refresh", "--format", "json")
    applied = place.run("apply", "--refresh", "--format", "json")
    assert (planned.code, applied.code) == damage.refresh
    assert verify(place).code == damage.after
    if REFUSED in {damage.after, *damage.refresh}:
        kept = {key: data for key, data in before.items() if key.startswith(("feeds/", f"{STATE}/quarantine/"))}
        assert {key: data for key, data in place.store_bytes().items() if key in kept} == kept


def test_with_deep_a_refresh_refuses_what_only_reading_shows(place, damage):
    code = damage.deep[0] if damage.deep else damage.refresh[1]
    expected = (REFUSED, REFUSED) if code == REFUSED else damage.refresh
    deep = ("--refresh", "--deep", "--format", "json")
    assert (place.run("plan", *deep).code, place.run("apply", *deep).code) == expected


def test_deep_alone_is_no_question(place):
    done = place.run("plan", "--deep")
    assert (done.code, "say both" in done.err) == (64, True)


# --- the state itself: nothing is repaired, nothing is written --------------------------------------------------------------------


def edit_record(place: Place) -> None:
    store.edit_lines(place, 0, lambda records: [*records[:1], records[1] | {"reason": "trust me"}, *records[2:]])


def insert_record(place: Place) -> None:
    store.edit_lines(place, 0, lambda records: [*records, records[-1] | {"seq": records[-1]["seq"] + 1}])


def roll_back(place: Place) -> None:
    store.put(place, f"{STATE}/head.json", (place.root / OLD_HEAD).read_bytes())


def shard_of(place: Place) -> str:
    return store.below(place, store.below(place, store.head(place)["catalog"]))


CATALOG: dict[str, Callable[[Place], str]] = {
    "root": lambda place: store.head(place)["catalog"],
    "node": lambda place: store.below(place, store.head(place)["catalog"]),
    "shard": shard_of,
}
STATES: dict[str, tuple[Callable[[Place], None], str, str]] = {
    "ledger line edited": (edit_record, "record 2 (segment ", "ledger"),
    "ledger line removed": (lambda place: store.edit_lines(place, 0, lambda records: records[:1] + records[2:]), "record 2 (", "ledger"),
    "ledger line inserted": (insert_record, "record 4 (segment ", "ledger"),
    "ledger segment removed": (lambda place: store.remove(place, store.segment_key(place, 1)), "record 4 (segment ", "ledger"),
    "head rolled back": (roll_back, "the head of approved-pypi has been rolled back or removed: it ends the ledger at record 3", "state"),
    "head removed": (lambda place: store.remove(place, f"{STATE}/head.json"), "rolled back or removed: it ends the ledger at", "state"),
    "head without JSON": (lambda place: store.put(place, f"{STATE}/head.json"), f"{STATE}/head.json is damaged", "state"),
    "head with a word too many": (lambda place: store.write_head(place, extra=1), f"{STATE}/head.json is damaged", "state"),
    "note without JSON": (lambda place: store.put(place, f"{STATE}/unfinished.json"), f"{STATE}/unfinished.json is damaged", "state"),
}


@pytest.mark.parametrize(("do", "words", "kind"), STATES.values(), ids=STATES)
def test_a_state_that_is_not_as_it_was_written_is_named_and_stops_everything(place, do, words, kind):
    do(place)
    refused(place, words, kind)


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "edited"])
@pytest.mark.parametrize("level", CATALOG)
def test_an_object_of_the_catalog_that_is_not_as_it_was_written_is_named_and_stops_everything(place, level, removed):
    key = store.catalog_key(CATALOG[level](place))
    store.remove(place, key) if removed else store.put(place, key, b'{"leaf":{}}')
    refused(place, f"{key} is {'missing' if removed else 'damaged'}", "state")


def refused(place: Place, words: str, kind: str) -> None:
    before = place.store_bytes()
    for arguments in (("drift",), ("plan", "--refresh"), ("apply", "--refresh")):
        done = place.run(*arguments)
        assert (done.code, words in done.err) == (REFUSED, True), done
        assert "To do: restore " in done.err
    done = verify(place)
    assert done.code == REFUSED
    assert [row["kind"] for row in done.json["findings"] if words in row["detail"]] == [kind]
    assert place.store_bytes() == before


def test_an_older_head_is_told_without_a_listing_too(place):
    roll_back(place)
    before = place.store_bytes()
    assert (place.run("plan").code, place.run("apply").code) == (REFUSED, REFUSED)
    assert place.store_bytes() == before


def test_a_stopped_pass_is_no_roll_back(place):
    """What the next pass finds when one was killed between its segment and its head."""
    roll_back(place)
    revision = store.head(place)["revision"]
    store.put(place, f"{STATE}/unfinished.json", f'{{"base": {revision}, "by": "x"}}'.encode())
    done = verify(place)
    assert "state" not in {kind for kind, _ in found(done)}
    assert [row["unfinished"] for row in done.json["feeds"]] == [False, True]
