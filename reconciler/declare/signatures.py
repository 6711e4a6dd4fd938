"""Which declared key signed which commit: a fact of cryptography, and nothing more.

Whose key it is, and whether it counts (`decide/trust.py`), is decided by the rules in force before a change. A signature says that the
holder of the key made this commit object; not that the author it names, or the date it claims, is true.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.declare.revision import Repository
from reconciler.model.events import Commit
from reconciler.model.permissions import SigningKey
from reconciler.model.words import CommitId


def signatures(repository: Repository, commits: Iterable[Commit], keys: Iterable[SigningKey]) -> dict[CommitId, str]:
    """For each of these commits that one of these keys has signed, the fingerprint of that key.

    Only commits whose signature names one of the keys are asked about, since each costs processes of ssh-keygen. PreconditionFailed where
    there are some, and nothing can verify them: a signature that cannot be read is not one that is missing.
    """
    known = {key.fingerprint: key for key in keys}
    asked: dict[str, list[CommitId]] = {}
    for commit in commits:
        if commit.signature == "ssh" and commit.claimed_key in known:
            asked.setdefault(commit.claimed_key, []).append(commit.id)
    return {commit: key for key, named in asked.items() for commit in repository.signed_by(known[key], named)}
