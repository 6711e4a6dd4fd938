"""A folder in which nothing is yet, and the git user who begins there: as a user has it who has just installed the program."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cli.place import Done, Place
from tests.support.osv import affected, place_dump, record
from tests.support.wheels import wheel, wheel_name

ROOT = Path(__file__).resolve().parents[2]
ADA = "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
ACCOUNT = ("--account", "ada:4711")


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """`place` is the folder; `outside` is another one, for what a repository does not have: upstreams, advisories, programs."""

    place: Place
    outside: Path
    gitconfig: Path

    def init(self, *arguments: str) -> Done:
        return self.place.run("init", *arguments)

    def texts(self) -> dict[str, bytes]:
        """All files but git's own."""
        root = self.place.root
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(root).parts
        }

    def offline(self) -> None:
        """Upstream and advisories are folders outside, so age.yaml goes: a folder has no publication times."""
        folder = self.outside / "pypi"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / wheel_name("sample", "1.0")).write_bytes(wheel("sample", "1.0"))
        place_dump(self.outside / "osv", "PyPI", [record("GHSA-0000-0000-0001", affected("other", {"introduced": "0"}, ecosystem="PyPI"))])
        feeds = (self.place.root / "feeds.yaml").read_text(encoding="utf-8")
        feeds = feeds.replace("upstream: pypi\n", f"upstream: {folder}\n")
        self.place.write("feeds.yaml", f"{feeds}\nadvisories: {{source: {self.outside / 'osv'}}}\n")
        (self.place.root / "policies/age.yaml").unlink()

    def environment(self, **more: str) -> Mapping[str, str]:
        """That of a CI job: this checkout's `reconciler` on the PATH, nothing of whoever runs the tests, nobody's identity."""
        bin_ = self.outside / "bin"
        bin_.mkdir(parents=True, exist_ok=True)
        program = bin_ / "reconciler"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m reconciler "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return {
            **inherited,
            "PATH": f"{bin_}{os.pathsep}{inherited['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.outside),
            "GIT_CONFIG_NOSYSTEM": "1",
            **more,
        }


def shell(script: str, folder: Path, environment: Mapping[str, str]) -> Done:
    """Runs a script as CI does: it ends with the first command that fails."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)
