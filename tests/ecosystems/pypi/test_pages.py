from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypi_simple import ProjectPage

from reconciler.ecosystems.pypi.index import discover
from reconciler.ecosystems.pypi.pages import render
from reconciler.model.packages import PublishedPackage
from reconciler.model.words import Sha256
from tests.ecosystems.pypi.samples import (
    BASE_URL,
    HTML,
    JSON,
    published,
    published_file,
    published_version,
    upstream_of,
    view,
    wheel_facts,
)
from tests.support.golden import check_golden
from tests.support.wheels import sdist_name, wheel_name

GOLDEN = Path(__file__).parent / "golden"
METADATA_DIGEST = Sha256("cd" * 32)
COMPANIONS = {".metadata": METADATA_DIGEST, ".provenance": Sha256("ef" * 32)}


def bodies(*packages, base_url=BASE_URL):
    return {page.path: page.body.decode() for page in render(view(*packages, base_url=base_url))}


def entry(*packages, base_url=BASE_URL):
    """The only file of the only package: its HTML line, its JSON entry."""
    pages = bodies(*packages, base_url=base_url)
    (line,) = [line for line in pages["simple/sample/index.html"].splitlines() if line.startswith("<a ")]
    (file,) = json.loads(pages["simple/sample/index.json"])["files"]
    return line, file


def sample(**changes):
    name = changes.pop("name", "sample-1.0-py3-none-any.whl")
    facts = {"metadata": wheel_facts(), "companions": COMPANIONS} | changes
    return published("sample", published_version("1.0", published_file(name, **facts)))


def test_the_year_of_an_upload_has_four_digits():
    """A client that cannot read one time refuses the page."""
    assert entry(sample(uploaded_at=datetime(1, 1, 1, tzinfo=UTC)))[1]["upload-time"] == "0001-01-01T00:00:00.000000Z"


def a_feed():
    """One of everything: local versions, all three states, marks of the upstream's, names with dots, text to escape."""
    thing = published(
        "Sample.Thing",
        published_version(
            "1.0.0",
            published_file(
                sdist_name("Sample.Thing", "1.0.0"), uploaded_at=None, metadata={"requires_python": None, "core_metadata": False}
            ),
            published_file(wheel_name("Sample.Thing", "1.0.0"), companions=COMPANIONS, metadata=wheel_facts(">=3.8,<4")),
        ),
        published_version("1.1+local.1", published_file(wheel_name("Sample.Thing", "1.1+local.1"), yanked="", metadata=wheel_facts())),
        published_version(
            "2.0rc1",
            published_file(sdist_name("Sample.Thing", "2.0rc1"), yanked="upstream's reason"),
            state="unlisted",
            reason='withdrawn: <script>alert("x")</script> & \u2028naïve',
        ),
        published_version("3.0", published_file(sdist_name("Sample.Thing", "3.0")), state="quarantined", reason="malware"),
    )
    old = published("old", published_version("1", published_file("old-1.zip"), deprecated="use Sample.Thing"))
    hidden = published("hidden", published_version("1", published_file("hidden-1.zip"), state="quarantined"))
    gone = published("gone")
    return tuple(sorted((thing, old, hidden, gone), key=lambda package: package.key))


def test_the_pages_of_a_feed():
    check_golden(GOLDEN, {page.path: page.body for page in render(view(*a_feed()))})


def test_each_page_has_its_type_and_owner():
    said = [(page.path, page.content_type, page.package) for page in render(view(sample()))]
    assert said == [
        ("simple/sample/index.html", HTML, "sample"),
        ("simple/sample/index.json", JSON, "sample"),
        ("simple/index.html", HTML, None),
        ("simple/index.json", JSON, None),
    ]


def test_only_changed_packages_are_rendered_and_all_are_listed():
    pages = render(view(*a_feed()))
    listed = json.loads(pages[-1].body)["projects"]
    assert listed == [{"name": "old"}, {"name": "sample-thing"}]
    assert {page.package for page in pages} == {"old", "sample-thing", None}


def test_an_empty_feed_has_empty_lists():
    pages = bodies()
    assert sorted(pages) == ["simple/index.html", "simple/index.json"]
    assert json.loads(pages["simple/index.json"]) == {"meta": {"api-version": "1.4"}, "projects": []}


@pytest.mark.parametrize(
    ("base_url", "announced"),
    [
        ("https://feeds.example/f", True),
        ("http://127.0.0.1:8080/f", True),
        ("http://localhost/f", True),
        ("http://[::1]:1/f", True),
        ("http://feeds.example/f", False),
        ("http://127.0.0.1.example/f", False),
    ],
)
def test_provenance_is_announced_from_secure_origins_only(base_url, announced):
    line, file = entry(sample(), base_url=base_url)
    address = f"{base_url}/files/sample/1/sample-1.0-py3-none-any.whl.provenance"
    assert (f'data-provenance="{address}"' in line) is announced
    assert file.get("provenance") == (address if announced else None)


def test_metadata_is_announced_in_both_spellings():
    line, file = entry(sample())
    assert f'data-core-metadata="sha256={METADATA_DIGEST}" data-dist-info-metadata="sha256={METADATA_DIGEST}"' in line
    assert file["core-metadata"] == {"sha256": METADATA_DIGEST}


@pytest.mark.parametrize("facts", [{"companions": {}}, {"metadata": {"core_metadata": False}}, {"metadata": {}}])
def test_metadata_that_is_not_there_is_not_announced(facts):
    line, file = entry(sample(**facts))
    assert "metadata" not in line
    assert file["core-metadata"] is False


def test_what_is_not_known_is_left_out():
    line, file = entry(sample(uploaded_at=None, companions={}, metadata={}))
    assert sorted(file) == ["core-metadata", "filename", "hashes", "size", "url", "yanked"]
    assert line.count("=") == 2


def test_upload_times_are_utc():
    _, file = entry(sample(uploaded_at=datetime(2025, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))))
    assert file["upload-time"] == "2024-12-31T23:00:00.000000Z"


@pytest.mark.parametrize(
    ("state", "reason", "upstream", "expected"),
    [
        ("listed", "", None, False),
        ("listed", "ignored", None, False),
        ("listed", "", "theirs", "theirs"),
        ("listed", "", "", True),
        ("unlisted", "ours", None, "ours"),
        ("unlisted", "ours", "theirs", "ours"),
        ("unlisted", "", "theirs", "theirs"),
        ("unlisted", "", None, True),
    ],
)
def test_unlisted_means_yanked_with_the_reason(state, reason, upstream, expected):
    file = published_file("sample-1.0.zip", yanked=upstream)
    line, stated = entry(published("sample", published_version("1.0", file, state=state, reason=reason)))
    assert stated["yanked"] == expected
    assert ("data-yanked" in line) is (expected is not False)


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ((None,), None),
        (("gone", None), None),
        (("gone",), {"status": "deprecated", "reason": "gone"}),
        (("old", ""), {"status": "deprecated"}),
    ],
)
def test_a_project_is_deprecated_where_all_its_versions_are(messages, status):
    versions = [
        published_version(f"{number}.0", published_file(f"sample-{number}.0.zip"), deprecated=message)
        for number, message in enumerate(messages)
    ]
    pages = bodies(published("sample", *versions))
    assert json.loads(pages["simple/sample/index.json"]).get("project-status") == status
    assert ("pypi:project-status" in pages["simple/sample/index.html"]) is (status is not None)


@pytest.mark.parametrize("content_type", [HTML, JSON])
def test_links_lead_to_the_files_of_the_layout(content_type):
    feed = published("Sample.Thing", published_version("1.1+local.1", published_file("Sample_Thing-1.1+local.1.tar.gz")))
    listing = discover(upstream_of(render(view(feed)), content_type), f"{BASE_URL}/simple/", "sample-thing")
    (file,) = listing.releases[0].files
    assert file.url == f"{BASE_URL}/files/sample-thing/1.1%2Blocal.1/Sample_Thing-1.1%2Blocal.1.tar.gz"


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12).map(str.strip)
TIMES = st.none() | st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the zone is given beside
FILES = st.fixed_dictionaries(
    {
        "sha256": st.binary(min_size=32, max_size=32).map(lambda data: Sha256(data.hex())),
        "size": st.integers(min_value=0, max_value=2**40),
        "uploaded_at": TIMES,
        "yanked": st.none() | TEXT,
        "metadata": st.builds(wheel_facts, st.sampled_from([None, ">=3.8", ">=3.8, <4", "<\"&'>"])),
        "companions": st.sampled_from([{}, COMPANIONS]),
    }
)
VERSIONS = st.dictionaries(
    st.sampled_from(["0.9", "1.0", "1.0.post1", "1.1rc1", "1.10", "2!1.0", "1.0+local"]),
    st.dictionaries(st.sampled_from(["py3-none-any", "cp311-cp311-win32"]), FILES, min_size=1),
    min_size=1,
)


def package_of(versions) -> PublishedPackage:
    return published(
        "sample",
        *(
            published_version(text, *(published_file(wheel_name("sample", text, tag), **facts) for tag, facts in files.items()))
            for text, files in versions.items()
        ),
    )


@given(VERSIONS)
def test_discovering_what_is_rendered_finds_what_was_rendered(versions):
    package = package_of(versions)
    pages = render(view(package))
    for content_type in (HTML, JSON):
        listing = discover(upstream_of(pages, content_type), f"{BASE_URL}/simple/", "sample")
        found = [(release.version, {file.name: file for file in release.files}) for release in listing.releases]
        assert [version for version, _ in found] == sorted(version.version for version in package.versions)
        names = {file.name for version in package.versions for file in version.files}
        assert {name for _, files in found for name in files} == names
        for file in (file for version in package.versions for file in version.files):
            (seen,) = [files[file.name] for _, files in found if file.name in files]
            assert (seen.sha256, seen.yanked, sorted(seen.companions)) == (
                file.sha256,
                file.yanked,
                sorted({".provenance"} & set(file.companions)),
            )
            if content_type == JSON:
                assert (seen.size, seen.uploaded_at) == (file.size, file.uploaded_at)


@given(VERSIONS)
def test_another_reader_finds_the_same(versions):
    package = package_of(versions)
    html, stated = (page.body for page in render(view(package))[:2])
    expected = {
        file.name: (file.sha256, file.metadata["requires_python"], file.yanked, ".metadata" in file.companions)
        for version in package.versions
        for file in version.files
    }
    for page in (ProjectPage.from_html("sample", html), ProjectPage.from_json_data(json.loads(stated))):
        assert page.repository_version == "1.4"
        found = {
            file.filename: (
                file.digests["sha256"],
                file.requires_python,
                (file.yanked_reason or "") if file.is_yanked else None,
                bool(file.has_metadata),
            )
            for file in page.packages
        }
        assert found == expected


@given(VERSIONS, st.randoms(use_true_random=False))
def test_pages_do_not_depend_on_the_order_of_what_they_show(versions, chance):
    shuffled = list(versions.items())
    chance.shuffle(shuffled)
    assert render(view(package_of(dict(shuffled)))) == render(view(package_of(versions)))
