"""Records: names that other tools know (purl), times, and no password."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from reconciler.act.record import Applier, of_access, of_change, purl, time_text
from reconciler.model.plan import AccessChange
from reconciler.model.words import CommitId, Sha256
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name
from tests.support.world import NOW, PYPI, World

APPLIER = Applier(name="ci", at=NOW, accepted="")
HEAD = CommitId("d" * 40)


@pytest.mark.parametrize(
    ("kind", "name", "version", "expected"),
    [
        ("pypi", "typing_extensions", "4.16.0", "pkg:pypi/typing-extensions@4.16.0"),
        ("nuget", "Newtonsoft.Json", "13.0.3", "pkg:nuget/Newtonsoft.Json@13.0.3"),
        ("npm", "@scope/name", "1.0.0", "pkg:npm/%40scope/name@1.0.0"),
        ("pypi", "base", "1!2.0+local", "pkg:pypi/base@1%212.0%2Blocal"),
    ],
)
def test_a_package_url_as_its_specification_has_it(kind, name, version, expected):
    assert purl(kind, name, version) == expected


def test_a_time_is_told_in_utc_to_the_second():
    assert time_text(datetime(2026, 11, 22, 10, 0, 0, 999_999, tzinfo=UTC)) == "2026-11-22T10:00:00Z"
    assert time_text(datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-22T10:00:00Z"


def test_a_record_of_rights_has_every_row():
    row = AccessChange(change="grant", user="ada", task="administer", feeds=(), line="policies/permissions.yaml:2")
    assert of_access(PYPI, [row], commit=CommitId("c" * 40), applier=replace(APPLIER, accepted="digest")) == {
        "change": "access",
        "feed": PYPI,
        "commit": "c" * 40,
        "access": [{"change": "grant", "user": "ada", "task": "administer", "feeds": (), "line": "policies/permissions.yaml:2"}],
        "head": "c" * 40,
        "applier": "ci",
        "applied_at": "2026-11-22T10:00:00Z",
        "accepted": "digest",
    }


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    world.place_wheel(wheel_name("base", "1.0"), wheel("base", "1.0"))
    world.place_wheel(sdist_name("base", "1.0"), sdist("base", "1.0"))
    world.approve(PYPI, "base", "1.0", expires=date(2027, 1, 1))
    world.commit()
    world.apply()
    return world


def test_a_password_in_the_address_of_an_upstream_is_not_recorded(world, tmp_path):
    (tmp_path / "other").mkdir()
    fresh = World(tmp_path / "other")
    fresh.shelves = world.shelves
    fresh.approve(PYPI, "base", "1.0")
    fresh.commit()
    (change,) = fresh.plan().plan.changes
    change = replace(change, upstream="https://ada:secret@packages.example/simple/?token=secret")
    record = of_change(change, world.version(PYPI, "base", "1"), head=HEAD, package_type="pypi", applier=APPLIER)
    assert record["head"] == HEAD
    assert record["upstream"] == "https://packages.example/simple/"
    assert "secret" not in str(record)


@pytest.mark.parametrize("about", [0, 1, 2])
def test_a_file_counts_as_matched_by_its_digest_whichever_files_the_change_is_about(world, tmp_path, about):
    """An extension names the new files only; the record tells of all."""
    version = world.version(PYPI, "base", "1")
    (tmp_path / "other").mkdir()
    fresh = World(tmp_path / "other")
    fresh.shelves = world.shelves
    fresh.approve(PYPI, "base", "1.0")
    fresh.commit()
    (change,) = fresh.plan().plan.changes
    record = of_change(replace(change, files=change.files[:about]), version, head=HEAD, package_type="pypi", applier=APPLIER)
    assert [file["matched"] for file in record["files"]] == ["sha256", "sha256"]
    signed = replace(version, files=(replace(version.files[0], sha256=Sha256("0" * 64)), version.files[1]))
    record = of_change(replace(change, files=change.files[:about]), signed, head=HEAD, package_type="pypi", applier=APPLIER)
    assert [file["matched"] for file in record["files"]] == ["content_hash", "sha256"]
