from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.npm import discover
from reconciler.ecosystems.npm.index import MAX_MESSAGE, MAX_SIGNATURES, MAX_TAGS, MAX_VERSIONS
from reconciler.errors import Malformed, NotThere, Unreachable
from reconciler.model.packages import Document, Listing, Release, RemoteFile
from tests.ecosystems.npm.packages import INDEX, SHA512, Answers, manifest, registry


def only(listing: Listing) -> Release:
    (release,) = listing.releases
    return release


def file_of(one: dict[str, Any], **fields: Any) -> RemoteFile:
    (file,) = only(discover(registry(one, **fields), INDEX, "foo")).files
    return file


def keys(listing: Listing) -> list[str]:
    return [release.version.key for release in listing.releases]


def test_releases_are_listed_in_order_with_one_file_each():
    one, two = manifest("1.10.0"), manifest("1.9.0") | {"deprecated": "use 1.10"}
    get = registry(one, two, manifest("2.0.0-rc.1"), time={"1.9.0": "2024-01-02T03:04:05.678Z", "1.10.0": "2024-02-03T04:05:06+02:00"})
    listing = discover(get, INDEX, "foo")
    assert (listing.name, keys(listing)) == ("foo", ["1.9.0", "1.10.0", "2.0.0-rc.1"])
    assert listing.releases[0].files == (
        RemoteFile(
            name="foo-1.9.0.tgz",
            url="https://registry.example/npm/foo/-/foo-1.9.0.tgz",
            uploaded_at=datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
            integrity=SHA512,
        ),
    )
    assert listing.releases[1].files[0].uploaded_at == datetime(2024, 2, 3, 2, 5, 6, tzinfo=UTC)
    assert [release.deprecated for release in listing.releases] == ["use 1.10", None, None]
    assert get.asked == [(f"{INDEX}foo", "application/json")]


def test_a_scope_is_encoded_and_left_out_of_file_names():
    get = registry(manifest("1.0.0", name="@s/foo"), name="@s/foo", address="@s%2ffoo")
    listing = discover(get, INDEX.rstrip("/"), "@s/foo")
    assert listing.name == "@s/foo"
    assert only(listing).files[0].name == "foo-1.0.0.tgz"


def test_what_only_the_index_says_is_passed_on():
    one = manifest(
        "1.0.0",
        signatures=[{"keyid": "SHA256:abc", "sig": "MEUC=", "more": 1}],
        attestations={"url": "https://registry.example/-/npm/v1/attestations/foo@1.0.0", "provenance": {"predicateType": "https://slsa.dev/provenance/v1"}},
    )  # fmt: skip
    file = file_of(one, **{"dist-tags": {"next": "1.0.0", "latest": "1.0.0", "old": "0.9.0", "1.x": "1.0.0", "bad tag": "1.0.0", "odd": 1}})
    assert file.companions == {".attestations": "https://registry.example/-/npm/v1/attestations/foo@1.0.0"}
    assert file.provenance == ("attestation", "signature")
    assert file.announced == {
        "signatures": [{"keyid": "SHA256:abc", "sig": "MEUC="}],
        "tags": ["latest", "next"],
        "attestations": {"provenance": {"predicateType": "https://slsa.dev/provenance/v1"}},
    }


@pytest.mark.parametrize(
    "dist",
    [
        {"signatures": "x", "attestations": "x"},
        {"signatures": [1, {"keyid": 1, "sig": "x"}, {"keyid": "a b", "sig": "x"}, {"keyid": "x", "sig": "y" * 2000}], "attestations": {}},
        {"signatures": {}, "attestations": {"url": "file:///etc/passwd", "provenance": {"predicateType": 1}}},
        {"signatures": [], "attestations": {"url": 1, "provenance": {"predicateType": "a\nb"}}},
    ],
)
def test_what_is_not_sane_is_not_passed_on(dist):
    file = file_of(manifest("1.0.0", **dist))
    assert (file.companions, file.announced, file.provenance) == ({}, {}, ())


def test_what_is_passed_on_is_bounded():
    tags = {f"tag-{number:03}": "1.0.0" for number in range(MAX_TAGS + 9)}
    one = manifest("1.0.0", signatures=[{"keyid": "k", "sig": "s"}] * (MAX_SIGNATURES + 9)) | {"deprecated": "x" * 99_999}
    fields: dict[str, Any] = {"dist-tags": tags}
    release = only(discover(registry(one, **fields), INDEX, "foo"))
    announced = release.files[0].announced
    assert announced["tags"] == [f"tag-{number:03}" for number in range(MAX_TAGS)]
    assert announced["signatures"] == [{"keyid": "k", "sig": "s"}] * MAX_SIGNATURES
    assert release.deprecated == "x" * MAX_MESSAGE


@pytest.mark.parametrize(
    ("dist", "expected"),
    [
        ({"integrity": f"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= {SHA512}"}, SHA512),
        ({"integrity": None, "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
        ({"integrity": "md5-x", "shasum": "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"}, "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
        ({"integrity": 1, "shasum": "da39"}, None),
        ({"integrity": "sha512-AAAA", "shasum": 1}, None),
    ],
)
def test_the_strongest_announced_digest_counts(dist, expected):
    assert file_of(manifest("1.0.0", **dist)).integrity == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/npm/foo.tgz", "https://registry.example/npm/foo.tgz"),
        ("foo/-/x.tgz", "https://registry.example/npm/foo/-/x.tgz"),
        ("http://other.example/x.tgz", "http://other.example/x.tgz"),
        ("//other.example/x.tgz", "https://other.example/x.tgz"),
    ],
)
def test_addresses_are_absolute(address, expected):
    assert file_of(manifest("1.0.0", tarball=address)).url == expected


@pytest.mark.parametrize(
    "address", [None, "", 1, "ftp://x.example/y", "file:///etc/passwd", "http://", "https://[::1", "a b", "http://x/\n", "x" * 2000]
)
def test_a_version_without_an_address_is_left_out(address):
    assert keys(discover(registry(manifest("1.0.0", tarball=address), manifest("1.1.0")), INDEX, "foo")) == ["1.1.0"]


@pytest.mark.parametrize(
    "broken",
    [
        {"version": "1.0"},
        {"version": "1.0.0beta"},
        {"version": "latest"},
        {"version": "1.0.0", "name": "bar"},
        {"version": "1.0.0", "name": None},
        {"version": "1.0.0", "dist": None},
        {"version": "1.0.0", "dist": []},
    ],
)
def test_a_broken_version_hides_no_other(broken):
    assert keys(discover(registry(manifest("1.0.0") | broken, manifest("1.1.0")), INDEX, "foo")) == ["1.1.0"]


@pytest.mark.parametrize("value", [None, 1, "x", [], {"name": "foo", "version": "1.1.0"}, manifest("2.0.0"), {"name": "foo"}])
def test_an_entry_that_says_something_else_is_left_out(value):
    body = json.dumps({"name": "foo", "versions": {"1.1.0": value, "1.0.0": manifest("1.0.0")}}).encode()
    assert keys(discover(Answers(known={f"{INDEX}foo": body}), INDEX, "foo")) == ["1.0.0"]


def test_two_spellings_of_one_version_are_both_left_out():
    get = registry(manifest("1.0.0+a"), manifest("1.0.0+b"), manifest("1.1.0+c"))
    assert keys(discover(get, INDEX, "foo")) == ["1.1.0"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("no longer kept", "no longer kept"),
        ("", None),
        (None, None),
        (False, None),
        (True, ""),
        (1, None),
        (["x"], None),
        ("\ud800!", "?!"),
    ],
)
def test_a_deprecation_is_a_text(value, expected):
    assert only(discover(registry(manifest("1.0.0") | {"deprecated": value}), INDEX, "foo")).deprecated == expected


@pytest.mark.parametrize("value", [None, 1, "", "yesterday", "0001-01-01T00:00:00+14:00", [], "9999-99-99"])
def test_a_time_that_is_none_says_nothing(value):
    assert file_of(manifest("1.0.0"), time={"1.0.0": value}).uploaded_at is None


def test_a_time_without_a_zone_is_utc():
    assert file_of(manifest("1.0.0"), time={"1.0.0": "2024-01-02T03:04:05"}).uploaded_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_package_that_was_unpublished_is_not_there():
    stated: list[dict[str, Any]] = [{}, {"versions": {}}]
    for versions in stated:
        body = json.dumps({"name": "foo", "time": {"unpublished": {"time": "2024-01-01T00:00:00Z"}}, **versions}).encode()
        with pytest.raises(NotThere, match="unpublished"):
            discover(Answers(known={f"{INDEX}foo": body}), INDEX, "foo")


def test_a_flood_of_versions_is_malformed():
    body = json.dumps({"name": "foo", "versions": {f"1.0.{number}": 0 for number in range(MAX_VERSIONS + 1)}}).encode()
    with pytest.raises(Malformed, match=f"more than {MAX_VERSIONS} versions"):
        discover(Answers(known={f"{INDEX}foo": body}), INDEX, "foo")


def test_a_package_without_versions_has_no_releases():
    assert discover(Answers(known={f"{INDEX}foo": b'{"name": "foo"}'}), INDEX, "foo").releases == ()


@pytest.mark.parametrize("name", ["", "../x", "a b", "@x", "foo/bar", "x" * 300])
def test_what_is_no_name_is_not_there_and_asks_nothing(name):
    get = Answers(known={})
    with pytest.raises(NotThere):
        discover(get, INDEX, name)
    assert get.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"null", b'"x"', b"{}", b'{"name": "bar"}', b'{"name": "Foo", "versions": {}}', b'{"name": "foo", "versions": []}',
        b'{"name": "foo", "versions": null}', b'{"name": "foo", "versions": {}, "x": NaN}', b'{"name": "foo", "x": 1e999}', b"\xff\xfe{}",
        b'{"name": "foo", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", b'{"name": "foo", "x": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_packument_is_malformed(body):
    with pytest.raises(Malformed):
        discover(Answers(known={f"{INDEX}foo": body}), INDEX, "foo")


def test_what_get_raises_is_passed_on():
    def get(url: str, /, *, accept: str = "*/*") -> Document:
        raise Unreachable(url)

    with pytest.raises(Unreachable):
        discover(get, INDEX, "foo")
    with pytest.raises(NotThere):
        discover(Answers(known={}), INDEX, "foo")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["1.0.0", "foo", "http://x.example/y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["1.0.0", "name", "version", "dist", "tarball", "url", "latest"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(versions=JSON, time=JSON, tags=JSON)
def test_any_document_is_a_listing_or_an_error(versions, time, tags):
    body = json.dumps({"name": "foo", "versions": versions, "time": time, "dist-tags": tags}).encode()
    try:
        listing = discover(Answers(known={f"{INDEX}foo": body}), INDEX, "foo")
    except (Malformed, NotThere):
        return
    assert all(release.files[0].url.startswith("http") for release in listing.releases)
