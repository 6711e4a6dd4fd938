"""The repository at a commit: files, the chain of landing commits, what each changed. The only import of git.

Read by plumbing (`rev-list`, `ls-tree`, `diff-tree`, `cat-file`; https://git-scm.com/docs), which knows no mailmap, textconv,
attributes or pager; system and user configuration, replace refs and grafts are switched off. So nothing that an ordinary
contributor can push (`.mailmap`, `.gitattributes -diff`) changes what is read, and two machines read the same. Commit objects are
parsed from their own bytes, as git parses them. GIT_DIR and its like are given explicitly: the user has named the repository, so git
need not guess whether it is theirs, and what a hook's environment says of another one does not count.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import IO, Final

from reconciler.declare.strict_yaml import MAX_BYTES
from reconciler.errors import NotFound, PreconditionFailed
from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, POLICIES_FOLDER, TreeFile
from reconciler.model.events import Commit, PathChange, Person
from reconciler.model.words import BlobId, CommitId
from reconciler.stores.spool import spooled

try:
    import git
    from git.exc import InvalidGitRepositoryError, NoSuchPathError
except ImportError as error:  # GitPython looks for git when it is imported
    message = "git is not installed"
    raise PreconditionFailed(message, remedy="install git (a slim container image has none)") from error

DECLARATION: Final = (FEEDS_FILE, POLICIES_FOLDER, APPROVALS_FOLDER)
ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
IDENT: Final = re.compile(rb"(?P<name>[^<\n]*?) ?<(?P<email>[^>\n]*)> (?P<seconds>-?\d{1,15}) [+-]\d{4}\Z")
EPOCH: Final = datetime.fromtimestamp(0, UTC)
OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
NO_CHARSETS: Final = frozenset({"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of Python that no commit is written in: some raise whatever they are given, some take quadratic time."""
SUBMODULE: Final = "160000"
REGULAR: Final = ("100644", "100755")


class Repository:
    """A git repository, opened for reading."""

    def __init__(self, folder: Path) -> None:
        """Opens the repository that contains the folder; PreconditionFailed where there is none."""
        try:
            repo = git.Repo(folder.resolve(), search_parent_directories=True, expand_vars=False)
        except (InvalidGitRepositoryError, NoSuchPathError) as error:
            message = f"{folder} is not in a git repository"
            raise PreconditionFailed(
                message, remedy="run `git init` and commit feeds.yaml, policies/ and approvals/, or name the folder with -C"
            ) from error
        self.root = Path(repo.working_tree_dir or repo.git_dir)
        self._git = _runner(repo)
        self._git.update_environment(**ENVIRONMENT)

    def resolve(self, ref: str) -> CommitId:
        """The commit that a ref names; PreconditionFailed in a repository without commits, NotFound for an unknown ref."""
        status, found, _ = _run(self._git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if status == 0 and OBJECT_ID.fullmatch(found.decode().strip()):
            return CommitId(found.decode().strip())
        if ref != "HEAD":
            message = f"{ref!r} names no commit"
            raise NotFound(message)
        if named := _run(self._git, "rev-parse", "--verify", "--quiet", "HEAD")[1].decode().strip():
            raise _missing(named)
        message = "the repository has no commit yet"
        raise PreconditionFailed(message, remedy="commit feeds.yaml, policies/ and approvals/")

    def require_full_history(self) -> None:
        """Refuses a shallow clone: its oldest commit seems to add every file."""
        if self._text("rev-parse", "--is-shallow-repository").strip() != "false":
            message = "the clone is shallow: its history is cut off, so nobody can tell who approved what"
            raise PreconditionFailed(message, remedy="run `git fetch --unshallow` (in CI: check out with full depth, e.g. fetch-depth: 0)")

    def chain(self, commit: CommitId) -> tuple[CommitId, ...]:
        """The landing commits: the first-parent chain that ends in this commit, oldest first."""
        return tuple(map(CommitId, self._text("rev-list", "--first-parent", "--reverse", commit).split()))

    def ancestry(self, commit: CommitId) -> dict[CommitId, tuple[CommitId, ...]]:
        """Every commit reachable from this one, itself included, with its parents; children before their parents."""
        listed = self._text("rev-list", "--topo-order", "--parents", commit).splitlines()
        rows = (tuple(map(CommitId, line.split())) for line in listed)
        return {row[0]: row[1:] for row in rows}

    def tree(self, commit: CommitId) -> tuple[TreeFile, ...]:
        """The files of the declaration at a commit, sorted by path, with symlinks (as their text) and submodules (empty)."""
        listing = self._raw("ls-tree", "-r", "-z", "--full-tree", commit, "--", *DECLARATION)
        rows = [row.split(b"\t", 1) for row in listing.split(b"\0") if row]
        entries = [(meta.decode().split(), _path(path)) for meta, path in rows]
        blobs = self.blobs(BlobId(sha) for (_, kind, sha), _ in entries if kind == "blob")
        return tuple(TreeFile(path=path, mode=mode, blob=BlobId(sha), data=blobs.get(BlobId(sha), b"")) for (mode, _, sha), path in entries)

    def diffs(self, pairs: Sequence[tuple[CommitId, CommitId | None]]) -> Iterator[tuple[PathChange, ...]]:
        """For each (commit, parent), in order: the declaration's paths that differ. None as parent: against nothing (a root).

        `before` is None, too, where a symlink or a submodule stood: it declared nothing.
        """
        lines = "".join(f"{commit} {parent}\n" if parent else f"{commit}\n" for commit, parent in pairs)
        switches = ("--stdin", "--always", "--root", "-r", "-z", "--no-renames", "--ignore-submodules=none")
        found: list[list[PathChange]] = []
        fields = iter(self._raw("diff-tree", *switches, "--", *DECLARATION, stdin=lines.encode()).split(b"\0"))
        for field in fields:
            if field.startswith(b":"):
                found[-1].append(_path_change(field, next(fields)))
            elif field:
                found.append([])
        return map(tuple, found)

    def commits(self, ids: Iterable[CommitId]) -> dict[CommitId, Commit]:
        """Commit objects, parsed from their own bytes."""
        return {CommitId(sha): _commit(CommitId(sha), data) for sha, data in self._objects(ids)}

    def blobs(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """The content of blobs; of one that is larger than any file of the declaration may be, just enough to see that."""
        return {BlobId(sha): data for sha, data in self._objects(ids)}

    def _objects(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = sorted(set(ids))
        if not wanted:
            return
        with spooled("a request to git", "".join(f"{sha}\n" for sha in wanted).encode()) as request:
            process = self._git.execute(["git", "cat-file", "--batch", "--buffer"], istream=request, as_process=True)
            try:
                for sha in wanted:
                    data = _object(process.stdout)
                    if data is None:
                        raise _missing(sha)
                    yield sha, data
            finally:
                del process  # this ends it, where it has not ended, and closes its pipes

    def _raw(self, *arguments: str, stdin: bytes = b"") -> bytes:
        status, output, told = _run(self._git, *arguments, stdin=stdin)
        if status != 0:
            message = f"git cannot read the repository: {told}"
            raise PreconditionFailed(message, remedy="run `git fsck`, or clone it again")
        return output

    def _text(self, *arguments: str) -> str:
        return self._raw(*arguments).decode()


def commit_files(root: Path, paths: Sequence[str], message: str) -> CommitId:
    """Commits just these files, as the git user and with the git configuration of whoever runs this; the new commit's id."""
    git_user(root)
    runner = _runner(git.Repo(root, expand_vars=False))
    runner.update_environment(GIT_LITERAL_PATHSPECS="1")
    for arguments in (("add", "--", *paths), ("commit", "--only", "--quiet", f"--message={message}", "--", *paths)):
        status, output, told = _run(runner, *arguments)
        if status != 0:
            lines = (told or output.decode(errors="replace")).splitlines()
            message = f"git would not commit: {' '.join(line for line in lines if line and not line.startswith('hint:'))}"
            raise PreconditionFailed(message, remedy="the files are written; commit them yourself")
    return CommitId(_run(runner, "rev-parse", "HEAD")[1].decode().strip())


def git_user(root: Path) -> Person:
    """Who commits here, by git's own configuration; PreconditionFailed where git does not know."""
    status, found, _ = _run(_runner(git.Repo(root, expand_vars=False)), "var", "GIT_AUTHOR_IDENT")
    if status != 0:
        message = "git does not know who you are"
        raise PreconditionFailed(message, remedy="run `git config user.name` and `git config user.email`")
    return _ident(found.strip(), "utf-8")[0]


def working_tree(root: Path) -> tuple[TreeFile, ...]:
    """The declaration's files as they lie in the working tree, committed or not: for a preview only. Blob ids are empty."""
    found = []
    for name in DECLARATION:
        top = root / name
        for path in [top] if top.is_symlink() or top.is_file() else (p for p in top.rglob("*") if p.is_symlink() or p.is_file()):
            mode = "120000" if path.is_symlink() else "100644"
            data = os.fsencode(path.readlink()) if path.is_symlink() else _start_of(path)
            shown = _path(os.fsencode(path.relative_to(root).as_posix()))
            found.append(TreeFile(path=shown, mode=mode, blob=BlobId(""), data=data))
    return tuple(sorted(found, key=lambda file: file.path))


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _runner(repo: git.Repo) -> git.Git:
    """Runs git in this repository, whatever the environment (of a hook, say) names."""
    root = Path(repo.working_tree_dir or repo.git_dir)
    runner = git.Git(root)
    places = {"GIT_DIR": Path(repo.git_dir), "GIT_WORK_TREE": root, "GIT_INDEX_FILE": Path(repo.git_dir) / "index"}
    runner.update_environment(**{name: str(place.absolute()) for name, place in places.items()})
    return runner


def _run(runner: git.Git, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
    """Exit status, standard output, standard error."""
    with spooled("a request to git", stdin) as request:
        status, output, told = runner.execute(
            ["git", *arguments],
            istream=request,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
    return status, bytes(output), told


def _object(out: IO[bytes]) -> bytes | None:
    """The next object that `cat-file --batch` writes, cut off where it is too large; None if it is missing or damaged."""
    header = out.readline().split()
    if len(header) != 3:  # noqa: PLR2004 - "<id> <type> <size>"; "<id> missing" otherwise
        return None
    size = int(header[2])
    data = out.read(min(size, MAX_BYTES + 1))
    rest = size + 1 - len(data)  # with the line's end
    while rest and (skipped := len(out.read(min(rest, MAX_BYTES)))):
        rest -= skipped
    return None if rest else data


def _missing(sha: str) -> PreconditionFailed:
    message = f"object {sha} is missing or damaged: the clone is incomplete"
    return PreconditionFailed(message, remedy="fetch it again, without a depth")


def _path_change(meta: bytes, path: bytes) -> PathChange:
    """A row of raw output (https://git-scm.com/docs/diff-format)."""
    mode_before, mode, before, after, _ = meta[1:].decode().split(" ")
    return PathChange(path=_path(path), before=_blob(before) if mode_before in REGULAR else None, after=_blob(after), mode=mode)


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _blob(sha: str) -> BlobId | None:
    return None if set(sha) == {"0"} else BlobId(sha)


def _commit(sha: CommitId, data: bytes) -> Commit:
    """Parses a commit object (https://git-scm.com/docs/git-commit-tree: headers, an empty line, the message)."""
    head, _, message = data.partition(b"\0")[0].partition(b"\n\n")  # git, too, ends at a zero byte
    lines = head.split(b"\n")
    parents = takewhile(lambda line: line.startswith(b"parent "), lines[1:])  # one further down is none for git
    headers: dict[bytes, bytes] = {}
    for line in lines:
        key, _, value = line.partition(b" ")
        headers.setdefault(key, value)  # continuation lines of signatures land under the empty key
    encoding = headers.get(b"encoding", b"utf-8").decode("ascii", "replace")
    author, authored_at = _ident(headers.get(b"author", b""), encoding)
    committer, committed_at = _ident(headers.get(b"committer", b""), encoding)
    return Commit(
        id=sha,
        parents=tuple(CommitId(line[len("parent ") :].decode()) for line in parents),
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
        known = codecs.lookup(encoding).name not in NO_CHARSETS
        return text.decode(encoding if known else "utf-8", "replace")
    except (LookupError, ValueError):
        return text.decode("utf-8", "replace")
