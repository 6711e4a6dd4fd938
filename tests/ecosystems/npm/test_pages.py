from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from reconciler.ecosystems.npm import discover, render
from reconciler.model.packages import Document, FeedView, PublishedVersion
from reconciler.model.words import Json, Sha256
from tests.ecosystems.npm.packages import BASE, UPLOADED, package, published, view
from tests.support.golden import check_golden

GOLDEN = Path(__file__).parent / "golden"
ATTESTED = {".attestations": Sha256("ef" * 32)}


def packument(*versions: PublishedVersion, name: str = "foo") -> dict[str, Any]:
    (page,) = render(view(package(name, *versions)))
    read: dict[str, Any] = json.loads(page.body)
    return read


def tagged(text: str, *tags: str, **facts: Any) -> PublishedVersion:
    return published("foo", text, announced={"tags": list(tags)} if tags else {}, **facts)


def test_the_pages_of_a_feed():
    thing = package(
        "@scope/thing",
        published("@scope/thing", "1.0.0", uploaded_at=None, fields={"licenses": [{"type": "MIT"}, {"type": "ISC"}], "license": None}),
        published(
            "@scope/thing",
            "1.1.0",
            deprecated="Use 2.",
            companions=ATTESTED,
            announced={
                "signatures": [{"keyid": "SHA256:k", "sig": "MEUC="}],
                "tags": ["latest", "legacy"],
                "attestations": {"provenance": {"predicateType": "https://slsa.dev/provenance/v1"}},
            },
            fields={
                "engines": {"node": ">=18"}, "os": ["linux"], "cpu": ["x64"], "bin": {"thing": "bin/thing.js"}, "dependencies": {"plain": "^1.0.0"},
                "optionalDependencies": {"fast": "1.x"}, "peerDependencies": {"host": ">=1"}, "peerDependenciesMeta": {"host": {"optional": True}},
                "scripts": {"postinstall": "node x"}, "files": {"npm-shrinkwrap.json": b"{}"}, "description": "naïve \u2028 <script>",
            },
        ),
        published("@scope/thing", "2.0.0-rc.1", uploaded_at=UPLOADED + timedelta(days=400), announced={"tags": ["next"]}),
        published("@scope/thing", "2.0.0", state="unlisted", reason="broken on Windows", deprecated="hidden by the reason"),
        published("@scope/thing", "3.0.0", state="quarantined", reason="malware"),
    )  # fmt: skip
    hidden = package("hidden", published("hidden", "1.0.0", state="quarantined"))
    plain = package("plain", published("plain", "1.0.0"))
    check_golden(GOLDEN, {page.path: page.body for page in render(view(thing, hidden, package("gone"), plain))})


def test_a_page_belongs_to_its_package_and_there_are_no_lists():
    pages = render(view(package("foo", published("foo", "1.0.0")), package("@s/bar", published("@s/bar", "1.0.0"))))
    assert [(page.path, page.content_type, page.package) for page in pages] == [
        ("@s/bar/index.json", "application/json", "@s/bar"),
        ("foo/index.json", "application/json", "foo"),
    ]


def test_a_tarball_lies_where_clients_look_for_it():
    for name, address in (("foo", f"{BASE}/foo/-/foo-1.0.0.tgz"), ("@s/foo", f"{BASE}/@s/foo/-/foo-1.0.0.tgz")):
        assert packument(published(name, "1.0.0"), name=name)["versions"]["1.0.0"]["dist"]["tarball"] == address


def test_times_are_those_of_upstream_or_else_of_this_feed():
    later = datetime(2025, 6, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    times = packument(published("foo", "1.0.0"), published("foo", "1.1.0", uploaded_at=later), published("foo", "1.2.0", uploaded_at=None))[
        "time"
    ]
    assert times == {
        "created": "2024-01-02T03:04:05.678Z",
        "modified": "2026-11-22T00:00:00.000Z",
        "1.0.0": "2024-01-02T03:04:05.678Z",
        "1.1.0": "2025-06-01T00:00:00.000Z",
        "1.2.0": "2026-11-22T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("versions", "tags"),
    [
        ([tagged("1.0.0"), tagged("1.1.0")], {"latest": "1.1.0"}),
        # An older version that came later than `latest` had no tag when it was promoted.
        ([tagged("1.0.0"), tagged("1.1.0", "latest"), tagged("1.2.0")], {"latest": "1.2.0"}),
        ([tagged("1.0.0", "latest"), tagged("2.0.0", "next")], {"latest": "1.0.0", "next": "2.0.0"}),
        ([tagged("1.0.0", "latest"), tagged("2.0.0", "latest", "two"), tagged("3.0.0", "two")], {"latest": "2.0.0", "two": "3.0.0"}),
        ([tagged("1.0.0", "legacy"), tagged("2.0.0", "next")], {"latest": "2.0.0", "legacy": "1.0.0", "next": "2.0.0"}),
        ([tagged("1.0.0"), tagged("2.0.0-rc.1", "latest")], {"latest": "1.0.0"}),
        ([tagged("1.0.0-alpha"), tagged("1.0.0-beta", "next")], {"latest": "1.0.0-beta", "next": "1.0.0-beta"}),
        # What is not listed has no tag, if anything else is there.
        ([tagged("1.0.0"), tagged("1.1.0", "latest", "next", state="unlisted")], {"latest": "1.0.0"}),
        ([tagged("1.0.0-rc.1"), tagged("1.0.0", state="unlisted")], {"latest": "1.0.0-rc.1"}),
        ([tagged("1.0.0", "next", state="unlisted"), tagged("1.1.0", state="unlisted")], {"latest": "1.1.0"}),
        ([tagged("1.0.0"), tagged("1.1.0", "latest", "next", state="quarantined")], {"latest": "1.0.0"}),
    ],
)
def test_dist_tags_name_approved_versions_only(versions, tags):
    assert packument(*versions)["dist-tags"] == tags


def test_announcements_of_another_shape_are_passed_over():
    odd = published("foo", "1.0.0", announced={"tags": "latest", "attestations": 1, "signatures": []}, companions=ATTESTED)
    read = packument(odd)
    assert read["dist-tags"] == {"latest": "1.0.0"}
    assert read["versions"]["1.0.0"]["dist"]["attestations"] == {"url": f"{BASE}/foo/-/foo-1.0.0.tgz.attestations"}
    assert "signatures" not in read["versions"]["1.0.0"]["dist"]


def test_attestations_are_named_only_where_they_lie_beside_the_package():
    announced = {"attestations": {"provenance": {"predicateType": "x"}}}
    assert "attestations" not in packument(published("foo", "1.0.0", announced=announced))["versions"]["1.0.0"]["dist"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, None),
        ({"deprecated": "old"}, "old"),
        ({"deprecated": ""}, "This version is deprecated."),
        ({"state": "unlisted", "reason": "CVE"}, "CVE"),
        ({"state": "unlisted", "reason": "CVE", "deprecated": "old"}, "CVE"),
        ({"state": "unlisted"}, "This version was withdrawn from this feed."),
    ],
)
def test_a_mark_is_a_text_that_clients_show(facts, said):
    assert packument(published("foo", "1.0.0", **facts), published("foo", "1.1.0"))["versions"]["1.0.0"].get("deprecated") == said


def test_a_quarantined_version_is_nowhere_on_the_page():
    (page,) = render(view(package("foo", published("foo", "1.0.0"), published("foo", "6.6.6", state="quarantined", reason="malware"))))
    assert b"6.6.6" not in page.body
    assert b"malware" not in page.body


def test_what_a_manifest_says_of_itself_does_not_replace_what_the_feed_says():
    lying = {
        "dist": {"tarball": "https://evil.example/x.tgz"},
        "_id": "evil",
        "deprecated": "no",
        "_hasShrinkwrap": True,
        "hasInstallScript": True,
    }
    stated = packument(published("foo", "1.0.0", fields=lying))["versions"]["1.0.0"]
    assert stated["dist"]["tarball"] == f"{BASE}/foo/-/foo-1.0.0.tgz"
    assert stated["_id"] == "foo@1.0.0"
    assert not {"deprecated", "_hasShrinkwrap", "hasInstallScript"} & stated.keys()


def test_only_changed_packages_are_rendered():
    foo, bar = package("foo", published("foo", "1.0.0")), package("bar", published("bar", "1.0.0"))
    assert [page.package for page in render(FeedView(base_url=BASE, changed=(foo,), packages=(bar, foo)))] == ["foo"]


def test_a_page_is_discovered_as_it_was_meant():
    announced: dict[str, Json] = {
        "signatures": [{"keyid": "k", "sig": "s"}],
        "tags": ["latest", "legacy"],
        "attestations": {"provenance": {"predicateType": "https://slsa.dev/provenance/v1"}},
    }
    one = published("@s/foo", "1.0.0", deprecated="old", announced=announced, companions=ATTESTED)
    (page,) = render(view(package("@s/foo", one)))

    def get(url: str, /, *, accept: str = "*/*") -> Document:
        return Document(url=url, content_type=page.content_type, body=page.body)

    (release,) = discover(get, f"{BASE}/", "@s/foo").releases
    (file,) = release.files
    assert (release.deprecated, file.uploaded_at, file.integrity) == ("old", UPLOADED, one.files[0].metadata["integrity"])
    assert file.announced == announced
    assert file.companions == {".attestations": f"{BASE}/@s/foo/-/foo-1.0.0.tgz.attestations"}
