"""The pull request of a landing commit: of those that a forge names for it, the first that git does not contradict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from reconciler.model.evidence import MergeMethod, PullRequest
from reconciler.model.words import CommitId
from reconciler.observe.forges.api import Api, Rows
from reconciler.observe.forges.landings import BranchCommit, Claim, Landings


class Listed(Protocol):
    """A pull request, as the forge lists it for a commit and as it tells of it."""

    @property
    def number(self) -> int: ...

    def claim(self, project: str) -> Claim | None:
        """None for a pull request that was not merged, or is one of another project."""
        ...


class Told(Protocol):
    """A commit of a pull request's branch."""

    def of_branch(self) -> BranchCommit: ...


_Pull = TypeVar("_Pull", bound=Listed)
_Commit = TypeVar("_Commit", bound=Told)


class PullRequests(ABC, Generic[_Pull, _Commit]):
    """`Reviews`, for a forge that lists pull requests by commit and tells of each by number."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def pull_request_of(self, commit: CommitId, landings: Landings) -> PullRequest | None:
        listed = self._listed(commit)
        if not listed.whole:
            self._api.refuse(f"too many pull requests are named for {commit}")
        claims = {one.number: claim for one in listed.rows if (claim := one.claim(self._api.project))}
        for number in landings.candidates(commit, claims):
            pull = self._pull(number)
            if pull.number != number or pull.claim(self._api.project) != claims[number]:
                self._api.refuse(f"pull request {number} is not the one that its list names for {commit}")
            commits = self._commits(number)
            if method := landings.method(commit, claims[number], [one.of_branch() for one in commits.rows]):
                return self._whole(pull, claims[number], method, commits)
        return None

    @abstractmethod
    def _listed(self, commit: CommitId) -> Rows[Listed]:
        """Those that the forge names for a commit."""

    @abstractmethod
    def _pull(self, number: int) -> _Pull: ...

    @abstractmethod
    def _commits(self, number: int) -> Rows[_Commit]:
        """Those of the branch, oldest first."""

    @abstractmethod
    def _whole(self, pull: _Pull, claim: Claim, method: MergeMethod, commits: Rows[_Commit]) -> PullRequest:
        """All of it, with reviews and blobs; asked for only where it landed as the commit."""
