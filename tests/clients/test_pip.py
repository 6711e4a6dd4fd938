"""pip and uv install what was approved, and only that, from static pages: https://pip.pypa.io, https://docs.astral.sh/uv/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest

from reconciler.declare.load import load_approval
from reconciler.ecosystems import ECOSYSTEMS
from tests.clients.project import Project
from tests.support.clients import run_client
from tests.support.static_server import SIMPLE_JSON, StaticServer
from tests.support.wheels import wheel, wheel_name

either = pytest.mark.parametrize(
    "client", [pytest.param("pip", marks=pytest.mark.client("pip")), pytest.param("uv", marks=pytest.mark.client("uv"))]
)


@dataclass(frozen=True, kw_only=True)
class Installer:
    """One of the clients in a fresh home, in front of a server."""

    client: str
    home: Path
    server: StaticServer

    def install(self, *requirements: str, expect: int = 0) -> str:
        where = ["--target", str(self.home / "site"), "--index-url", f"{self.server.url}/approved-pypi/simple/"]
        command = ["install", "--no-cache-dir"] if self.client == "pip" else ["pip", "install", "--no-cache"]
        return run_client(self.client, *command, *where, *requirements, home=self.home, expect=expect)

    def installed(self) -> dict[str, str]:
        return {one.metadata["Name"]: one.version for one in distributions(path=[str(self.home / "site")])}


def offer(project: Project, name: str, version: str, *, requires: tuple[str, ...] = ()) -> None:
    project.offer(wheel_name(name, version), wheel(name, version, requires=requires))


def make_feed(folder: Path) -> Project:
    """mk-app 1.0 needs mk-lib, of which 1.0 and 1.1 are approved and 2.0 is not."""
    project = Project.create(folder, feed_type="pypi")
    offer(project, "mk-app", "1.0", requires=("mk-lib>=1.0",))
    for version in ("1.0", "1.1", "2.0"):
        offer(project, "mk-lib", version)
    project.approve("mk-app@1.0", "mk-lib@1.0", "mk-lib@1.1")
    return project


@pytest.fixture(scope="module")
def feed(tmp_path_factory) -> Project:
    """Published once; the tests that use it change nothing."""
    project = make_feed(tmp_path_factory.mktemp("pypi"))
    project.apply(public_url="http://127.0.0.1:8080")  # the links are relative: the address does not matter
    return project


@pytest.fixture(params=[False, True], ids=["html", "json"])
def server(feed, request) -> Iterator[StaticServer]:
    with StaticServer(feed.feeds, indexes=ECOSYSTEMS["pypi"].indexes if request.param else ()) as running:
        yield running


@pytest.fixture
def plain(feed) -> Iterator[StaticServer]:
    with StaticServer(feed.feeds) as running:
        yield running


@either
def test_a_package_and_its_dependency_are_installed(client, server, tmp_path, request):
    installer = Installer(client=client, home=tmp_path, server=server)
    installer.install("mk-app")
    assert installer.installed() == {"mk-app": "1.0", "mk-lib": "1.1"}
    pages = {one.content_type for one in server.served if one.path.endswith("/") and one.status == 200}
    assert pages == {SIMPLE_JSON if "json" in request.node.callspec.id else "text/html"}


@either
def test_dependencies_are_read_from_the_metadata_file_before_any_wheel(client, plain, tmp_path):
    """PEP 658: the resolver reads a small file beside each wheel, and downloads only wheels that it installs."""
    Installer(client=client, home=tmp_path, server=plain).install("mk-app")
    fetched = [one.path.rpartition("/")[2] for one in plain.served if "/files/" in one.path and one.status == 200]
    metadata = [name for name in fetched if name.endswith(".metadata")]
    assert sorted(metadata) == ["mk_app-1.0-py3-none-any.whl.metadata", "mk_lib-1.1-py3-none-any.whl.metadata"]
    assert sorted(fetched[-2:]) == ["mk_app-1.0-py3-none-any.whl", "mk_lib-1.1-py3-none-any.whl"]


@either
def test_a_version_that_is_not_approved_is_not_found(client, plain, tmp_path):
    installer = Installer(client=client, home=tmp_path, server=plain)
    said = installer.install("mk-lib==2.0", expect=1)
    expected = r"No matching distribution found for mk-lib==2\.0" if client == "pip" else r"there is no version of\s+mk-lib==2\.0"
    assert re.search(expected, said)
    assert installer.installed() == {}


@either
def test_everything_pinned_by_hash_is_installed(client, feed, plain, tmp_path):
    pins = [pin(feed, "mk-app", "1.0"), pin(feed, "mk-lib", "1.0")]
    (tmp_path / "requirements.txt").write_text("\n".join(pins))
    installer = Installer(client=client, home=tmp_path, server=plain)
    installer.install("--require-hashes", "-r", "requirements.txt")
    assert installer.installed() == {"mk-app": "1.0", "mk-lib": "1.0"}


@pytest.mark.client("pip")
def test_the_digests_on_the_page_are_those_of_the_approval_and_pip_checks_them(tmp_path):
    """Whoever changes a published file, even in the store itself, is found out by the client."""
    project = make_feed(tmp_path)
    project.apply(public_url="http://127.0.0.1:8080")
    (published,) = project.feeds.rglob("mk_lib-1.0-*.whl")
    published.write_bytes(wheel("mk-lib", "1.0", extra={"evil.py": b"pass\n"}))
    with StaticServer(project.feeds) as server:
        said = Installer(client="pip", home=tmp_path, server=server).install("mk-lib==1.0", expect=1)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in said
    assert load_digest(project, "mk-lib", "1.0") in said


@either
def test_a_version_whose_approval_has_expired_is_only_installed_by_its_exact_pin(client, tmp_path):
    """PEP 592: it is yanked, with the reason, so that nothing that depends on it by pin breaks, and nothing new takes it."""
    project = make_feed(tmp_path)
    with StaticServer(project.feeds) as server:
        project.apply(public_url=server.url)
        project.expire("mk-lib", "1.1")
        project.apply(public_url=server.url)
        ranged = Installer(client=client, home=tmp_path / "ranged", server=server)
        ranged.install("mk-app")
        assert ranged.installed() == {"mk-app": "1.0", "mk-lib": "1.0"}
        pinned = Installer(client=client, home=tmp_path / "pinned", server=server)
        said = pinned.install("mk-app", "mk-lib==1.1")
    assert pinned.installed() == {"mk-app": "1.0", "mk-lib": "1.1"}
    assert re.search(r"yanked.*2026-01-01", said, flags=re.DOTALL)


@either
def test_what_is_promoted_stays_installable_when_the_upstream_has_gone(client, tmp_path):
    """Guarantee 8."""
    project = make_feed(tmp_path)
    with StaticServer(project.feeds) as server:
        project.apply(public_url=server.url)
        for path in project.upstream.iterdir():
            path.unlink()
        project.upstream.rmdir()
        project.apply(public_url=server.url)
        installer = Installer(client=client, home=tmp_path, server=server)
        installer.install("mk-app")
    assert installer.installed() == {"mk-app": "1.0", "mk-lib": "1.1"}


def load_digest(project: Project, package: str, version: str) -> str:
    path = project.approval(package, version)
    (file,) = load_approval(path.name, path.read_bytes()).files
    return file.sha256


def pin(project: Project, package: str, version: str) -> str:
    """A line of a requirements file with the digest that was reviewed."""
    return f"{package}=={version} --hash=sha256:{load_digest(project, package, version)}"
