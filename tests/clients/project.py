"""A user's project, driven as its people and its CI drive it: git and the `reconciler` command, each run as a program of its own.

One proxy feed, whose upstream is a folder (or a registry), and one approved feed, with the address of the server that will serve it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tests.support.clients import run
from tests.support.nginx import Nginx
from tests.support.shared import ROOT

PERMISSIONS: Final = "permissions:\n  - {allow: promote-packages, group: senior-developers}\n  - {allow: administer, user: ada}\n"
PEOPLE: Final = "users:\n  ada: {name: Ada Lovelace, emails: [ada@example.org]}\ngroups:\n  senior-developers: [ada]\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A repository in `folder`, its upstream beside it."""

    folder: Path
    type: str
    upstream: Path

    @classmethod
    def create(cls, folder: Path, *, feed_type: str, upstream: Path | None = None, registry: str | None = None, targets: str = "") -> Self:
        """A repository with a first commit by Ada, who may approve; the upstream is an empty folder unless one is given, or the
        address of a registry. `targets` of the approved feed, as in feeds.yaml.
        """
        told = f", targets: {targets}" if targets else ""
        project = cls(folder=folder / "project", type=feed_type, upstream=upstream or folder / "upstream")
        for path in (project.folder / "policies", project.upstream):
            path.mkdir(parents=True, exist_ok=True)
        (project.folder / "policies/permissions.yaml").write_text(PEOPLE + PERMISSIONS, encoding="utf-8")
        (project.folder / "feeds.yaml").write_text(
            "store: ./.feeds\npublic_url: http://127.0.0.1:8080\nfeeds:\n"
            f"  public-{feed_type}: {{type: {feed_type}, usage: proxy, connectors: [{{upstream: {registry or project.upstream}}}]}}\n"
            f"  approved-{feed_type}: {{type: {feed_type}, usage: approved, promotes_from: [public-{feed_type}]{told}}}\n",
            encoding="utf-8",
        )
        (project.folder / ".gitignore").write_text("/.feeds/\n", encoding="utf-8")
        project.git("init", "--quiet")
        project.git("config", "user.name", "Ada Lovelace")
        project.git("config", "user.email", "ada@example.org")
        project.commit("Declare the feeds")
        return project

    @property
    def feeds(self) -> Path:
        """What a web server serves."""
        return self.folder / ".feeds" / "feeds"

    @property
    def feed(self) -> str:
        """The approved feed."""
        return f"approved-{self.type}"

    def offer(self, name: str, data: bytes) -> None:
        """Puts a file into the upstream."""
        (self.upstream / name).write_bytes(data)

    def approve(self, *packages: str) -> str:
        """`reconciler approve`, as Ada, committed."""
        return self.reconciler("approve", self.feed, *packages, "-m", "MIT, asked for by billing", "--commit")

    def approve_with_dependencies(self, *packages: str) -> str:
        """`reconciler approve --with-dependencies`, as Ada, committed."""
        return self.reconciler("approve", self.feed, *packages, "--with-dependencies", "-m", "MIT, asked for by billing", "--commit")

    def approved(self) -> set[str]:
        """Names and versions of what is approved, as "name version"."""
        folder = self.folder / "approvals" / self.feed
        return {f"{path.parent.relative_to(folder)} {path.stem}" for path in folder.rglob("*.yaml")}

    def apply(self, *, public_url: str) -> str:
        """`reconciler apply`, as CI runs it after a merge."""
        return self.reconciler("apply", "--public-url", public_url)

    def serve(self, server: Nginx) -> None:
        """Starts nginx with the configuration that the command prints."""
        server.start(self.reconciler("serve", "--print-nginx", "--public-url", server.url))

    def approval(self, package: str, version: str) -> Path:
        """The file of an approval."""
        return self.folder / "approvals" / self.feed / package / f"{version}.yaml"

    def expire(self, package: str, version: str) -> None:
        """Ends an approval on a day that has passed, in a commit."""
        path = self.approval(package, version)
        path.write_text(path.read_text(encoding="utf-8").replace("files:\n", "expires: 2026-01-01\nfiles:\n"), encoding="utf-8")
        self.commit(f"{package} {version} was approved for last year only")

    def take_back(self, package: str, version: str, block: str) -> None:
        """Adds a block (`withdrawn: {...}`, `deprecated: {...}`) to an approval, in a commit."""
        path = self.approval(package, version)
        path.write_text(path.read_text(encoding="utf-8").replace("files:\n", f"{block}\nfiles:\n"), encoding="utf-8")
        self.commit(f"{package} {version}: {block}")

    def commit(self, message: str) -> None:
        """Commits everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def git(self, *arguments: str) -> str:
        """What git says; it must succeed."""
        return run(["git", *arguments], folder=self.folder, environment=os.environ)

    def reconciler(self, *arguments: str) -> str:
        """What the command says; it must exit with 0."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # these sources, also in a copy of the folder they were installed from
        return run([sys.executable, "-m", "reconciler", *arguments], folder=self.folder, environment=environment)
