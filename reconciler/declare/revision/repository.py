"""The repository at a commit: files, the chain of landing commits, what each changed, who signed it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from reconciler.declare.revision.objects import SUBMODULE, parse_commit, path_change, path_text, read_object
from reconciler.declare.revision.runner import Git, unreadable
from reconciler.declare.revision.ssh_signatures import signed_by
from reconciler.errors import NotFound, PreconditionFailed
from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, POLICIES_FOLDER, TreeFile
from reconciler.model.events import Commit, PathChange
from reconciler.model.permissions import SigningKey
from reconciler.model.words import BlobId, CommitId

DECLARATION: Final = (FEEDS_FILE, POLICIES_FOLDER, APPROVALS_FOLDER)
READ_BYTES: Final = 2**16
OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Repository:
    """A git repository, opened for reading."""

    def __init__(self, folder: Path) -> None:
        """Opens the repository that contains the folder; PreconditionFailed where there is none."""
        self._git = Git(folder)
        self.root = self._git.root

    def resolve(self, ref: str) -> CommitId:
        """The commit that a ref names; PreconditionFailed in a repository without commits, NotFound for an unknown ref."""
        status, found, _ = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if status == 0 and OBJECT_ID.fullmatch(found.decode().strip()):
            return CommitId(found.decode().strip())
        if ref != "HEAD":
            message = f"{ref!r} names no commit"
            raise NotFound(message)
        if named := self._git.run("rev-parse", "--verify", "--quiet", "HEAD")[1].decode().strip():
            raise _missing(named)
        message = "the repository has no commit yet"
        raise PreconditionFailed(message, remedy="commit feeds.yaml, policies/ and approvals/; `reconciler init` writes what is not there")

    def require_full_history(self) -> None:
        """Refuses a shallow clone: its oldest commit seems to add every file."""
        if self._git.text("rev-parse", "--is-shallow-repository").strip() != "false":
            message = "the clone is shallow: its history is cut off, so nobody can tell who approved what"
            raise PreconditionFailed(message, remedy="run `git fetch --unshallow` (in CI: check out with full depth, e.g. fetch-depth: 0)")

    def has(self, commit: CommitId) -> bool:
        """Whether the clone has this commit."""
        return self._git.run("cat-file", "-e", f"{commit}^{{commit}}")[0] == 0

    def is_ancestor(self, one: CommitId, other: CommitId) -> bool:
        """Whether a commit is reachable from another one."""
        status, _, told = self._git.run("merge-base", "--is-ancestor", one, other)
        if status not in {0, 1}:
            raise unreadable(told)
        return status == 0

    def chain(self, commit: CommitId) -> tuple[CommitId, ...]:
        """The landing commits: the first-parent chain that ends in this commit, oldest first."""
        return tuple(map(CommitId, self._git.text("rev-list", "--first-parent", "--reverse", commit).split()))

    def ancestry(self, commit: CommitId, *, without: CommitId | None = None) -> dict[CommitId, tuple[CommitId, ...]]:
        """Every commit reachable from this one, itself included, with its parents; children before their parents.

        `without`: none that is reachable from there.
        """
        left_out = (f"^{without}",) if without else ()
        listed = self._git.text("rev-list", "--topo-order", "--parents", commit, *left_out).splitlines()
        rows = (tuple(map(CommitId, line.split())) for line in listed)
        return {row[0]: row[1:] for row in rows}

    def tree(self, commit: CommitId) -> tuple[TreeFile, ...]:
        """The files of the declaration at a commit, sorted by path, with symlinks (as their text) and submodules (empty)."""
        return self.filled(self.listing(commit))

    def listing(self, commit: CommitId, paths: Sequence[str] = DECLARATION) -> tuple[TreeFile, ...]:
        """As `tree`, of these paths (folders with all that is in them), without the content of anything."""
        if not paths:
            return ()
        listing = self._git.output("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        rows = [row.split(b"\t", 1) for row in listing.split(b"\0") if row]
        entries = ((meta.decode().split(), path_text(path)) for meta, path in rows)
        return tuple(TreeFile(path=path, mode=mode, blob=BlobId(sha), data=b"") for (mode, _, sha), path in entries)

    def holds(self, commit: CommitId, path: str) -> bool:
        """Whether there is a file or folder at a path."""
        return bool(self._git.output("ls-tree", "-z", "--full-tree", commit, "--", path))

    def filled(self, files: Iterable[TreeFile]) -> tuple[TreeFile, ...]:
        """Files of a listing with their content."""
        files = tuple(files)
        blobs = self.blobs(file.blob for file in files if file.mode != SUBMODULE)
        return tuple(replace(file, data=blobs.get(file.blob, b"")) for file in files)

    def diffs(self, pairs: Sequence[tuple[CommitId, CommitId | None]]) -> Iterator[tuple[PathChange, ...]]:
        """For each (commit, parent), in order: the declaration's paths that differ. None as parent: against nothing (a root).

        `before` is None, too, where a symlink or a submodule stood: it declared nothing.
        """
        requests = [f"{commit} {parent}" if parent else commit for commit, parent in pairs]
        if not requests:
            return
        switches = ("--stdin", "--always", "--root", "-r", "-z", "--no-renames", "--ignore-submodules=none")
        with self._git.stream("diff-tree", *switches, "--", *DECLARATION, requests=requests) as out:
            fields = _fields(out)
            found: list[PathChange] | None = None
            for field in fields:
                if field.startswith(b":"):
                    assert found is not None, "git names the commit before its differences"  # noqa: S101 - or the format is another one
                    found.append(path_change(field, next(fields)))
                elif field:
                    if found is not None:
                        yield tuple(found)
                    found = []
            if found is not None:
                yield tuple(found)

    def commits(self, ids: Iterable[CommitId]) -> dict[CommitId, Commit]:
        """Commit objects, parsed from their own bytes."""
        return {CommitId(sha): parse_commit(CommitId(sha), data) for sha, data in self._objects(ids)}

    def signed_by(self, key: SigningKey, ids: Sequence[CommitId]) -> frozenset[CommitId]:
        """Those of these commits that carry a good SSH signature by the key; PreconditionFailed where that cannot be verified."""
        return signed_by(self._git, key, ids)

    def blobs(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """The content of blobs; of one that is larger than any file of the declaration may be, just enough to see that."""
        return {BlobId(sha): data for sha, data in self._objects(ids)}

    def _objects(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = sorted(set(ids))
        if not wanted:
            return
        with self._git.stream("cat-file", "--batch", "--buffer", requests=wanted) as out:
            for sha in wanted:
                data = read_object(out)
                if data is None:
                    raise _missing(sha)
                yield sha, data


def _fields(out: IO[bytes]) -> Iterator[bytes]:
    """What git ends with zero bytes, while it is still writing."""
    rest = b""
    while block := out.read(READ_BYTES):
        *whole, rest = (rest + block).split(b"\0")
        yield from whole
    if rest:
        yield rest


def _missing(sha: str) -> PreconditionFailed:
    message = f"object {sha} is missing or damaged: the clone is incomplete"
    return PreconditionFailed(message, remedy="fetch it again, without a depth")
