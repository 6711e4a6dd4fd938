"""Hostile registries, through each ecosystem's `discover` and a real server: an answer or one of the three errors, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from itertools import chain, repeat
from typing import Final

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ContentMismatch, Malformed, NotThere, Theirs, Unreachable
from reconciler.model.packages import Listing, RemoteFile
from reconciler.observe.upstreams import HttpUpstream
from reconciler.wire import MAX_INDEX_BYTES, Timeouts, Wire
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.wheels import wheel, wheel_name

QUICK: Final = Timeouts(connect=1.0, read=0.3, pause=0.01, document=0.6, download=0.6)
TYPES: Final = sorted(ECOSYSTEMS)
MEDIA: Final = {"pypi": "application/vnd.pypi.simple.v1+json", "npm": "application/json", "nuget": "application/json"}
PAGES: Final = {"pypi": "/simple/foo/", "npm": "/simple/foo", "nuget": "/simple/registrations/foo/index.json"}
"""Where the page of the package foo lies."""


@pytest.fixture
def server():
    with FaultyServer() as running:
        service = {
            "version": "3.0.0",
            "resources": [{"@type": "RegistrationsBaseUrl/3.6.0", "@id": f"{running.url}/simple/registrations/"}],
        }
        running.answers["/simple/index.json"] = [Answer(body=json.dumps(service).encode())]
        yield running


def upstream(server: FaultyServer, wire: Wire, kind: str) -> HttpUpstream:
    address = server.url + ("/simple/index.json" if kind == "nuget" else "/simple/")
    return HttpUpstream("hostile", address=lambda: address, ecosystem=ECOSYSTEMS[kind], wire=wire)


def discover(server: FaultyServer, kind: str, answer: Answer, timeouts: Timeouts = QUICK) -> Listing:
    server.answers[PAGES[kind]] = [answer]
    with Wire(timeouts) as wire:
        return upstream(server, wire, kind).discover("foo")


def page(kind: str, body: bytes, **headers: str) -> Answer:
    return Answer(body=body, headers={"Content-Type": MEDIA[kind], **headers})


HOSTILE: Final[dict[str, tuple[Callable[[str], Answer], type[Theirs]]]] = {
    "empty": (lambda kind: page(kind, b""), Malformed),
    "204": (lambda _: Answer(status=204), Unreachable),
    "206": (lambda kind: Answer(status=206, body=b"{}", headers={"Content-Type": MEDIA[kind]}), Unreachable),
    "JSON nested 10,000 deep": (lambda kind: page(kind, b'{"a":' * 10_000 + b"1" + b"}" * 10_000), Malformed),
    "lists nested 100,000 deep": (lambda kind: page(kind, b"[" * 100_000), Malformed),
    "no JSON": (lambda kind: page(kind, b"\0\xff\xfe"), Malformed),
    "a number beyond all bounds": (lambda kind: page(kind, b"9" * 100_000), Malformed),
    "a list": (lambda kind: page(kind, b"[]"), Malformed),
    "nothing but null": (lambda kind: page(kind, b"null"), Malformed),
    "gzip in gzip": (lambda kind: page(kind, gzip.compress(gzip.compress(b"{}")), **{"Content-Encoding": "gzip, gzip"}), Malformed),
    "a coding not asked for": (lambda kind: page(kind, b"{}", **{"Content-Encoding": "br"}), Malformed),
    "a gzip bomb": (lambda kind: page(kind, gzip.compress(bytes(MAX_INDEX_BYTES + 1)), **{"Content-Encoding": "gzip"}), Malformed),
    "shorter than it says": (lambda kind: Answer(body=b"{}", length=9, headers={"Content-Type": MEDIA[kind]}), Unreachable),
    "slow": (lambda kind: Answer(body=repeat(b"{"), drip=0.05, headers={"Content-Type": MEDIA[kind]}), Unreachable),
    "slow headers": (lambda _: Answer(raw=True, drip=0.05, body=chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X: y\r\n"))), Unreachable),
    "NUL in a header": (lambda _: Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}"), Unreachable),
    "a bare line feed in a name": (lambda _: Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nX\n\r: a\r\n\r\n{}"), Unreachable),
    "two lengths": (lambda _: Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), Unreachable),
    "no HTTP": (lambda _: Answer(raw=True, body=b"SSH-2.0-OpenSSH\r\n"), Unreachable),
    "endless headers": (
        lambda _: Answer(raw=True, body=chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X: " + b"y" * 9000 + b"\r\n"))),
        Unreachable,
    ),
    "chunked garbage": (
        lambda _: Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nnothing\r\n"),
        Unreachable,
    ),
    "a chunk beyond all bounds": (
        lambda _: Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\nx"),
        Unreachable,
    ),
    "a redirect to a file": (lambda _: Answer(status=302, headers={"Location": "file:///etc/passwd"}), Malformed),
    "a redirect to FTP": (lambda _: Answer(status=301, headers={"Location": "ftp://127.0.0.1/x"}), Malformed),
    "a redirect to gopher": (lambda _: Answer(status=307, headers={"Location": "gopher://127.0.0.1/x"}), Malformed),
    "a redirect to itself": (lambda _: Answer(status=302, headers={"Location": ""}), Malformed),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("case", HOSTILE)
def test_an_answer_that_is_none_is_one_of_three_errors(server, kind, case):
    answer, expected = HOSTILE[case]
    began = time.monotonic()
    with pytest.raises(expected) as caught:
        discover(server, kind, answer(kind), QUICK if "slow" in case else Timeouts(pause=0.01))
    assert type(caught.value) is expected
    assert time.monotonic() - began < 20
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", TYPES)
def test_a_redirect_loop_ends(server, kind):
    with pytest.raises(Unreachable, match="redirects more than"):
        discover(server, kind, Answer(status=302, headers={"Location": PAGES[kind]}))


@pytest.mark.parametrize("kind", TYPES)
def test_what_follows_the_announced_length_is_no_part_of_the_answer(server, kind):
    with pytest.raises(Malformed):
        discover(server, kind, Answer(body=b"{}" + b"x" * 50, length=2, headers={"Content-Type": MEDIA[kind]}))


@pytest.mark.parametrize("kind", TYPES)
def test_a_page_beyond_the_bound_is_refused(server, kind):
    began = time.monotonic()
    with pytest.raises(Malformed, match=str(MAX_INDEX_BYTES)):
        discover(server, kind, Answer(body=repeat(bytes(1 << 20), 66), headers={"Content-Type": MEDIA[kind]}), Timeouts())
    assert time.monotonic() - began < 30


def simple_page(server: FaultyServer, *files: dict[str, object], name: str = "foo") -> Answer:
    return page("pypi", json.dumps({"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": files}).encode())


def test_a_page_of_50_megabytes_is_read_in_bounded_memory(server):
    """A page of the size that the largest projects have, most of it one field that nobody reads, with 20,000 files."""
    files: list[dict[str, object]] = [
        {"filename": f"foo-{number}-py3-none-any.whl", "url": f"/{number}", "hashes": {}, "requires-python": "x" * 2400}
        for number in range(20_000)
    ]
    answer = simple_page(server, *files)
    assert isinstance(answer.body, bytes)
    assert 50 << 20 > len(answer.body) > 45 << 20
    began = time.monotonic()
    tracemalloc.start()
    try:
        server.answers[PAGES["pypi"]] = [answer]
        with Wire() as wire:
            document = wire.get(server.url + PAGES["pypi"])
        assert tracemalloc.get_traced_memory()[1] < 3 * len(answer.body)
    finally:
        tracemalloc.stop()
    assert document.body == answer.body
    assert len(discover(server, "pypi", answer, Timeouts()).releases) == 20_000
    assert time.monotonic() - began < 90


@pytest.mark.parametrize(
    "markup",
    [
        b"<a " * 200_000,
        b"<div>" * 500_000 + b"</div>" * 500_000,
        b"<a href=x>" * 30_000,
        b"<a " + b"x=y " * 200_000 + b">",
        b"<a href=" + b"'" * 1_000_001,
        b"<!--" * 500_000,
        b"&#x" + b"9" * 500_000 + b";",
        b"<a href=x>&#" + b"9" * 100_000 + b";foo-1.tar.gz</a>",
        b"<base href='" + b"/" * 500_000 + b"'><a href=x>foo-1.tar.gz</a>",
        b"<a href='http://[::'>foo-1.tar.gz</a>",
        b"<" * 2_000_000,
    ],
    ids=[
        "tags without end",
        "nested",
        "anchors",
        "attributes",
        "quotes",
        "comments",
        "a reference",
        "a number",
        "a base",
        "no URL",
        "angles",
    ],
)
def test_hostile_markup_is_read_or_refused_in_time(server, markup):
    began = time.monotonic()
    try:
        listing = discover(server, "pypi", Answer(body=markup, headers={"Content-Type": "text/html"}), Timeouts())
        assert len(listing.releases) <= 1
    except Malformed:
        pass
    assert time.monotonic() - began < 20


def sent_for(server: FaultyServer, url: str, **facts: object) -> tuple[RemoteFile, ...]:
    file = {"filename": wheel_name("foo", "1.0"), "url": url, "hashes": {}, **facts}
    return tuple(file for release in discover(server, "pypi", simple_page(server, file)).releases for file in release.files)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:,x", "ftp://127.0.0.1/x", "javascript:x", "gopher://127.0.0.1/x"])
def test_files_at_addresses_that_are_not_http_are_left_out(server, url):
    assert sent_for(server, url) == ()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:,x", "ftp://127.0.0.1/x", "", "//", "http://", "\0"])
@pytest.mark.parametrize("kind", TYPES)
def test_a_file_at_such_an_address_is_not_fetched_either(server, kind, url):
    sink = BytesIO()
    with Wire(QUICK) as wire:
        hostile = upstream(server, wire, kind)
        with pytest.raises(Malformed):
            hostile.fetch(RemoteFile(name="x", url=url, companions={".p": url}), sink, max_bytes=99)
        with pytest.raises(Malformed):
            hostile.fetch_companion(RemoteFile(name="x", url=url, companions={".p": url}), ".p")
    assert sink.getvalue() == b""


def test_files_on_another_host_are_fetched_without_credentials(server):
    with FaultyServer() as other:
        other.answers["/f.whl"] = [Answer(body=wheel("foo", "1.0"))]
        server.answers[PAGES["pypi"]] = [
            simple_page(server, {"filename": wheel_name("foo", "1.0"), "url": other.url + "/f.whl", "hashes": {}})
        ]
        sink = BytesIO()
        with Wire(QUICK, environment={f"RECONCILER_TOKEN_127_0_0_1_{server.port}": "s3cret"}) as wire:
            hostile = upstream(server, wire, "pypi")
            (release,) = hostile.discover("foo").releases
            hostile.fetch(release.files[0], sink, max_bytes=10_000)
        assert sink.getvalue() == wheel("foo", "1.0")
        assert server.requests[0].headers["authorization"] == "Bearer s3cret"
        assert "authorization" not in other.requests[0].headers


def test_a_public_index_names_no_file_inside_this_network(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    file: dict[str, object] = {"filename": wheel_name("foo", "1.0"), "url": "http://169.254.169.254/latest/meta-data", "hashes": {}}
    server.answers["http://index.example/simple/foo/"] = [simple_page(server, file)]
    with Wire(QUICK) as wire:
        public = HttpUpstream("public", address=lambda: "http://index.example/simple/", ecosystem=ECOSYSTEMS["pypi"], wire=wire)
        (release,) = public.discover("foo").releases
        with pytest.raises(Malformed, match="inside this network"):
            public.fetch(release.files[0], BytesIO(), max_bytes=99)
    assert [asked.path for asked in server.requests] == ["http://index.example/simple/foo/"]


@pytest.mark.parametrize(
    "name", ["../foo-1.0.tar.gz", "/foo-1.0.tar.gz", "..", "a/../foo-1.0-py3-none-any.whl", "foo-1.0.tar.gz\0", "foo-1.0\\..\\x.tar.gz"]
)
def test_files_that_are_called_like_a_path_are_left_out(server, name):
    try:
        listing = discover(server, "pypi", simple_page(server, {"filename": name, "url": "/x", "hashes": {}}))
    except Malformed:
        return
    assert [file.name for release in listing.releases for file in release.files] == []


ABOUT_ANOTHER: Final[dict[str, dict[str, object]]] = {
    "pypi": {"meta": {"api-version": "1.1"}, "name": "bar", "versions": [], "files": []},
    "npm": {"name": "bar", "dist-tags": {"latest": "1.0.0"}, "versions": {}},
    "nuget": {
        "count": 1,
        "items": [{"items": [{"catalogEntry": {"id": "bar", "version": "1.0.0"}, "packageContent": "http://a.example/bar.1.0.0.nupkg"}]}],
    },
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_page_about_another_package_is_malformed(server, kind):
    with pytest.raises(Malformed):
        discover(server, kind, page(kind, json.dumps(ABOUT_ANOTHER[kind]).encode()))


@pytest.mark.parametrize("kind", TYPES)
def test_an_endless_file_is_stopped_and_a_slow_one_ends(server, kind):
    server.answers["/endless"] = [Answer(body=repeat(bytes(65536)))]
    server.answers["/slow"] = [Answer(body=repeat(b"x"), drip=0.05)]
    with Wire(QUICK) as wire:
        hostile = upstream(server, wire, kind)
        sink = BytesIO()
        with pytest.raises(ContentMismatch):
            hostile.fetch(RemoteFile(name="x", url=server.url + "/endless"), sink, max_bytes=1000)
        assert len(sink.getvalue()) <= 1000
        with pytest.raises(Unreachable):
            hostile.fetch(RemoteFile(name="x", url=server.url + "/slow"), sink, max_bytes=1000)


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_not_there_is_said_as_such(server, kind):
    with pytest.raises(NotThere):
        discover(server, kind, Answer(status=404))
