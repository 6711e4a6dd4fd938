"""Archives looked into: each fetched once, proven, kept between passes, handed to apply; on real files of the temporary folder."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any, BinaryIO

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ArchiveRefused, ContentMismatch, StoreUnavailable, Unreachable
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Dependency, License, RemoteFile
from reconciler.model.words import FeedName, Identity, Sha256
from reconciler.observe import archives as module
from reconciler.observe.archives import Archives, Content, Wanted
from reconciler.observe.upstreams import HttpUpstream, Upstream
from reconciler.wire import Downloaded, Wire
from tests.hostile.test_disk_full import largest_file
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.nupkgs import nupkg
from tests.support.shelf import Shelf
from tests.support.wheels import wheel, wheel_name

NOISE = hashlib.shake_256(b"noise").digest(200_000)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf("./pypi", ECOSYSTEMS["pypi"])


def offered(shelf: Shelf, name: str, data: bytes, *, feed: str = "approved", upstream: Upstream | None = None, **instead: Any) -> Wanted:
    """What lies on a shelf, approved as it is there now; `instead` replaces fields of the approved file."""
    kind = "nuget" if name.endswith(".nupkg") else "pypi"
    shelf.place(name, data)
    item = shelf.items[name]
    inside = ECOSYSTEMS[kind].inspect(name, io.BytesIO(data))
    said = {"size": len(data), "sha256": Sha256(hashlib.sha256(data).hexdigest()), "content_hash": inside.content_hash, **instead}
    remote = next(f for r in shelf.discover(item.name).releases for f in r.files if f.name == name)
    shelf.asked.clear()
    return Wanted(
        identity=Identity(feed=FeedName(feed), package=item.key, version=item.version.key),
        type=kind,
        approved=ApprovedFile(name=name, **said),
        remote=remote,
        upstream=upstream or shelf,
    )


def offer_wheel(shelf: Shelf, name: str = "base", **facts: Any) -> Wanted:
    return offered(shelf, wheel_name(name, "1.0"), wheel(name, "1.0", **facts))


def answer_of(archives: Archives, wanted: Wanted) -> Any:
    return archives.look_into([wanted])[wanted.identity, wanted.approved.name]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def handed(archives: Archives, wanted: Wanted) -> bytes:
    sink = io.BytesIO()
    archives.source(wanted.upstream).fetch(wanted.remote, sink, max_bytes=wanted.approved.size)
    return sink.getvalue()


# --- what is told -----------------------------------------------------------------------------------------------------------------


def test_license_and_dependencies_are_those_of_the_archive(spool, shelf):
    found = answer_of(Archives(), offer_wheel(shelf, requires=["leaf>=1"], license_expression="ISC"))
    assert found.traits.license == License(declared="ISC", concluded="ISC")
    assert found.dependencies == (Dependency(name="leaf", range=">=1"),)


def test_nothing_wanted_touches_nothing(spool):
    assert Archives().look_into([]) == {}
    assert list(spool.iterdir()) == []


def test_one_that_is_refused_stands_in_nobody_elses_way(spool, shelf):
    good, bad = offer_wheel(shelf), offer_wheel(shelf, "other")
    shelf.served[bad.approved.name] = Unreachable("gone")
    answers = Archives().look_into([bad, good])
    assert isinstance(answers[bad.identity, bad.approved.name], Unreachable)
    assert isinstance(answers[good.identity, good.approved.name], Content)


# --- each once --------------------------------------------------------------------------------------------------------------------


def test_what_was_looked_into_is_handed_on_without_asking_again(spool, shelf):
    wanted, archives = offer_wheel(shelf), Archives()
    answer_of(archives, wanted)
    assert handed(archives, wanted) == shelf.items[wanted.approved.name].data
    assert shelf.asked == [wanted.approved.name]
    assert files_in(spool) == [], "what was handed on takes no room any more"


def test_two_feeds_that_promote_one_archive_fetch_it_once(spool, shelf):
    one = offer_wheel(shelf)
    other = replace(one, identity=replace(one.identity, feed=FeedName("payments")))
    archives = Archives()
    answers = archives.look_into([one, other])
    assert {identity.feed for identity, _ in answers} == {"approved", "payments"}
    assert all(isinstance(answer, Content) for answer in answers.values())
    assert handed(archives, one) == handed(archives, other) == shelf.items[one.approved.name].data
    assert shelf.asked == [one.approved.name]
    assert files_in(spool) == []


def test_a_third_who_asks_gets_it_from_upstream(spool, shelf):
    wanted, archives = offer_wheel(shelf), Archives()
    answer_of(archives, wanted)
    assert handed(archives, wanted) == handed(archives, wanted)
    assert shelf.asked == [wanted.approved.name] * 2


class Together:
    """An upstream that serves two who fetch at once, piece by piece in turn, other bytes to each."""

    name = "together"

    def __init__(self, *served: bytes) -> None:
        self.served = list(served)
        self.barrier = Barrier(len(served), timeout=5)
        self.discover: Any = None
        self.fetch_companion: Any = None

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        data = self.served.pop()
        for start in range(0, len(data), 50_000):
            with suppress(BrokenBarrierError):
                self.barrier.wait()
            sink.write(data[start : start + 50_000])
        self.barrier.abort()
        return Downloaded(size=len(data), sha256=Sha256(hashlib.sha256(data).hexdigest()))


def test_two_approvals_of_one_address_do_not_write_into_one_file(spool):
    """A registry that has signed a package again: one approval is of the old bytes, one of the new ones, both of the same content."""
    shelf = Shelf("./nuget", ECOSYSTEMS["nuget"])
    old, new = (nupkg("Base", "1.0.0", extra={"noise": NOISE}, signature=text * 999) for text in (b"old", b"new"))
    upstream = Together(old, new)
    one = offered(shelf, "base.1.0.0.nupkg", old, upstream=upstream)
    other = replace(
        one,
        approved=replace(one.approved, sha256=Sha256(hashlib.sha256(new).hexdigest())),
        identity=replace(one.identity, feed=FeedName("payments")),
    )
    archives = Archives()
    assert all(isinstance(answer, Content) for answer in archives.look_into([one, other]).values())
    assert upstream.served == []
    assert len(files_in(spool)) == 1
    assert handed(archives, one) in {old, new}
    assert handed(archives, other) in {old, new}


def test_many_at_once_are_each_fetched_once_and_get_their_own(spool, shelf):
    wanted = [offer_wheel(shelf, f"pkg{number}", requires=[f"leaf{number}"]) for number in range(100)]
    archives = Archives()
    answers = archives.look_into(wanted)
    for number, one in enumerate(wanted):
        answer = answers[one.identity, one.approved.name]
        assert isinstance(answer, Content)
        assert answer.dependencies[0].name == f"leaf{number}"
        assert handed(archives, one) == shelf.items[one.approved.name].data
    assert sorted(shelf.asked) == sorted(one.approved.name for one in wanted)


def test_what_is_too_much_for_the_temporary_folder_is_fetched_again_by_apply(spool, shelf, monkeypatch):
    first, second = offer_wheel(shelf), offer_wheel(shelf, "other")
    monkeypatch.setattr(module, "HELD_BYTES", first.approved.size)
    archives = Archives()
    assert isinstance(answer_of(archives, first), Content)
    assert isinstance(answer_of(archives, second), Content)
    assert len(files_in(spool)) == 1
    assert handed(archives, second) == shelf.items[second.approved.name].data
    assert shelf.asked == [first.approved.name, *[second.approved.name] * 2]


def test_a_temporary_folder_that_somebody_has_cleared_costs_another_fetch(spool, shelf):
    wanted, archives = offer_wheel(shelf), Archives()
    answer_of(archives, wanted)
    for path in files_in(spool):
        path.unlink()
    assert handed(archives, wanted) == shelf.items[wanted.approved.name].data


def test_over_http_an_archive_is_asked_for_once(spool, shelf):
    data = wheel("base", "1.0")
    with FaultyServer() as server, Wire() as wire:
        upstream = HttpUpstream("index", address=lambda: server.url, ecosystem=ECOSYSTEMS["pypi"], wire=wire)
        server.answers["/base.whl"] = [Answer(body=data)]
        wanted = offered(shelf, wheel_name("base", "1.0"), data, upstream=upstream)
        wanted = replace(wanted, remote=replace(wanted.remote, url=f"{server.url}/base.whl"))
        archives = Archives()
        assert isinstance(answer_of(archives, wanted), Content)
        assert handed(archives, wanted) == data
        assert [asked.path for asked in server.requests] == ["/base.whl"]


# --- hostile ----------------------------------------------------------------------------------------------------------------------


def test_other_bytes_than_approved_are_a_matter_of_integrity(spool, shelf):
    wanted = offer_wheel(shelf)
    shelf.served[wanted.approved.name] = wheel("base", "1.0", extra={"x": b"1"})[: wanted.approved.size]
    answer = answer_of(Archives(), wanted)
    assert isinstance(answer, ContentMismatch)
    assert wanted.approved.sha256 in str(answer)
    assert files_in(spool) == [], "nothing of it stays"


def test_more_bytes_than_approved_are_not_even_written(spool, shelf):
    wanted = offer_wheel(shelf)
    shelf.served[wanted.approved.name] = b"x" * (wanted.approved.size + 1)
    assert isinstance(answer_of(Archives(), wanted), ContentMismatch)
    assert files_in(spool) == []


@pytest.mark.parametrize("other", ["another package", "another version"])
def test_an_archive_of_something_else_is_refused(spool, shelf, other):
    wanted = offer_wheel(shelf)
    package, version = ("different", "1.0") if other == "another package" else ("base", "2.0")
    identity = Identity(
        feed=wanted.identity.feed,
        package=ECOSYSTEMS["pypi"].normalize_name(package),
        version=ECOSYSTEMS["pypi"].parse_version(version).key,
    )
    answer = answer_of(Archives(), replace(wanted, identity=identity))
    assert isinstance(answer, ContentMismatch), "as where it is published: these are not the bytes of what was approved"
    assert "says that it is 'base' 1.0" in str(answer)
    assert files_in(spool) == []


def test_what_is_no_archive_is_refused(spool, shelf):
    wanted, junk = offer_wheel(shelf), b"MZ" * 50
    approved = replace(wanted.approved, sha256=Sha256(hashlib.sha256(junk).hexdigest()), size=len(junk))
    shelf.served[approved.name] = junk
    assert isinstance(answer_of(Archives(), replace(wanted, approved=approved)), ArchiveRefused)
    assert files_in(spool) == []


def test_a_package_that_was_signed_again_is_known_by_its_content(spool):
    shelf = Shelf("./nuget", ECOSYSTEMS["nuget"])
    wanted = offered(shelf, "base.1.0.0.nupkg", nupkg("Base", "1.0.0", signature=b"old"))
    again = nupkg("Base", "1.0.0", signature=b"new and longer")
    shelf.served[wanted.approved.name] = again
    archives = Archives()
    assert answer_of(archives, wanted).traits.provenance == ("signature",)
    sink = io.BytesIO()
    archives.source(shelf).fetch(wanted.remote, sink, max_bytes=1 << 20)
    assert sink.getvalue() == again
    shelf.served[wanted.approved.name] = nupkg("Base", "1.0.0", signature=b"new", extra={"tools/x": b"1"})
    answer = answer_of(Archives(), wanted)
    assert isinstance(answer, ContentMismatch)
    assert "content hash" in str(answer)


# --- kept between passes ----------------------------------------------------------------------------------------------------------


def entries(kept: Path) -> list[Path]:
    return [path for path in kept.iterdir() if path.name != "salt"]


def test_what_was_looked_into_is_known_in_the_next_pass(spool, shelf, tmp_path):
    wanted, kept = offer_wheel(shelf, requires=["leaf[x]>=1; python_version < '3.9'"]), tmp_path / "kept"
    first = answer_of(Archives(kept), wanted)
    shelf.asked.clear()
    shelf.down = True
    assert answer_of(Archives(kept), wanted) == first
    other_feed = replace(wanted, identity=replace(wanted.identity, feed=FeedName("payments")))
    assert answer_of(Archives(kept), other_feed) == first
    assert shelf.asked == []


def test_what_is_known_opens_no_temporary_folder(spool, shelf, tmp_path, monkeypatch):
    wanted, kept = offer_wheel(shelf), tmp_path / "kept"
    answer_of(Archives(kept), wanted)
    gc.collect()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert isinstance(answer_of(Archives(kept), wanted), Content)


def test_it_is_known_of_these_bytes_as_this_version_only(spool, shelf, tmp_path):
    wanted, kept = offer_wheel(shelf), tmp_path / "kept"
    answer_of(Archives(kept), wanted)
    elsewhere = replace(wanted, identity=replace(wanted.identity, package=ECOSYSTEMS["pypi"].normalize_name("other")))
    assert isinstance(answer_of(Archives(kept), elsewhere), ContentMismatch)
    changed = replace(wanted, approved=replace(wanted.approved, sha256=Sha256("0" * 64)))
    assert isinstance(answer_of(Archives(kept), changed), ContentMismatch)


def test_what_did_not_pass_is_not_kept(spool, shelf, tmp_path):
    wanted, kept = offer_wheel(shelf), tmp_path / "kept"
    shelf.served[wanted.approved.name] = b"x" * wanted.approved.size
    answer_of(Archives(kept), wanted)
    assert entries(kept) == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: data.replace(b"MIT", b"ISC"), lambda data: b"\0" * 99]
)
def test_a_damaged_entry_is_none(spool, shelf, tmp_path, damage):
    wanted, kept = offer_wheel(shelf), tmp_path / "kept"
    (first,) = (answer_of(Archives(kept), wanted),)
    (entry,) = entries(kept)
    entry.write_bytes(damage(entry.read_bytes()))
    assert answer_of(Archives(kept), wanted) == first
    assert shelf.asked == [wanted.approved.name] * 2


OTHER_SHAPES = {
    "a list": lambda told: [],
    "a list of traits": lambda told: {**told, "traits": []},
    "no dependencies": lambda told: {"traits": told["traits"]},
    "no license": lambda told: {**told, "traits": {k: v for k, v in told["traits"].items() if k != "license"}},
    "no scripts": lambda told: {**told, "traits": {k: v for k, v in told["traits"].items() if k != "install_scripts"}},
    "a trait more": lambda told: {**told, "traits": {**told["traits"], "new": []}},
    "a text for a list": lambda told: {**told, "traits": {**told["traits"], "install_scripts": "abc"}},
    "a number for a text": lambda told: {**told, "traits": {**told["traits"], "license": {"declared": 5, "concluded": ""}}},
    "a license of nothing": lambda told: {**told, "traits": {**told["traits"], "license": None}},
    "deep": lambda told: json.loads("[" * 500 + "]" * 500),
}


@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_an_entry_of_another_shape_is_none(spool, shelf, tmp_path, shape):
    """It is whole by its own digest: another version of this program, or somebody else, has written it."""
    wanted, kept = offer_wheel(shelf), tmp_path / "kept"
    first = answer_of(Archives(kept), wanted)
    (entry,) = entries(kept)
    _, line, body = entry.read_bytes().split(b"\n", 2)
    content = line + b"\n" + json.dumps(OTHER_SHAPES[shape](json.loads(body))).encode()
    entry.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    assert answer_of(Archives(kept), wanted) == first
    assert shelf.asked == [wanted.approved.name] * 2


def test_an_entry_that_was_written_whole_by_hand_is_read(spool, shelf, tmp_path):
    """So that the test above does not pass for another reason than the shape."""
    wanted, kept = offer_wheel(shelf), tmp_path / "kept"
    answer_of(Archives(kept), wanted)
    (entry,) = entries(kept)
    _, line, body = entry.read_bytes().split(b"\n", 2)
    content = line + b"\n" + body.replace(b"MIT", b"ISC")
    entry.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    assert answer_of(Archives(kept), wanted).traits.license.concluded == "ISC"


# --- the temporary folder ---------------------------------------------------------------------------------------------------------


def test_where_there_is_no_room_it_is_said_and_no_half_file_stays(spool, shelf):
    wanted = offer_wheel(shelf, extra={"noise": NOISE})
    small = offer_wheel(shelf, "small")
    with largest_file(100_000):
        answers = Archives().look_into([wanted, small])
    answer = answers[wanted.identity, wanted.approved.name]
    assert isinstance(answer, StoreUnavailable)
    assert f"{wanted.approved.name} ({wanted.approved.size} bytes) cannot be written to the temporary folder {spool}" in str(answer)
    assert "TMPDIR" in answer.remedy
    assert isinstance(answers[small.identity, small.approved.name], Content), "what there is room for goes on"
    assert [path.stat().st_size for path in files_in(spool)] == [small.approved.size]


def test_without_a_temporary_folder_it_is_said(spool, shelf):
    wanted = offer_wheel(shelf)
    spool.rmdir()
    assert isinstance(answer_of(Archives(), wanted), StoreUnavailable)


@contextmanager
def looked_into(shelf: Shelf) -> Iterator[None]:
    archives = Archives()
    answer_of(archives, offer_wheel(shelf))
    yield
    del archives


def test_the_temporary_folder_is_gone_with_its_pass(spool, shelf):
    with looked_into(shelf):
        assert len(files_in(spool)) == 1
    gc.collect()
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("end", ["pass", "sys.exit(6)", "raise RuntimeError"])
def test_the_temporary_folder_is_gone_with_its_process(spool, end):
    script = f"""
import sys, tempfile
from pathlib import Path
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.observe.archives import Archives
from tests.observe.test_archives import answer_of, offer_wheel
from tests.support.shelf import Shelf
archives = Archives()
answer_of(archives, offer_wheel(Shelf("./pypi", ECOSYSTEMS["pypi"])))
print(sum(path.is_file() for path in Path(tempfile.gettempdir()).rglob("*")))
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"TMPDIR": str(spool), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "1\n", done.stderr
    assert list(spool.iterdir()) == []
