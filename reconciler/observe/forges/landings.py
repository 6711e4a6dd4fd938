"""Git's side of a landing: whether a commit is one that a pull request landed as, and how. A forge's word alone does not say so.

A forge counts a pull request as merged into a commit in more cases than by its own button: whoever pushes a merge of its branch, or
another branch that contains it, makes it merged. And of "rebase and merge" it names the last commit only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from reconciler.errors import Malformed
from reconciler.model.events import Commit
from reconciler.model.evidence import MergeMethod
from reconciler.model.words import CommitId

MAX_CANDIDATES: Final = 10
"""Pull requests that a forge is asked about, of those that it names for one commit."""
MAX_REBASED: Final = 250
"""Commits that a pull request may land as, one by one."""

ReadCommits: TypeAlias = Callable[[Iterable[CommitId]], Mapping[CommitId, Commit]]


@dataclass(frozen=True, kw_only=True, slots=True)
class BranchCommit:
    """A commit of a branch, as the forge tells of it; `message` and what follows stay the same where it is copied."""

    id: CommitId
    email: str
    authored_at: datetime | None
    message: str

    def is_copied_by(self, commit: Commit) -> bool:
        """Whether a rebase may have made this commit of it. Says nothing of what it changes."""
        told = (commit.author.email, commit.authored_at, commit.message.strip())
        return told == (self.email, self.authored_at, self.message.strip())


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a forge says of a pull request: the commit that it landed as (of several the last one), its head when it was merged, and
    the commit that it was squashed into where that is told apart."""

    landed: CommitId
    head: CommitId
    squashed: CommitId | None = None


class Landings:
    """The landing commits of the main branch, oldest first, up to any point at or behind those that are asked for."""

    def __init__(self, chain: Sequence[CommitId], read: ReadCommits) -> None:
        """`chain` and `read` are `Repository.chain(...)` and `Repository.commits`."""
        self._chain = chain
        self._positions = {commit: position for position, commit in enumerate(chain)}
        self._read = read

    def admits(self, commit: CommitId, claim: Claim) -> bool:
        """Whether a claim may be true of this landing commit; asks git only, and not the forge for more."""
        last = self._positions.get(claim.landed)
        if last is None or not 0 <= last - self._positions[commit] < MAX_REBASED:
            return False
        parents = self._commit(claim.landed).parents
        if claim.landed == claim.head or len(parents) < 2:  # noqa: PLR2004  # a merge has two
            return True
        return commit == claim.landed and parents[1:] in {(claim.head,), (claim.squashed,)}

    def candidates(self, commit: CommitId, claims: Mapping[int, Claim]) -> Iterator[int]:
        """The numbers of the pull requests whose claim may be true of this commit; first those that landed first, then the oldest.
        Malformed where more are asked for than anybody names."""
        admitted = [number for number, claim in claims.items() if self.admits(commit, claim)]
        admitted.sort(key=lambda number: (self._positions[claims[number].landed], number))
        yield from admitted[:MAX_CANDIDATES]
        if len(admitted) > MAX_CANDIDATES:
            message = f"{len(admitted)} pull requests are named for {commit}, and none of the first {MAX_CANDIDATES} landed as it"
            raise Malformed(message)

    def method(self, commit: CommitId, claim: Claim, branch: Sequence[BranchCommit]) -> MergeMethod | None:
        """How the pull request with this claim and all of these commits landed as this commit; None if it did not."""
        if not self.admits(commit, claim):
            return None
        if claim.landed == claim.head:
            return "rebase" if any(commit == one.id for one in branch) else None
        parents = self._commit(claim.landed).parents
        if len(parents) > 1:
            return "merge" if parents[1] == claim.head else "squash"
        if claim.landed != claim.squashed and commit in self._copies(claim.landed, branch):
            return "rebase"
        return "squash" if commit == claim.landed else None

    def _copies(self, last: CommitId, branch: Sequence[BranchCommit]) -> tuple[CommitId, ...]:
        """The landing commits up to this one that are copies of a branch's, one for one; none where any is not."""
        end = self._positions[last] + 1
        ids = tuple(self._chain[max(end - len(branch), 0) : end])
        commits = self._read(ids)
        copied = len(ids) == len(branch) and all(one.is_copied_by(commits[id_]) for one, id_ in zip(branch, ids, strict=True))
        return ids if copied else ()

    def _commit(self, commit: CommitId) -> Commit:
        return self._read((commit,))[commit]
