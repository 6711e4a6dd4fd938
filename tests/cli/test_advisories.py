"""`advisories update` and `status`: a snapshot takes the place of the last good one as a whole, or not at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from reconciler.model.words import PackageKey
from reconciler.observe.advisories import Advisories
from reconciler.stores.local import LocalStore
from tests.cli.place import FEEDS, Place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.osv import HIGH, affected, archive, record

KEY = PackageKey("newtonsoft.json")
FLAW = record("GHSA-0000-json", affected("Newtonsoft.Json", {"introduced": "0"}, {"fixed": "13.0.1"}), vector=HIGH, summary="A flaw")
PYPI = [record("PYSEC-2026-1", affected("requests", {"introduced": "0"}, ecosystem="PyPI"))]
OTHERS = [record(f"GHSA-{number:04}", affected(f"Other.{number}", {"introduced": "0"})) for number in range(200)]
NUGET_ZIP, PYPI_ZIP = "/osv/NuGet/all.zip", "/osv/PyPI/all.zip"
LAST_STAYS = "the last good snapshot stays in use, and the rule `vulnerability` lets nothing new in once it is too old"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        running.answers[NUGET_ZIP] = [Answer(body=archive([FLAW, *OTHERS]))]
        running.answers[PYPI_ZIP] = [Answer(body=archive(PYPI))]
        yield running


@pytest.fixture
def here(place: Place, server: FaultyServer) -> Place:
    """A repository whose advisories come from a server of our own."""
    place.write("feeds.yaml", f"{FEEDS}advisories: {{source: {server.url}/osv}}\n")
    place.commit("Say where advisories come from")
    return place


def opened(place: Place) -> Advisories:
    return Advisories(LocalStore(place.root / ".feeds"))


def ids(place: Place) -> list[str]:
    return [advisory.id for advisory in opened(place).about("nuget", [KEY]).get(KEY, ())]


def test_an_update_fetches_the_advisories_of_the_declared_ecosystems(here, server):
    done = here.run("advisories", "update")
    assert (done.code, done.err) == (0, "")
    assert [asked.path for asked in server.requests] == [NUGET_ZIP, PYPI_ZIP]
    first, digest, *rest = done.out.splitlines()
    assert re.fullmatch(rf"Advisories of {server.url}/osv, fetched 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ \((just now|1 minute ago)\)", first)
    snapshot = opened(here).snapshot_of("nuget")
    assert snapshot is not None
    assert digest == f"  snapshot {snapshot.digest}"
    assert rest == [
        "  NuGet: 201 records about 201 packages",
        "  PyPI: 1 record about 1 package",
    ]
    assert ids(here) == ["GHSA-0000-json"]


def test_it_is_told_what_could_not_be_used(here, server):
    gone = {**FLAW, "id": "GHSA-gone", "withdrawn": "2026-01-01T00:00:00Z"}
    strange = record("MAL-2024-0000", affected("Anotar.Sеrilоg.Fody", versions=["6.0.0"]))  # noqa: RUF001 - Cyrillic letters
    server.answers[NUGET_ZIP] = [Answer(body=archive([FLAW, *OTHERS, gone, strange, b"{"]))]
    assert here.run("advisories", "update").code == 0
    assert here.run("advisories", "status").out.splitlines()[2:4] == [
        "  NuGet: 204 records about 202 packages; 1 withdrawn; 1 skipped; 1 about a name that no package can have here",
        "    ! skipped 'broken-203.json': it is no JSON",
    ]


def test_reports_keep_their_contract(here):
    schema = here.run("schema", "advisories").json
    before = here.run("advisories", "status", "--format", "json").json
    updated = here.run("advisories", "update", "--format", "json").json
    again = here.run("advisories", "update", "--format", "json").json
    after = here.run("advisories", "status", "--format", "json").json
    for report in (before, updated, again, after):
        jsonschema.validate(report, schema)
    assert (before["digest"], before["dumps"], before["missing"], before["outcome"]) == (None, [], ["NuGet", "PyPI"], None)
    assert [report["outcome"] for report in (updated, again, after)] == ["new", "unchanged", None]
    assert updated["digest"] == again["digest"] == after["digest"]
    assert [(dump["ecosystem"], dump["advisories"], dump["skipped"]) for dump in after["dumps"]] == [("NuGet", 201, 0), ("PyPI", 1, 0)]


def test_without_a_snapshot_status_says_what_to_do(here):
    done = here.run("advisories", "status")
    assert done.code == 0
    assert done.out.splitlines() == [
        "There is no snapshot of the advisories: the rule `vulnerability` lets nothing new in.",
        "To do: `reconciler advisories update`",
    ]
    assert not (here.root / ".feeds").exists()


def test_the_same_advisories_are_fresh_again_under_the_same_digest(here):
    assert here.run("advisories", "update").code == 0
    path = here.root / ".feeds/state/advisories/current.json"
    row = json.loads(path.read_text())
    path.write_text(json.dumps(row | {"fetched_at": (datetime.now(UTC) - timedelta(days=9, hours=1)).isoformat()}))
    assert "(9 days ago)" in here.run("advisories", "status").out
    done = here.run("advisories", "update")
    assert done.out.startswith("Nothing has changed since the last update; the snapshot is fresh again.\n")
    assert "days ago" not in done.out
    assert json.loads(path.read_text())["digest"] == row["digest"]


def test_a_feed_of_a_type_that_the_snapshot_does_not_know_is_told(here):
    assert here.run("advisories", "update").code == 0
    feeds = (here.root / "feeds.yaml").read_text()
    npm = "  public-npm: {type: npm, usage: proxy, connectors: [{upstream: ./upstream/npm}]}\nadvisories"
    here.write("feeds.yaml", feeds.replace("advisories", npm))
    here.commit()
    done = here.run("advisories", "status")
    assert done.out.splitlines()[-2:] == [
        "  npm: nothing is known; a feed of this type was declared after these advisories were fetched",
        "To do: `reconciler advisories update`",
    ]
    assert here.run("advisories", "status", "--format", "json").json["missing"] == ["npm"]
    assert opened(here).snapshot_of("npm") is None


def test_a_folder_is_relative_to_the_repository(here):
    for ecosystem, records in (("NuGet", [FLAW]), ("PyPI", PYPI)):
        folder = here.root / "dumps" / ecosystem
        folder.mkdir(parents=True)
        (folder / "some.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    here.write("feeds.yaml", f"{FEEDS}advisories: {{source: ./dumps}}\n")
    here.commit()
    assert here.run("advisories", "update").out.startswith("Advisories of ./dumps, fetched ")
    assert ids(here) == ["GHSA-0000-json"]


BAD = [
    (Answer(status=503), 6, r"/osv/NuGet/all\.zip cannot be read: .* answered 503"),
    (Answer(status=404), 6, r"/osv/NuGet/all\.zip answered 404"),
    (Answer(body=archive([FLAW, *OTHERS])[:-40], length=len(archive([FLAW, *OTHERS]))), 6, r"/osv/NuGet/all\.zip cannot be read"),
    (Answer(body=archive([FLAW, *OTHERS])[:-40]), 9, r"/osv/NuGet/all\.zip: not a ZIP archive, or cut off"),
    (Answer(body=b'{"not": "a zip"}'), 9, r"/osv/NuGet/all\.zip: not a ZIP archive"),
    (Answer(body=archive([])), 9, r"/osv/NuGet/all\.zip has no records"),
    (
        Answer(body=archive([FLAW, *OTHERS, b"{", b"[]", b"x"])),
        9,
        r"3 of 204 records cannot be used, more than one in a hundred; the first is 'broken-201",
    ),
]


@pytest.mark.parametrize(("answer", "code", "message"), BAD)
def test_a_source_that_fails_or_is_wrong_changes_nothing(here, server, answer, code, message):
    assert here.run("advisories", "update").code == 0
    before = here.store_bytes()
    server.answers[PYPI_ZIP] = [
        Answer(body=archive([*PYPI, *(record(f"P-{n}", affected(f"p{n}", {"introduced": "0"}, ecosystem="PyPI")) for n in range(9))]))
    ]
    server.answers[NUGET_ZIP] = [answer]
    done = here.run("advisories", "update")
    assert (done.code, done.out) == (code, "")
    assert re.search(message, done.err)
    assert done.err.splitlines()[-1].endswith(LAST_STAYS)
    assert here.store_bytes() == before
    assert ids(here) == ["GHSA-0000-json"]


def test_a_first_update_that_fails_leaves_nothing_behind(here, server):
    server.answers[PYPI_ZIP] = [Answer(status=503)]
    done = here.run("advisories", "update")
    assert (done.code, LAST_STAYS in done.err) == (6, False)
    assert not (here.root / ".feeds/state").exists()


def test_an_advisory_that_is_taken_back_is_gone_after_an_update(here, server):
    assert here.run("advisories", "update").code == 0
    server.answers[NUGET_ZIP] = [Answer(body=archive([{**FLAW, "withdrawn": "2026-11-01T00:00:00Z"}, *OTHERS]))]
    assert here.run("advisories", "update").code == 0
    assert ids(here) == []


def test_damage_is_told_and_repaired_by_an_update(here):
    assert here.run("advisories", "update").code == 0
    path = here.root / ".feeds/state/advisories/current.json"
    path.write_text("{}")
    done = here.run("advisories", "status")
    assert done.code == 9
    assert "current.json is damaged" in done.err
    assert done.err.splitlines()[-1] == "To do: `reconciler advisories update` fetches the advisories again"
    assert here.run("advisories", "update").code == 0
    assert ids(here) == ["GHSA-0000-json"]


def test_of_two_updates_at_once_one_stays_and_the_other_one_says_so(here, server):
    def both_have_asked() -> Iterator[bytes]:
        """Each update has looked up what was there before it asks, so both start from the same."""
        while sum(asked.path == NUGET_ZIP for asked in server.requests) < 2:
            time.sleep(0.01)
        yield body

    body = archive([FLAW, *OTHERS])
    server.answers[NUGET_ZIP] = [Answer(body=both_have_asked(), length=len(body)) for _ in range(2)]
    command = [sys.executable, "-m", "reconciler", "-C", str(here.root), "advisories", "update", "--format", "json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ.copy(), text=True) for _ in range(2)]
    told = [json.loads(one.communicate(timeout=60)[0]) for one in running]
    assert [one.returncode for one in running] == [0, 0]
    assert sorted(report["outcome"] for report in told) == ["new", "overtaken"]
    assert told[0]["digest"] == told[1]["digest"]
    assert ids(here) == ["GHSA-0000-json"]


@pytest.mark.parametrize(
    "source", ["", "feed:public-nuget", "ftp://mirror.example", "https://user:secret@mirror.example", "https://x.example/?a"]
)
def test_a_source_that_is_none_is_an_error_of_the_declaration(place, source):
    place.write("feeds.yaml", f'{FEEDS}advisories: {{source: "{source}"}}\n')
    place.commit()
    done = place.run("advisories", "update")
    assert done.code == 4
    assert "advisories.source: " in done.err
    assert "expected osv.dev, a folder, or an http(s) address without user name, password, '?' and '#'" in done.err


@pytest.mark.parametrize("command", [[], ["update"], ["status"]])
def test_help_has_an_example(place, command):
    done = place.run("advisories", *command, "--help")
    assert done.code == 0
    assert re.search(r"Example:\n +reconciler advisories (update|status)\n", done.out)


def test_hostile_text_of_a_dump_is_shown_inert(here, server):
    hostile = {**FLAW, "id": "GHSA-\x1b[31m"}
    server.answers[NUGET_ZIP] = [Answer(body=archive([FLAW, *OTHERS, hostile]))]
    done = here.run("advisories", "update")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "1 skipped" in done.out


def test_a_dump_that_has_lost_more_than_half_of_its_records_is_refused_until_somebody_accepts_it(here, server):
    here.run("advisories", "update")
    server.answers[NUGET_ZIP] = [Answer(body=archive(OTHERS[:99]))] * 2
    server.answers[PYPI_ZIP] = [Answer(body=archive(PYPI))] * 2
    refused = here.run("advisories", "update")
    assert refused.code == 9
    assert "the dump of NuGet has 99 records, and the last one had 201" in refused.err
    assert "--accept-fewer" in refused.err
    assert ids(here) == ["GHSA-0000-json"]
    accepted = here.run("advisories", "update", "--accept-fewer")
    assert accepted.code == 0, accepted.err
    assert ids(here) == []


def test_another_source_is_not_compared_with_the_one_before(here, server):
    here.run("advisories", "update")
    for name, records in (("NuGet", [FLAW]), ("PyPI", PYPI)):
        folder = here.root / "own" / name
        folder.mkdir(parents=True)
        (folder / "all.zip").write_bytes(archive(records))
    here.write("feeds.yaml", f"{FEEDS}advisories: {{source: ./own}}\n")
    here.commit("Advisories of our own")
    assert here.run("advisories", "update").code == 0
    assert ids(here) == ["GHSA-0000-json"]
