"""What `approve --with-dependencies` approves is enough: real clients install it from the feed, with no other source."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clients.javascript import JavaScript
from tests.clients.project import Project
from tests.clients.registry import Offer, publish, url
from tests.clients.test_nuget import NuGet
from tests.clients.test_pip import Installer, either
from tests.support.nginx import Nginx
from tests.support.nupkgs import nupkg
from tests.support.static_server import StaticServer
from tests.support.tarballs import tarball, tarball_name
from tests.support.wheels import core_metadata, wheel, wheel_name

TARGETS = '{python: ["3.11", "3.12"], platforms: [linux_x86_64]}'


def make_pypi(folder: Path) -> Project:
    """A diamond over mk-base, of which 2.0 is too new for one side; extras; markers for other systems and times."""
    project = Project.create(folder, feed_type="pypi", targets=TARGETS)
    for name, version, requires in [
        ("mk-root", "1.0", ["mk-left", "mk_right>=1", "mk-extra[fast]", "mk-win; sys_platform == 'win32'", "mk-old; python_version < '3'"]),
        ("mk-left", "1.0", ["mk-base>=1"]),
        ("mk-right", "1.0", ["mk-base<2"]),
        ("mk-base", "1.0", []),
        ("mk-base", "1.5", ["mk-root"]),
        ("mk-base", "2.0", ["mk-absent"]),
        ("mk-extra", "1.0", ["mk-fast>=0.1; extra == 'fast'", "mk-slow; extra == 'slow'"]),
        ("mk-extra", "2.0rc1", []),
        ("mk-fast", "0.2", ["mk-linux; platform_system == 'Linux'"]),
        *((name, "1.0", []) for name in ("mk-linux", "mk-slow", "mk-win", "mk-old")),
    ]:
        extras = sorted({text.partition("extra == '")[2].rstrip("'") for text in requires if "extra ==" in text})
        metadata = core_metadata(name, version, requires=requires, fields=[f"Provides-Extra: {extra}" for extra in extras])
        project.offer(wheel_name(name, version), wheel(name, version, metadata=metadata))
    project.approve_with_dependencies("mk-root")
    return project


NEEDED = {"mk-root": "1.0", "mk-left": "1.0", "mk-right": "1.0", "mk-base": "1.5", "mk-extra": "1.0", "mk-fast": "0.2", "mk-linux": "1.0"}


@either
def test_a_python_package_is_installed_with_all_that_it_needs(client, tmp_path):
    project = make_pypi(tmp_path)
    assert project.approved() == {f"{name} {version}" for name, version in NEEDED.items()}
    with StaticServer(project.feeds) as server:
        project.apply(public_url=server.url)
        assert "7 versions for 3.11 linux_x86_64, 3.12 linux_x86_64: closed" in project.reconciler("verify", "--closed", project.feed)
        installer = Installer(client=client, home=tmp_path / "home", server=server)
        installer.install("mk-root")
    assert installer.installed() == NEEDED


NPM = [pytest.param(name, marks=[pytest.mark.client(name), pytest.mark.client("nginx")]) for name in ("npm", "pnpm", "yarn", "yarn-berry")]
JANUARY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("client", NPM)
def test_a_javascript_package_is_installed_with_all_that_it_needs(client, tmp_path):
    """Two versions of mk-base, since no one is in range for both that need it; peers; nothing that is optional.

    yarn looks optional dependencies up all the same, and fails where it finds none: here they are asked for only of the others.
    """
    root: dict[str, Any] = {
        "dependencies": {"mk-left": "^1.0.0", "mk-right": "1.x", "@mk/scoped": "~1.0.0"},
        "optionalDependencies": {} if "yarn" in client else {"mk-option": "^1.0.0"},
        "peerDependencies": {"mk-peer": ">=1", "mk-maybe": "*"},
        "peerDependenciesMeta": {"mk-maybe": {"optional": True}},
    }
    packages: list[tuple[str, str, dict[str, Any]]] = [
        ("mk-root", "1.0.0", root),
        ("mk-left", "1.0.0", {"dependencies": {"mk-base": "^1.0.0"}}),
        ("mk-right", "1.2.0", {"dependencies": {"mk-base": "^2.0.0", "mk-left": "*"}}),
        *(("mk-base", version, {}) for version in ("1.0.0", "1.1.0", "2.0.0", "3.0.0-beta.1")),
        ("@mk/scoped", "1.0.3", {"peerDependencies": {"mk-peer": "^2.0.0"}}),
        *(("mk-peer", version, {}) for version in ("1.0.0", "2.0.0", "3.0.0")),
        *((name, "1.0.0", {}) for name in ("mk-option", "mk-maybe")),
    ]
    offers = [Offer(name=tarball_name(n, v), data=tarball(n, v, **manifest), uploaded_at=JANUARY) for n, v, manifest in packages]
    needed = {"mk-root": "1.0.0", "mk-left": "1.0.0", "mk-right": "1.2.0", "@mk/scoped": "1.0.3", "mk-peer": "2.0.0"}
    with Nginx(tmp_path / "registry") as registry, Nginx(tmp_path / "server") as server:
        publish(registry, "npm", offers)
        project = Project.create(tmp_path, feed_type="npm", registry=url(registry, "npm"))
        assert "a second version beside 1.1.0" in project.approve_with_dependencies("mk-root")
        assert project.approved() == {*(f"{name} {version}" for name, version in needed.items()), "mk-base 1.1.0", "mk-base 2.0.0"}
        project.apply(public_url=server.url)
        project.serve(server)
        developer = JavaScript(client=client, home=tmp_path / "home", registry=f"{server.url}/{project.feed}")
        developer.need(mk_root="^1.0.0", mk_peer="*")
        developer.install()
        installed = developer.installed()
    assert installed.pop("mk-base") in {"1.1.0", "2.0.0"}
    assert installed == needed


@pytest.mark.client("nuget")
def test_a_nuget_package_is_installed_with_all_that_it_needs(tmp_path):
    """For net48 the group for net45 counts, and no other; mk.base 2.0.0 is too new for one of two."""
    project = Project.create(tmp_path, feed_type="nuget", targets="{frameworks: [net48]}")
    root = {"net45": {"Mk.Left": "1.0.0", "Mk.Right": "[1.0.0]"}, "netstandard2.0": {"Mk.Polyfill": "1.0.0"}}
    for name, version, dependencies in [
        ("Mk.Root", "1.0.0", root),
        ("Mk.Left", "1.0.0", {"": {"Mk.Base": "1.0.0"}}),
        ("Mk.Left", "1.1.0-beta", {"": {"Mk.Absent": "1.0.0"}}),
        ("Mk.Right", "1.0.0", {"net40": {"mk.base": "[1.0.0, 2.0.0)"}, "net8.0": {"Mk.Absent": "1.0.0"}}),
        *(("Mk.Base", version, {}) for version in ("1.0.0", "1.5.0", "2.0.0")),
        ("Mk.Polyfill", "1.0.0", {}),
    ]:
        project.offer(f"{name}.{version}.nupkg", nupkg(name, version, dependencies=dependencies))
    project.approve_with_dependencies("Mk.Root")
    needed = {"Mk.Root 1.0.0", "Mk.Left 1.0.0", "Mk.Right 1.0.0", "Mk.Base 1.5.0"}
    assert project.approved() == needed
    with StaticServer(project.feeds) as server:
        project.apply(public_url=server.url)
        client = NuGet(home=tmp_path / "home", server=server)
        client.home.mkdir()
        client.install("Mk.Root")
    assert client.installed() == sorted(f"{shown.replace(' ', '.')}.nupkg" for shown in needed)
