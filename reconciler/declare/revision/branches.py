"""Branches for pull requests: made, compared, pushed; with the configuration, the hooks and the credentials of whoever runs this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.declare.revision.objects import path_text
from reconciler.declare.revision.runner import Git
from reconciler.declare.revision.working_tree import commit_files
from reconciler.errors import PreconditionFailed, Refused, Unreachable
from reconciler.model.words import CommitId

HEADS: Final = "refs/heads/"
_ENGLISH: Final = {"LC_ALL": "C"}
"""So that what git says can be told apart."""
_SECRET: Final = re.compile(r"//[^/@\s]*@")
_DENIED: Final = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "Permission denied",
    "error: 403",
    "error: 401",
)
_AWAY: Final = ("Could not resolve", "Failed to connect", "Connection", "timed out", "error: 5", "unable to access")
_NOT_THERE: Final = ("not found", "does not appear to be a git repository", "Repository not found")


def current_branch(root: Path) -> str | None:
    """The branch that is checked out; None where a commit is."""
    status, found, _ = Git(root).run("symbolic-ref", "--quiet", "HEAD")
    ref = path_text(found).strip()
    return ref.removeprefix(HEADS) if status == 0 and ref.startswith(HEADS) else None


def holds_just(root: Path, branch: str, texts: Mapping[str, str]) -> bool | None:
    """Whether a branch changes just these files since it left what is checked out, to these texts; None where there is no such branch."""
    git = Git(root)
    tip = f"{HEADS}{branch}"
    if git.run("rev-parse", "--verify", "--quiet", f"{tip}^{{commit}}")[0] != 0:
        return None
    status, listed, _ = git.run("diff", "--name-only", "-z", "--no-renames", f"HEAD...{tip}")
    if status != 0 or {path_text(path) for path in listed.split(b"\0") if path} != set(texts):
        return False
    return all(git.run("cat-file", "blob", f"{tip}:{path}")[1] == text.encode() for path, text in texts.items())


def require_name(root: Path, branch: str) -> None:
    """Refused for what git takes for no name of a branch (https://git-scm.com/docs/git-check-ref-format)."""
    if branch.startswith("-") or Git(root).run("check-ref-format", f"{HEADS}{branch}")[0] != 0:
        message = f"{branch[:200]!r} is no name of a branch"
        raise Refused(message, remedy="say --branch with letters, digits and hyphens")


def commit_on_branch(root: Path, branch: str, paths: list[str], message: str) -> CommitId:
    """Commits just these files on a new branch from what is checked out, and checks that out again; the new commit's id.

    Nothing else in the working tree or the index changes. Where git will not commit, the branch is gone again and the files lie there.
    """
    git = Git(root, isolated=False)
    status, found, _ = git.run("rev-parse", "--verify", "--quiet", "HEAD")
    if status != 0:
        message = "there is no commit yet that a branch could begin at"
        raise PreconditionFailed(message, remedy="commit feeds.yaml and policies/ first")
    here = current_branch(root)
    back = (here,) if here else ("--detach", found.decode().strip())
    _switch(git, "--no-track", "--create", branch)
    try:
        done = commit_files(root, paths, message)
    except BaseException:
        _switch(git, *back)
        git.run("branch", "--quiet", "-D", "--", branch)
        raise
    _switch(git, *back)
    return done


def remote_of(root: Path, branch: str | None) -> str:
    """The remote that a branch goes to: the one it has, the one that git is told to push to, `origin`, or the only one there is."""
    git = Git(root, isolated=False)
    remotes = path_text(git.run("remote")[1]).split()
    keys = [f"branch.{branch}.pushRemote", "remote.pushDefault", f"branch.{branch}.remote"] if branch else ["remote.pushDefault"]
    told = [path_text(git.run("config", "--get", key)[1]).strip() for key in keys]
    chosen = next((name for name in [*told, "origin"] if name in remotes), remotes[0] if len(remotes) == 1 else None)
    if chosen is None:
        message = "there is no remote that a branch could be pushed to"
        raise PreconditionFailed(message, remedy="name one: `git remote add origin ADDRESS`")
    return chosen


def address_of(root: Path, remote: str) -> str:
    """Where git pushes what is pushed to a remote, as its configuration spells it; it may have a password in it."""
    return path_text(Git(root, isolated=False).run("remote", "get-url", "--push", "--", remote)[1]).strip()


def default_branch(root: Path, remote: str) -> str | None:
    """The branch of a remote that others are merged into, as the clone has noted it; None where it has not."""
    status, found, _ = Git(root).run("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
    prefix = f"refs/remotes/{remote}/"
    ref = path_text(found).strip()
    return ref.removeprefix(prefix) if status == 0 and ref.startswith(prefix) else None


def push_branch(root: Path, remote: str, branch: str) -> None:
    """Pushes a branch to a remote under its own name, without force, and lets it track that.

    Refused where the remote does not take it; Unreachable where there is none, or git may not push to it.
    """
    ref = f"{HEADS}{branch}"
    arguments = ("push", "--porcelain", "--set-upstream", "--", remote, f"{ref}:{ref}")
    status, output, told = Git(root, isolated=False).run(*arguments, environment=_ENGLISH)
    if status == 0:
        return
    again = f"`git push {remote} {branch}`, or the same command again"
    rejected = next((line for line in output.decode(errors="replace").splitlines() if line.startswith("!\t")), None)
    if rejected is not None and "[remote" not in rejected:
        message = f"{remote} has a branch {branch} already, with other commits"
        raise Refused(message, remedy="say --branch with another name, or see whether somebody has asked for the same")
    if rejected is not None:
        reason = rejected.rpartition("\t")[2]
        message = f"{remote} does not take the branch {branch}: {_said(told, 'remote: ') or reason}"
        raise Refused(message, remedy=f"the commit is made; once it may be pushed, say {again}")
    raise _unreachable(remote, told, again)


def _unreachable(remote: str, told: str, again: str) -> Unreachable:
    said = _SECRET.sub("//", told)
    if any(words in said for words in _DENIED):
        message = f"{remote} does not let you in: git has no credentials that it takes"
        return Unreachable(message, remedy=f"log in as git does (a credential helper, an SSH key); then say {again}")
    if any(words in said for words in _NOT_THERE):
        message = f"{remote} has no repository at its address, or does not show it to you"
        return Unreachable(message, remedy=f"see `git remote -v`; then say {again}")
    if any(words in said for words in _AWAY):
        return Unreachable(f"{remote} cannot be reached: {_said(said, 'fatal: ')}", remedy=f"when it can be, say {again}")
    first = _said(said, "fatal: ") or _said(said, "error: ") or said.strip()[:300] or "it does not say why"
    return Unreachable(f"git could not push to {remote}: {first}", remedy=f"the commit is made; say {again}")


def _said(told: str, prefix: str) -> str:
    lines = [line.removeprefix(prefix).strip() for line in told.splitlines() if line.startswith(prefix)]
    return " ".join(line for line in lines if line)[:500]


def _switch(git: Git, *arguments: str) -> None:
    status, output, told = git.run("switch", "--quiet", *arguments, environment=_ENGLISH)
    if status != 0:
        lines = [line for line in (told or output.decode(errors="replace")).splitlines() if line and not line.startswith("hint:")]
        message = f"git would not switch branches: {' '.join(lines)[:500]}"
        raise PreconditionFailed(message, remedy="see `git status`; the files are written, commit them yourself")
