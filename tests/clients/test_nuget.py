"""nuget.exe (5.8, on mono) installs what was approved, and only that, from static pages: https://learn.microsoft.com/nuget/reference/nuget-exe-cli-reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256, sha512
from pathlib import Path

import pytest

from reconciler.declare.load import load_approval
from tests.clients.project import Project
from tests.support.clients import run_client
from tests.support.nupkgs import nupkg
from tests.support.shared import DATA, ROOT, needs_shared
from tests.support.static_server import StaticServer

pytestmark = pytest.mark.client("nuget")


@dataclass(frozen=True, kw_only=True)
class NuGet:
    """The client in a fresh home, in front of a server."""

    home: Path
    server: StaticServer

    @property
    def source(self) -> str:
        return f"{self.server.url}/approved-nuget/v3/index.json"

    def install(self, *package: str, expect: int = 0) -> str:
        # There is no project here to say which framework it is for, and that decides which dependencies count.
        options = [*self._configured(), "-OutputDirectory", "out", "-Framework", "net48"]
        return run_client("nuget", "install", *package, *options, home=self.home, expect=expect)

    def restore(self, *packages: tuple[str, str], expect: int = 0) -> str:
        lines = "".join(f'<package id="{name}" version="{version}" targetFramework="net48" />' for name, version in packages)
        (self.home / "packages.config").write_text(f"<packages>{lines}</packages>", encoding="utf-8")
        options = ["-PackagesDirectory", "out", "-NoCache", *self._configured()]
        return run_client("nuget", "restore", "packages.config", *options, home=self.home, expect=expect)

    def search(self, text: str) -> str:
        return run_client("nuget", "search", text, "-Source", self.source, "-NonInteractive", home=self.home)

    def installed(self) -> list[str]:
        return sorted(path.name for path in (self.home / "out").glob("*/*.nupkg"))

    def _configured(self) -> list[str]:
        sources = f'<clear /><add key="feed" value="{self.source}" protocolVersion="3" />'
        text = f"<configuration><packageSources>{sources}</packageSources></configuration>"
        (self.home / "nuget.config").write_text(text, encoding="utf-8")
        return ["-ConfigFile", "nuget.config", "-NonInteractive"]


def make_feed(folder: Path) -> Project:
    """Mk.App 1.0.0 needs Mk.Lib, of which 1.0.0 and 1.1.0 are approved and 2.0.0 is not."""
    project = Project.create(folder, feed_type="nuget")
    needs = {"net45": {"Mk.Lib": "[1.0.0, 3.0.0)"}, "netstandard2.0": {"Mk.Missing": "1.0.0"}}
    project.offer("Mk.App.1.0.0.nupkg", nupkg("Mk.App", "1.0.0", dependencies=needs))
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        project.offer(f"Mk.Lib.{version}.nupkg", nupkg("Mk.Lib", version, extra={"lib/net45/mk.txt": version.encode()}))
    project.approve("Mk.App@1.0.0", "Mk.Lib@1.0.0", "mk.lib@1.1")
    return project


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[StaticServer]:
    """Published once, with the address of the server in the pages; the tests that use it change nothing."""
    project = make_feed(tmp_path_factory.mktemp("nuget"))
    with StaticServer(project.feeds) as running:
        project.apply(public_url=running.url)
        yield running


def test_a_package_and_its_dependency_are_installed(server, tmp_path):
    """The lowest version that satisfies the range is NuGet's choice; dependencies of other frameworks do not matter."""
    client = NuGet(home=tmp_path, server=server)
    client.install("Mk.App", "-Version", "1.0.0")
    assert client.installed() == ["Mk.App.1.0.0.nupkg", "Mk.Lib.1.0.0.nupkg"]


def test_without_a_version_the_newest_approved_one_is_installed(server, tmp_path):
    client = NuGet(home=tmp_path, server=server)
    client.install("mk.lib")
    assert client.installed() == ["Mk.Lib.1.1.0.nupkg"]
    assert (tmp_path / "out/Mk.Lib.1.1.0/lib/net45/mk.txt").read_text() == "1.1.0"


def test_a_packages_config_is_restored(server, tmp_path):
    client = NuGet(home=tmp_path, server=server)
    client.restore(("Mk.App", "1.0.0"), ("Mk.Lib", "1.1.0"))
    assert client.installed() == ["Mk.App.1.0.0.nupkg", "Mk.Lib.1.1.0.nupkg"]


def test_a_version_that_is_not_approved_is_not_found(server, tmp_path):
    client = NuGet(home=tmp_path, server=server)
    assert "Package 'Mk.Lib 2.0.0' is not found" in client.install("Mk.Lib", "-Version", "2.0.0", expect=1)
    assert "Unable to find version '2.0.0' of package 'Mk.Lib'" in client.restore(("Mk.Lib", "2.0.0"), expect=1)
    assert client.installed() == []


def test_search_shows_what_is_approved(server, tmp_path):
    said = NuGet(home=tmp_path, server=server).search("Mk")
    shown = [line.strip("> ").split(" | ")[:2] for line in said.splitlines() if line.startswith(">")]
    assert shown == [["Mk.App", "1.0.0"], ["Mk.Lib", "1.1.0"]]


def test_a_version_whose_approval_has_expired_is_not_offered_but_an_exact_pin_holds(tmp_path):
    """It is unlisted: builds that name it go on, search shows the version before it."""
    project = make_feed(tmp_path)
    with StaticServer(project.feeds) as running:
        project.apply(public_url=running.url)
        project.expire("Mk.Lib", "1.1.0")
        project.apply(public_url=running.url)
        client = NuGet(home=tmp_path, server=running)
        assert "> Mk.Lib | 1.0.0 |" in client.search("Mk.Lib")
        client.restore(("Mk.Lib", "1.1.0"))
    assert client.installed() == ["Mk.Lib.1.1.0.nupkg"]


def test_what_is_promoted_stays_installable_when_the_upstream_has_gone(tmp_path):
    """Guarantee 8."""
    project = make_feed(tmp_path)
    with StaticServer(project.feeds) as running:
        project.apply(public_url=running.url)
        for path in project.upstream.iterdir():
            path.unlink()
        project.upstream.rmdir()
        project.apply(public_url=running.url)
        client = NuGet(home=tmp_path, server=running)
        client.install("Mk.App")
    assert client.installed() == ["Mk.App.1.0.0.nupkg", "Mk.Lib.1.0.0.nupkg"]


@needs_shared
def test_the_package_of_the_howto_travels_the_whole_line_unchanged(tmp_path):
    """Newtonsoft.Json 13.0.3, the real one: recorded digests, this repository's own approval, and what nuget.exe gets are one."""
    name, version = "Newtonsoft.Json", "13.0.3"
    recorded = next(
        one for one in json.loads((DATA / "nupkg/INDEX.json").read_bytes())["packages"] if one["file"] == f"{name}.{version}.nupkg"
    )
    project = Project.create(tmp_path, feed_type="nuget", upstream=DATA / "nupkg")
    project.approve(f"{name}@{version}")

    written = project.approval(name, version)
    (file,) = load_approval(written.name, written.read_bytes()).files
    assert (file.size, file.sha256, file.content_hash) == (recorded["size"], recorded["sha256"], recorded["nuget_content_hash"])
    own = ROOT / "approvals/approved-nuget" / name / f"{version}.yaml"
    assert load_approval(own.name, own.read_bytes()).files == (file,)

    with StaticServer(project.feeds) as running:
        project.apply(public_url=running.url)
        client = NuGet(home=tmp_path, server=running)
        client.install(name, "-Version", version)
        assert f"> {name} | {version} |" in client.search(name)
    got = (tmp_path / "out" / f"{name}.{version}" / f"{name}.{version}.nupkg").read_bytes()
    assert got == (DATA / "nupkg" / f"{name}.{version}.nupkg").read_bytes()
    assert (sha256(got).hexdigest(), sha512(got).hexdigest()) == (recorded["sha256"], recorded["sha512"])
    assert (tmp_path / "out" / f"{name}.{version}" / "lib/net45/Newtonsoft.Json.dll").is_file()
