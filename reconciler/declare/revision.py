"""The repository at a commit: files, the chain of landing commits, what each changed. The only import of git.

Read by plumbing (`rev-list`, `ls-tree`, `diff-tree`, `cat-file`; https://git-scm.com/docs), which knows no mailmap, textconv,
attributes or pager; system and user configuration and replace refs are switched off. So nothing that an ordinary contributor can
push (`.mailmap`, `.gitattributes -diff`) changes what is read, and two machines read the same. Commit objects are parsed from
their own bytes. GIT_DIR is given explicitly: the user has named the repository, so git need not guess whether it is theirs.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import git
from git.exc import GitCommandError, InvalidGitRepositoryError, NoSuchPathError

from reconciler.errors import NotFound, PreconditionFailed
from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, POLICIES_FOLDER, TreeFile
from reconciler.model.events import Commit, PathChange, Person
from reconciler.model.words import BlobId, CommitId

DECLARATION: Final = (FEEDS_FILE, POLICIES_FOLDER, APPROVALS_FOLDER)
ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
IDENT: Final = re.compile(rb"(?P<name>[^<\n]*?) ?<(?P<email>[^>\n]*)> (?P<seconds>-?\d{1,15}) [+-]\d{4}\Z")
EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Repository:
    """A git repository, opened for reading."""

    def __init__(self, folder: Path) -> None:
        """Opens the repository that contains the folder; PreconditionFailed where there is none."""
        try:
            repo = git.Repo(folder, search_parent_directories=True)
        except (InvalidGitRepositoryError, NoSuchPathError) as error:
            message = f"{folder} is not in a git repository"
            raise PreconditionFailed(
                message, remedy="run `git init` and commit feeds.yaml, policies/ and approvals/, or name the folder with -C"
            ) from error
        self.root = Path(repo.working_tree_dir or repo.git_dir)
        self._git = git.Git(self.root)
        self._git.update_environment(GIT_DIR=str(repo.git_dir), **ENVIRONMENT)

    def resolve(self, ref: str) -> CommitId:
        """The commit that a ref names; PreconditionFailed in a repository without commits, NotFound for an unknown ref."""
        try:
            return CommitId(self._text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip())
        except GitCommandError as error:
            if ref == "HEAD":
                message = "the repository has no commit yet"
                raise PreconditionFailed(message, remedy="commit feeds.yaml, policies/ and approvals/") from error
            message = f"{ref!r} names no commit"
            raise NotFound(message) from error

    def require_full_history(self) -> None:
        """Refuses a shallow clone: its oldest commit seems to add every file."""
        if self._text("rev-parse", "--is-shallow-repository").strip() != "false":
            message = "the clone is shallow: its history is cut off, so nobody can tell who approved what"
            raise PreconditionFailed(message, remedy="run `git fetch --unshallow` (in CI: check out with full depth, e.g. fetch-depth: 0)")

    def chain(self, commit: CommitId) -> tuple[CommitId, ...]:
        """The landing commits: the first-parent chain that ends in this commit, oldest first."""
        return tuple(map(CommitId, self._text("rev-list", "--first-parent", "--reverse", commit).split()))

    def inner(self, landing: CommitId, first_parent: CommitId) -> tuple[CommitId, ...]:
        """What a landing commit brought with it: reachable from it, not from its first parent; newest first, itself left out."""
        listed = self._text("rev-list", "--topo-order", landing, f"^{first_parent}").split()
        return tuple(CommitId(c) for c in listed if c != landing)

    def tree(self, commit: CommitId) -> tuple[TreeFile, ...]:
        """The files of the declaration at a commit, sorted by path, with symlinks (as their text) and submodules (empty)."""
        listing = self._raw("ls-tree", "-r", "-z", "--full-tree", commit, "--", *DECLARATION)
        rows = [row.split(b"\t", 1) for row in listing.split(b"\0") if row]
        entries = [(meta.decode().split(), _path(path)) for meta, path in rows]
        blobs = self.blobs(BlobId(sha) for (_, kind, sha), _ in entries if kind == "blob")
        return tuple(TreeFile(path=path, mode=mode, blob=BlobId(sha), data=blobs.get(BlobId(sha), b"")) for (mode, _, sha), path in entries)

    def diffs(self, pairs: Sequence[tuple[CommitId, CommitId | None]]) -> Iterator[tuple[PathChange, ...]]:
        """For each (commit, parent), in order: the declaration's paths that differ. None as parent: against nothing (a root)."""
        lines = "".join(f"{commit} {parent}\n" if parent else f"{commit}\n" for commit, parent in pairs)
        fields = self._raw(
            "diff-tree", "--stdin", "--always", "--root", "-r", "-z", "--no-renames", "--", *DECLARATION, stdin=lines.encode()
        ).split(b"\0")
        changes: list[PathChange] | None = None
        rest = iter(fields)
        for field in rest:
            if field.startswith(b":"):
                _, mode, before, after, _ = field.decode().split(" ")
                assert changes is not None, "diff-tree names the commit first"  # noqa: S101 - states the format, cannot be reached by input
                changes.append(PathChange(path=_path(next(rest)), before=_blob(before), after=_blob(after), mode=mode))
                continue
            if changes is not None:
                yield tuple(changes)
            changes = [] if field else None
        if changes is not None:
            yield tuple(changes)

    def commits(self, ids: Iterable[CommitId]) -> dict[CommitId, Commit]:
        """Commit objects, parsed from their own bytes."""
        return {CommitId(sha): _commit(CommitId(sha), data) for sha, data in self._objects(ids)}

    def blobs(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """The content of blobs."""
        return {BlobId(sha): data for sha, data in self._objects(ids)}

    def _objects(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = sorted(set(ids))
        if not wanted:
            return
        with tempfile.TemporaryFile() as request:
            request.write("".join(f"{sha}\n" for sha in wanted).encode())
            request.seek(0)
            process = self._git.execute(["git", "cat-file", "--batch", "--buffer"], istream=request, as_process=True)
            out: IO[bytes] = process.stdout
            for sha in wanted:
                header = out.readline().split()
                if len(header) != 3:  # noqa: PLR2004 - "<id> <type> <size>"; "<id> missing" otherwise
                    message = f"object {sha} is missing: the clone is incomplete"
                    raise PreconditionFailed(message, remedy="fetch it again, without a depth")
                data = out.read(int(header[2]))
                out.read(1)
                yield sha, data
            process.wait()

    def _raw(self, *arguments: str, stdin: bytes = b"") -> bytes:
        with tempfile.TemporaryFile() as request:
            request.write(stdin)
            request.seek(0)
            output = self._git.execute(["git", *arguments], istream=request, stdout_as_string=False, strip_newline_in_stdout=False)
        return bytes(output)

    def _text(self, *arguments: str) -> str:
        return self._raw(*arguments).decode()


def commit_files(root: Path, paths: Sequence[str], message: str) -> CommitId:
    """Commits just these files, as the git user and with the git configuration of whoever runs this; the new commit's id."""
    repository = git.Repo(root)
    try:
        repository.git.add("--", *paths)
        repository.git.commit("--only", "--quiet", f"--message={message}", "--", *paths)
    except GitCommandError as error:
        message = f"git would not commit: {error.stderr.strip() or error.stdout.strip()}"
        raise PreconditionFailed(message, remedy="the files are written; commit them yourself") from error
    return CommitId(repository.head.commit.hexsha)


def git_user(root: Path) -> Person:
    """Who commits here, by git's own configuration; PreconditionFailed where git does not know."""
    try:
        found = git.Repo(root).git.var("GIT_AUTHOR_IDENT")
    except GitCommandError as error:
        message = "git does not know who you are"
        raise PreconditionFailed(message, remedy="run `git config user.name` and `git config user.email`") from error
    return _ident(found.encode(), "utf-8")[0]


def working_tree(root: Path) -> tuple[TreeFile, ...]:
    """The declaration's files as they lie in the working tree, committed or not: for a preview only. Blob ids are empty."""
    found = []
    for name in DECLARATION:
        top = root / name
        for path in [top] if top.is_symlink() or top.is_file() else sorted(p for p in top.rglob("*") if p.is_symlink() or p.is_file()):
            mode = "120000" if path.is_symlink() else "100644"
            data = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found.append(TreeFile(path=path.relative_to(root).as_posix(), mode=mode, blob=BlobId(""), data=data))
    return tuple(sorted(found, key=lambda file: file.path))


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _blob(sha: str) -> BlobId | None:
    return None if set(sha) == {"0"} else BlobId(sha)


def _commit(sha: CommitId, data: bytes) -> Commit:
    """Parses a commit object (https://git-scm.com/docs/git-commit-tree: headers, an empty line, the message)."""
    head, _, message = data.partition(b"\n\n")
    headers: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        headers.setdefault(key, []).append(value)  # continuation lines of signatures land under the empty key
    encoding = headers.get(b"encoding", [b"utf-8"])[0].decode("ascii", "replace")
    author, authored_at = _ident(headers.get(b"author", [b""])[0], encoding)
    committer, committed_at = _ident(headers.get(b"committer", [b""])[0], encoding)
    return Commit(
        id=sha,
        parents=tuple(CommitId(p.decode()) for p in headers.get(b"parent", [])),
        author=author,
        authored_at=authored_at,
        committer=committer,
        committed_at=committed_at,
        message=_decode(message, encoding),
    )


def _ident(value: bytes, encoding: str) -> tuple[Person, datetime]:
    """Name, address and time of a header; a damaged one names nobody, at the epoch."""
    found = IDENT.match(value)
    if found is None:
        return Person(name=_decode(value, encoding).strip(), email=""), EPOCH
    try:
        when = datetime.fromtimestamp(int(found["seconds"]), UTC)
    except (ValueError, OverflowError, OSError):
        when = EPOCH
    return Person(name=_decode(found["name"], encoding).strip(), email=_decode(found["email"], encoding).strip()), when


def _decode(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding, "replace")
    except LookupError:
        return text.decode("utf-8", "replace")
