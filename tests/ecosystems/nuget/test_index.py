"""Discovering releases: what feeds say, in every form they say it, and what is no answer."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.nuget import discover
from reconciler.ecosystems.nuget.index import MAX_PAGES
from reconciler.errors import Malformed, NotThere, Unreachable
from reconciler.model.packages import Document, Listing, RemoteFile
from tests.ecosystems.nuget.feeds import INDEX, REGISTRATION, SERVICE, Answers, feed, leaf, service
from tests.ecosystems.nuget.shared import DATA, load, needs_shared

PAGE = "https://feed.example/reg/foo/page/1.json"


def malformed(get: Answers, name: str = "Foo") -> str:
    with pytest.raises(Malformed) as caught:
        discover(get, INDEX, name)
    return str(caught.value)


def keys(listing: Listing) -> list[str]:
    return [release.version.key for release in listing.releases]


def only(listing: Listing) -> RemoteFile:
    (release,) = listing.releases
    (file,) = release.files
    return file


def answers(index: Any, **more: Any) -> Answers:
    encoded = {url: json.dumps(body).encode() for url, body in more.items()}
    return Answers(known={INDEX: SERVICE, REGISTRATION: json.dumps(index).encode()} | encoded)


def test_releases_are_listed_in_order_with_one_file_each() -> None:
    get = feed(leaf("2.0.0"), leaf("1.0", published="2020-02-03T04:05:06.789+00:00"), leaf("2.0.0-RC.1+git"))
    found = discover(get, INDEX, "FOO")
    assert (found.name, keys(found)) == ("Foo", ["1.0.0", "2.0.0-rc.1", "2.0.0"])
    assert found.releases[0].files == (
        RemoteFile(
            name="foo.1.0.0.nupkg",
            url="https://feed.example/flat/foo/1.0.0/foo.1.0.0.nupkg",
            uploaded_at=datetime(2020, 2, 3, 4, 5, 6, 789000, tzinfo=UTC),
        ),
    )
    assert found.releases[1].version.text == "2.0.0-RC.1+git"
    assert get.asked == [INDEX, REGISTRATION]


def test_the_name_is_spelled_as_the_newest_version_spells_it() -> None:
    assert discover(feed(leaf("1.0", name="foo"), leaf("2.0", name="FoO")), INDEX, "foo").name == "FoO"


def test_a_package_without_releases_is_a_package() -> None:
    assert discover(feed(), INDEX, "Foo") == Listing(name="foo", releases=())


def test_pages_are_inside_the_index_or_documents_of_their_own() -> None:
    index = {"items": [{"@id": f"{PAGE}#fragment"}, {"@id": "x", "items": [leaf("2.0")]}]}
    get = answers(index, **{PAGE: {"items": [leaf("1.0"), leaf("1.1")]}})
    assert keys(discover(get, INDEX, "foo")) == ["1.0.0", "1.1.0", "2.0.0"]
    assert get.asked == [INDEX, REGISTRATION, PAGE]


def test_addresses_may_be_relative_to_their_document() -> None:
    known = {
        INDEX: service(("RegistrationsBaseUrl/3.6.0", "../reg")),
        REGISTRATION: json.dumps({"items": [{"@id": "page/1.json"}]}).encode(),
        PAGE: json.dumps({"items": [leaf("1.0", content="../../f.nupkg")]}).encode(),
    }
    assert only(discover(Answers(known=known), INDEX, "foo")).url == "https://feed.example/reg/f.nupkg"


@pytest.mark.parametrize(
    ("kinds", "best"),
    [
        (["", "/3.4.0", "/3.6.0", "/Versioned"], "/3.6.0"),
        (["", "/3.4.0", "/Versioned"], "/Versioned"),
        (["", "/3.0.0-rc", "/3.0.0-beta", "/3.4.0"], "/3.4.0"),
        (["", "/3.0.0-beta"], "/3.0.0-beta"),
        ([""], ""),
    ],
)
def test_the_best_registration_is_asked(kinds: list[str], best: str) -> None:
    known = {INDEX: service(*((f"RegistrationsBaseUrl{kind}", f"https://feed.example/reg{kind}") for kind in kinds))}
    get = Answers(known=known | {f"https://feed.example/reg{best}/foo/index.json": b'{"items": []}'})
    assert keys(discover(get, INDEX, "foo")) == []


def test_a_resource_may_have_several_types() -> None:
    body = json.dumps({"resources": [{"@type": ["Other", 5, "RegistrationsBaseUrl/3.6.0"], "@id": "/reg"}]}).encode()
    assert keys(discover(Answers(known={INDEX: body, REGISTRATION: b'{"items": []}'}), INDEX, "foo")) == []


def test_the_content_address_is_taken_from_leaf_or_entry_or_made() -> None:
    assert only(discover(feed(leaf("1.0", content="https://cdn.example/a.nupkg")), INDEX, "foo")).url == "https://cdn.example/a.nupkg"
    assert only(discover(feed(leaf("1.0", packageContent="https://cdn.example/b")), INDEX, "foo")).url == "https://cdn.example/b"
    assert only(discover(feed(leaf("1.0")), INDEX, "foo")).url == "https://feed.example/flat/foo/1.0.0/foo.1.0.0.nupkg"


def test_the_file_name_never_comes_from_an_address() -> None:
    assert only(discover(feed(leaf("1.0", content="https://cdn.example/..%2f..%2fx.nupkg")), INDEX, "foo")).name == "foo.1.0.0.nupkg"


@pytest.mark.parametrize(
    ("said", "uploaded_at", "yanked"),
    [
        ({}, None, None),
        ({"published": "2020-01-01T00:00:00Z", "listed": True}, datetime(2020, 1, 1, tzinfo=UTC), None),
        ({"published": "2020-01-01T02:00:00.1234567+02:00"}, datetime(2020, 1, 1, 0, 0, 0, 123456, tzinfo=UTC), None),
        ({"published": "2020-01-01T00:00:00"}, datetime(2020, 1, 1, tzinfo=UTC), None),
        ({"published": "1900-01-01T00:00:00+00:00"}, None, ""),
        ({"published": "1900-01-01T00:00:00+00:00", "listed": True}, None, ""),
        ({"published": "2020-01-01T00:00:00Z", "listed": False}, datetime(2020, 1, 1, tzinfo=UTC), ""),
        ({"published": "0001-01-01T00:00:00Z"}, None, None),
        ({"published": "0001-01-01T00:00:00+14:00"}, None, None),
        ({"published": "yesterday"}, None, None),
        ({"published": 5, "listed": "no"}, None, None),
    ],
)
def test_marks_are_taken(said: dict[str, Any], uploaded_at: datetime | None, yanked: str | None) -> None:
    file = only(discover(feed(leaf("1.0", **said)), INDEX, "foo"))
    assert (file.uploaded_at, file.yanked) == (uploaded_at, yanked)


def test_deprecations_are_taken() -> None:
    found = discover(feed(leaf("1.0", deprecation={"reasons": ["Legacy"], "message": "Use X."}), leaf("2.0")), INDEX, "foo")
    assert [release.deprecated for release in found.releases] == ["Legacy: Use X.", None]


def test_versions_that_are_none_are_left_out() -> None:
    assert keys(discover(feed(leaf("nonsense"), leaf("1.0"), {"catalogEntry": {"id": "foo"}}), INDEX, "foo")) == ["1.0.0"]


def test_compressed_answers_are_read_without_a_header_that_says_so() -> None:
    plain = feed(leaf("1.0")).known
    get = Answers(known={url: gzip.compress(body) for url, body in plain.items()})
    assert keys(discover(get, INDEX, "foo")) == ["1.0.0"]


def test_a_byte_order_mark_does_no_harm() -> None:
    get = Answers(known={INDEX: b"\xef\xbb\xbf" + SERVICE, REGISTRATION: json.dumps({"items": []}).encode("utf-16")})
    assert keys(discover(get, INDEX, "foo")) == []


def test_no_such_package_is_what_the_registration_says() -> None:
    with pytest.raises(NotThere):
        discover(Answers(known={INDEX: SERVICE}), INDEX, "foo")


def test_a_feed_or_page_that_is_missing_is_not_a_missing_package() -> None:
    assert "nothing is known" in malformed(Answers(known={}))
    assert "nothing is known" in malformed(answers({"items": [{"@id": PAGE}]}))


def test_what_get_raises_is_passed_on() -> None:
    def get(url: str, /, *, accept: str = "*/*") -> Document:
        raise Unreachable(url + accept)

    with pytest.raises(Unreachable):
        discover(get, INDEX, "foo")


def test_an_invalid_name_is_never_asked_for() -> None:
    get = feed()
    with pytest.raises(NotThere, match="cannot be the id"):
        discover(get, INDEX, "../foo")
    assert get.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"<html/>",
        b"[" * 100_000,
        b"9" * 5_000,
        b"[]",
        b"{}",
        b'{"resources": {}}',
        b'{"resources": [5]}',
        gzip.compress(b"{}")[:-5],
        b"\x1f\x8bgarbage",
        gzip.compress(b" " * 70_000_000),
    ],
)
def test_a_broken_service_index_is_malformed(body: bytes) -> None:
    assert INDEX in malformed(Answers(known={INDEX: body}))


def test_a_service_index_without_registrations_is_malformed() -> None:
    assert "names no RegistrationsBaseUrl" in malformed(Answers(known={INDEX: service(("SearchQueryService", "https://feed.example/q"))}))


@pytest.mark.parametrize(
    "address",
    [
        None,
        5,
        "",
        "file:///etc/passwd",
        "http://feed.example/reg",
        "https://feed.example/a b",
        "https://[x",
        "https://feed.example/\u2028",
        "javascript:1",
    ],
)
def test_addresses_that_may_not_be_followed_are_malformed(address: Any) -> None:
    assert "no address that may be followed" in malformed(Answers(known={INDEX: service(("RegistrationsBaseUrl", address))}))


def test_an_http_feed_may_name_https_and_itself() -> None:
    index = "http://feed.example/index.json"
    known = {
        index: service(("RegistrationsBaseUrl", "https://feed.example/reg"), ("PackageBaseAddress/3.0.0", "http://feed.example/flat")),
        REGISTRATION: b'{"items": []}',
    }
    assert keys(discover(Answers(known=known), index, "foo")) == []


@pytest.mark.parametrize(
    "index",
    [
        [],
        {},
        {"items": {}},
        {"items": [5]},
        {"items": [{"items": 5}]},
        {"items": [{"items": [5]}]},
        {"items": [{"items": [{}]}]},
        {"items": [{"items": [{"catalogEntry": "https://feed.example/entry.json"}]}]},
        {"items": [{}]},
        {"items": [{"items": [leaf("1.0", name="Bar")]}]},
        {"items": [{"items": [leaf("1.0", name="Fo\u043e")]}]},
        {"items": [{"items": [leaf("1.0", name=5)]}]},
        {"items": [{"items": [leaf("1.0"), leaf("1.0.0+other")]}]},
        {"items": [{"items": [leaf("1.0", content="ftp://feed.example/x")]}]},
        {"items": [{"items": []}] * (MAX_PAGES + 1)},
    ],
)  # fmt: skip
def test_a_broken_registration_is_malformed(index: Any) -> None:
    assert REGISTRATION in malformed(answers(index))


def test_a_version_without_any_address_is_malformed() -> None:
    known = {INDEX: service(("RegistrationsBaseUrl", "/reg")), REGISTRATION: json.dumps({"items": [{"items": [leaf("1.0")]}]}).encode()}
    assert "no address" in malformed(Answers(known=known))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["1.0", "Foo", PAGE, "1900-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["items", "catalogEntry", "id", "version", "@id", "published", "deprecation", "packageContent", "reasons", "message"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(values)
def test_any_json_is_a_listing_or_a_documented_error(index: Any) -> None:
    try:
        discover(answers(index, **{PAGE: index}), INDEX, "foo")
    except (Malformed, NotThere):
        return


@needs_shared
@pytest.mark.parametrize("spelled", ["Newtonsoft.Json", "Castle.Core", "NuGet.Server.Core", "Serilog"])
def test_recorded_registrations_of_nuget_org_are_read(spelled: str) -> None:
    name = spelled.lower()
    base = "https://api.nuget.org/v3/registration5-semver1"
    known = {INDEX: service(("RegistrationsBaseUrl/3.6.0", f"{base}/"))}
    for path in sorted((DATA / "protocol" / "api.nuget.org").glob(f"v3_registration5-semver1_{name}_*.json")):
        known[f"{base}/{'/'.join(path.stem.removeprefix('v3_registration5-semver1_').split('_'))}.json"] = path.read_bytes()
    found = discover(Answers(known=known), INDEX, name)
    assert found.name == spelled
    raw = load(f"protocol/api.nuget.org/v3_registration5-semver1_{name}_index.json")
    assert len(found.releases) == sum(page["count"] for page in raw["items"])
    assert found.releases[-1].version.text == raw["items"][-1]["upper"]
    assert all(release.files[0].name == f"{name}.{release.version.key}.nupkg" for release in found.releases)
    assert all((release.files[0].uploaded_at is None) == (release.files[0].yanked is not None) for release in found.releases)
