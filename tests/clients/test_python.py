"""pip, uv and poetry in front of nginx, from a feed whose upstream is an index with upload times: locking, cool-down, revalidation.

What holds in front of any static server is in test_pip.py.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from importlib.metadata import version as version_of
from pathlib import Path

import pytest
from packaging.version import Version

from reconciler.declare.load import load_approval
from tests.clients.project import Project
from tests.clients.registry import Offer, publish, url
from tests.support.clients import run_client
from tests.support.nginx import Nginx
from tests.support.static_server import SIMPLE_JSON
from tests.support.wheels import wheel, wheel_name

pytestmark = pytest.mark.client("nginx")

JANUARY, JUNE = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
BETWEEN = "2026-03-01"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A published feed and its server."""

    project: Project
    server: Nginx

    @property
    def index(self) -> str:
        return f"{self.server.url}/approved-pypi/simple/"

    def asked(self) -> list[tuple[int, str]]:
        """Statuses, and the last parts of the paths."""
        return [(one.status, one.path.removeprefix("/approved-pypi/")) for one in self.server.served()]


def offer(name: str, version: str, *, at: datetime = JANUARY, requires: tuple[str, ...] = ()) -> Offer:
    return Offer(name=wheel_name(name, version), data=wheel(name, version, requires=requires), uploaded_at=at)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Iterator[Served]:
    """Published once: mk-lib 1.1 was uploaded in June, everything else in January; 2.0 is not approved."""
    folder = tmp_path_factory.mktemp("python")
    offers = [
        offer("mk-app", "1.0", requires=("mk-lib>=1.0",)),
        offer("mk-lib", "1.0"),
        offer("mk-lib", "1.1", at=JUNE),
        offer("mk-lib", "2.0", at=JUNE),
    ]
    with Nginx(folder / "index") as index, Nginx(folder / "server") as server:
        publish(index, "pypi", offers)
        project = Project.create(folder, feed_type="pypi", registry=url(index, "pypi"))
        project.approve("mk-app@1.0", "mk-lib@1.0", "mk-lib@1.1")
        project.apply(public_url=server.url)
        project.serve(server)
        yield Served(project=project, server=server)


@pytest.fixture
def feed(published: Served) -> Served:
    published.server.forget()
    return published


def sha256_of(project: Project, package: str, version: str) -> str:
    path = project.approval(package, version)
    (file,) = load_approval(path.name, path.read_bytes()).files
    return file.sha256


def installed(site: Path) -> dict[str, str]:
    return {one.metadata["Name"]: one.version for one in distributions(path=[str(site)]) if one.metadata["Name"].startswith("mk-")}


def uv_install(feed: Served, home: Path, *requirements: str, expect: int = 0) -> str:
    command = ["pip", "install", "--no-cache", "--target", str(home / "site"), "--index-url", feed.index]
    return run_client("uv", *command, "--exclude-newer", BETWEEN, *requirements, home=home, expect=expect)


def write_project(home: Path, index: str) -> None:
    """A project for uv and for poetry that needs mk-app."""
    home.mkdir(exist_ok=True)
    (home / "pyproject.toml").write_text(
        '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["mk-app"]\n'
        f'[[tool.uv.index]]\nurl = "{index}"\ndefault = true\n'
        "[tool.poetry]\npackage-mode = false\n"
        f'[[tool.poetry.source]]\nname = "feed"\nurl = "{index}"\npriority = "primary"\n',
        encoding="utf-8",
    )


@pytest.mark.client("uv")
def test_uv_takes_no_version_younger_than_a_date(feed, tmp_path):
    """The cool-down of clients counts from the upload to the upstream, which passes through the promotion."""
    uv_install(feed, tmp_path, "mk-app")
    assert installed(tmp_path / "site") == {"mk-app": "1.0", "mk-lib": "1.0"}


@pytest.mark.client("uv")
def test_uv_says_which_version_is_too_young(feed, tmp_path):
    said = " ".join(uv_install(feed, tmp_path, "mk-lib==1.1", expect=1).split())
    assert "`mk-lib` was filtered by `exclude-newer`" in said
    assert "The requested version, v1.1, was published at 2026-06-01T00:00:00Z" in said
    assert installed(tmp_path / "site") == {}


@pytest.mark.client("uv")
@pytest.mark.parametrize(("options", "version"), [((), "1.1"), (("--exclude-newer", BETWEEN), "1.0")])
def test_uv_locks_what_was_reviewed(feed, tmp_path, options, version):
    write_project(tmp_path, feed.index)
    index = ["--default-index", feed.index]
    run_client("uv", "lock", *options, *index, home=tmp_path)
    locked = {one["name"]: one for one in tomllib.loads((tmp_path / "uv.lock").read_text(encoding="utf-8"))["package"]}
    assert locked["mk-lib"]["version"] == version
    (file,) = locked["mk-lib"]["wheels"]
    assert file["hash"] == f"sha256:{sha256_of(feed.project, 'mk-lib', version)}"
    assert file["upload-time"] == {"1.0": "2026-01-05T00:00:00Z", "1.1": "2026-06-01T00:00:00Z"}[version]
    asked = feed.asked()
    assert not [path for _, path in asked if path.endswith(".whl")], "metadata (PEP 658) says all that a lock file needs"
    assert {status for status, _ in asked} == {200}
    run_client("uv", "sync", "--frozen", *index, home=tmp_path)
    assert installed(next(tmp_path.glob(".venv/lib/*/site-packages"))) == {"mk-app": "1.0", "mk-lib": version}


@pytest.mark.client("pip")
@pytest.mark.parametrize("slash", ["", "/"])
def test_pip_gets_json_and_metadata_however_the_address_ends(feed, tmp_path, slash):
    where = ["--target", str(tmp_path / "site"), "--index-url", feed.index.rstrip("/") + slash]
    run_client("pip", "install", "--no-cache-dir", *where, "mk-app", home=tmp_path)
    assert installed(tmp_path / "site") == {"mk-app": "1.0", "mk-lib": "1.1"}
    served = feed.server.served()
    assert {one.content_type for one in served if one.path.endswith("/")} == {SIMPLE_JSON}
    metadata = [one.path.rpartition("/")[2] for one in served if one.path.endswith(".metadata")]
    # An older pip knows it in HTML only: PEP 714 has another name for it in JSON, since those stumbled over the first one.
    knows = Version(version_of("pip")) >= Version("23.2")
    assert metadata == (["mk_app-1.0-py3-none-any.whl.metadata", "mk_lib-1.1-py3-none-any.whl.metadata"] if knows else [])
    assert {one.status for one in served} == {200}


@pytest.mark.client("pip")
def test_pip_refuses_changed_bytes_whose_digest_was_pinned(feed, tmp_path):
    (tmp_path / "requirements.txt").write_text(f"mk-lib==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    where = ["--target", str(tmp_path / "site"), "--index-url", feed.index]
    said = run_client("pip", "install", "--no-cache-dir", *where, "--require-hashes", "-r", "requirements.txt", home=tmp_path, expect=1)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in said
    assert sha256_of(feed.project, "mk-lib", "1.0") in said


@pytest.mark.client("poetry")
def test_poetry_locks_and_installs_what_was_reviewed(feed, tmp_path):
    write_project(tmp_path, feed.index)
    run_client("poetry", "lock", home=tmp_path)
    locked = {one["name"]: one for one in tomllib.loads((tmp_path / "poetry.lock").read_text(encoding="utf-8"))["package"]}
    assert {name: one["version"] for name, one in locked.items()} == {"mk-app": "1.0", "mk-lib": "1.1"}
    assert locked["mk-lib"]["files"][0]["hash"] == f"sha256:{sha256_of(feed.project, 'mk-lib', '1.1')}"
    assert not [path for _, path in feed.asked() if path.endswith(".whl")]
    feed.server.forget()
    run_client("poetry", "install", "--no-root", home=tmp_path)
    assert installed(next(tmp_path.glob(".venv/lib/*/site-packages"))) == {"mk-app": "1.0", "mk-lib": "1.1"}
    assert sorted(feed.asked()) == [
        (200, "files/mk-app/1/mk_app-1.0-py3-none-any.whl"),
        (200, "files/mk-lib/1.1/mk_lib-1.1-py3-none-any.whl"),
    ]
    feed.server.forget()
    (tmp_path / "poetry.lock").unlink()
    run_client("poetry", "lock", home=tmp_path)
    assert feed.asked() == [], "pages are good for ten minutes"


@pytest.mark.client("poetry")
def test_poetry_revalidates_what_it_has(feed, tmp_path):
    """After ten minutes (here: at once) 304 is enough; it comes without a Content-Type, or poetry would take the JSON that it has
    for HTML and find nothing.
    """
    printed = feed.project.reconciler("serve", "--print-nginx", "--public-url", feed.server.url)
    with Nginx(tmp_path / "server") as impatient:
        impatient.start(printed.replace("max-age=600", "max-age=0").replace(str(feed.server.port), str(impatient.port)))
        write_project(tmp_path, f"{impatient.url}/approved-pypi/simple/")
        run_client("poetry", "lock", home=tmp_path)
        impatient.forget()
        (tmp_path / "poetry.lock").unlink()
        run_client("poetry", "lock", home=tmp_path)
        served = impatient.served()
    pages = [(one.status, one.path, one.content_type) for one in served if one.path.endswith("/")]
    assert pages == [(304, "/approved-pypi/simple/mk-app/", ""), (304, "/approved-pypi/simple/mk-lib/", "")]
    assert 'name = "mk-lib"\nversion = "1.1"' in (tmp_path / "poetry.lock").read_text(encoding="utf-8")


def test_upload_times_are_those_of_the_upstream(feed):
    page = json.loads(feed.server.ask("GET", "/approved-pypi/simple/mk-lib/", {"Accept": SIMPLE_JSON}).body)
    assert [one["upload-time"] for one in page["files"]] == ["2026-01-05T00:00:00.000000Z", "2026-06-01T00:00:00.000000Z"]
