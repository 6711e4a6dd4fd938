from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.pypi.index import MAX_MESSAGE, discover
from reconciler.errors import Malformed, NotThere
from reconciler.model.packages import Document
from tests.ecosystems.pypi.samples import DIGEST, HTML, INDEX, JSON, Upstream, json_file, json_page, serving

RECORDED = Path(__file__).resolve().parents[3] / "../shared/data/protocol/pypi.example"


def found(upstream, name="sample"):
    return discover(upstream, INDEX, name)


def only_file(upstream):
    (release,) = found(upstream).releases
    (file,) = release.files
    return file


def test_the_normalised_page_is_asked_for_json_first():
    upstream = serving(json_page(name="sample-thing"), JSON, name="sample-thing")
    assert discover(upstream, INDEX.rstrip("/"), "Sample_Thing").name == "sample-thing"
    ((url, accept),) = upstream.requests
    assert url == f"{INDEX}sample-thing/"
    preferred, *others = accept.split(", ")
    assert preferred == JSON
    assert others == ["application/vnd.pypi.simple.v1+html;q=0.2", "text/html;q=0.01"]


@pytest.mark.parametrize("name", ["sample", "no/name", "../simple", ""])
def test_what_is_not_there_is_not_there(name):
    with pytest.raises(NotThere):
        found(Upstream(documents={}), name)


def test_everything_a_json_page_says_about_a_file():
    stated = json_file(
        "sample-1.0-py3-none-any.whl",
        size=12,
        yanked="broken",
        provenance="https://pypi.example/p",
        **{"upload-time": "2025-01-02T03:04:05.678Z", "requires-python": ">=3.8", "core-metadata": {"sha256": DIGEST}},
    )
    file = only_file(serving(json_page(stated, versions=["1.0"]), JSON))
    assert file.name == "sample-1.0-py3-none-any.whl"
    assert file.url == "https://files.example/sample-1.0-py3-none-any.whl"
    assert (file.size, file.sha256, file.yanked) == (12, DIGEST, "broken")
    assert file.uploaded_at == datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert (file.companions, file.provenance) == ({".provenance": "https://pypi.example/p"}, ("attestation",))


def test_everything_an_html_page_says_about_a_file():
    page = (
        '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.3"><base href="/packages/"></head><body>'
        f'<a href="../f/sample-1.0.tar.gz#sha256={DIGEST.upper()}" data-requires-python="&gt;=3.8" data-yanked="bad &amp; ugly"'
        ' data-upload-time="2025-01-02T03:04:05Z" data-provenance="https://pypi.example/p">sample-1.0.tar.gz</a></body></html>'
    )
    file = only_file(serving(page, "Text/HTML; charset=utf-8", final="https://mirror.example/a/b/"))
    assert file.url == "https://mirror.example/f/sample-1.0.tar.gz"
    assert (file.size, file.sha256, file.yanked) == (None, DIGEST, "bad & ugly")
    assert file.uploaded_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (file.companions, file.provenance) == ({".provenance": "https://pypi.example/p"}, ("attestation",))


def test_what_a_page_does_not_say_is_none():
    bare = {"filename": "sample-1.0.tar.gz", "url": "../../f/sample-1.0.tar.gz", "hashes": {}}
    for upstream in (serving(json_page(bare), JSON), serving('<a href="../../f/sample-1.0.tar.gz">sample-1.0.tar.gz</a>', HTML)):
        file = only_file(upstream)
        assert file.url == "https://pypi.example/f/sample-1.0.tar.gz"
        assert (file.size, file.sha256, file.uploaded_at, file.yanked, file.companions) == (None, None, None, None, {})


@pytest.mark.parametrize(("yanked", "expected"), [(False, None), (True, ""), ("because", "because"), ("half \ud800", "half ?")])
def test_a_yanked_file_keeps_its_reason(yanked, expected):
    assert only_file(serving(json_page(json_file(yanked=yanked)), JSON)).yanked == expected


def test_a_reason_is_bounded_and_has_an_encoding():
    status: Any = {"status": "deprecated", "reason": "\udfff" * 1_000_000}
    page = json_page(json_file(yanked="x" * 1_000_000), **{"project-status": status})
    (release,) = found(serving(page, JSON)).releases
    assert release.deprecated == "?" * MAX_MESSAGE
    assert release.files[0].yanked == "x" * MAX_MESSAGE


def test_a_message_shows_no_query_of_an_address_that_a_redirect_has_led_to():
    page = Document(url=f"{INDEX}sample/?signature=secret", content_type=JSON, body=b"[]")
    with pytest.raises(Malformed) as caught:
        discover(lambda url, /, *, accept="*/*": page, INDEX, "sample")
    assert "secret" not in str(caught.value)


def test_a_yanked_attribute_without_value_is_yanked_without_reason():
    assert only_file(serving('<a href="x" data-yanked>sample-1.0.tar.gz</a>', HTML)).yanked == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-02T03:04:05", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05+02:00", datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_utc(text, expected):
    assert only_file(serving(json_page(json_file(**{"upload-time": text})), JSON)).uploaded_at == expected


@pytest.mark.parametrize("text", ["", "yesterday", "99999-01-01"])
def test_an_unofficial_time_that_cannot_be_read_says_nothing(text):
    assert only_file(serving(f'<a href="x" data-upload-time="{text}">sample-1.0.tar.gz</a>', HTML)).uploaded_at is None


def test_files_are_grouped_into_releases_in_order_of_version():
    names = ["sample-1.10.tar.gz", "sample-1.9.tar.gz", "sample-1.9.0-py3-none-any.whl", "sample-2.0rc1.zip"]
    listing = found(serving(json_page(*map(json_file, names)), JSON))
    assert [(release.version.key, [file.name for file in release.files]) for release in listing.releases] == [
        ("1.9", ["sample-1.9.0-py3-none-any.whl", "sample-1.9.tar.gz"]),
        ("1.10", ["sample-1.10.tar.gz"]),
        ("2rc1", ["sample-2.0rc1.zip"]),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "other-1.0.tar.gz",
        "sample-1.0-py2.7.egg",
        "sample-1.0.win32.exe",
        "sample-1.0-1.noarch.rpm",
        "sample-1.0.tar.bz2",
        "sample-2004d.tar.gz",
        "../../sample-1.0.tar.gz",
        "",
    ],
)
def test_files_that_are_not_this_projects_packages_are_left_out(name):
    page = f'<a href="x">{name}</a><a href="..">up</a>'
    assert found(serving(json_page(json_file(name, size="nonsense")), JSON)).releases == ()
    assert found(serving(page, HTML)).releases == ()


@pytest.mark.parametrize("address", ["ftp://files.example/x", "file:///etc/passwd", "javascript:alert(1)", "data:,x"])
def test_addresses_that_are_not_to_be_downloaded_from_are_left_out(address):
    assert found(serving(json_page(json_file() | {"url": address}), JSON)).releases == ()
    assert found(serving(f'<a href="{address}">sample-1.0.tar.gz</a>', HTML)).releases == ()


def test_a_page_in_a_folder_may_link_into_that_folder():
    upstream = serving('<a href="sample-1.0.tar.gz">sample-1.0.tar.gz</a>', HTML, final="file:///mirror/sample/")
    assert only_file(upstream).url == "file:///mirror/sample/sample-1.0.tar.gz"


def test_provenance_that_is_no_address_is_not_announced():
    page = '<a href="x" data-provenance="javascript:alert(1)">sample-1.0.tar.gz</a>'
    file = only_file(serving(page, HTML))
    assert (file.companions, file.provenance) == ({}, ())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"status": "deprecated", "reason": "use other"}, "use other"),
        ({"status": "deprecated"}, ""),
        ({"status": "active"}, None),
        ({"status": "archived", "reason": "done"}, None),
        (["deprecated"], None),
        (None, None),
    ],
)
def test_a_deprecated_project_has_deprecated_releases(status, expected):
    (release,) = found(serving(json_page(json_file(), **{"project-status": status}), JSON)).releases
    assert release.deprecated == expected


def test_a_deprecated_project_in_html():
    meta = '<meta name="pypi:project-status" content="deprecated"><meta name="pypi:project-status-reason" content="use other">'
    (release,) = found(serving(f'{meta}<a href="x">sample-1.0.tar.gz</a>', HTML)).releases
    assert release.deprecated == "use other"


def test_one_file_said_twice_is_one_file():
    assert len(found(serving(json_page(json_file(), json_file()), JSON)).releases[0].files) == 1


def test_a_name_that_stands_for_two_files_is_malformed():
    with pytest.raises(Malformed, match="twice"):
        found(serving(json_page(json_file(size=1), json_file(size=2)), JSON))


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1},
        {"size": "many"},
        {"upload-time": "yesterday"},
        {"upload-time": "0001-01-01T00:00:00+14:00"},
        {"upload-time": [2025]},
        {"hashes": {"sha256": "abc"}},
        {"hashes": {"sha256": 7}},
        {"hashes": None},
        {"url": None},
        {"url": "http://[broken"},
        {"yanked": 3},
        {"provenance": "not an address"},
    ],
)
def test_a_file_that_breaks_the_protocol_makes_the_page_malformed(change):
    with pytest.raises(Malformed, match=f"^{INDEX}sample/ is not a page"):
        found(serving(json_page(json_file() | change), JSON))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        json_page(name="other").encode(),
        json_page(name="/").encode(),
        json_page(meta={}).encode(),
        json_page(meta={"api-version": "2.0"}).encode(),
        json_page(meta={"api-version": 1}).encode(),
        json_page(files={}).encode(),
        json_page(files=[7]).encode(),
        json_page(files=[{"filename": 7}]).encode(),
        json_page(json_file("sample-1.0\ud800.tar.gz"), {"url": "x"}).encode(),
    ],
)
def test_json_that_is_no_project_page_is_malformed(body):
    with pytest.raises(Malformed):
        found(serving(body, JSON))


@pytest.mark.parametrize(
    "body",
    [
        '<meta name="pypi:repository-version" content="2.0">',
        '<meta name="pypi:repository-version" content="nonsense">',
        '<a href="http://[broken">sample-1.0.tar.gz</a>',
        '<a href="x#sha256=abc">sample-1.0.tar.gz</a>',
        '<base href="http://[broken"><a href="x">sample-1.0.tar.gz</a>',
        '<a href="x',
    ],
)
def test_html_that_breaks_the_protocol_is_malformed(body):
    with pytest.raises(Malformed):
        found(serving(body, HTML))


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/vnd.pypi.simple.v2+json"])
def test_other_media_types_are_malformed(content_type):
    with pytest.raises(Malformed, match="media types"):
        found(serving(json_page(), content_type))


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe nonsense", "<a href=x>sample-1.0.tar.gz\ufffd</a>".encode(), b"\xef\xbb\xbf<html></html>"]
)
def test_html_without_files_of_ours_is_an_empty_listing(body):
    assert found(serving(body, HTML)).releases == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_in_place_of_a_value_is_read_or_malformed(value):
    fields = ["url", "hashes", "size", "upload-time", "yanked", "requires-python", "core-metadata", "provenance", "filename"]
    for field in fields:
        try:
            found(serving(json.dumps(json.loads(json_page(json_file())) | {"files": [json_file() | {field: value}]}), JSON))
        except Malformed:
            continue


@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs the recorded pages of ../shared, which is not beside the repository")
@pytest.mark.parametrize("name", ["attrs", "certifi", "markupsafe", "six"])
def test_recorded_pages_say_the_same_in_both_forms(name):
    said = []
    for suffix, content_type in ((".html", HTML), (".json", JSON)):
        body = (RECORDED / f"simple__{name}{suffix}").read_bytes()
        listing = found(serving(body, content_type, name=name), name)
        said.append({file.name: (file.url, file.sha256, file.yanked) for release in listing.releases for file in release.files})
        assert [release.version for release in listing.releases] == sorted(release.version for release in listing.releases)
    assert said[0]
    assert said[0] == said[1]


@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs the recorded pages of ../shared, which is not beside the repository")
def test_a_recorded_page_with_eggs_and_installers_lists_wheels_and_sdists():
    body = (RECORDED / "simple__zope-interface.html").read_bytes()
    listing = found(serving(body, HTML, name="zope-interface"), "zope.interface")
    names = [file.name for release in listing.releases for file in release.files]
    assert names
    assert all(name.endswith((".whl", ".tar.gz", ".zip")) for name in names)
    assert any(file.yanked is not None for release in listing.releases for file in release.files)
