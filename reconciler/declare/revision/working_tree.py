"""The working tree: what lies there, who works in it, and commits of files in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.declare.revision.objects import parse_ident, path_text
from reconciler.declare.revision.repository import DECLARATION
from reconciler.declare.revision.runner import Git
from reconciler.declare.strict_yaml import MAX_BYTES
from reconciler.errors import PreconditionFailed
from reconciler.model.declared import TreeFile
from reconciler.model.events import Person
from reconciler.model.words import BlobId, CommitId


def commit_files(root: Path, paths: Sequence[str], message: str) -> CommitId:
    """Commits just these files, as the git user and with the git configuration of whoever runs this; the new commit's id."""
    git_user(root)
    runner = Git(root, isolated=False)
    # The message comes through a pipe, as one argument is bounded; whitespace is all that is cleaned of it, whatever the user has set.
    commit = ("commit", "--only", "--quiet", "--cleanup=whitespace", "--file=-", "--", *paths)
    for arguments, stdin in ((("add", "--", *paths), b""), (commit, message.encode())):
        status, output, told = runner.run(*arguments, stdin=stdin)
        if status != 0:
            lines = (told or output.decode(errors="replace")).splitlines()
            message = f"git would not commit: {' '.join(line for line in lines if line and not line.startswith('hint:'))}"
            raise PreconditionFailed(message, remedy="the files are written; commit them yourself")
    return CommitId(runner.run("rev-parse", "HEAD")[1].decode().strip())


def git_user(root: Path) -> Person:
    """Who commits here, by git's own configuration; PreconditionFailed where git does not know."""
    status, found, _ = Git(root, isolated=False).run("var", "GIT_AUTHOR_IDENT")
    if status != 0:
        message = "git does not know who you are"
        raise PreconditionFailed(message, remedy="run `git config user.name` and `git config user.email`")
    return parse_ident(found.strip(), "utf-8")[0]


def git_setting(root: Path, key: str) -> str:
    """What git's configuration says here, the user's own included; "" where it says nothing."""
    return Git(root, isolated=False).run("config", "--get", key)[1].decode(errors="replace").strip()


def landing_branch(root: Path) -> str:
    """The branch that pull requests are for: origin's own, else the one that is checked out, else main."""
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        status, found, _ = Git(root).run("symbolic-ref", "--quiet", "--short", name)
        if status == 0:
            return found.decode(errors="replace").strip().removeprefix("origin/")
    return "main"


def working_tree(root: Path) -> tuple[TreeFile, ...]:
    """The declaration's files as they lie in the working tree, committed or not: for a preview only. Blob ids are empty."""
    found = []
    for name in DECLARATION:
        top = root / name
        for path in [top] if top.is_symlink() or top.is_file() else (p for p in top.rglob("*") if p.is_symlink() or p.is_file()):
            mode = "120000" if path.is_symlink() else "100644"
            data = os.fsencode(path.readlink()) if path.is_symlink() else _start_of(path)
            shown = path_text(os.fsencode(path.relative_to(root).as_posix()))
            found.append(TreeFile(path=shown, mode=mode, blob=BlobId(""), data=data))
    return tuple(sorted(found, key=lambda file: file.path))


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
