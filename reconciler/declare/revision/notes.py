"""Notes on commits in a ref of their own (https://git-scm.com/docs/git-notes): all of them read, and all of them written, at once.

A notes ref leads to an ordinary commit, whose tree has a blob for each annotated commit, at the path that is its id; git takes slashes
in that path, and so do we, after the first two digits. A fixed number of processes of git writes any number of notes: blobs and trees,
a commit, then the ref, by compare-and-swap. Nobody's hooks run, and nobody's name is in it but the one that is given.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.declare.revision.objects import REGULAR, path_text, read_object
from reconciler.declare.revision.runner import Git
from reconciler.errors import NotesRefused
from reconciler.model.events import Person
from reconciler.model.words import CommitId

FANOUT: Final = 2
BEGINNING: Final = 200
"""Bytes of a note that is not ours: enough to show what it says."""
SETTINGS: Final = ("-c", f"core.hooksPath={os.devnull}", "-c", "i18n.commitEncoding=UTF-8")
"""Laid over what the repository itself configures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """The notes of a ref: the commit that it leads to (None: there is no such ref), and the text on each commit."""

    tip: CommitId | None
    texts: Mapping[CommitId, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a commit of notes says of itself."""

    by: Person
    at: datetime
    message: str


class Notes:
    """The notes of one ref of a repository, bare or not."""

    def __init__(self, folder: Path, ref: str) -> None:
        """Opens the repository that contains the folder; PreconditionFailed where there is none."""
        self._git = Git(folder)
        self.ref: Final = ref

    def read(self, longest: Mapping[CommitId, int]) -> Noted:
        """All notes, cut off where they are longer than they can be; NotesRefused where the ref leads to something that no notes are.

        `longest`: how long the note on a commit can be; of one on another commit just the beginning is read.
        """
        status, found, _ = self._git.run("rev-parse", "--verify", "--quiet", self.ref)
        if status != 0:
            return Noted(tip=None, texts={})
        tip = CommitId(found.decode().strip())
        status, listing, _ = self._git.run("ls-tree", "-r", "-z", "--full-tree", f"{tip}^{{commit}}")
        if status != 0:
            what = f"it leads to {tip[:12]}, which is no commit of notes"
            raise self._foreign(what)
        blobs: dict[CommitId, str] = {}
        for meta, _, path in (row.partition(b"\t") for row in listing.split(b"\0") if row):
            mode, _, sha = meta.decode().split()
            name = CommitId(path_text(path).replace("/", ""))
            if mode not in REGULAR or len(name) != len(tip) or not set(name) <= set("0123456789abcdef") or name in blobs:
                what = f"{path_text(path)} is no note, or one of two on the same commit"
                raise self._foreign(what)
            blobs[name] = sha
        return Noted(tip=tip, texts=self._texts(blobs, longest))

    def write(self, known: Noted, texts: Mapping[CommitId, bytes], entry: Entry) -> CommitId:
        """Puts these texts, and nothing else, into the ref; NotesRefused where it is not any more as it was read, or cannot be written.

        The ref's own history goes on, so that it can be pushed without force.
        """
        blobs = self._blobs([texts[commit] for commit in sorted(texts)])
        tree = self._tree(dict(zip(sorted(texts), blobs, strict=True)))
        when = f"{int(entry.at.timestamp())} +0000"
        roles = [(f"GIT_{role}_{part}", said) for role in ("AUTHOR", "COMMITTER") for part, said in _said(entry.by, when)]
        parent = ("-p", known.tip) if known.tip else ()
        commit = self._put("commit-tree", tree, *parent, stdin=entry.message.encode(), environment=dict(roles)).decode().strip()
        old = known.tip or "0" * len(commit)
        status, _, told = self._git.run(*SETTINGS, "update-ref", "--no-deref", self.ref, commit, old)
        if status != 0:
            if self._git.run("rev-parse", "--verify", "--quiet", self.ref)[1].decode().strip() != (known.tip or ""):
                message = f"{self.ref} was written by somebody else in the meantime"
                raise NotesRefused(message, remedy="run `reconciler apply --notes` again")
            raise self._unwritable(told)
        return CommitId(commit)

    def _texts(self, blobs: Mapping[CommitId, str], longest: Mapping[CommitId, int]) -> dict[CommitId, bytes]:
        most: dict[str, int] = {}
        for commit, sha in blobs.items():
            most[sha] = max(most.get(sha, BEGINNING), longest.get(commit, 0))
        wanted = sorted(most)
        found: dict[str, bytes] = {}
        if wanted:
            with self._git.stream("cat-file", "--batch", "--buffer", requests=wanted) as out:
                for sha in wanted:
                    data = read_object(out, most[sha])
                    if data is None:
                        what = f"object {sha} is missing or damaged"
                        raise self._foreign(what)
                    found[sha] = data
        return {commit: found[sha] for commit, sha in blobs.items()}

    def _blobs(self, texts: list[bytes]) -> list[str]:
        """The ids of these texts, now objects, in their order."""
        commands = [b"blob\nmark :%d\ndata %d\n%s\n" % (number, len(text), text) for number, text in enumerate(texts, start=1)]
        asked = [b"get-mark :%d\n" % number for number in range(1, len(texts) + 1)]
        stream = b"".join([*commands, *asked, b"done\n"])
        return self._put("fast-import", "--quiet", "--done", stdin=stream).decode().split()

    def _tree(self, blobs: Mapping[CommitId, str]) -> str:
        folders: defaultdict[str, list[str]] = defaultdict(list)
        for commit, sha in sorted(blobs.items()):
            folders[commit[:FANOUT]].append(f"100644 blob {sha}\t{commit[FANOUT:]}\n")
        inner = "\n".join("".join(rows) for rows in folders.values())  # an empty line ends a tree
        trees = self._put("mktree", "--batch", stdin=inner.encode()).decode().split()
        rows = "".join(f"040000 tree {sha}\t{name}\n" for name, sha in zip(folders, trees, strict=True))
        return self._put("mktree", stdin=rows.encode()).decode().strip()

    def _put(self, *arguments: str, stdin: bytes, environment: Mapping[str, str] | None = None) -> bytes:
        status, output, told = self._git.run(*SETTINGS, *arguments, stdin=stdin, environment=environment)
        if status != 0:
            raise self._unwritable(told)
        return output

    def _unwritable(self, told: str) -> NotesRefused:
        lines = told.strip().splitlines() or ["git does not say why"]
        message = f"git cannot write {self.ref}: {lines[0]}"
        return NotesRefused(
            message, remedy="give whoever runs this the right to write into the repository, and room there; then run it again"
        )

    def _foreign(self, what: str) -> NotesRefused:
        message = f"{self.ref} was not written by reconciler: {what}"
        return NotesRefused(message, remedy=set_aside(self.ref))


def set_aside(ref: str) -> str:
    """How to move notes away that somebody else wrote; ours are made again from the ledgers."""
    return f"move it away: `git update-ref {ref}-foreign {ref}` and `git update-ref -d {ref}`; then run `reconciler apply --notes` again"


def _said(by: Person, when: str) -> tuple[tuple[str, str], ...]:
    return ("NAME", by.name), ("EMAIL", by.email), ("DATE", when)
