"""`drift`: how it is told, and what it does not do. What it finds is in `tests/damage/`."""

from __future__ import annotations

import shutil

import jsonschema
import pytest

from tests.cli.place import GRACE, Place

FEED = ".feeds/feeds/approved-pypi"
SDIST = f"{FEED}/files/leaf/1.2/leaf-1.2.tar.gz"


@pytest.fixture
def applied(place: Place) -> Place:
    """One package with two files, approved by one person and landed by another."""
    place.git("switch", "-q", "-c", "proposal")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve", by=GRACE)
    place.git("switch", "-q", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "proposal")
    assert place.run("apply", "--quiet").code == 0
    return place


def test_nothing_is_adrift_after_an_apply(applied):
    done = applied.run("drift", "--detailed-exitcode")
    assert done.code == 0
    assert done.out.splitlines() == [
        "approved-nuget: as recorded",
        "approved-pypi: as recorded",
        "",
        "Compared: sizes of files, and bytes of pages and of what lies beside files. `reconciler drift --deep` reads every file.",
    ]


def test_each_row_says_what_where_on_whose_word_and_what_to_do(applied):
    (applied.root / SDIST).unlink()
    done = applied.run("drift")
    commit = applied.git("rev-parse", "HEAD")[:12]
    assert done.code == 0
    assert done.out.splitlines()[1:5] == [
        "approved-pypi: 1 drifted",
        "  ! missing leaf 1.2: files/leaf/1.2/leaf-1.2.tar.gz is missing",
        f"      record 2: promote, by Grace Hopper <grace@example.org>, approved by Ada Lovelace <ada@example.org>, commit {commit}",
        "      to do: `reconciler apply --refresh` fetches what is approved again, with the same digests",
    ]


def test_upstream_is_not_asked(applied):
    (applied.root / SDIST).unlink()
    shutil.rmtree(applied.root / "upstream")
    assert applied.run("drift", "--detailed-exitcode").code == 2


def test_an_orphan_is_told_with_the_ways_out(applied):
    (applied.root / "approvals/approved-pypi/leaf/1.2.yaml").unlink()
    applied.write("approvals/.keep", "")
    applied.commit("Delete")
    done = applied.run("drift", "--detailed-exitcode")
    assert done.code == 2
    assert "! orphan leaf 1.2: " in done.out
    assert "`reconciler approve approved-pypi leaf 1.2 -m REASON`" in done.out
    assert "record 2: promote, by Grace Hopper" in done.out


def test_it_keeps_its_contract(applied):
    (applied.root / SDIST).write_bytes(b"other")
    done = applied.run("drift", "--format", "json")
    jsonschema.validate(done.json, applied.run("schema", "drift").json)
    assert (done.code, done.json["schema"], done.json["outcome"]) == (9, "drift/v1", "integrity")
    assert [(row["kind"], row["package"], row["version"]) for row in done.json["drift"]] == [("differing", "leaf", "1.2")]


def test_only_the_feeds_that_are_asked_for_count(applied):
    (applied.root / SDIST).write_bytes(b"other")
    done = applied.run("drift", "approved-nuget", "--format", "json")
    assert (done.code, done.json["outcome"], done.json["drift"]) == (0, "done", [])
    assert applied.run("drift", "approved-pypi", "approved-nuget").code == 9
    assert applied.run("drift", "nowhere").code == 64


def test_hostile_names_are_shown_inert(applied):
    path = applied.root / FEED / "files/leaf/9/leaf-9\x1b[31m.zip"
    path.parent.mkdir()
    path.write_bytes(b"")
    done = applied.run("drift")
    assert (done.code, "\x1b" in done.out) == (0, False)


def test_what_changes_without_drift_is_none(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve")
    assert place.run("drift", "--detailed-exitcode").code == 0
    assert not (place.root / ".feeds").exists()
