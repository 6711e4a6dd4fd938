"""A user's repository on disk, with folder upstreams, driven through the command line in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli import main
from tests.support.nupkgs import nupkg
from tests.support.tarballs import tarball, tarball_name
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name

FEEDS = """\
store: ./.feeds
public_url: http://127.0.0.1:8080
feeds:
  public-nuget: {type: nuget, usage: proxy, connectors: [{upstream: ./upstream/nuget}]}
  approved-nuget: {type: nuget, usage: approved, promotes_from: [public-nuget]}
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: ./upstream/pypi}]}
  approved-pypi: {type: pypi, usage: approved, promotes_from: [public-pypi]}
"""
PERMISSIONS = """\
users:
  ada: {name: Ada Lovelace, emails: [ada@example.org]}
  grace: {name: Grace Hopper, emails: [grace@example.org]}
groups:
  senior-developers: [ada, grace]
permissions:
  - {allow: administer, user: ada}
  - {allow: promote-packages, group: senior-developers}
"""
ADA, GRACE, MALLORY = ("Ada Lovelace", "ada@example.org"), ("Grace Hopper", "grace@example.org"), ("Mallory", "mallory@example.org")


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A repository; `git` runs the real one, isolated from the machine's configuration."""

    root: Path

    def git(self, *arguments: str, by: tuple[str, str] = ADA) -> str:
        name, email = by
        person = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in (("NAME", name), ("EMAIL", email))}
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environment = {**clean, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **person}
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def commit(self, message: str = "change", *, by: tuple[str, str] = ADA) -> str:
        self.git("add", "-A", by=by)
        self.git("commit", "-q", "--allow-empty", "-m", message, by=by)
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str) -> Done:
        out, err = io.StringIO(), io.StringIO()
        code: Any = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(["-C", str(self.root), *arguments])
            except SystemExit as stop:
                code = stop.code
        return Done(code=code, out=out.getvalue(), err=err.getvalue())

    def offer_wheel(self, name: str, version: str, **facts: Any) -> None:
        self._offer("pypi", wheel_name(name, version), wheel(name, version, **facts))

    def offer_sdist(self, name: str, version: str) -> None:
        self._offer("pypi", sdist_name(name, version), sdist(name, version))

    def offer_nupkg(self, name: str, version: str, **facts: Any) -> None:
        self._offer("nuget", f"{name}.{version}.nupkg", nupkg(name, version, **facts))

    def offer_tarball(self, name: str, version: str, **facts: Any) -> None:
        self._offer("npm", tarball_name(name, version), tarball(name, version, **facts))

    def _offer(self, feed: str, file: str, data: bytes) -> None:
        folder = self.root / "upstream" / feed
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)

    def store_bytes(self) -> dict[str, bytes]:
        folder = self.root / ".feeds"
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def make_place(root: Path) -> Place:
    """A repository with feeds, permissions, and upstream folders that hold two small packages each."""
    place = Place(root)
    root.mkdir(parents=True, exist_ok=True)
    place.git("init", "-q", "-b", "main")
    place.git("config", "user.name", ADA[0])
    place.git("config", "user.email", ADA[1])
    place.write(".gitignore", "/.feeds/\n/upstream/\n")
    place.write("feeds.yaml", FEEDS)
    place.write("policies/permissions.yaml", PERMISSIONS)
    place.commit("Declare the feeds")
    place.offer_wheel("sample", "1.0", requires=["leaf>=1"])
    place.offer_wheel("leaf", "1.2")
    place.offer_sdist("leaf", "1.2")
    place.offer_nupkg("Sample.Lib", "1.0.0", dependencies={".NETStandard2.0": {"Leaf": "[1.0.0, )"}})
    place.offer_nupkg("Leaf", "1.1")
    return place
