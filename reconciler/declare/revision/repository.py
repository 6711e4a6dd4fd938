"""The repository at a commit: files, the chain of landing commits, what each changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.declare.revision.objects import parse_commit, path_change, path_text, read_object
from reconciler.declare.revision.runner import Git
from reconciler.errors import NotFound, PreconditionFailed
from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, POLICIES_FOLDER, TreeFile
from reconciler.model.events import Commit, PathChange
from reconciler.model.words import BlobId, CommitId

DECLARATION: Final = (FEEDS_FILE, POLICIES_FOLDER, APPROVALS_FOLDER)
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
        raise PreconditionFailed(message, remedy="commit feeds.yaml, policies/ and approvals/")

    def require_full_history(self) -> None:
        """Refuses a shallow clone: its oldest commit seems to add every file."""
        if self._git.text("rev-parse", "--is-shallow-repository").strip() != "false":
            message = "the clone is shallow: its history is cut off, so nobody can tell who approved what"
            raise PreconditionFailed(message, remedy="run `git fetch --unshallow` (in CI: check out with full depth, e.g. fetch-depth: 0)")

    def chain(self, commit: CommitId) -> tuple[CommitId, ...]:
        """The landing commits: the first-parent chain that ends in this commit, oldest first."""
        return tuple(map(CommitId, self._git.text("rev-list", "--first-parent", "--reverse", commit).split()))

    def ancestry(self, commit: CommitId) -> dict[CommitId, tuple[CommitId, ...]]:
        """Every commit reachable from this one, itself included, with its parents; children before their parents."""
        listed = self._git.text("rev-list", "--topo-order", "--parents", commit).splitlines()
        rows = (tuple(map(CommitId, line.split())) for line in listed)
        return {row[0]: row[1:] for row in rows}

    def tree(self, commit: CommitId) -> tuple[TreeFile, ...]:
        """The files of the declaration at a commit, sorted by path, with symlinks (as their text) and submodules (empty)."""
        listing = self._git.output("ls-tree", "-r", "-z", "--full-tree", commit, "--", *DECLARATION)
        rows = [row.split(b"\t", 1) for row in listing.split(b"\0") if row]
        entries = [(meta.decode().split(), path_text(path)) for meta, path in rows]
        blobs = self.blobs(BlobId(sha) for (_, kind, sha), _ in entries if kind == "blob")
        return tuple(TreeFile(path=path, mode=mode, blob=BlobId(sha), data=blobs.get(BlobId(sha), b"")) for (mode, _, sha), path in entries)

    def diffs(self, pairs: Sequence[tuple[CommitId, CommitId | None]]) -> Iterator[tuple[PathChange, ...]]:
        """For each (commit, parent), in order: the declaration's paths that differ. None as parent: against nothing (a root).

        `before` is None, too, where a symlink or a submodule stood: it declared nothing.
        """
        lines = "".join(f"{commit} {parent}\n" if parent else f"{commit}\n" for commit, parent in pairs)
        switches = ("--stdin", "--always", "--root", "-r", "-z", "--no-renames", "--ignore-submodules=none")
        found: list[list[PathChange]] = []
        fields = iter(self._git.output("diff-tree", *switches, "--", *DECLARATION, stdin=lines.encode()).split(b"\0"))
        for field in fields:
            if field.startswith(b":"):
                found[-1].append(path_change(field, next(fields)))
            elif field:
                found.append([])
        return map(tuple, found)

    def commits(self, ids: Iterable[CommitId]) -> dict[CommitId, Commit]:
        """Commit objects, parsed from their own bytes."""
        return {CommitId(sha): parse_commit(CommitId(sha), data) for sha, data in self._objects(ids)}

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


def _missing(sha: str) -> PreconditionFailed:
    message = f"object {sha} is missing or damaged: the clone is incomplete"
    return PreconditionFailed(message, remedy="fetch it again, without a depth")
