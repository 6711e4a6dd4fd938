"""The pages of a feed: whole ones against golden files, then what each state of a version means for them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.nuget import discover, inspect, layout, render
from reconciler.ecosystems.nuget.pages import LEAVES_PER_PAGE
from reconciler.model.packages import FeedView, ListedState, PublishedPackage
from tests.ecosystems.nuget.feeds import BASE, Answers, bodies, package, published, view
from tests.support.golden import check_golden
from tests.support.nupkgs import nupkg

GOLDEN = Path(__file__).parent / "golden"
ROOT_PAGES = ["v3/autocomplete.json", "v3/query.json", "v3/index.json"]


def example() -> FeedView:
    """Foo with a dependency, in every state; Bar, which is prerelease only."""
    archive = nupkg(
        "Foo",
        "1.0",
        dependencies={"net48": {"Bar": "1.0"}, "net8.0": {}},
        metadata='<title>Größe</title><tags>a b</tags><projectUrl>https://foo.example/</projectUrl><packageTypes><packageType name="DotnetTool"/></packageTypes>',
    )
    facts = inspect("Foo.1.0.nupkg", io.BytesIO(archive)).metadata
    return view(
        package("Bar", published("Bar", "1.0.0-Beta.1+git", uploaded_at=None)),
        package(
            "Foo",
            published("Foo", "1.0", metadata=facts),
            published("Foo", "1.1", metadata=facts, deprecated="Legacy: Use 1.0."),
            published("Foo", "1.2", state="quarantined"),
            published("Foo", "1.3", state="unlisted"),
            published("Foo", "2.0-rc", yanked="broken"),
        ),
    )


def listing(pages: dict[str, bytes], name: str) -> Any:
    """What `discover` finds in the pages."""
    return discover(Answers(known={f"{BASE}/{path}": body for path, body in pages.items()}), f"{BASE}/v3/index.json", name)


def test_the_pages_are_the_golden_ones() -> None:
    check_golden(GOLDEN, bodies(example()))


def test_pages_are_written_before_what_names_them() -> None:
    assert [page.path for page in render(example())] == [
        "v3/registration/bar/1.0.0-beta.1.json",
        "v3/flatcontainer/bar/index.json",
        "v3/registration/bar/index.json",
        "v3/registration/foo/1.0.0.json",
        "v3/registration/foo/1.1.0.json",
        "v3/registration/foo/1.3.0.json",
        "v3/registration/foo/2.0.0-rc.json",
        "v3/flatcontainer/foo/index.json",
        "v3/registration/foo/index.json",
        *ROOT_PAGES,
    ]
    assert [page.package for page in render(example())] == ["bar"] * 3 + ["foo"] * 6 + [None] * 3
    assert {page.content_type for page in render(example())} == {"application/json"}


def test_the_order_of_packages_is_irrelevant() -> None:
    here = example()
    assert render(FeedView(base_url=here.base_url, changed=here.changed[::-1], packages=here.packages[::-1])) == render(here)


def test_only_changed_packages_get_pages_and_all_are_found() -> None:
    here = example()
    pages = bodies(FeedView(base_url=BASE, changed=here.changed[:1], packages=here.packages))
    assert [path for path in pages if "/foo/" in path] == []
    assert json.loads(pages["v3/autocomplete.json"]) == {"data": ["Bar", "Foo"], "totalHits": 2}


def test_without_packages_there_are_only_the_lists() -> None:
    assert list(bodies(view())) == ROOT_PAGES


@pytest.mark.parametrize("versions", [(), (published("Foo", "1.0", state="quarantined"),)])
def test_a_package_without_visible_versions_has_no_pages(versions: Any) -> None:
    pages = bodies(view(package("Foo", *versions)))
    assert list(pages) == ROOT_PAGES
    assert json.loads(pages["v3/query.json"]) == {"data": [], "totalHits": 0}


@pytest.mark.parametrize(
    ("state", "yanked", "listed"), [("listed", None, True), ("listed", "", False), ("unlisted", None, False), ("unlisted", "x", False)]
)
def test_unlisted_is_said_and_not_found_by_search(state: ListedState, yanked: str | None, listed: bool) -> None:  # noqa: FBT001 - the expected answer of a table row
    pages = bodies(view(package("Foo", published("Foo", "1.0", state=state, yanked=yanked))))
    assert json.loads(pages["v3/registration/foo/1.0.0.json"])["listed"] is listed
    assert json.loads(pages["v3/registration/foo/index.json"])["items"][0]["items"][0]["catalogEntry"]["listed"] is listed
    assert json.loads(pages["v3/flatcontainer/foo/index.json"]) == {"versions": ["1.0.0"]}
    assert json.loads(pages["v3/query.json"])["totalHits"] == int(listed)
    assert json.loads(pages["v3/autocomplete.json"])["totalHits"] == int(listed)


def test_search_shows_the_latest_stable_version_and_lists_the_others() -> None:
    versions = [published("Foo", text) for text in ("1.0", "1.1", "2.0-rc")] + [published("Foo", "3.0", state="unlisted")]
    (hit,) = json.loads(bodies(view(package("Foo", *versions)))["v3/query.json"])["data"]
    assert hit["version"] == "1.1.0"
    assert [version["version"] for version in hit["versions"]] == ["1.0.0", "1.1.0", "2.0.0-rc"]


def test_search_shows_a_prerelease_where_nothing_is_stable() -> None:
    (hit,) = json.loads(bodies(view(package("Foo", published("Foo", "1.0-a"), published("Foo", "1.0-b"))))["v3/query.json"])["data"]
    assert hit["version"] == "1.0.0-b"


def test_the_time_is_upstreams_or_else_our_own() -> None:
    pages = bodies(view(package("Foo", published("Foo", "1.0", uploaded_at=None), published("Foo", "2.0"))))
    assert json.loads(pages["v3/registration/foo/1.0.0.json"])["published"] == "2026-11-22T00:00:00+00:00"
    assert json.loads(pages["v3/registration/foo/2.0.0.json"])["published"] == "2024-01-02T03:04:05+00:00"


def test_registrations_are_cut_into_pages() -> None:
    versions = [published("Foo", f"1.{minor}") for minor in range(2 * LEAVES_PER_PAGE + 1)]
    pages = bodies(view(package("Foo", *versions)))
    index = json.loads(pages["v3/registration/foo/index.json"])
    assert [(page["count"], page["lower"], page["upper"]) for page in index["items"]] == [
        (64, "1.0.0", "1.63.0"),
        (64, "1.64.0", "1.127.0"),
        (1, "1.128.0", "1.128.0"),
    ]
    assert index["count"] == 3
    assert [release.version.key for release in listing(pages, "foo").releases] == [version.version.key for version in versions]


def test_every_address_in_a_page_is_a_page_or_a_file() -> None:
    here = example()
    pages = bodies(here)
    files = {
        layout.format(package=one.key, version=version.version.key, file=version.files[0].name)
        for one in here.packages
        for version in one.versions
        if version.state != "quarantined"
    }
    prefixes = {"v3/registration/", "v3/flatcontainer/"}
    found = {address.removeprefix(f"{BASE}/").split("#")[0] for body in pages.values() for address in addresses(json.loads(body))}
    assert {address for address in found if address.startswith("v3/")} - set(pages) - files == prefixes
    assert {address for address in found if not address.startswith("v3/")} == {"https://foo.example/", "http://schema.nuget.org/catalog"}


def addresses(value: Any) -> list[str]:
    match value:
        case dict():
            return [address for one in value.values() for address in addresses(one)]
        case list():
            return [address for one in value for address in addresses(one)]
        case str() if value.startswith(("http://", "https://")):
            return [value]
        case _:
            return []


def test_what_a_client_finds_is_what_the_feed_holds() -> None:
    found = listing(bodies(example()), "FOO")
    assert found.name == "Foo"
    assert [(r.version.key, r.files[0].yanked, r.deprecated) for r in found.releases] == [
        ("1.0.0", None, None),
        ("1.1.0", None, "Legacy: Use 1.0."),
        ("1.3.0", "", None),
        ("2.0.0-rc", "", None),
    ]
    assert found.releases[0].files[0].url == f"{BASE}/v3/flatcontainer/foo/1.0.0/foo.1.0.0.nupkg"
    assert found.releases[0].files[0].uploaded_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_hostile_text_stays_text() -> None:
    facts = {"description": "</script>\u2028\x00\x1b[31m \ud800", "authors": "a,b"}
    pages = bodies(view(package("Foo", published("Foo", "1.0", metadata=facts, deprecated="\udfff"))))
    (hit,) = json.loads(pages["v3/query.json"])["data"]
    assert hit["description"] == "</script>\u2028\x00\x1b[31m ?"
    assert hit["authors"] == ["a", "b"]


@pytest.mark.parametrize(
    "groups", [None, "no groups", ["no group"], [{"targetFramework": "net48"}], [{"dependencies": "none"}], [{"dependencies": ["none"]}]]
)
def test_metadata_without_dependencies_gives_none(groups: Any) -> None:
    pages = bodies(view(package("Foo", published("Foo", "1.0", metadata={"dependencyGroups": groups}))))
    entry = json.loads(pages["v3/registration/foo/index.json"])["items"][0]["items"][0]["catalogEntry"]
    assert all(group["dependencies"] == [] for group in entry["dependencyGroups"])


texts = st.lists(st.sampled_from(["1.0", "1.1", "1.1-a", "2.0+x", "3.0.0.1", "4-B.2"]), unique=True, max_size=4)
states: st.SearchStrategy[ListedState] = st.sampled_from(["listed", "unlisted", "quarantined"])


@st.composite
def packages(draw: st.DrawFn) -> tuple[PublishedPackage, ...]:
    found = []
    for name in draw(st.lists(st.sampled_from(["A", "b.C", "D-e"]), unique=True)):
        versions = sorted(
            (published(name, text, state=draw(states), deprecated=draw(st.none() | st.text(max_size=5))) for text in draw(texts)),
            key=lambda v: v.version,
        )
        found.append(package(name, *versions))
    return tuple(found)


@given(packages())
def test_discovering_the_rendered_pages_gives_back_what_is_visible(some: tuple[PublishedPackage, ...]) -> None:
    pages = bodies(view(*some))
    for one in some:
        visible = [version for version in one.versions if version.state != "quarantined"]
        if not visible:
            assert not any(f"/{one.key}/" in path for path in pages)
            continue
        found = listing(pages, one.name)
        assert found.name == one.name
        assert [(r.version, r.listed, r.files[0].uploaded_at) for r in found.releases] == [
            (version.version, version.state == "listed", version.files[0].uploaded_at) for version in visible
        ]
        assert [r.deprecated for r in found.releases] == [version.deprecated for version in visible]


def test_pages_are_documents_that_end_with_a_newline() -> None:
    for body in bodies(example()).values():
        assert body.endswith(b"\n")
        assert b"\n" not in body[:-1]
