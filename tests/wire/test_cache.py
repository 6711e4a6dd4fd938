"""Pages of earlier passes: asked for again each time, sent again only when they changed, and never believed when damaged."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import NotThere, Unreachable
from reconciler.model.packages import Document
from reconciler.wire import Timeouts, Wire
from reconciler.wire.cache import MAX_CACHE_BYTES, Kept, PageCache, worth_keeping
from tests.support.faulty_server import Answer, FaultyServer

PAGE = Answer(body=b"page", headers={"ETag": '"1"', "Content-Type": "Text/HTML; charset=utf-8"})
DATED = {"Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT"}
KEPT = Kept(document=Document(url="https://a.example/", content_type="text/html", body=b"page\n\0\xff"), etag='"1"', last_modified="")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "reconciler"


def passes(folder, url, number=2, **how):
    """What as many passes get, each with a wire of its own."""
    got = []
    for _ in range(number):
        with Wire(cache=folder, **how) as wire:
            got.append(wire.get(url))
    return got


def entries(folder):
    return [path for path in folder.iterdir() if path.name != "salt"]


@pytest.mark.parametrize(
    ("headers", "condition"),
    [
        ({"ETag": '"1"'}, ("if-none-match", '"1"')),
        ({"ETag": 'W/"1"'}, ("if-none-match", 'W/"1"')),
        (DATED, ("if-modified-since", DATED["Last-Modified"])),
        ({"ETag": '"1"', **DATED}, ("if-none-match", '"1"')),
        ({"ETag": '"1"', "Cache-Control": "no-cache, max-age=0, private", "Vary": "Accept, Accept-Encoding"}, ("if-none-match", '"1"')),
    ],
)
def test_a_page_is_asked_for_under_its_condition_and_read_from_disk(server, folder, headers, condition):
    server.answers["/x"] = [replace(PAGE, headers={"Content-Type": "text/html", **headers})]
    first, second, third = passes(folder, server.url + "/x", 3)
    assert first == second == third == Document(url=server.url + "/x", content_type="text/html", body=b"page")
    conditions = [{name: asked.headers.get(name) for name in ("if-none-match", "if-modified-since")} for asked in server.requests]
    other = ({"if-none-match", "if-modified-since"} - {condition[0]}).pop()
    assert conditions == [{"if-none-match": None, "if-modified-since": None}, *[{condition[0]: condition[1], other: None}] * 2]


def test_within_a_pass_too(server, folder):
    server.answers["/x"] = [PAGE]
    with Wire(cache=folder) as wire:
        assert wire.get(server.url + "/x") == wire.get(server.url + "/x")
    assert "if-none-match" in server.requests[1].headers


def test_a_page_that_changed_replaces_the_kept_one(server, folder):
    server.answers["/x"] = [PAGE, Answer(body=b"new", headers={"ETag": '"2"'})]
    assert [document.body for document in passes(folder, server.url + "/x", 3)] == [b"page", b"new", b"new"]
    assert [asked.headers.get("if-none-match") for asked in server.requests] == [None, '"1"', '"2"']


def test_a_page_that_is_gone_is_gone(server, folder):
    server.answers["/x"] = [PAGE, Answer(status=404)]
    passes(folder, server.url + "/x", 1)
    with pytest.raises(NotThere):
        passes(folder, server.url + "/x", 1)


@pytest.mark.parametrize("status", [500, 401])
def test_a_kept_page_does_not_stand_in_for_an_upstream_that_fails(server, folder, status):
    server.answers["/x"] = [PAGE, Answer(status=status)]
    passes(folder, server.url + "/x", 1)
    with pytest.raises(Unreachable):
        passes(folder, server.url + "/x", 1, timeouts=Timeouts(pause=0.01))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": '"1"', "Cache-Control": "no-store"},
        {"ETag": '"1"', "Cache-Control": "max-age=9, No-Store"},
        {"ETag": '"1"', "Vary": "*"},
        {"ETag": "x" * 600},
        {"ETag": '"caf\xe9"'},
    ],
)
def test_what_is_not_to_be_kept_is_not(server, folder, headers):
    server.answers["/x"] = [Answer(body=b"page", headers=headers)]
    passes(folder, server.url + "/x")
    assert entries(folder) == []
    assert not [asked for asked in server.requests if "if-none-match" in asked.headers]


def test_what_is_no_longer_to_be_kept_is_removed(server, folder):
    server.answers["/x"] = [PAGE, replace(PAGE, headers={"ETag": '"2"', "Cache-Control": "no-store"})]
    passes(folder, server.url + "/x")
    assert entries(folder) == []


def test_a_page_from_an_address_with_a_query_is_not_kept(server, folder):
    """It may be signed: a file of the cache tells of no secret."""
    server.answers["/x"] = [Answer(status=302, headers={"Location": "/y?signature=secret"})]
    server.answers["/y?signature=secret"] = [PAGE]
    assert passes(folder, server.url + "/x", 1)[0].body == b"page"
    assert entries(folder) == []


def test_a_304_that_nobody_asked_for_is_no_answer(server, folder):
    server.answers["/x"] = [Answer(status=304)]
    with pytest.raises(Unreachable, match="304"):
        passes(folder, server.url + "/x", 1)


def test_each_accept_and_each_credential_has_its_own_page(server, folder):
    server.answers["/x"] = [PAGE]
    with Wire(cache=folder) as wire:
        for accept in ("text/html", "application/json"):
            wire.get(server.url + "/x", accept=accept)
    for token in ("one", "two"):
        passes(folder, server.url + "/x", 1, environment={f"RECONCILER_TOKEN_127_0_0_1_{server.port}": token})
    passes(folder, server.url.replace("http://", "http://ada:x@") + "/x", 1)
    assert not [asked for asked in server.requests if "if-none-match" in asked.headers]
    assert len(entries(folder)) == 5


def test_a_redirected_page_is_known_by_the_address_it_came_from(server, folder):
    with FaultyServer() as other:
        server.answers["/x"] = [Answer(status=302, headers={"Location": other.url + "/y", "ETag": '"redirect"'})]
        other.answers["/y"] = [PAGE]
        first, second = passes(folder, server.url + "/x")
        assert first == second
        assert first.url == other.url + "/y"
        assert [asked.headers.get("if-none-match") for asked in (*server.requests, *other.requests)] == [None, None, None, '"1"']


def test_a_redirect_that_leads_elsewhere_now_is_followed_without_condition(server, folder):
    server.answers["/x"] = [Answer(status=302, headers={"Location": "/y"}), Answer(status=302, headers={"Location": "/z"})]
    server.answers["/y"] = [PAGE]
    server.answers["/z"] = [replace(PAGE, body=b"another page")]
    assert [(document.url, document.body) for document in passes(folder, server.url + "/x")] == [
        (server.url + "/y", b"page"),
        (server.url + "/z", b"another page"),
    ]


def test_the_files_are_for_their_owner_only_and_tell_of_no_address(server, folder):
    server.answers["/secret-name?key=hidden"] = [PAGE]
    passes(folder, server.url + "/secret-name?key=hidden", 1)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert not any("secret" in path.name for path in folder.iterdir())


def kept_in(folder):
    cache = PageCache(folder)
    key = cache.key(url="https://a.example/", accept="*/*", authorization=None)
    cache.keep(key, KEPT)
    return folder / key, key


def test_an_entry_is_read_as_it_was_written(folder):
    _, key = kept_in(folder)
    assert PageCache(folder).find(key) == KEPT
    assert PageCache(folder).find(PageCache(folder).key(url="https://b.example/", accept="*/*", authorization=None)) is None


@settings(deadline=None, max_examples=60)
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_any_damage_makes_it_none(tmp_path_factory, place, change):
    path, key = kept_in(tmp_path_factory.mktemp("cache"))
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= change
    path.write_bytes(data)
    assert PageCache(path.parent).find(key) is None


@settings(deadline=None, max_examples=30)
@given(length=st.integers(0, 10_000))
def test_any_cut_makes_it_none(tmp_path_factory, length):
    path, key = kept_in(tmp_path_factory.mktemp("cache"))
    path.write_bytes(path.read_bytes()[: length % path.stat().st_size])
    assert PageCache(path.parent).find(key) is None


def test_an_entry_of_another_version_of_this_program_is_none(folder):
    path, key = kept_in(folder)
    for line in (b"{}", b"[]", b"no JSON", b"[" * 20_000):
        content = line + b"\nbody"
        path.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)
        assert PageCache(folder).find(key) is None


def test_damage_on_disk_costs_a_whole_answer(server, folder):
    server.answers["/x"] = [PAGE]
    passes(folder, server.url + "/x", 1)
    (entry,) = entries(folder)
    entry.write_bytes(b"damaged")
    assert [document.body for document in passes(folder, server.url + "/x")] == [b"page", b"page"]
    assert [asked.headers.get("if-none-match") for asked in server.requests] == [None, None, '"1"']


def test_links_folders_and_pipes_are_no_entries(folder, tmp_path):
    path, key = kept_in(folder)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert PageCache(folder).find(key) is None
    path.unlink()
    path.mkdir()
    assert PageCache(folder).find(key) is None
    PageCache(folder).keep(key, KEPT)
    path.rmdir()
    os.mkfifo(path)
    assert PageCache(folder).find(key) is None


def in_the_way(folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")


def writable_by_others(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o777)


def a_folder_for_a_salt(folder):
    (folder / "salt").mkdir(parents=True)


@pytest.mark.parametrize("prepare", [in_the_way, writable_by_others, a_folder_for_a_salt])
def test_a_folder_that_cannot_be_used_is_no_cache_and_no_failure(server, folder, prepare):
    prepare(folder)
    server.answers["/x"] = [PAGE]
    assert [document.body for document in passes(folder, server.url + "/x")] == [b"page", b"page"]
    assert not [asked for asked in server.requests if "if-none-match" in asked.headers]


def test_a_folder_that_may_not_be_written_fails_no_pass(server, folder):
    if os.geteuid() == 0:
        folder = Path("/proc/self/task")  # where root may not write either
    else:
        folder.mkdir(parents=True)
        folder.chmod(0o500)
    server.answers["/x"] = [PAGE]
    assert [document.body for document in passes(folder, server.url + "/x")] == [b"page", b"page"]


def test_a_folder_that_vanishes_fails_no_pass(server, folder):
    server.answers["/x"] = [PAGE]
    with Wire(cache=folder) as wire:
        (folder / "salt").unlink()
        folder.rmdir()
        assert wire.get(server.url + "/x").body == b"page"


def test_a_salt_that_is_damaged_is_made_anew(folder):
    _, key = kept_in(folder)
    (folder / "salt").write_bytes(b"short")
    again = PageCache(folder)
    assert again.key(url="https://a.example/", accept="*/*", authorization=None) != key
    assert len((folder / "salt").read_bytes()) == 32


def sparse(folder: Path, digit: str, size: int, age: float) -> Path:
    """An entry of this size, which takes no room on the disk."""
    path = folder / (digit * 64)
    path.touch()
    os.truncate(path, size)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_what_was_not_used_for_longest_makes_room(folder):
    path, key = kept_in(folder)
    share = MAX_CACHE_BYTES // 4
    old = [sparse(folder, digit, share, age) for digit, age in (("a", 400), ("b", 300), ("c", 200), ("d", 100))]
    os.utime(path, (time.time() - 500, time.time() - 500))
    assert PageCache(folder).find(key) == KEPT  # and counts as used now
    cache = PageCache(folder)
    cache.keep(cache.key(url="https://new.example/", accept="*/*", authorization=None), KEPT)
    assert [entry.exists() for entry in old] == [False, True, True, True]
    assert path.exists()
    assert sum(entry.stat().st_size for entry in entries(folder)) < 0.8 * MAX_CACHE_BYTES


def test_the_bound_holds_within_a_pass_as_well(folder):
    cache = PageCache(folder)
    big = replace(KEPT, document=replace(KEPT.document, body=bytes(1000)))
    cache.keep(cache.key(url="https://a.example/", accept="", authorization=None), big)
    sparse(folder, "a", MAX_CACHE_BYTES, 100)  # of another process
    for number in range(3):
        PageCache(folder).keep(cache.key(url=f"https://a.example/{number}", accept="", authorization=None), big)
    assert sum(entry.stat().st_size for entry in entries(folder)) < MAX_CACHE_BYTES


def test_what_a_killed_process_left_half_written_is_removed(folder):
    folder.mkdir(parents=True, mode=0o700)
    for name, age in ((".new-old", 7200), (".new-young", 5)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age, time.time() - age))
    kept_in(folder)
    assert not (folder / ".new-old").exists()
    assert (folder / ".new-young").exists()


def test_several_at_once(server, folder):
    for number in range(6):
        server.answers[f"/{number}"] = [Answer(body=str(number).encode() * 5000, headers={"ETag": f'"{number}"'})]

    def one(number):
        with Wire(cache=folder) as wire:
            return wire.get(f"{server.url}/{number % 6}").body

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(48))) == [str(number % 6).encode() * 5000 for number in range(48)]
    assert len(entries(folder)) == 6


def test_a_page_without_a_validator_is_not_worth_keeping():
    assert worth_keeping(KEPT.document, {}) is None
    assert worth_keeping(KEPT.document, {"etag": '"1"'}) == KEPT
