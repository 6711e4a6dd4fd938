"""Good SSH signatures, by git and ssh-keygen (https://git-scm.com/docs/gitformat-signature, https://man.openbsd.org/ssh-keygen).

git is run in an empty repository of its own, made for the question, that only borrows the objects: so no setting of the clone's
configuration counts (the program that verifies, revocations, encodings), and no ref or file of it. Only one key is allowed at a time, in
the namespace of git and without dates: git would judge these by the date that the commit itself claims. The answer is the letter G with
the principal and the fingerprint of that key, never a word of a message.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.declare.revision.runner import Git
from reconciler.errors import PreconditionFailed
from reconciler.model.permissions import SigningKey
from reconciler.model.words import CommitId
from reconciler.stores.spool import spooling

QUESTION: Final = ("log", "--no-walk=unsorted", "--stdin", "-z", "--format=%H %G? %GS %GF")
MIN_SHARE: Final = 16
"""Of commits, for one process of git: fewer are not worth another one."""
VERIFIER: Final = "ssh-keygen"
CONFIG: Final = "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = {format}\n"
REMEDY: Final = "install git 2.34 or newer and OpenSSH 8.2 or newer, and make room in the temporary folder (TMPDIR)"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """How git is run to verify signatures by one key."""

    git: Git
    key: SigningKey
    settings: tuple[str, ...]
    environment: Mapping[str, str]

    def good(self, commits: Sequence[CommitId]) -> frozenset[CommitId]:
        """Those that carry a good signature; PreconditionFailed where git does not look at one, which each of them has."""
        asked = "".join(f"{commit}\n" for commit in commits).encode()
        status, output, told = self.git.run(*self.settings, *QUESTION, stdin=asked, environment=self.environment)
        answers = output.decode("utf-8", "replace").split("\0")
        letters = {fields[0]: fields[1] for fields in (answer.split(" ") for answer in answers) if len(fields) > 1}
        if status != 0 or any(letters.get(commit, "N") == "N" for commit in commits):
            lines = told.strip().splitlines() or ["it does not see them"]
            message = f"git cannot verify SSH signatures: {lines[-1]}"
            raise PreconditionFailed(message, remedy=REMEDY)
        good = set(answers)
        return frozenset(commit for commit in commits if f"{commit} G {self.key.fingerprint} {self.key.fingerprint}" in good)


def signed_by(git: Git, key: SigningKey, commits: Sequence[CommitId]) -> frozenset[CommitId]:
    """Those of these commits, all of which carry an SSH signature, that carry a good one by the key."""
    if shutil.which(VERIFIER) is None:
        message = f"commits are signed with declared SSH keys, but {VERIFIER}, which verifies them, is not installed"
        raise PreconditionFailed(message, remedy="install the client of OpenSSH")
    workers = os.cpu_count() or 1
    size = max(MIN_SHARE, -(-len(commits) // workers))
    shares = [commits[start : start + size] for start in range(0, len(commits), size)]
    with spooling("a key that signs commits", len(key.key)):
        folder = TemporaryDirectory(prefix="reconciler-")
    with folder as name, ThreadPoolExecutor(workers) as pool:
        with spooling("a key that signs commits", len(key.key)):
            bench = _prepare(git, key, Path(name))
        return frozenset().union(*pool.map(bench.good, shares))


def _prepare(git: Git, key: SigningKey, folder: Path) -> _Bench:
    """A git that sees the objects of the repository, the key, and nothing else."""
    objects = git.text("rev-parse", "--path-format=absolute", "--git-path", "objects").removesuffix("\n")
    form = git.text("rev-parse", "--show-object-format").strip()
    for part in ("objects", "refs"):
        (folder / part).mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    (folder / "config").write_text(CONFIG.format(format=form))
    allowed, revoked = folder / "allowed_signers", folder / "revoked_keys"
    allowed.write_text(f'{key.fingerprint} namespaces="git" {key.key}\n')
    revoked.touch()
    settings = {"gpg.ssh.program": VERIFIER, "gpg.ssh.allowedSignersFile": str(allowed), "gpg.ssh.revocationFile": str(revoked)}
    places = {"GIT_DIR": str(folder), "GIT_WORK_TREE": str(folder), "GIT_OBJECT_DIRECTORY": objects, "GIT_GRAFT_FILE": str(folder / "none")}
    switches = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return _Bench(git=git, key=key, settings=switches, environment=places)
