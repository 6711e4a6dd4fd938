"""Dumps: from an address or a folder, whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ContentMismatch, DumpRefused, NotThere, Unreachable
from reconciler.observe.osv import gather as gathering
from reconciler.observe.osv import members, sources
from reconciler.observe.osv.gather import gather
from reconciler.wire import Timeouts, Wire
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.osv import affected, archive, place_dump, record

NUGET, PYPI = ECOSYSTEMS["nuget"], ECOSYSTEMS["pypi"]
SMALL = [record(f"GHSA-{number:04}", affected(f"Package.{number}", {"introduced": "0"})) for number in range(3)]


def many(count: int, broken: int = 0) -> list[Any]:
    return [record(f"GHSA-{number:04}", affected("Package", {"introduced": "0"})) for number in range(count - broken)] + [b"{"] * broken


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire(Timeouts(pause=0.001, download=5)) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


@pytest.fixture
def read(wire, tmp_path):
    return lambda source="./advisories", *ecosystems: gather(source, ecosystems or (NUGET,), wire=wire, base=tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "advisories"


def test_a_folder_with_archives(read, folder):
    place_dump(folder, "NuGet", [*SMALL, record("GHSA-gone", affected("x", {"introduced": "0"}), withdrawn="2026-01-01T00:00:00Z")])
    place_dump(folder, "PyPI", [record("PYSEC-1", affected("x", {"introduced": "0"}, ecosystem="PyPI"))])
    _, (nuget, pypi) = read("./advisories", PYPI, NUGET)
    assert (nuget.ecosystem, nuget.records, nuget.advisories, nuget.packages, nuget.withdrawn) == ("NuGet", 4, 3, 3, 1)
    assert (pypi.ecosystem, pypi.records, pypi.advisories) == ("PyPI", 1, 1)


def test_only_the_ecosystems_that_are_asked_for_are_read(read, folder):
    place_dump(folder, "NuGet", SMALL)
    place_dump(folder, "PyPI", [b"{"])
    assert [dump.ecosystem for dump in read()[1]] == ["NuGet"]


def test_a_folder_with_records_of_every_kind(read, folder, tmp_path):
    (folder / "NuGet").mkdir(parents=True)
    lines = b"".join(json.dumps(one).encode() + b"\n\n" for one in SMALL[1:])
    (folder / "NuGet" / "one.json").write_text(json.dumps(SMALL[0]))
    (folder / "NuGet" / "some.jsonl").write_bytes(lines)
    (folder / "NuGet" / "same.jsonl.gz").write_bytes(gzip.compress(lines))
    (folder / "NuGet" / ".hidden.json").write_text("{")
    (folder / "NuGet" / "README.md").write_text("{")
    (folder / "NuGet" / "link.json").symlink_to(tmp_path / "feeds.yaml")
    _, (dump,) = read()
    assert (dump.records, dump.advisories, dump.packages, dump.skipped) == (5, 3, 3, 0)


def test_an_address_is_asked_for_each_ecosystem(read, server):
    server.answers["/osv/NuGet/all.zip"] = [Answer(body=archive(SMALL))]
    server.answers["/osv/PyPI/all.zip"] = [Answer(body=archive([record("P-1", affected("x", {"introduced": "0"}, ecosystem="PyPI"))]))]
    for address in (f"{server.url}/osv", f"{server.url}/osv/"):
        assert [dump.advisories for dump in read(address, NUGET, PYPI)[1]] == [3, 1]


def test_the_well_known_name_is_the_place_where_osv_publishes(read, server, monkeypatch):
    assert sources.ADDRESS == "https://storage.googleapis.com/osv-vulnerabilities"
    monkeypatch.setattr(sources, "ADDRESS", server.url)
    server.answers["/NuGet/all.zip"] = [Answer(body=archive(SMALL))]
    assert read("osv.dev")[1][0].advisories == 3


@pytest.mark.parametrize("status", [500, 503, 404, 403])
def test_an_address_that_has_none_is_not_an_empty_dump(read, server, status):
    server.answers["/NuGet/all.zip"] = [Answer(status=status)]
    with pytest.raises(
        (Unreachable, NotThere), match=f"/NuGet/all.zip (cannot be read: .*)?answered {status}" if status == 404 else str(status)
    ):
        read(server.url)


def test_a_connection_that_breaks_off_is_no_dump(read, server):
    body = archive(SMALL)
    server.answers["/NuGet/all.zip"] = [Answer(body=body[:-30], length=len(body))]
    with pytest.raises(Unreachable, match=r"/NuGet/all\.zip cannot be read"):
        read(server.url)


def test_a_download_has_a_bound(read, server, monkeypatch):
    monkeypatch.setattr(sources, "MAX_DUMP_BYTES", 100)
    server.answers["/NuGet/all.zip"] = [Answer(body=archive(SMALL))]
    with pytest.raises(ContentMismatch, match="larger than the 100 bytes"):
        read(server.url)


@pytest.mark.parametrize("source", ["./nowhere", "./advisories"])
def test_a_folder_that_has_none_is_not_an_empty_dump(read, folder, source):
    (folder / "PyPI").mkdir(parents=True)
    with pytest.raises(NotThere, match=r"there are no advisories for NuGet in .*: expected NuGet/all\.zip"):
        read(source)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"<html>Sign in</html>",
        lambda data: b"MZ" + data,
        lambda data: data[:80] + b"\0" * 20 + data[100:],
    ],
)
def test_an_archive_that_is_cut_off_or_damaged_is_refused_with_its_name(read, folder, damage):
    path = place_dump(folder, "NuGet", SMALL)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DumpRefused, match=r"NuGet/all\.zip"):
        read()


@pytest.mark.parametrize("cut", [-1, -4, 20])
def test_lines_that_are_cut_off_are_refused(read, folder, cut):
    (folder / "NuGet").mkdir(parents=True)
    (folder / "NuGet" / "all.jsonl.gz").write_bytes(gzip.compress(b"".join(json.dumps(one).encode() + b"\n" for one in SMALL))[:cut])
    with pytest.raises(DumpRefused, match=r"all\.jsonl\.gz is damaged"):
        read()


def test_an_empty_dump_is_refused(read, folder):
    place_dump(folder, "NuGet", [])
    with pytest.raises(DumpRefused, match=r"NuGet/all\.zip has no records"):
        read()
    place_dump(folder, "NuGet", [record("P-1", affected("x", {"introduced": "0"}, ecosystem="PyPI"))])
    with pytest.raises(DumpRefused, match="says nothing about any package of NuGet"):
        read()
    (folder / "NuGet" / "all.zip").unlink()
    with pytest.raises(DumpRefused, match="NuGet has no records"):
        read()


@pytest.mark.parametrize(("count", "broken", "refused"), [(100, 1, False), (99, 1, True), (300, 3, False), (300, 4, True), (1, 1, True)])
def test_more_than_one_broken_record_in_a_hundred_refuses_the_dump(read, folder, count, broken, refused):
    place_dump(folder, "NuGet", many(count, broken))
    if refused:
        first = rf"{broken} of {count} records cannot be used, more than one in a hundred; the first is 'broken-{count - broken}\.json': it is no JSON"
        with pytest.raises(DumpRefused, match=first):
            read()
        return
    _, (dump,) = read()
    assert (dump.records, dump.skipped, len(dump.notes)) == (count, broken, broken)
    assert dump.notes[0] == f"'broken-{count - broken}.json': it is no JSON"


def test_a_record_that_is_too_large_is_left_out(read, folder, monkeypatch):
    monkeypatch.setattr(members, "MAX_RECORD_BYTES", 1000)
    large = record("GHSA-large", affected("x", {"introduced": "0"}), details="x" * 2000)
    place_dump(folder, "NuGet", [*many(100), large])
    assert read()[1][0].skipped == 1
    (folder / "NuGet" / "all.zip").unlink()
    lines = [json.dumps(one).encode() for one in (*many(60), large, *many(60))]
    (folder / "NuGet" / "all.jsonl").write_bytes(b"\n".join(lines))
    _, (dump,) = read()
    assert (dump.records, dump.skipped) == (121, 1)
    assert dump.notes[0].startswith("'all.jsonl:61': it has more than")


def test_a_bomb_is_not_unpacked(read, folder, monkeypatch):
    monkeypatch.setattr(gathering, "MAX_UNPACKED_BYTES", 20_000_000)
    place_dump(folder, "NuGet", [b" " * 5_000_000] * 10)
    with pytest.raises(DumpRefused, match="has more than can be read: 5 records"):
        read()


@pytest.mark.parametrize("blanks", [b" " * 50_000_000, b"\n" * 5_000_000], ids=["one line", "many lines"])
def test_a_bomb_of_lines_that_say_nothing_is_not_unpacked(read, folder, monkeypatch, blanks):
    monkeypatch.setattr(members, "MAX_UNPACKED_BYTES", 4_500_000)
    (folder / "NuGet").mkdir(parents=True)
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in SMALL)
    (folder / "NuGet" / "all.jsonl.gz").write_bytes(gzip.compress(lines + blanks))
    with pytest.raises(DumpRefused, match=r"all\.jsonl\.gz has more than can be read"):
        read()


@pytest.mark.parametrize(("bound", "most"), [("MAX_RECORDS", 2), ("MAX_KEPT_BYTES", 100)])
def test_records_and_what_is_kept_of_them_have_bounds(read, folder, monkeypatch, bound, most):
    monkeypatch.setattr(gathering, bound, most)
    place_dump(folder, "NuGet", SMALL)
    with pytest.raises(DumpRefused, match="has more than can be read"):
        read()


@pytest.mark.parametrize("count", [2, 4, 65_534])
def test_an_archive_with_more_or_fewer_records_than_it_says_is_refused(read, folder, count):
    path = place_dump(folder, "NuGet", SMALL)
    data = bytearray(path.read_bytes())
    struct.pack_into("<2H", data, data.rindex(b"PK\x05\x06") + 8, count, count)
    path.write_bytes(data)
    with pytest.raises(DumpRefused, match=rf"all\.zip: its directory has 3 entries, and says {count}"):
        read()


def test_a_directory_of_any_size_is_not_read(read, folder, monkeypatch):
    monkeypatch.setattr(members, "MAX_RECORDS", 2)
    place_dump(folder, "NuGet", SMALL)
    with pytest.raises(DumpRefused, match="directory is too large: 3 entries"):
        read()


def test_other_ways_of_packing_are_refused(read, folder):
    path = place_dump(folder, "NuGet", [])
    path.write_bytes(archive(SMALL, compression=zipfile.ZIP_BZIP2))
    with pytest.raises(DumpRefused, match="compressed by method 12"):
        read()


def test_hostile_names_of_members_are_told_inert(read, folder):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as made:
        for number, one in enumerate(many(200)):
            made.writestr(f"{number}.json", json.dumps(one))
        made.writestr("../\x1b[31m\u202e.json", b"{")
    place_dump(folder, "NuGet", []).write_bytes(sink.getvalue())
    (note,) = read()[1][0].notes
    assert note == r"'../\x1b[31m\u202e.json': it is no JSON"
