"""A repository of any size with a real history: approvals in many small commits, a tenth of them merges; one `git fast-import`.

Everything is derived from its number, so that the same size gives the same commit ids on every machine. All packages lie in one feed, as
they would for one ecosystem of an organisation: the folder of the feed is as wide as there are packages, which is what makes git slow.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

START: Final = 1_577_836_800  # 2020-01-01T00:00:00Z
PEOPLE: Final = tuple(f"dev{number:02d}" for number in range(40))
FEEDS: Final = """\
feeds:
  public: {type: pypi, usage: proxy, connectors: [{upstream: ./public}]}
  approved: {type: pypi, usage: approved, promotes_from: [public]}
"""
BRANCH_COMMITS: Final = 2
MERGE_EVERY: Final = 10
"""One commit in ten is a merge, of a branch with two commits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much to generate: `commits` counts those on branches, too."""

    approvals: int
    packages: int
    commits: int


def permissions() -> str:
    """Everybody may promote, some by a group; the first one administers."""
    users = "".join(f"  {p}: {{name: Developer {p[3:]}, emails: [{p}@example.org]}}\n" for p in PEOPLE)
    lines = "  - {allow: administer, user: dev00}\n  - {allow: promote-packages, group: seniors, from: public, to: approved}\n"
    return f"users:\n{users}groups:\n  seniors: [{', '.join(PEOPLE)}]\npermissions:\n{lines}"


def approval(number: int) -> str:
    """The text of an approval with a wheel and an sdist, as `approve` writes it."""
    wheel, sdist = (hashlib.sha256(f"{number} {kind}".encode()).hexdigest() for kind in ("wheel", "sdist"))
    name, version = place(number, 1)
    return (
        f"from: public\nreason: Asked for by team {number % 97}, license and advisories looked at.\nfiles:\n"
        f"  {name}-{version}-py3-none-any.whl: {{size: {1000 + number}, sha256: {wheel}}}\n"
        f"  {name}-{version}.tar.gz: {{size: {2000 + number}, sha256: {sdist}}}\n"
    )


def place(number: int, packages: int) -> tuple[str, str]:
    """Name and version of an approval: the packages in turn, each with one version more in the next round."""
    package, version = number % packages, number // packages
    return f"pkg{package:06d}" if packages > 1 else f"pkg{number:06d}", f"1.{version}"


def generate(folder: Path, size: Size) -> None:
    """Makes the repository, packed, with `main` checked out nowhere."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True, env=environment)
    run = ["git", "-C", str(folder), "fast-import", "--quiet", "--done", "--date-format=raw"]
    with subprocess.Popen(run, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        for block in _stream(size):
            process.stdin.write(block)
        process.stdin.close()
        assert process.wait() == 0, "git has taken the stream"
    subprocess.run(["git", "-C", str(folder), "gc", "--quiet"], check=True, env=environment)


def more(folder: Path, commits: int, *, start: int) -> None:
    """Adds small commits on top of `main`, one new package each."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    run = ["git", "-C", str(folder), "fast-import", "--quiet", "--done", "--date-format=raw"]
    with subprocess.Popen(run, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        for number in range(start, start + commits):
            parent = b"from refs/heads/main^0\n" if number == start else b""
            process.stdin.write(_commit("main", number, parent, [(f"approvals/approved/new{number:06d}/1.0.yaml", approval(number))]))
        process.stdin.write(b"done\n")
        process.stdin.close()
        assert process.wait() == 0, "git has taken the stream"


def _stream(size: Size) -> Iterator[bytes]:
    merges = size.commits // MERGE_EVERY
    writing = size.commits - merges
    done = 0
    written = 0

    def files() -> list[tuple[str, str]]:
        nonlocal done, written
        written += 1
        upto = size.approvals * written // writing
        found = []
        for number in range(done, upto):
            name, version = place(number, size.packages)
            found.append((f"approvals/approved/{name}/{version}.yaml", approval(number)))
        done = upto
        return found

    yield _commit("main", 0, b"", [("feeds.yaml", FEEDS), ("policies/permissions.yaml", permissions()), *files()])
    number = 1
    while number < size.commits:
        if number % MERGE_EVERY == 1 and number + BRANCH_COMMITS < size.commits and merges:
            yield b"reset refs/heads/topic\nfrom refs/heads/main\n\n"
            on_branch = [files() for _ in range(BRANCH_COMMITS)]
            for step, some in enumerate(on_branch):
                yield _commit("topic", number + step, b"", some)
            # fast-import merges no trees: what the branch has is said again
            together = [file for some in on_branch for file in some]
            yield _commit("main", number + BRANCH_COMMITS, b"merge refs/heads/topic\n", together)
            number += BRANCH_COMMITS + 1
            merges -= 1
        else:
            yield _commit("main", number, b"", files())
            number += 1
    yield b"reset refs/heads/topic\nfrom 0000000000000000000000000000000000000000\n\ndone\n"


def _commit(branch: str, number: int, parents: bytes, files: list[tuple[str, str]]) -> bytes:
    person = PEOPLE[number % len(PEOPLE)]
    ident = f"Developer {person[3:]} <{person}@example.org> {START + number * 600} +0000"
    message = f"Approve {len(files)} packages\n".encode()
    lines = [f"commit refs/heads/{branch}\nauthor {ident}\ncommitter {ident}\ndata {len(message)}\n".encode(), message, parents]
    for path, text in files:
        data = text.encode()
        lines.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    return b"".join(lines) + b"\n"
