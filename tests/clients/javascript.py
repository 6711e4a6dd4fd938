"""npm, pnpm, yarn 1 and yarn 4 ("berry"), each in a fresh home, in front of a feed.

https://github.com/npm/cli, https://pnpm.io, https://classic.yarnpkg.com, https://yarnpkg.com
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.clients import run_client

INSTALL: Final[Mapping[str, tuple[str, ...]]] = {
    "npm": ("install", "--no-fund"),
    "pnpm": ("install",),
    "yarn": ("install", "--non-interactive", "--no-progress"),
    "yarn-berry": ("install",),
}
FROZEN: Final[Mapping[str, tuple[str, ...]]] = {
    "npm": ("ci", "--no-fund"),
    "pnpm": ("install", "--frozen-lockfile"),
    "yarn": ("install", "--non-interactive", "--no-progress", "--frozen-lockfile"),
    "yarn-berry": ("install", "--immutable"),
}
"""What CI runs: exactly what the lock file says, or a failure."""
LOCKS: Final[Mapping[str, str]] = {
    "npm": "package-lock.json",
    "pnpm": "pnpm-lock.yaml",
    "yarn": "yarn.lock",
    "yarn-berry": "yarn.lock",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JavaScript:
    """One client; `registry` is the address of the feed."""

    client: str
    home: Path
    registry: str

    def need(self, **dependencies: str) -> None:
        """Writes package.json, and the settings that name the feed; underscores in a name stand for hyphens."""
        self.home.mkdir(parents=True, exist_ok=True)
        needed = {name.replace("_", "-"): wanted for name, wanted in dependencies.items()}
        project = {"name": "project", "version": "1.0.0", "private": True, "license": "MIT", "dependencies": needed}
        self._write("package.json", json.dumps(project))
        # A wrong digest is no hiccup of the network, and npm waits minutes between its tries. Flat node_modules are what `installed` reads.
        linker = "node-linker=hoisted\n" if self.client == "pnpm" else ""
        self._write(".npmrc", f"registry={self.registry}/\nfetch-retries=0\n{linker}")
        if self.client == "yarn-berry":
            lines = (
                f"npmRegistryServer: {self.registry}",
                'unsafeHttpWhitelist: ["127.0.0.1"]',
                "nodeLinker: node-modules",
                "enableGlobalCache: false",
            )
            self._write(".yarnrc.yml", "\n".join(lines) + "\n")
            self._write("yarn.lock", "")  # else it takes a folder above for the project

    def install(self, *options: str, expect: int = 0) -> str:
        """As a developer does after a change of package.json."""
        return self.run(*INSTALL[self.client], *options, expect=expect)

    def install_frozen(self, *options: str, expect: int = 0) -> str:
        """As CI does, with the lock file of this home and nothing else."""
        return self.run(*FROZEN[self.client], *options, expect=expect)

    def run(self, *arguments: str, expect: int = 0) -> str:
        return run_client(self.client, *arguments, home=self.home, expect=expect)

    def clone(self, home: Path) -> JavaScript:
        """A fresh checkout of the project: package.json, settings and lock file, and no cache."""
        home.mkdir()
        for name in ("package.json", ".npmrc", ".yarnrc.yml", LOCKS[self.client]):
            if (self.home / name).is_file():
                (home / name).write_bytes((self.home / name).read_bytes())
        return JavaScript(client=self.client, home=home, registry=self.registry)

    def installed(self) -> dict[str, str]:
        """Names and versions of what lies in node_modules."""
        folder = self.home / "node_modules"
        manifests = [path for pattern in ("*/package.json", "@*/*/package.json") for path in folder.glob(pattern)]
        found = (json.loads(path.read_bytes()) for path in manifests if not path.parent.name.startswith("."))
        return {one["name"]: one["version"] for one in found}

    def _write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text, encoding="utf-8")
