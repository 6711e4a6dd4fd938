"""No room: in the temporary folder and in the store, for each of the things that are written there.

The limit is the kernel's on the size of a file (RLIMIT_FSIZE): a write beyond it fails with EFBIG in the middle, as one on a full disk
does with ENOSPC, after the bytes before it were written. It needs neither root nor a mount.
"""

from __future__ import annotations

import hashlib
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.errors import StoreUnavailable
from reconciler.stores.spool import spooling
from tests.cli.place import Place, make_place
from tests.support.nupkgs import nupkg
from tests.support.wheels import wheel

NOISE = hashlib.shake_256(b"noise").digest(40_000)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process and its children may become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def place(tmp_path) -> Place:
    """A place that offers a large package in each ecosystem, beside the small ones."""
    place = make_place(tmp_path / "place")
    place.offer_wheel("large", "1.0", extra={"noise": NOISE})
    place.offer_nupkg("Large", "1.0.0", extra={"noise": NOISE})
    return place


def approve(place: Place) -> None:
    assert place.run("approve", "approved-pypi", "large", "leaf", "-m", "MIT").code == 0
    assert place.run("approve", "approved-nuget", "Large", "Leaf", "-m", "MIT").code == 0
    place.commit("Approve")


def published(place: Place) -> dict[str, bytes]:
    return {path: data for path, data in place.store_bytes().items() if path.startswith("feeds/")}


def leftovers(place: Place) -> list[str]:
    return [path for path in place.store_bytes() if path.startswith(".tmp/")]


# --- the temporary folder ---------------------------------------------------------------------------------------------------------


def test_approving_says_where_room_is_missing_and_writes_nothing(place, spool):
    with largest_file(20_000):
        done = place.run("approve", "approved-pypi", "large", "-m", "MIT")
    size = len(wheel("large", "1.0", extra={"noise": NOISE}))
    assert done.code == 1
    assert f"large-1.0-py3-none-any.whl ({size} bytes) cannot be written to the temporary folder {spool}, which TMPDIR names" in done.err
    assert "To do: Make room there, or set TMPDIR to a folder that has more." in done.err
    assert not (place.root / "approvals").exists()
    assert list(spool.iterdir()) == []


def test_what_does_not_fit_fails_and_the_rest_goes_on(place, spool):
    approve(place)
    with largest_file(20_000):
        done = place.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (7, "partial")
    assert sorted(change["package"] for change in done.json["applied"]) == ["Leaf", "leaf"]
    assert sorted(failure["package"] for failure in done.json["failed"]) == ["Large", "large"]
    for failure in done.json["failed"]:
        assert (
            f"({failure['files'][0]['size']} bytes) cannot be written to the temporary folder {spool}, which TMPDIR names"
            in failure["error"]
        )
    assert not [path for path in place.store_bytes() if "arge" in path]
    assert leftovers(place) == []
    assert list(spool.iterdir()) == []
    again = place.run("apply", "--format", "json")
    assert (again.code, sorted(change["package"] for change in again.json["applied"])) == (0, ["Large", "large"])
    name = "feeds/approved-nuget/v3/flatcontainer/large/1.0.0/large.1.0.0.nupkg"
    assert published(place)[name] == nupkg("Large", "1.0.0", extra={"noise": NOISE})


def test_a_write_that_fails_when_it_is_flushed_is_told_the_same(tmp_path):
    """A full disk is often noticed as late as that; /dev/full is one."""
    with (
        pytest.raises(StoreUnavailable, match=r"x\.whl \(3 bytes\) cannot be written .*No space left on device"),
        spooling("x.whl", 3),
        Path("/dev/full").open("wb") as full,
    ):
        full.write(b"abc")


def test_no_temporary_folder_at_all_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [os.fspath(tmp_path / "absent")])
    with pytest.raises(StoreUnavailable, match="No usable temporary directory"), spooling("x.whl", None), tempfile.TemporaryFile():
        pass


# --- the store --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [400, 700, 1_000, 1_300, 1_600, 2_000, 2_500, 3_000, 4_000])
def test_a_full_store_stops_the_pass_and_the_next_one_finishes(place, spool, limit):
    """Whichever write is the first that fails: package file, companion, page, note, shard, segment or head."""
    approve(place)
    with largest_file(limit):
        done = place.run("apply")
    assert done.code in (1, 7), done.err
    assert "File too large" in done.out + done.err
    assert "Traceback" not in done.err
    assert leftovers(place) == []
    assert list(spool.iterdir()) == []
    again = place.run("apply")
    assert again.code == 0, again.err
    before = place.store_bytes()
    assert place.run("apply", "--refresh").code == 0
    assert place.store_bytes() == before
    untouched = make_place(place.root.parent / "untouched")
    for name in ("pypi", "nuget"):
        for path in (place.root / "upstream" / name).iterdir():
            (untouched.root / "upstream" / name / path.name).write_bytes(path.read_bytes())
    approve(untouched)
    assert untouched.run("apply").code == 0
    assert published(place).keys() == published(untouched).keys()


def test_a_store_that_fills_up_later_keeps_serving_what_it_has(place, spool):
    approve(place)
    assert place.run("apply").code == 0
    place.offer_wheel("leaf", "1.3")
    assert place.run("approve", "approved-pypi", "leaf", "1.3", "-m", "MIT").code == 0
    place.commit("Approve one more")
    before = published(place)
    with largest_file(1_500):
        done = place.run("apply")
    assert done.code in (1, 7)
    after = published(place)
    assert {path: after[path] for path in before if "/simple/" not in path} == {p: d for p, d in before.items() if "/simple/" not in p}
    assert all(data for data in after.values())
    assert place.run("apply").code == 0
    assert b"leaf-1.3" in published(place)["feeds/approved-pypi/simple/leaf/index.html"]
