"""`sbom`: the document of a real store, through the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.cli.place import GRACE, Place

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
FEED = "approved-pypi"


@pytest.fixture
def applied(place: Place) -> Place:
    """Two packages, one of which needs the other, approved by one person and landed by another."""
    place.git("switch", "-q", "-c", "proposal")
    for package in ("leaf", "sample"):
        assert place.run("approve", FEED, package, "-m", "MIT").code == 0
    place.commit("Approve", by=GRACE)
    place.git("switch", "-q", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "proposal")
    assert place.run("apply", "--quiet").code == 0
    return place


def told(place: Place, *arguments: str) -> Any:
    done = place.run("sbom", FEED, *arguments)
    assert done.code == 0
    assert VALIDATOR.validate_str(done.out) is None
    return json.loads(done.out)


def test_a_feed_is_told_with_files_people_and_what_needs_what(applied):
    found = told(applied)
    leaf, sample = found["components"]
    assert (leaf["purl"], sample["purl"]) == ("pkg:pypi/leaf@1.2", "pkg:pypi/sample@1.0")
    files = {path.rpartition("/")[2] for path in applied.store_bytes() if path.endswith((".whl", ".tar.gz"))}
    addresses = [each["url"] for component in found["components"] for each in component["externalReferences"]]
    assert {address.rpartition("/")[2] for address in addresses} == files
    for address in addresses:
        path = address.removeprefix("http://127.0.0.1:8080/")
        assert f"feeds/{path}" in applied.store_bytes()
    said = {each["name"]: each["value"] for each in leaf["properties"]}
    assert said["reconciler:author"] == "Grace Hopper (claimed)"
    assert said["reconciler:approved-by"] == "Ada Lovelace (claimed)"
    assert said["reconciler:commit"] == applied.git("rev-parse", "HEAD") == found["metadata"]["component"]["version"]
    needs = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    assert needs == {
        f"feed:{FEED}": ["pkg:pypi/leaf@1.2", "pkg:pypi/sample@1.0"],
        "pkg:pypi/leaf@1.2": [],
        "pkg:pypi/sample@1.0": ["pkg:pypi/leaf@1.2"],
    }


def test_without_a_snapshot_it_says_on_standard_error_that_nothing_is_known_of_vulnerabilities(applied):
    done = applied.run("sbom", FEED)
    assert "vulnerabilities" not in json.loads(done.out)
    assert "reconciler advisories update" in done.err


def test_what_the_snapshot_knows_of_its_versions_is_told(applied):
    flaw = {"schema_version": "1.4.0", "id": "GHSA-5crp-9r3c-p9vr", "modified": "2024-01-03T20:06:36Z", "aliases": ["CVE-2024-21907"]}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.3"}]}]
    about = {name: [{"package": {"ecosystem": name, "name": "Leaf"}, "ranges": ranges}] for name in ("PyPI", "NuGet")}
    for ecosystem, affected in about.items():
        applied.write(f"osv/{ecosystem}/flaw.json", json.dumps({**flaw, "affected": affected}))
    feeds = (applied.root / "feeds.yaml").read_text()
    applied.write("feeds.yaml", f"{feeds}advisories: {{source: ./osv}}\n")
    applied.commit("Advisories of our own")
    assert applied.run("advisories", "update").code == 0
    found = told(applied)
    (told_flaw,) = found["vulnerabilities"]
    assert (told_flaw["id"], told_flaw["ratings"]) == ("GHSA-5crp-9r3c-p9vr", [{"severity": "unknown"}])
    assert told_flaw["affects"] == [{"ref": "pkg:pypi/leaf@1.2"}]
    assert told_flaw["recommendation"] == "Use 1.3 or later."
    digest = applied.run("advisories", "status", "--format", "json").json["digest"]
    assert {"name": "reconciler:advisories", "value": digest} in found["metadata"]["properties"]


def test_what_is_needed_only_for_an_extra_is_no_dependency(place):
    place.offer_wheel("sample", "1.1", requires=['leaf>=1; extra == "all"'])
    for package in ("leaf", "sample@1.1"):
        assert place.run("approve", FEED, package, "-m", "MIT", "--commit").code == 0
    assert place.run("apply", "--quiet").code == 0
    needs = {each["ref"]: each.get("dependsOn", []) for each in told(place)["dependencies"]}
    assert needs["pkg:pypi/sample@1.1"] == []


def test_it_asks_nobody_and_writes_nothing_into_the_store(applied):
    for path in (applied.root / "upstream").rglob("*.*"):
        path.unlink()
    before = applied.store_bytes()
    told(applied)
    assert applied.store_bytes() == before


def test_the_same_state_gives_the_same_bytes_in_a_file(applied):
    target = applied.root / "feed.cdx.json"
    texts = []
    for _ in range(2):
        done = applied.run("sbom", FEED, "-o", str(target))
        assert (done.code, done.out) == (0, "")
        document = json.loads(target.read_text())
        del document["metadata"]["timestamp"]
        texts.append(json.dumps(document))
    assert texts[0] == texts[1]
    assert [path.name for path in applied.root.glob("*cdx*")] == ["feed.cdx.json"]


def test_a_damaged_store_leaves_the_file_as_it_was(applied):
    target = applied.root / "feed.cdx.json"
    target.write_text("as it was")
    shard = next(path for path in sorted((applied.root / ".feeds/state/feeds" / FEED / "catalog").rglob("*")) if path.is_file())
    shard.write_bytes(shard.read_bytes() + b" ")
    assert applied.run("sbom", FEED, "-o", str(target)).code == 9
    assert target.read_text() == "as it was"


def test_a_file_that_cannot_be_written_is_named(applied):
    done = applied.run("sbom", FEED, "-o", str(applied.root / "no such folder" / "feed.json"))
    assert done.code == 1
    assert "no such folder" in done.err


def test_what_was_taken_back_is_told_on_demand(applied):
    assert applied.run("withdraw", FEED, "leaf", "1.2", "--quarantine", "-m", "It phones home.", "--commit").code == 0
    assert applied.run("apply", "--quiet").code == 0
    assert [component["name"] for component in told(applied)["components"]] == ["sample"]
    leaf, _ = told(applied, "--state", "all")["components"]
    assert {"name": "reconciler:reason", "value": "It phones home."} in leaf["properties"]


def test_a_feed_that_was_never_applied_holds_nothing(place):
    assert told(place)["components"] == []


@pytest.mark.parametrize(("feed", "why"), [("public-pypi", "no approved feed"), ("none", "there is no feed")])
def test_only_what_is_approved_has_a_document(place, feed, why):
    done = place.run("sbom", feed)
    assert (done.code, done.out) == (64, "")
    assert why in done.err


def test_help_shows_an_example(place):
    assert "reconciler sbom approved-nuget -o" in place.run("sbom", "--help").out
