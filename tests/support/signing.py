"""SSH keys, and commits signed with them by real ssh-keygen, whoever they name as their author and whatever date they claim.

    keys = Keyring(folder)                        # the fixture `keys` of the whole session
    repo.commit({"approvals/x": "1"}, by=ADA)
    sign_tip(repo, keys["grace"])                 # the newest commit again, signed; so for a merge, a squash, on any branch
    repo.now = PAST                               # before a commit: the date that it claims

A signature is made of a commit's own bytes and put into its header, as git does it
(https://git-scm.com/docs/gitformat-signature#_commit_signatures), so that a test may also put it somewhere else.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.model.words import CommitId
from tests.support.repositories import Repo, isolated_environment

HEADER: Final = b"gpgsig"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A pair of keys: the file of the private one, the public one as `type base64`, and its fingerprint as `ssh-keygen -l` tells it."""

    file: Path
    public: str
    fingerprint: str

    def sign(self, data: bytes, *, namespace: str = "git") -> bytes:
        """The armoured signature of the data."""
        return _ssh_keygen("-Y", "sign", "-n", namespace, "-f", self.file, stdin=data)


class Keyring:
    """Keys by name, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Key] = {}

    def __getitem__(self, name: str) -> Key:
        return self.make(name)

    def make(self, name: str, type_: str = "ed25519", bits: int | None = None) -> Key:
        """The key of this name; `type_` and `bits` are ssh-keygen's, for one that is made now."""
        if name not in self._made:
            file = self._folder / name
            size = [] if bits is None else ["-b", str(bits)]
            _ssh_keygen("-q", "-t", type_, *size, "-N", "", "-C", f"{name}@laptop", "-f", file)
            self._made[name] = key_in(file)
        return self._made[name]


def key_in(file: Path) -> Key:
    """The key whose private half is in a file, the public one beside it."""
    public = file.with_name(f"{file.name}.pub")
    type_, base64, *_ = public.read_text().split()
    return Key(file=file, public=f"{type_} {base64}", fingerprint=_ssh_keygen("-l", "-f", public).decode().split()[1])


def sign_tip(repo: Repo, key: Key, *, on: str = "main", namespace: str = "git") -> CommitId:
    """Signs the newest commit of a branch: another commit with the same content takes its place."""
    payload = commit_bytes(repo, repo.tip(on))
    return repo.rewrite_tip(with_signature(payload, key.sign(payload, namespace=namespace)), on=on)


def commit_bytes(repo: Repo, commit: CommitId) -> bytes:
    """A commit object as git keeps it."""
    repo.close()
    run = ["git", "cat-file", "commit", commit]
    done = subprocess.run(run, cwd=repo.path, env=isolated_environment(), capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return done.stdout


def with_signature(payload: bytes, armoured: bytes, *, header: bytes = HEADER) -> bytes:
    """A commit object with a signature as its last header."""
    head, blank, message = payload.partition(b"\n\n")
    return head + b"\n" + header + b" " + armoured.rstrip(b"\n").replace(b"\n", b"\n ") + blank + message


def _ssh_keygen(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(["ssh-keygen", *arguments], input=stdin, capture_output=True, check=True).stdout
