"""Upstreams: folders, addresses and well-known names, with a tiny ecosystem of the tests' own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from reconciler.ecosystems import ECOSYSTEMS, Ecosystem
from reconciler.errors import ContentMismatch, Malformed, NotThere, Refused, Unreachable
from reconciler.model.packages import RemoteFile
from reconciler.model.words import sha256_hex
from reconciler.observe.upstreams import open_upstream
from reconciler.observe.well_known import WELL_KNOWN, index_url_in
from reconciler.wire import Wire
from tests.observe.boxes import Boxes, BoxesByKey
from tests.support.faulty_server import Answer, FaultyServer

ROOT = Path(__file__).resolve().parents[2]
INDEX = "https://index.example/"


BOXES: Ecosystem = Boxes()


def box(folder: Path, file: str, name: str, version: str, extra: str = "") -> bytes:
    data = json.dumps({"name": name, "version": version, "extra": extra}).encode()
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(data)
    return data


@pytest.fixture(scope="module")
def wire():
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            patch.delenv(variable, raising=False)
        with Wire() as opened:
            yield opened


@pytest.fixture
def server():
    with FaultyServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "packages").mkdir()
    return tmp_path / "packages"


@pytest.fixture
def upstream(folder, wire):
    return open_upstream("./packages", feed_type="box", ecosystem=BOXES, wire=wire, base=folder.parent, environment={})


def fetched(upstream, file, max_bytes=10_000):
    sink = BytesIO()
    return upstream.fetch(file, sink, max_bytes=max_bytes), sink.getvalue()


# --- folders ------------------------------------------------------------------------------------------------------------------


def test_a_folder_lists_the_versions_of_a_package_in_order(folder, upstream):
    new = box(folder, "Foo_Bar-10.0.box", "Foo_Bar", "10.0")
    old = box(folder, "below/foo-bar-2.0.box", "foo-bar", "2.0")
    box(folder, "foo-1.0.box", "foo", "1.0")
    (folder / "foo-bar-notes.txt").write_text("no package")
    listing = upstream.discover("foo_BAR")
    assert listing.name == "Foo_Bar"
    assert [release.version.text for release in listing.releases] == ["2.0", "10.0"]
    assert listing.releases[0].files == (
        RemoteFile(
            name="foo-bar-2.0.box",
            url=(folder / "below/foo-bar-2.0.box").as_uri(),
            size=len(old),
            sha256=sha256_hex(hashlib.sha256(old).hexdigest()),
        ),
    )
    assert fetched(upstream, listing.releases[1].files[0])[1] == new
    assert upstream.name == "./packages"


def test_an_absolute_folder_is_one_too(folder, wire):
    box(folder, "foo-1.box", "foo", "1")
    upstream = open_upstream(str(folder), feed_type="box", ecosystem=BOXES, wire=wire, base=Path("/nowhere"), environment={})
    assert len(upstream.discover("foo").releases) == 1


def test_several_files_make_one_release(folder, upstream):
    box(folder, "foo-1-b.box", "foo", "1")
    box(folder, "foo-1-a.box", "foo", "1")
    (release,) = upstream.discover("foo").releases
    assert [file.name for file in release.files] == ["foo-1-a.box", "foo-1-b.box"]


def test_the_content_names_the_package_and_not_its_file_name(folder, upstream):
    box(folder, "foo-1.box", "other", "1")
    box(folder, "foo-extra-1.box", "foo-extra", "1")
    with pytest.raises(NotThere, match=r"no package foo$"):
        upstream.discover("foo")


def test_a_file_that_calls_itself_what_is_no_name_is_left_out(folder, upstream):
    box(folder, "foo-1.box", "", "1")
    with pytest.raises(NotThere, match="a name has letters"):
        upstream.discover("foo")


def test_damaged_files_are_left_out_and_named_when_nothing_else_is_there(folder, upstream):
    (folder / "foo-1.box").write_bytes(b"{")
    with pytest.raises(NotThere, match=r"foo-1\.box: damaged"):
        upstream.discover("foo")
    box(folder, "foo-2.box", "foo", "2")
    again = open_upstream(str(folder), feed_type="box", ecosystem=BOXES, wire=upstream, base=folder, environment={})
    assert [release.version.text for release in again.discover("foo").releases] == ["2"]


def test_copies_of_a_file_are_one_and_different_files_of_one_name_are_none(folder, upstream):
    for place in ("a/foo-1.box", "b/foo-1.box", "a/foo-2.box"):
        box(folder, place, "foo", place[-5])
    box(folder, "b/foo-2.box", "foo", "2", extra="other")
    (release,) = upstream.discover("foo").releases
    assert [(file.name, file.url) for file in release.files] == [("foo-1.box", (folder / "a/foo-1.box").as_uri())]
    (folder / "a/foo-1.box").unlink()
    (folder / "b/foo-1.box").unlink()
    again = open_upstream(str(folder), feed_type="box", ecosystem=BOXES, wire=upstream, base=folder, environment={})
    with pytest.raises(NotThere, match="different files"):
        again.discover("foo")


def test_what_is_no_name_is_not_there(upstream):
    with pytest.raises(NotThere, match="a name has letters"):
        upstream.discover("not a name")


def test_a_folder_that_does_not_exist_is_unreachable_and_not_empty(tmp_path, wire):
    upstream = open_upstream("elsewhere", feed_type="box", ecosystem=BOXES, wire=wire, base=tmp_path, environment={})
    with pytest.raises(Unreachable, match="folder elsewhere does not exist") as caught:
        upstream.discover("foo")
    assert "nuget.org" in caught.value.remedy


def test_symbolic_links_hidden_files_and_pipes_are_left_out(folder, upstream, tmp_path):
    box(tmp_path, "outside/foo-1.box", "foo", "1")
    box(folder, ".hidden/foo-2.box", "foo", "2")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "foo-1.box").symlink_to(tmp_path / "outside/foo-1.box")
    os.mkfifo(folder / "foo-3.box")
    with pytest.raises(NotThere):
        upstream.discover("foo")


def test_a_file_that_becomes_a_link_is_not_followed(folder, upstream, tmp_path):
    box(folder, "foo-1.box", "foo", "1")
    (file,) = upstream.discover("foo").releases[0].files
    (folder / "foo-1.box").unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "foo-1.box").symlink_to(tmp_path / "secret")
    with pytest.raises(Unreachable):
        fetched(upstream, file)


def test_folders_are_read_to_a_bounded_depth(folder, upstream):
    box(folder, "1/2/3/4/5/6/7/foo-1.box", "foo", "1")
    box(folder, "1/2/3/4/5/6/7/8/foo-2.box", "foo", "2")
    assert [release.version.text for release in upstream.discover("foo").releases] == ["1"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "../secret", "", "{folder}/../secret.box", "{folder}/%2e%2e/secret.box"])
def test_only_listed_files_are_fetched(folder, upstream, url):
    box(folder, "foo-1.box", "foo", "1")
    (folder.parent / "secret.box").write_bytes(b"secret")
    with pytest.raises(NotThere):
        fetched(upstream, RemoteFile(name="foo-1.box", url=url.replace("{folder}", folder.as_uri())))


def test_fetching_digests_and_bounds(folder, upstream):
    data = box(folder, "foo-1.box", "foo", "1", extra="x" * 1000)
    (file,) = upstream.discover("foo").releases[0].files
    done, got = fetched(upstream, file, max_bytes=len(data))
    assert (done.size, done.sha256, got) == (len(data), hashlib.sha256(data).hexdigest(), data)
    with pytest.raises(ContentMismatch):
        fetched(upstream, file, max_bytes=len(data) - 1)
    with pytest.raises(NotThere):
        upstream.fetch_companion(file, ".provenance")


def test_a_file_is_named_as_its_ecosystem_names_it(folder, wire):
    data = box(folder, "Foo_Bar.01.0.BOX", "Foo_Bar", "01.0")
    upstream = open_upstream(str(folder), feed_type="box", ecosystem=BoxesByKey(), wire=wire, base=folder, environment={})
    (file,) = upstream.discover("foo-bar").releases[0].files
    assert file.name == "foo-bar.1.0.nupkg"
    assert fetched(upstream, file)[1] == data


def test_a_real_nuget_package_has_the_name_that_its_registry_gives_it(tmp_path, wire):
    nupkg = ROOT / "../shared/data/nupkg/Newtonsoft.Json.13.0.3.nupkg"
    if not nupkg.exists():
        pytest.skip("../shared/data is not here")
    (tmp_path / nupkg.name).write_bytes(nupkg.read_bytes())
    upstream = open_upstream(".", feed_type="nuget", ecosystem=ECOSYSTEMS["nuget"], wire=wire, base=tmp_path, environment={})
    listing = upstream.discover("newtonsoft.json")
    assert (listing.name, listing.releases[0].version.text) == ("Newtonsoft.Json", "13.0.3")
    (file,) = listing.releases[0].files
    assert (file.name, file.size) == ("newtonsoft.json.13.0.3.nupkg", nupkg.stat().st_size)


# --- addresses ----------------------------------------------------------------------------------------------------------------


def test_an_index_is_read_at_its_address(server, wire, tmp_path):
    server.answers["/index/foo.json"] = [Answer(body=b'{"1.0": "files/foo-1.0.box"}')]
    server.answers["/index/files/foo-1.0.box"] = [Answer(body=b"content")]
    server.answers["/p"] = [Answer(body=b"proof")]
    upstream = open_upstream(server.url + "/index/", feed_type="box", ecosystem=BOXES, wire=wire, base=tmp_path, environment={})
    (file,) = upstream.discover("foo").releases[0].files
    assert fetched(upstream, file)[1] == b"content"
    proven = RemoteFile(name=file.name, url=file.url, companions={".provenance": server.url + "/p"})
    assert upstream.fetch_companion(proven, ".provenance") == b"proof"
    with pytest.raises(NotThere, match="provenance"):
        upstream.fetch_companion(file, ".provenance")
    with pytest.raises(NotThere):
        upstream.discover("bar")


def test_credentials_of_an_index_go_to_its_host_only_and_stay_out_of_listings(server, wire, tmp_path):
    with FaultyServer() as other:
        answer = {"1": "foo-1.box", "2": other.url + "/foo-2.box", "3": server.url.replace("127", "eve:x@127") + "/foo-1.box"}
        server.answers["/foo.json"] = [Answer(body=json.dumps(answer).encode())]
        server.answers["/foo-1.box"] = other.answers["/foo-2.box"] = [Answer(body=b"content")]
        address = server.url.replace("http://", "http://ada:s3cret@")
        upstream = open_upstream(address, feed_type="box", ecosystem=BOXES, wire=wire, base=tmp_path, environment={})
        files = [release.files[0] for release in upstream.discover("foo").releases]
        for file in files:
            fetched(upstream, file)
        assert "s3cret" not in repr(files) + upstream.name
        assert {asked.headers.get("authorization") for asked in server.requests} == {"Basic YWRhOnMzY3JldA=="}
        assert "authorization" not in other.requests[0].headers


def test_a_file_address_from_an_index_reads_no_file(server, wire, tmp_path):
    upstream = open_upstream(server.url, feed_type="box", ecosystem=BOXES, wire=wire, base=tmp_path, environment={})
    with pytest.raises(Malformed):
        fetched(upstream, RemoteFile(name="x", url="file:///etc/passwd"))


@pytest.mark.parametrize("text", ["ftp://a.example/", "file:///srv", "", "a\0b", "s3://ada:s3cret@bucket"])
def test_other_texts_are_refused(wire, tmp_path, text):
    with pytest.raises(Refused) as caught:
        open_upstream(text, feed_type="box", ecosystem=BOXES, wire=wire, base=tmp_path, environment={})
    assert "s3cret" not in str(caught.value)


# --- well-known names ---------------------------------------------------------------------------------------------------------


def test_well_known_names_serve_their_own_type_only(wire, tmp_path):
    assert open_upstream("nuget.org", feed_type="nuget", ecosystem=BOXES, wire=wire, base=tmp_path, environment={}).name == "nuget.org"
    with pytest.raises(Refused, match="type pypi"):
        open_upstream("pypi", feed_type="nuget", ecosystem=BOXES, wire=wire, base=tmp_path, environment={})


def test_nuget_org_is_a_constant():
    assert WELL_KNOWN["nuget.org"].address({}) == "https://api.nuget.org/v3/index.json"


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ("", None),
        (f"global.index-url='{INDEX}'", INDEX),
        (f"global.index-url='{INDEX}g'\ninstall.index-url='{INDEX}i'", f"{INDEX}i"),
        (f":env:.index-url='{INDEX}e'\ninstall.index-url='{INDEX}i'", f"{INDEX}e"),
        (f":env:.index-url=''\nglobal.index-url='{INDEX}'", INDEX),
        (f":env:.extra-index-url='{INDEX}'\ndownload.index-url='{INDEX}'\nwheel.x='a=b'", None),
        (f'global.index-url="{INDEX}?a=b\'c"', f"{INDEX}?a=b'c"),
        ("global.index-url=__import__('os')\n:env:.index-url=(\ninstall.index-url=3", None),
        ("no line\n=\n" + "global.index-url=" + "(" * 5000, None),
    ],
)
def test_what_pip_says_of_its_index(config, url):
    assert index_url_in(config) == url


def pip_index(tmp_path, text, **environment):
    """The address of `pypi` in a process whose pip has this configuration, and whose working folder has a hostile `pip`."""
    (tmp_path / "pip.conf").write_text(text)
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/__main__.py").write_text(f"print('global.index-url={INDEX!r}evil')")
    (tmp_path / "pip/__init__.py").write_text("")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    program = "from reconciler.observe.well_known import WELL_KNOWN; a = WELL_KNOWN['pypi'].address; print(a({})); assert a({}) is a({})"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env=kept | {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_pypi_is_the_index_of_pips_configuration(tmp_path):
    assert pip_index(tmp_path, f"[global]\nindex-url = {INDEX}simple/\n") == f"{INDEX}simple/"


def test_pypi_is_the_public_index_where_pip_has_no_other(tmp_path):
    assert pip_index(tmp_path, "", PIP_CONFIG_FILE=os.devnull) == PYPI_SIMPLE_ENDPOINT


def test_a_configuration_that_pip_cannot_read_does_not_lead_to_the_public_index(tmp_path):
    assert "Unreachable" in pip_index(tmp_path, "no configuration")
