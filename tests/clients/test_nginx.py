"""nginx itself, with the configuration that `reconciler serve --print-nginx` gives, in front of a store: request by request.

What its clients make of that is in the tests of the clients.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.words import FeedName
from reconciler.show.nginx import ServedFeed, nginx_configuration
from tests.support.nginx import Nginx
from tests.support.static_server import SIMPLE_JSON

pytestmark = pytest.mark.client("nginx")

OCTETS = "application/octet-stream"
PAGE = b"{%s}" % (b" " * 3000)
FILES = {
    "feeds/pypi/simple/index.html": b"<p>all",
    "feeds/pypi/simple/index.json": b"[]",
    "feeds/pypi/simple/foo/index.html": b"<p>foo",
    "feeds/pypi/simple/foo/index.json": PAGE,
    "feeds/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl": b"PK" * 2000,
    "feeds/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl.metadata": b"Name: foo",
    "feeds/pypi/.tmp/unfinished": b"half",
    "feeds/nuget/v3/index.json": PAGE,
    "feeds/nuget/v3/flatcontainer/foo/1.0.0/foo.1.0.0.nupkg": b"PK",
    "feeds/npm/foo/index.json": PAGE,
    "feeds/npm/foo/-/foo-1.0.0.tgz": b"tgz",
    "feeds/npm/@mk/foo/index.json": b'"scoped"',
    "feeds/npm/@mk/foo/-/foo-1.0.0.tgz": b"scoped tgz",
    "feeds/undeclared/secret": b"secret",
    "feeds/npm-secret": b"secret",
    "state/feeds/npm/head.json": b"secret",
    "state/feeds/npm/quarantine/foo/-/foo-0.9.0.tgz": b"secret",
}
LINKS = {
    "feeds/nuget/v3/link.json": "state/feeds/npm/head.json",
    "feeds/npm/linked": "state/feeds/npm",
    "feeds/pypi/simple/linked": "state",
    "feeds/pypi/simple/inside.html": "feeds/pypi/simple/index.html",
}
INDEXES = {kind: ECOSYSTEMS[kind].indexes for kind in ("npm", "nuget", "pypi")}


def make_store(folder: Path) -> Path:
    for path, body in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    for path, target in LINKS.items():
        (folder / path).symlink_to(folder / target)
    return folder


def configure(store: Path, url: str) -> str:
    feeds = [ServedFeed(name=FeedName(kind), path=f"feeds/{kind}/", type=kind, indexes=indexes) for kind, indexes in INDEXES.items()]
    return nginx_configuration(str(store), url, feeds)


@pytest.fixture(scope="module", params=["", "/of/all"], ids=["root", "below-a-path"])
def place(request, tmp_path_factory) -> Iterator[tuple[Nginx, str]]:
    """A server and the path before the names of the feeds."""
    folder = tmp_path_factory.mktemp("nginx")
    store = make_store(folder / 'the "store"; \\ #{of} *all* öre')
    with Nginx(folder / "server") as server:
        server.start(configure(store, server.url + request.param))
        yield server, request.param


def test_the_configuration_is_one_without_warnings(place):
    server, _ = place
    assert "test is successful" in server.check()


@pytest.mark.parametrize(
    ("path", "accept", "content_type", "body"),
    [
        ("/pypi/simple/", "", "text/html", "feeds/pypi/simple/index.html"),
        ("/pypi/simple/foo/", "", "text/html", "feeds/pypi/simple/foo/index.html"),
        ("/pypi/simple/foo/", "text/html", "text/html", "feeds/pypi/simple/foo/index.html"),
        ("/pypi/simple/foo/", "*/*", "text/html", "feeds/pypi/simple/foo/index.html"),
        ("/pypi/simple/foo/", f"{SIMPLE_JSON}x", "text/html", "feeds/pypi/simple/foo/index.html"),
        ("/pypi/simple/foo/", SIMPLE_JSON, SIMPLE_JSON, "feeds/pypi/simple/foo/index.json"),
        ("/pypi/simple/foo/", f"{SIMPLE_JSON}, text/html; q=0.01", SIMPLE_JSON, "feeds/pypi/simple/foo/index.json"),
        ("/pypi/simple/foo/", f"text/html;q=0.1,{SIMPLE_JSON.upper()};q=1", SIMPLE_JSON, "feeds/pypi/simple/foo/index.json"),
        ("/pypi/simple/foo/?a=1", SIMPLE_JSON, SIMPLE_JSON, "feeds/pypi/simple/foo/index.json"),
        ("/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl", "", OCTETS, "feeds/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl"),
        ("/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl.metadata", SIMPLE_JSON, OCTETS, "feeds/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl.metadata"),
        ("/nuget/v3/index.json", "", "application/json", "feeds/nuget/v3/index.json"),
        ("/nuget/v3/flatcontainer/foo/1.0.0/foo.1.0.0.nupkg", "", OCTETS, "feeds/nuget/v3/flatcontainer/foo/1.0.0/foo.1.0.0.nupkg"),
        ("/npm/foo", "application/json", "application/json", "feeds/npm/foo/index.json"),
        ("/npm/foo/", "", "application/json", "feeds/npm/foo/index.json"),
        ("/npm//foo", "", "application/json", "feeds/npm/foo/index.json"),
        ("/npm/@mk%2ffoo", "", "application/json", "feeds/npm/@mk/foo/index.json"),
        ("/npm/@mk%2Ffoo", "", "application/json", "feeds/npm/@mk/foo/index.json"),
        ("/npm/%40mk%2ffoo", "", "application/json", "feeds/npm/@mk/foo/index.json"),
        ("/npm/@mk/foo", "", "application/json", "feeds/npm/@mk/foo/index.json"),
        ("/npm/foo/-/foo-1.0.0.tgz", "", OCTETS, "feeds/npm/foo/-/foo-1.0.0.tgz"),
        ("/npm/@mk/foo/-/foo-1.0.0.tgz", "", OCTETS, "feeds/npm/@mk/foo/-/foo-1.0.0.tgz"),
        ("/npm/@mk%2ffoo/-/foo-1.0.0.tgz", "", OCTETS, "feeds/npm/@mk/foo/-/foo-1.0.0.tgz"),
        ("/npm/@mk%2Ffoo/-/foo-1.0.0.tgz", "", OCTETS, "feeds/npm/@mk/foo/-/foo-1.0.0.tgz"),
        ("/npm/foo/../foo", "", "application/json", "feeds/npm/foo/index.json"),
    ],
)  # fmt: skip
def test_what_is_there(place, path, accept, content_type, body):
    server, prefix = place
    got = server.ask("GET", prefix + path, {"Accept": accept} if accept else {})
    assert (got.status, got.headers["content-type"], got.body) == (200, content_type, FILES[body])
    assert got.headers["cache-control"] == "max-age=600"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert ("Accept" in got.headers.get("vary", "").split(", ")) == path.startswith("/pypi/simple/")
    head = server.ask("HEAD", prefix + path, {"Accept": accept} if accept else {})
    assert head.body == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/npm", 404),
        ("/npm/", 404),
        ("/npm/@mk", 404),
        ("/npm/foo/-", 404),
        ("/npm/foo/-/", 404),
        ("/npm/missing", 404),
        ("/pypi/", 404),
        ("/pypi/files/foo/", 404),
        ("/nuget/v3", 404),
        ("/nuget/v3/", 404),
        ("/undeclared/secret", 404),
        ("/npm-secret", 404),
        ("/npm/../undeclared/secret", 404),
        ("/npm/%2e%2e/undeclared/secret", 404),
        ("/npm/..%2fundeclared/secret", 404),
        ("/npm/%252e%252e/undeclared/secret", 404),
        ("/npm/..%252fundeclared/secret", 404),
        ("/npm/..%5c..%5cstate/feeds/npm/head.json", 404),
        ("/npm../state/feeds/npm/head.json", 404),
        ("/npm%2e%2e/state/feeds/npm/head.json", 404),
        ("/npm/%c0%ae%c0%ae/undeclared/secret", 404),
        ("/npm/foo%00.json", 400),
        ("/npm/foo%0d%0aX-Forged:%201", 404),
        ("/pypi/simple/foo%0d%0aX-Forged:%201", 404),
        ("/npm/@mk%252ffoo", 404),
        ("/npm/%zz", 400),
        ("/state/feeds/npm/head.json", 404),
        ("/nuget/v3/link.json", 404),
        ("/npm/linked", 404),
        ("/npm/linked/head.json", 404),
        ("/pypi/simple/linked/", 404),
        ("/pypi/simple/linked/feeds/npm/head.json", 404),
        ("/pypi/simple/inside.html", 404),
        ("/pypi/.tmp/unfinished", 404),
        ("/pypi/%2etmp/unfinished", 404),
        ("/pypi/simple/.htaccess", 404),
        ("/npm/foo/index.json/", 404),
    ],
)
def test_what_is_not_served(place, path, status):
    server, prefix = place
    got = server.ask("GET", prefix + path)
    assert got.status == status
    assert b"secret" not in got.body
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "x-forged" not in got.headers


def test_nothing_above_the_root_is_reached(place):
    server, prefix = place
    up = "/.." * (prefix.count("/") + 2)
    for path in (f"{prefix}/npm{up}/state/feeds/npm/head.json", f"{prefix}/npm{up.replace('.', '%2e')}/state/feeds/npm/head.json"):
        assert server.ask("GET", path).status == 400


def test_a_folder_with_relative_links_has_one_address(place):
    server, prefix = place
    got = server.ask("GET", f"{prefix}/pypi/simple/foo?a=1", {"Host": "forged.example"})
    assert (got.status, got.headers["location"]) == (301, f"{prefix}/pypi/simple/foo/?a=1")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "TRACE"])
@pytest.mark.parametrize("path", ["/npm/foo", "/npm/-/npm/v1/security/advisories/bulk", "/pypi/simple/foo/", "/nuget/v3/index.json", "/"])
def test_only_reading_is_allowed(place, method, path):
    server, prefix = place
    got = server.ask(method, prefix + path, body=b'{"foo": ["1.0.0"]}')
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/pypi/simple/foo/", "/nuget/v3/index.json", "/npm/foo"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_page_is_compressed_if_asked_and_revalidated(place, path, encoding):
    server, prefix = place
    asking = {"Accept": SIMPLE_JSON, "Accept-Encoding": encoding}
    got = server.ask("GET", prefix + path, asking)
    assert got.headers.get("content-encoding", "identity") == encoding
    assert (gzip.decompress(got.body) if encoding == "gzip" else got.body) == PAGE
    assert "Accept-Encoding" in got.headers["vary"].split(", ")
    again = server.ask("GET", prefix + path, {**asking, "If-None-Match": got.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"].removeprefix("W/") == got.headers["etag"].removeprefix("W/")
    assert not {"content-type", "content-length", "content-encoding"} & again.headers.keys()
    assert again.headers["cache-control"] == "max-age=600"
    assert ("Accept" in again.headers.get("vary", "").split(", ")) == path.startswith("/pypi/")


def test_package_files_are_not_compressed_and_may_be_fetched_in_parts(place):
    server, prefix = place
    path = f"{prefix}/pypi/files/foo/1.0/foo-1.0-py3-none-any.whl"
    got = server.ask("GET", path, {"Accept-Encoding": "gzip", "Range": "bytes=0-1"})
    assert (got.status, got.body) == (206, b"PK")
    assert "content-encoding" not in server.ask("GET", path, {"Accept-Encoding": "gzip"}).headers


def test_a_file_that_is_taken_out_is_gone_at_once(tmp_path):
    store = make_store(tmp_path / "store")
    with Nginx(tmp_path / "server") as server:
        server.start(configure(store, server.url))
        got = server.ask("GET", "/npm/foo/-/foo-1.0.0.tgz")
        (store / "feeds/npm/foo/-/foo-1.0.0.tgz").unlink()
        again = server.ask("GET", "/npm/foo/-/foo-1.0.0.tgz", {"If-None-Match": got.headers["etag"]})
    assert (got.status, again.status) == (200, 404)
    assert "cache-control" not in again.headers
