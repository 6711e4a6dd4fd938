"""A version whose bytes change upstream after it was approved, through whole passes: never published; the rest goes on.

NuGet packages that were only signed again are the reviewed ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from tests.act.offers import NUPKG, WHEEL
from tests.cli.place import Place, make_place
from tests.support.nupkgs import nupkg
from tests.support.static_server import StaticServer
from tests.support.wheels import wheel, wheel_name
from tests.support.world import NUGET, PYPI, World, objects

SIGNED: Final = nupkg("Core", "1.0.0", signature=b"first")
PLAIN: Final = wheel("base", "1.0")


def same_size(data: bytes) -> bytes:
    """Other bytes of the same length: another timestamp in the first header and in the directory, an archive as sound as before."""
    old = data[10:14]
    return data.replace(old, bytes([old[0] ^ 1]) + old[1:])


@dataclass(frozen=True, kw_only=True)
class Case:
    """A package of a feed, and what upstream sends in its place."""

    feed: str
    file: str
    package: str
    sent: bytes
    said: str


CASES: Final = {
    "wheel, same size": Case(feed=PYPI, file=WHEEL, package="base", sent=same_size(PLAIN), said="are not the approved ones"),
    "wheel, larger": Case(feed=PYPI, file=WHEEL, package="base", sent=wheel("base", "1.0", extra={"evil.py": b"x"}), said="larger than"),
    "wheel, smaller": Case(feed=PYPI, file=WHEEL, package="base", sent=wheel("base", "1.0", license_expression=None), said="are not the approved"),
    "nupkg, same size": Case(feed=NUGET, file=NUPKG, package="Core", sent=same_size(SIGNED), said="neither sha256"),
    "nupkg, larger": Case(feed=NUGET, file=NUPKG, package="Core", sent=nupkg("Core", "1.0.0", signature=b"first", extra={"evil": b"x"}), said="neither sha256"),
    "nupkg, smaller": Case(feed=NUGET, file=NUPKG, package="Core", sent=nupkg("Core", "1.0.0", signature=b"first", license_expression=None), said="neither sha256"),
    "nupkg, unsigned and changed": Case(feed=NUGET, file=NUPKG, package="Core", sent=nupkg("Core", "1.0.0", metadata="<title>x</title>"), said="neither sha256"),
}  # fmt: skip


@pytest.fixture
def world(tmp_path) -> World:
    """`base` for Python and `Core` for NuGet, and `other` in both, all approved."""
    world = World(tmp_path)
    world.place_wheel(WHEEL, PLAIN)
    world.place_nupkg("Core", "1.0.0", SIGNED)
    world.place_wheel(wheel_name("other", "1.0"), wheel("other", "1.0"))
    world.place_nupkg("other", "1.0.0", nupkg("other", "1.0.0"))
    for feed, package in ((PYPI, "base"), (PYPI, "other"), (NUGET, "Core"), (NUGET, "other")):
        world.approve(feed, package, "1.0.0" if feed == NUGET else "1.0")
    world.commit()
    return world


def place_again(world: World, case: Case) -> None:
    """Upstream tells the truth about the new bytes, and its index has their digest and size."""
    world.shelves[case.feed.removeprefix("approved-")].place(case.file, case.sent)


def serve_instead(world: World, case: Case) -> None:
    """Upstream still announces the digest that was approved."""
    world.shelves[case.feed.removeprefix("approved-")].served[case.file] = case.sent


def place_silently(world: World, case: Case) -> None:
    """Upstream announces nothing at all."""
    world.shelves[case.feed.removeprefix("approved-")].place(case.file, case.sent, digest=False)


@pytest.mark.parametrize("change", [serve_instead, place_silently])
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_changed_bytes_never_enter_and_the_rest_does(world: World, case: Case, change: Callable[[World, Case], None]):
    change(world, case)
    applied = world.apply()
    (failure,) = applied.failed
    assert (failure.change.declared.package, failure.integrity, applied.outcome) == (case.package, True, "integrity")
    assert case.said in failure.error
    assert len(applied.applied) == 3
    stored = objects(world.store)
    assert not [key for key in stored if key.endswith(case.file)]
    assert case.sent not in stored.values()
    assert {entry for feed in (PYPI, NUGET) for entry in world.state(feed).entries} == {"base", "core", "other"} - {case.package.lower()}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_an_upstream_that_announces_changed_bytes_is_held_or_fails(world: World, case: Case):
    place_again(world, case)
    applied = world.apply()
    assert len(applied.applied) == 3
    assert len(applied.failed) + len(applied.plan.holds) == 1
    assert not [key for key in objects(world.store) if key.endswith(case.file)]


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_what_is_published_stays_when_upstream_changes(world: World, case: Case):
    assert world.apply().outcome == "done"
    before = objects(world.store)
    serve_instead(world, case)
    assert world.apply().outcome == "done"
    changed = {key for key, data in objects(world.store).items() if before.get(key) != data}
    assert not [key for key in changed if key.startswith("feeds/")]


# --- through the command line -----------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path) -> Place:
    place = make_place(tmp_path / "place")
    place.offer_nupkg("Core", "1.0.0", signature=b"first")
    for feed, packages in (("approved-pypi", ("leaf", "sample")), ("approved-nuget", ("Core", "Leaf"))):
        assert place.run("approve", feed, *packages, "-m", "MIT").code == 0
    place.commit("Approve")
    return place


def records(place: Place, feed: str) -> list[dict[str, Any]]:
    ledger = place.root / f".feeds/state/feeds/{feed}/ledger"
    return [json.loads(line) for path in sorted(ledger.rglob("*")) if path.is_file() for line in path.read_text().splitlines()]


def test_an_index_that_announces_a_replaced_wheel_holds_it(place: Place):
    """A folder has no announcements but its bytes: nothing is fetched, and nothing is damaged yet."""
    place.offer_wheel("sample", "1.0", requires=["leaf>=2"])
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (5, "held")
    (hold,) = done.json["holds"]
    assert "now announces other content than was approved" in hold["reason"]
    assert sorted(change["package"] for change in done.json["applied"]) == ["Core", "Leaf", "leaf"]
    place.offer_wheel("sample", "1.0", requires=["leaf>=1"])
    assert place.run("apply").code == 0
    assert [path for path in place.store_bytes() if path.endswith(wheel_name("sample", "1.0"))]


def test_apply_refuses_a_package_with_other_content_under_a_new_signature_and_exits_with_9(place: Place):
    place.offer_nupkg("Core", "1.0.0", signature=b"second", extra={"lib/evil.dll": b"x"})
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (9, "integrity")
    assert "neither sha256" in done.json["failed"][0]["error"]
    assert sorted(change["package"] for change in done.json["applied"]) == ["Leaf", "leaf", "sample"]
    assert not [path for path in place.store_bytes() if "flatcontainer/core" in path]


def test_apply_refuses_what_a_registry_serves_under_the_approved_digest_and_exits_with_9(place: Place, tmp_path: Path):
    """The registry is a feed of ours on a static server; somebody changes package files in it, and leaves its pages as they are."""
    feeds = place.root / ".feeds/feeds"
    with StaticServer(feeds) as server:
        assert place.run("apply", "--public-url", server.url).code == 0
        second = make_place(tmp_path / "second")
        upstreams = {"nuget": f"{server.url}/approved-nuget/v3/index.json", "pypi": f"{server.url}/approved-pypi/simple/"}
        text = (second.root / "feeds.yaml").read_text()
        for name, url in upstreams.items():
            text = text.replace(f"./upstream/{name}", url)
        second.write("feeds.yaml", text)
        assert second.run("approve", "approved-pypi", "leaf", "sample", "-m", "MIT").code == 0
        assert second.run("approve", "approved-nuget", "Core", "Leaf", "-m", "MIT").code == 0
        second.commit("Approve")
        wheel_path = feeds / "approved-pypi/files/sample/1" / wheel_name("sample", "1.0")
        nupkg_path = feeds / "approved-nuget/v3/flatcontainer/core/1.0.0/core.1.0.0.nupkg"
        for path in (wheel_path, nupkg_path):
            path.write_bytes(same_size(path.read_bytes()))
        done = second.run("apply", "--format", "json")
    assert (done.code, done.json["outcome"]) == (9, "integrity")
    assert sorted(failure["package"] for failure in done.json["failed"]) == ["Core", "sample"]
    assert sorted(change["package"] for change in done.json["applied"]) == ["Leaf", "leaf"]
    assert not [path for path in second.store_bytes() if path.startswith("feeds/") and ("sample" in path or "core" in path)]


def test_apply_accepts_a_package_that_was_signed_again_and_records_how(place: Place):
    approved = (place.root / "upstream/nuget/Core.1.0.0.nupkg").read_bytes()
    place.offer_nupkg("Core", "1.0.0", signature=b"second, of other length")
    signed = (place.root / "upstream/nuget/Core.1.0.0.nupkg").read_bytes()
    assert signed != approved
    assert place.run("apply").code == 0
    (record,) = (row for row in records(place, "approved-nuget") if row.get("package") == "Core")
    (file,) = record["files"]
    assert (file["matched"], file["sha256"], file["size"]) == ("content_hash", sha256(signed).hexdigest(), len(signed))
    assert (place.root / ".feeds/feeds/approved-nuget/v3/flatcontainer/core/1.0.0/core.1.0.0.nupkg").read_bytes() == signed
    before = place.store_bytes()
    assert place.run("apply", "--refresh").code == 0
    assert place.store_bytes() == before
