"""Real git repositories, built in one `git fast-import` process each: ten milliseconds for any number of commits.

https://git-scm.com/docs/git-fast-import. Only that, and `Repo.git`, run git; neither sees the configuration of whoever runs the tests.
Merged trees are computed here (what the merged branch changed since it left, laid over the first parent's tree), so that a merge may
add anything, as a person with an editor may. Nothing is checked out unless a test asks for it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from reconciler.model.events import Person
from reconciler.model.words import CommitId

Content: TypeAlias = "str | bytes | Entry | None"
"""What a path gets: text, bytes, something of another mode, or nothing (None: it is deleted)."""
Files: TypeAlias = Mapping[str, Any] | Mapping[bytes, Any]
Tree: TypeAlias = "dict[bytes, Entry]"

ADA: Final = Person(name="Ada Lovelace", email="ada@example.org")
START: Final = 1_767_225_600  # 2026-01-01T00:00:00Z
ISOLATED: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "false",
    "LC_ALL": "C",
}
CONFIG: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = {bare}\n\tfilemode = true\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An entry of a tree: `data` is the content, a symlink's target, or a submodule's commit id."""

    data: bytes
    mode: str = "100644"


def executable(text: str) -> Entry:
    return Entry(data=text.encode(), mode="100755")


def symlink(target: str) -> Entry:
    return Entry(data=target.encode(), mode="120000")


def submodule(commit: str) -> Entry:
    return Entry(data=commit.encode(), mode="160000")


def isolated_environment(**more: str) -> dict[str, str]:
    """The environment without anything of git's, and with an identity only where `more` gives one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | ISOLATED | more


class Repo:
    """A repository under construction; other processes see the commits after `close`, or the end of a `with`."""

    def __init__(self, path: Path, *, bare: bool = False, now: int = START) -> None:
        self.path = path
        self.git_dir = path if bare else path / ".git"
        self.now = now
        self._environment = isolated_environment()
        self._stream: subprocess.Popen[bytes] | None = None
        self._marks: dict[CommitId, int] = {}
        self._tips: dict[str, CommitId] = {}
        self._parents: dict[CommitId, tuple[CommitId, ...]] = {}
        self._trees: dict[CommitId, Tree] = {}
        self._told: dict[CommitId, tuple[Person, str, int]] = {}
        for folder in ("objects", "refs/heads"):
            (self.git_dir / folder).mkdir(parents=True)
        (self.git_dir / "HEAD").write_text("ref: refs/heads/main\n")
        (self.git_dir / "config").write_text(CONFIG.format(bare=str(bare).lower()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def tip(self, branch: str = "main") -> CommitId:
        """The newest commit of a branch."""
        return self._tips[branch]

    def commit(
        self, files: Files, message: str = "Change files", *, by: Person = ADA, committer: Person | None = None, on: str = "main"
    ) -> CommitId:
        """Changes these files in a commit on top of a branch; the first one of a branch that nobody made is a root."""
        parents = (self._tips[on],) if on in self._tips else ()
        tree = self._laid_over(self._tree(parents), _changes(files))
        return self._write(tree, parents, message, people=(by, committer or by), branch=on)

    def branch(self, name: str, at: str = "main") -> None:
        """Makes a branch (or moves it) to where another one is."""
        self.move(name, self._tips[at])

    def move(self, branch: str, commit: CommitId) -> None:
        """Points a branch to any commit, as a forced push would."""
        self._tips[branch] = commit
        self._tell(f"reset refs/heads/{branch}\nfrom {self._name(commit)}\n\n".encode())

    def merge(
        self,
        *branches: str,
        into: str = "main",
        by: Person = ADA,
        committer: Person | None = None,
        message: str = "",
        also: Files | None = None,
    ) -> CommitId:
        """A merge commit, never a fast-forward; several branches make an octopus, `also` makes it an evil merge."""
        parents = (self._tips[into], *(self._tips[branch] for branch in branches))
        tree = self._tree(parents)
        for branch in branches:
            tree = self._laid_over(tree, self._changed_since(self._tips[into], self._tips[branch]))
        tree = self._laid_over(tree, _changes(also or {}))
        message = message or f"Merge {' and '.join(branches)}"
        return self._write(tree, parents, message, people=(by, committer or by), branch=into)

    def squash(
        self, branch: str, *, into: str = "main", by: Person = ADA, committer: Person | None = None, message: str = "Squashed"
    ) -> CommitId:
        """All that a branch changed in one commit with one parent."""
        parents = (self._tips[into],)
        tree = self._laid_over(self._tree(parents), self._changed_since(parents[0], self._tips[branch]))
        return self._write(tree, parents, message, people=(by, committer or by), branch=into)

    def rebase_merge(self, branch: str, *, into: str = "main", committer: Person = ADA) -> tuple[CommitId, ...]:
        """Copies each commit of a branch onto another one, as a forge's "rebase and merge": authors and their dates stay, the committer is new."""
        base = self._base(self._tips[into], self._tips[branch])
        copied, commit = [], self._tips[branch]
        while commit != base:
            copied.append(commit)
            commit = self._parents[commit][0]
        for commit in reversed(copied):
            parents = (self._tips[into],)
            tree = self._laid_over(self._tree(parents), _difference(self._tree(self._parents[commit]), self._trees[commit]))
            author, message, at = self._told[commit]
            self._write(tree, parents, message, people=(author, committer), branch=into, authored_at=at)
        return tuple(self._line(self._tips[into], len(copied)))

    def raw_commit(self, data: bytes, *, on: str = "main") -> CommitId:
        """Any bytes as a commit object, as a hostile client may push them."""
        self.close()
        run = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
        done = subprocess.run(run, cwd=self.path, env=self._environment, input=data, capture_output=True, check=True)
        commit = CommitId(done.stdout.decode().strip())
        (self.git_dir / "refs/heads" / on).write_text(f"{commit}\n")
        self._tips[on] = commit
        return commit

    def rewrite_tip(self, data: bytes, *, on: str = "main") -> CommitId:
        """Puts a commit object with the same tree and the same parents in the place of the newest commit of a branch."""
        old = self._tips[on]
        commit = self.raw_commit(data, on=on)
        self._parents[commit], self._trees[commit], self._told[commit] = self._parents[old], self._trees[old], self._told[old]
        return commit

    def tree_id(self, commit: CommitId) -> str:
        return self.git("rev-parse", f"{commit}^{{tree}}")

    def git(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> str:
        """Runs git itself in the repository, and hands back what it prints; CalledProcessError where it fails."""
        self.close()
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**self._environment, **(env or {})},
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout.decode().strip()

    def close(self) -> None:
        """Writes refs and objects; the next commit opens a new stream."""
        if self._stream is not None:
            self._stream.communicate(b"done\n")
            assert self._stream.returncode == 0, "fast-import takes what was written"
            self._stream = None
            self._marks.clear()

    def _write(
        self,
        tree: Tree,
        parents: Sequence[CommitId],
        message: str,
        *,
        people: tuple[Person, Person],
        branch: str,
        authored_at: int | None = None,
    ) -> CommitId:
        mark = len(self._marks) + 1
        times = (authored_at or self.now, self.now)
        author, committer = ([person.name, f"<{person.email}>", str(time), "+0000"] for person, time in zip(people, times, strict=True))
        text = message.encode()
        command = [f"commit refs/heads/{branch}\nmark :{mark}\nauthor {' '.join(author)}\ncommitter {' '.join(committer)}\n".encode()]
        command.append(b"data %d\n%s\n" % (len(text), text))
        command += [f"{word} {self._name(parent)}\n".encode() for word, parent in zip(_words(), parents, strict=False)]
        command += [_modify(path, entry) for path, entry in _difference(self._tree(parents), tree).items()]
        if not parents:
            self._tell(f"reset refs/heads/{branch}\n".encode())
        self._tell(b"".join(command) + b"\n")
        commit = self._ask(f"get-mark :{mark}\n".encode())
        self.now += 60
        self._marks[commit] = mark
        self._tips[branch] = commit
        self._parents[commit] = tuple(parents)
        self._trees[commit] = tree
        self._told[commit] = (people[0], message, times[0])
        return commit

    def _tell(self, command: bytes) -> None:
        if self._stream is None:
            run = ["git", "fast-import", "--quiet", "--force", "--done", "--date-format=raw"]
            self._stream = subprocess.Popen(run, cwd=self.path, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._stream.stdin is not None
        self._stream.stdin.write(command)

    def _ask(self, command: bytes) -> CommitId:
        self._tell(command)
        assert self._stream is not None
        assert self._stream.stdin is not None
        assert self._stream.stdout is not None
        self._stream.stdin.flush()
        return CommitId(self._stream.stdout.readline().decode().strip())

    def _name(self, commit: CommitId) -> str:
        return f":{self._marks[commit]}" if commit in self._marks else commit

    def _tree(self, parents: Sequence[CommitId]) -> Tree:
        return self._trees.get(parents[0], {}) if parents else {}

    def _laid_over(self, tree: Tree, changes: Mapping[bytes, Entry | None]) -> Tree:
        return {path: entry for path, entry in {**tree, **changes}.items() if entry is not None}

    def _changed_since(self, here: CommitId, there: CommitId) -> dict[bytes, Entry | None]:
        """What lies between the place where two lines parted and the end of the second one."""
        base = self._base(here, there)
        return _difference(self._trees[base] if base else {}, self._trees[there])

    def _base(self, here: CommitId, there: CommitId) -> CommitId | None:
        known = set(self._ancestors(here))
        return next((commit for commit in self._ancestors(there) if commit in known), None)

    def _ancestors(self, commit: CommitId) -> Iterable[CommitId]:
        waiting, seen = [commit], {commit}
        while waiting:
            commit = waiting.pop(0)
            yield commit
            fresh = [parent for parent in self._parents[commit] if parent not in seen]
            seen.update(fresh)
            waiting += fresh

    def _line(self, commit: CommitId, length: int) -> Iterable[CommitId]:
        line = [commit]
        while len(line) < length:
            line.append(self._parents[line[-1]][0])
        return reversed(line)


def _words() -> Iterable[str]:
    yield "from"
    while True:
        yield "merge"


def _changes(files: Files) -> dict[bytes, Entry | None]:
    return {path.encode() if isinstance(path, str) else path: _entry(content) for path, content in files.items()}


def _entry(content: Content) -> Entry | None:
    if isinstance(content, str):
        return Entry(data=content.encode())
    return Entry(data=content) if isinstance(content, bytes) else content


def _difference(before: Tree, after: Tree) -> dict[bytes, Entry | None]:
    """Deletions first: a folder may have to make way for a file."""
    gone: dict[bytes, Entry | None] = {path: None for path in before if path not in after}
    return gone | {path: entry for path, entry in after.items() if before.get(path) != entry}


def _modify(path: bytes, entry: Entry | None) -> bytes:
    quoted = b'"%s"' % path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    if entry is None:
        return b"D %s\n" % quoted
    if entry.mode == "160000":
        return b"M 160000 %s %s\n" % (entry.data, quoted)
    return b"M %s inline %s\ndata %d\n%s\n" % (entry.mode.encode(), quoted, len(entry.data), entry.data)
